#include "lib/http/url_own.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

/* An address in its 16-byte form, IPv4 as ::ffff:a.b.c.d, with its port. */
struct place {
    struct in6_addr address;
    unsigned port;
    bool v4;
};

static bool read_place(const struct sockaddr *address, struct place *place)
{
    memset(place, 0, sizeof *place);
    if (address != NULL && address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        place->address.s6_addr[10] = place->address.s6_addr[11] = 0xff;
        memcpy(place->address.s6_addr + 12, &v4.sin_addr, 4);
        place->port = ntohs(v4.sin_port);
        place->v4 = true;
        return true;
    }
    if (address != NULL && address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        place->address = v6.sin6_addr;
        place->port = ntohs(v6.sin6_port);
        place->v4 = IN6_IS_ADDR_V4MAPPED(&place->address);
        return true;
    }
    return false;
}

static bool is_unspecified(const struct place *place)
{
    static const uint8_t zero[4];
    return IN6_IS_ADDR_UNSPECIFIED(&place->address) ||
           (place->v4 && memcmp(place->address.s6_addr + 12, zero, sizeof zero) == 0);
}

static bool is_loopback(const struct place *place)
{
    return IN6_IS_ADDR_LOOPBACK(&place->address) || (place->v4 && place->address.s6_addr[12] == 127);
}

/* An address of one of this machine's interfaces. */
static bool is_local(const struct place *place)
{
    struct ifaddrs *list, *entry;
    struct place own;
    if (is_unspecified(place) || is_loopback(place))
        return true;
    if (getifaddrs(&list) != 0)
        return false;
    for (entry = list; entry != NULL; entry = entry->ifa_next)
        if (read_place(entry->ifa_addr, &own) &&
            memcmp(&own.address, &place->address, sizeof own.address) == 0)
            break;
    freeifaddrs(list);
    return entry != NULL;
}

void url_own_add(struct url_own *own, const struct sockaddr *address)
{
    size_t size = address->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (own->count < URL_OWN_MAX)
        memcpy(&own->listeners[own->count++], address, size);
}

bool url_own_has_port(const struct url_own *own, unsigned port)
{
    struct place listener;
    for (size_t i = 0; own != NULL && i < own->count; i++)
        if (read_place((const struct sockaddr *)&own->listeners[i], &listener) && listener.port == port)
            return true;
    return false;
}

bool url_own_has(const struct url_own *own, const struct sockaddr *address)
{
    struct place target, listener;
    if (!read_place(address, &target) || !url_own_has_port(own, target.port))
        return false;
    for (size_t i = 0; i < own->count; i++) {
        if (!read_place((const struct sockaddr *)&own->listeners[i], &listener) ||
            listener.port != target.port)
            continue;
        bool reached = memcmp(&listener.address, &target.address, sizeof target.address) == 0 ||
                       (is_unspecified(&listener) ? is_local(&target)
                                                  : is_unspecified(&target) && is_loopback(&listener));
        if (reached)
            return true;
    }
    return false;
}
