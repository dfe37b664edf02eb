#include "lib/http/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Every address is looked at in its 16-byte form, IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), so that
 * an IPv4 address and its mapped form cannot be treated differently. The table follows the IANA
 * special-purpose registries (RFC 6890).
 */
struct address {
    uint8_t bytes[16];
};

struct url_network {
    char *host; /* a listed name in lower case, NULL for a network */
    struct address base;
    unsigned prefix; /* bits of the 16-byte form */
};

#define V4(a, b, c, d)                                                                                       \
    {                                                                                                        \
        {                                                                                                    \
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d                                             \
        }                                                                                                    \
    }
#define V6(a, b, c, d, e, f)                                                                                 \
    {                                                                                                        \
        {                                                                                                    \
            a, b, c, d, e, f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                                                   \
        }                                                                                                    \
    }

#define V6_WHOLE(...)                                                                                        \
    {                                                                                                        \
        {                                                                                                    \
            __VA_ARGS__                                                                                      \
        }                                                                                                    \
    }

/* Listed or not: these lead to cloud metadata services, which hand out the machine's own keys, and to
 * neighbours. */
static const struct special {
    struct address base;
    unsigned prefix;
    const char *what;
} never_table[] = {
    {V4(169, 254, 0, 0), 96 + 16, "a link-local address (169.254.0.0/16)"},
    {V6(0xfe, 0x80, 0, 0, 0, 0), 10, "a link-local address (fe80::/10)"},
    {V4(100, 100, 100, 200), 128, "a metadata address (100.100.100.200)"},
    {V4(192, 0, 0, 192), 128, "a metadata address (192.0.0.192)"},
    {V4(168, 63, 129, 16), 128, "a metadata address (168.63.129.16)"},
    {V6_WHOLE(0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54), 128,
     "a metadata address (fd00:ec2::254)"},
    {V6_WHOLE(0xfd, 0x20, 0, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54), 128,
     "a metadata address (fd20:ce::254)"},
    {V6_WHOLE(0xfd, 0, 0, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x42), 128,
     "a metadata address (fd00:42::42)"},
};

static const struct special refused_table[] = {
    {V4(0, 0, 0, 0), 96 + 8, "an address of this host (0.0.0.0/8)"},
    {V4(10, 0, 0, 0), 96 + 8, "a private address (10.0.0.0/8)"},
    {V4(100, 64, 0, 0), 96 + 10, "a shared address (100.64.0.0/10)"},
    {V4(127, 0, 0, 0), 96 + 8, "a loopback address (127.0.0.0/8)"},
    {V4(172, 16, 0, 0), 96 + 12, "a private address (172.16.0.0/12)"},
    {V4(192, 0, 0, 0), 96 + 24, "a reserved address (192.0.0.0/24)"},
    {V4(192, 0, 2, 0), 96 + 24, "a documentation address (192.0.2.0/24)"},
    {V4(192, 88, 99, 0), 96 + 24, "a reserved address (192.88.99.0/24)"},
    {V4(192, 168, 0, 0), 96 + 16, "a private address (192.168.0.0/16)"},
    {V4(198, 18, 0, 0), 96 + 15, "a benchmarking address (198.18.0.0/15)"},
    {V4(198, 51, 100, 0), 96 + 24, "a documentation address (198.51.100.0/24)"},
    {V4(203, 0, 113, 0), 96 + 24, "a documentation address (203.0.113.0/24)"},
    {V4(224, 0, 0, 0), 96 + 4, "a multicast address (224.0.0.0/4)"},
    {V4(240, 0, 0, 0), 96 + 4, "a reserved address (240.0.0.0/4)"},
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, 128, "the loopback address (::1)"},
    {V6(0, 0, 0, 0, 0, 0), 128, "the unspecified address (::)"},
    {V6(0xfc, 0, 0, 0, 0, 0), 7, "a private address (fc00::/7)"},
    {V6(0xfe, 0xc0, 0, 0, 0, 0), 10, "a site-local address (fec0::/10)"},
    {V6(0xff, 0, 0, 0, 0, 0), 8, "a multicast address (ff00::/8)"},
    {V6(0x20, 0x01, 0, 0, 0, 0), 23, "a reserved or Teredo address (2001::/23)"},
    {V6(0x20, 0x01, 0x0d, 0xb8, 0, 0), 32, "a documentation address (2001:db8::/32)"},
    {V6(0x3f, 0xff, 0, 0, 0, 0), 20, "a documentation address (3fff::/20)"},
};

