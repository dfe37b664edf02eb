#include "lib/conf/checks.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "lib/base/str.h"

static bool refuse_value(struct error *error, const char *text)
{
    error_set(error, ERR_INVALID, "%s", text);
    return false;
}

bool conf_check_country_code(const char *value, struct error *error)
{
    if (strlen(value) == 2 && isalpha((unsigned char)value[0]) && isalpha((unsigned char)value[1]))
        return true;
    return refuse_value(error, "write the two letters of an ISO 3166 country code, e.g. IN");
}

bool conf_check_party_id(const char *value, struct error *error)
{
    bool good = strlen(value) == 3;
    for (const char *at = value; good && *at != '\0'; at++)
        good = isalnum((unsigned char)*at);
    return good || refuse_value(error, "write three letters or digits, e.g. CIH");
}

bool conf_check_not_empty(const char *value, struct error *error)
{
    return value[0] != '\0' || refuse_value(error, "must not be empty");
}

bool conf_check_listen(const char *value, struct error *error)
{
    static const char *const remedy = "write host:port, e.g. 127.0.0.1:8080 or [::]:8080";
    const char *colon = strrchr(value, ':');
    if (colon == NULL || colon == value)
        return refuse_value(error, remedy);
    bool bracketed = value[0] == '[' && colon[-1] == ']';
    if (!bracketed && memchr(value, ':', (size_t)(colon - value)) != NULL)
        return refuse_value(error, "an IPv6 address needs brackets, e.g. [::1]:8080");
    uint64_t port;
    if (!str_to_uint64(str_from(colon + 1), &port) || port < 1 || port > 65535)
        return refuse_value(error, "the port must be 1 to 65535, e.g. 127.0.0.1:8080");
    for (const char *at = value; at < colon; at++) {
        if ((unsigned char)*at <= ' ' || *at == '/')
            return refuse_value(error, remedy);
    }
    return true;
}

bool conf_check_base_url(const char *value, struct error *error)
{
    struct str url = str_from(value);
    size_t scheme = str_starts_with(url, STR("https://")) ? 8 : str_starts_with(url, STR("http://")) ? 7 : 0;
    if (scheme == 0 || url.length == scheme || value[scheme] == '/')
        return refuse_value(error, "write the public address partners use, e.g. https://hub.example.org");
    for (const char *at = value; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || strchr("?#@\"<>\\{}", *at) != NULL)
            return refuse_value(error,
                                "must be scheme, host, port and path only, e.g. https://hub.example.org");
    }
    return true;
}

bool conf_check_website(const char *value, struct error *error)
{
    return value[0] == '\0' || conf_check_base_url(value, error);
}

bool conf_check_socket_path(const char *value, struct error *error)
{
    if (strlen(value) < sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return true;
    return refuse_value(error, "a socket's path has at most 107 bytes; choose a shorter one");
}

static bool is_host_name(struct str name)
{
    if (name.length == 0 || name.length > 253)
        return false;
    for (size_t i = 0; i < name.length; i++) {
        if (!isalnum((unsigned char)name.data[i]) && strchr("-._", name.data[i]) == NULL)
            return false;
    }
    return true;
}

/* 4, 6 or 0: the family of an address written in full. */
static unsigned address_family(struct str address)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    if (!str_copy(address, text, sizeof text))
        return 0;
    if (inet_pton(AF_INET, text, bytes) == 1)
        return 4;
    return inet_pton(AF_INET6, text, bytes) == 1 ? 6 : 0;
}

/* Nothing is set behind the first `bits`. */
static bool is_network_base(struct str address, uint64_t bits)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[16] = {0};
    str_copy(address, text, sizeof text);
    unsigned width = inet_pton(AF_INET, text, bytes) == 1 ? 32 : 128;
    if (width == 128)
        inet_pton(AF_INET6, text, bytes);
    for (uint64_t bit = bits; bit < width; bit++)
        if (bytes[bit / 8] & (0x80 >> (bit % 8)))
            return false;
    return true;
}

bool conf_check_network(const char *value, struct error *error)
{
    static const char *const remedy = "write a network (10.1.0.0/16, fd00::/8), an address or a host name";
    struct str text = str_from(value);
    size_t slash = str_find(text, '/');
    if (slash == SIZE_MAX)
        return address_family(text) != 0 || is_host_name(text) || refuse_value(error, remedy);
    unsigned family = address_family(str_of(value, slash));
    uint64_t bits;
    if (family == 0 || !str_to_uint64(str_skip(text, slash + 1), &bits) || bits > (family == 4 ? 32 : 128))
        return refuse_value(error, remedy);
    return is_network_base(str_of(value, slash), bits) ||
           refuse_value(error, "has bits set behind its prefix: write the network's first address");
}

/* How many PEM certificates are in the file; -1: one of them cannot be read. */
static int count_certificates(FILE *file)
{
    int count = 0;
    X509 *certificate;
    ERR_clear_error();
    while ((certificate = PEM_read_X509_AUX(file, NULL, NULL, NULL)) != NULL) {
        X509_free(certificate);
        count++;
    }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return at_end ? count : -1;
}

bool conf_check_certificates(const char *value, struct error *error)
{
    if (value[0] == '\0')
        return true;
    FILE *file = fopen(value, "re");
    if (file == NULL) {
        error_set(error, ERR_INVALID, "cannot be read: %s: make it readable for hubd's user",
                  strerror(errno));
        return false;
    }
    int count = count_certificates(file);
    fclose(file);
    if (count < 0)
        return refuse_value(error,
                            "holds a certificate that cannot be read: put whole PEM certificates there");
    return count > 0 ||
           refuse_value(error, "holds no certificate: put PEM certificates there (BEGIN CERTIFICATE)");
}