static const struct address v4_base = V4(0, 0, 0, 0);
static const struct address nat64_base = V6(0, 0x64, 0xff, 0x9b, 0, 0);
static const struct address global_base = V6(0x20, 0, 0, 0, 0, 0);

static bool contains(const struct address *base, unsigned prefix, const struct address *address)
{
    unsigned whole = prefix / 8, rest = prefix % 8;

    if (memcmp(base->bytes, address->bytes, whole) != 0)
        return false;
    return rest == 0 || ((base->bytes[whole] ^ address->bytes[whole]) >> (8 - rest)) == 0;
}

static struct address mapped(const uint8_t v4[4], uint8_t mask)
{
    struct address address = v4_base;

    for (size_t i = 0; i < 4; i++)
        address.bytes[12 + i] = (uint8_t)(v4[i] ^ mask);
    return address;
}

/* Where an IPv6 address carries an IPv4 address, which is then the one that is reached. */
static const struct carrier {
    struct address base;
    unsigned prefix;
    uint8_t at[4];  /* where the four bytes stand */
    uint8_t turned; /* 0xff: with their bits turned over */
} carriers[] = {
    {V6(0, 0, 0, 0, 0, 0), 96, {12, 13, 14, 15}, 0},          /* IPv4-compatible, RFC 4291 2.5.5.1 */
    {V6(0, 0x64, 0xff, 0x9b, 0, 0), 96, {12, 13, 14, 15}, 0}, /* NAT64, RFC 6052 2.2 */
    /* NAT64 within one network, RFC 8215: with a prefix of 96, 64, 56 or 48 bits */
    {V6(0, 0x64, 0xff, 0x9b, 0, 1), 48, {12, 13, 14, 15}, 0},
    {V6(0, 0x64, 0xff, 0x9b, 0, 1), 48, {9, 10, 11, 12}, 0},
    {V6(0, 0x64, 0xff, 0x9b, 0, 1), 48, {7, 9, 10, 11}, 0},
    {V6(0, 0x64, 0xff, 0x9b, 0, 1), 48, {6, 7, 9, 10}, 0},
    {V6_WHOLE(0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff),
     96,
     {12, 13, 14, 15},
     0},                                                      /* IPv4-translated, RFC 2765 2.1 */
    {V6(0x20, 0x02, 0, 0, 0, 0), 16, {2, 3, 4, 5}, 0},        /* 6to4, RFC 3056 2 */
    {V6(0x20, 0x01, 0, 0, 0, 0), 32, {4, 5, 6, 7}, 0},        /* Teredo's server, RFC 4380 4 */
    {V6(0x20, 0x01, 0, 0, 0, 0), 32, {12, 13, 14, 15}, 0xff}, /* and client */
};
#define CARRIED_MAX (sizeof carriers / sizeof carriers[0])

/* The IPv4 addresses that an address carries, or may carry; their number. */
static size_t unwrap(const struct address *address, struct address inner[CARRIED_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < CARRIED_MAX; i++) {
        const struct carrier *carrier = &carriers[i];
        uint8_t v4[4];
        if (!contains(&carrier->base, carrier->prefix, address))
            continue;
        for (size_t j = 0; j < 4; j++)
            v4[j] = address->bytes[carrier->at[j]];
        inner[count++] = mapped(v4, carrier->turned);
    }
    /* ISATAP stands behind any prefix (RFC 5214 section 6.1). */
    if (memcmp(address->bytes + 9, "\x00\x5e\xfe", 3) == 0 && (address->bytes[8] & 0xfd) == 0 &&
        count < CARRIED_MAX)
        inner[count++] = mapped(address->bytes + 12, 0);
    return count;
}

static const char *find_special(const struct special *table, size_t count, const struct address *address)
{
    for (size_t i = 0; i < count; i++)
        if (contains(&table[i].base, table[i].prefix, address))
            return table[i].what;
    return NULL;
}

#define FIND(table, address) find_special(table, sizeof(table) / sizeof(table)[0], address)

/* NULL: a public address. */
static const char *find_refusal(const struct address *address, const struct address *inner,
                                size_t inner_count)
{
    const char *what = FIND(refused_table, address);

    for (size_t i = 0; what == NULL && i < inner_count; i++)
        what = FIND(refused_table, &inner[i]);
    /* Beyond 2000::/3 nothing is assigned for public use (RFC 4291 section 2.4) but the well-known NAT64
     * prefix. */
    if (what == NULL && !contains(&global_base, 3, address) && !contains(&v4_base, 96, address) &&
        !contains(&nat64_base, 96, address))
        what = "a reserved address";
    return what;
}

static bool is_listed(const struct url_policy *policy, struct str host, const struct address *address)
{
    if (host.length > 0 && host.data[host.length - 1] == '.')
        host.length--;
    for (size_t i = 0; i < policy->network_count; i++) {
        const struct url_network *network = &policy->networks[i];
        if (network->host != NULL ? str_equal_fold(str_from(network->host), host)
                                  : contains(&network->base, network->prefix, address))
            return true;
    }
    return false;
}

static bool read_sockaddr(const struct sockaddr *socket_address, struct address *address)
{
    if (socket_address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, socket_address, sizeof v4);
        uint8_t bytes[4];
        memcpy(bytes, &v4.sin_addr, sizeof bytes);
        *address = mapped(bytes, 0);
        return true;
    }
    if (socket_address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, socket_address, sizeof v6);
        memcpy(address->bytes, &v6.sin6_addr, sizeof address->bytes);
        return true;
    }
    return false;
}

/* "10.0.0.1", or "partner.example (10.0.0.1)" when a name was asked for. */
static void describe(struct str host, const struct address *address, char *out, size_t size)
{
    char text[INET6_ADDRSTRLEN] = "?";

    if (contains(&v4_base, 96, address))
        inet_ntop(AF_INET, address->bytes + 12, text, sizeof text);
    else
        inet_ntop(AF_INET6, address->bytes, text, sizeof text);
    if (host.length == 0 || host.length > 253 || str_equal(host, str_from(text)))
        snprintf(out, size, "%s", text);
    else
        snprintf(out, size, STR_FMT " (%s)", STR_ARG(host), text);
}

void url_policy_init(struct url_policy *policy, bool allow_private)
{
    *policy = (struct url_policy){.allow_private = allow_private};
}

void url_policy_free(struct url_policy *policy)
{
    for (size_t i = 0; i < policy->network_count; i++)
        free(policy->networks[i].host);
    free(policy->networks);
    *policy = (struct url_policy){0};
}

int url_policy_check(const struct url_policy *policy, struct str host, const struct sockaddr *address,
                     struct error *error)
{
    struct address bytes, inner[CARRIED_MAX];
    char name[320];

    if (!read_sockaddr(address, &bytes))
        return error_set(error, ERR_REFUSED, "the hub calls only IPv4 and IPv6 addresses");
    size_t inner_count = unwrap(&bytes, inner);
    const char *what = FIND(never_table, &bytes);
    for (size_t i = 0; what == NULL && i < inner_count; i++)
        what = FIND(never_table, &inner[i]);
    if (what != NULL) {
        describe(host, &bytes, name, sizeof name);
        return error_set(error, ERR_REFUSED, "%s is %s, which the hub never calls", name, what);
    }
    if (url_own_has(policy->own, address)) {
        describe(host, &bytes, name, sizeof name);
        return error_set(error, ERR_REFUSED, "%s is the hub itself, which it never calls", name);
    }
    if (policy->allow_private)
        return OK;
    what = find_refusal(&bytes, inner, inner_count);
    if (what == NULL || is_listed(policy, host, &bytes))
        return OK;
    describe(host, &bytes, name, sizeof name);
    return error_set(error, ERR_REFUSED,
                     "%s is %s, which the hub does not call unless allow_networks lists it", name, what);
}

/* ---------------------------------------------------------------- entries of allow_networks */

static bool parse_address(struct str text, struct address *address, bool *v4)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t bytes[4];

    if (text.length > 2 && text.data[0] == '[' && text.data[text.length - 1] == ']')
        text = str_of(text.data + 1, text.length - 2);
    if (!str_copy(text, copy, sizeof copy))
        return false;
    *v4 = inet_pton(AF_INET, copy, bytes) == 1;
    if (*v4)
        *address = mapped(bytes, 0);
    return *v4 || inet_pton(AF_INET6, copy, address->bytes) == 1;
}

static bool has_host_bits(const struct url_network *network)
{
    for (unsigned bit = network->prefix; bit < 128; bit++)
        if (network->base.bytes[bit / 8] & (0x80 >> (bit % 8)))
            return true;
    return false;
}

/* A host name in letters, digits, '-', '_' and '.', whose last label is not a number (that would be a
 * mistyped address). */
static bool is_host_name(struct str text)
{
    struct str label = STR_NONE, rest = text;

    if (text.length == 0 || text.length > 253)
        return false;
    while (str_split(&rest, '.', &label)) {
        if (label.length == 0 || label.length > 63)
            return false;
        for (size_t i = 0; i < label.length; i++) {
            char byte = label.data[i];
            if (!((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                  (byte >= '0' && byte <= '9') || byte == '-' || byte == '_'))
                return false;
        }
    }
    return label.length > 0 && !(label.data[0] >= '0' && label.data[0] <= '9');
}

static int read_network(struct str entry, struct url_network *network, struct error *error)
{
    size_t slash = str_find(entry, '/');
    struct str base = slash == SIZE_MAX ? entry : str_of(entry.data, slash);
    uint64_t prefix;
    bool v4;

    if (!parse_address(base, &network->base, &v4))
        return error_set(error, ERR_INVALID,
                         "\"" STR_FMT "\" is no network (10.1.0.0/16), address or host name", STR_ARG(entry));
    unsigned width = v4 ? 32 : 128;
    prefix = width;
    if (slash != SIZE_MAX && (!str_to_uint64(str_skip(entry, slash + 1), &prefix) || prefix > width))
        return error_set(error, ERR_INVALID, "\"" STR_FMT "\": the prefix must be a number from 0 to %u",
                         STR_ARG(entry), width);
    network->prefix = (unsigned)prefix + 128 - width;
    if (has_host_bits(network))
        return error_set(error, ERR_INVALID,
                         "\"" STR_FMT
                         "\" has bits set behind its prefix of %u: write the network's first address",
                         STR_ARG(entry), (unsigned)prefix);
    return OK;
}

int url_policy_add(struct url_policy *policy, struct str entry, struct error *error)
{
    struct url_network network = {0};

    entry = str_trim(entry);
    if (entry.length > 300)
        return error_set(error, ERR_INVALID, "an entry of allow_networks is longer than 300 bytes");
    struct str name = str_ends_with(entry, STR(".")) ? str_of(entry.data, entry.length - 1) : entry;
    bool is_name = is_host_name(name);
    if (!is_name) {
        int result = read_network(entry, &network, error);
        if (result != OK)
            return result;
    }
    struct url_network *grown = realloc(policy->networks, (policy->network_count + 1) * sizeof *grown);
    if (grown == NULL)
        return error_set(error, ERR_MEMORY, "no memory for allow_networks");
    policy->networks = grown;
    if (is_name && (network.host = strndup(name.data, name.length)) == NULL)
        return error_set(error, ERR_MEMORY, "no memory for allow_networks");
    policy->networks[policy->network_count++] = network;
    return OK;
}
