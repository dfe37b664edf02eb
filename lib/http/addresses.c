#include "lib/http/addresses.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "lib/base/env.h"

#define BUCKETS 4096

/* An IPv4 address, or the network part of an IPv6 one. */
struct key {
    uint64_t number;
    bool v4;
};

struct http_address {
    struct http_addresses *addresses;
    struct http_address *next; /* in its bucket */
    struct key key;
    unsigned count;
};

struct http_addresses {
    uv_mutex_t lock; /* guards all below */
    bool closed;
    size_t counted; /* addresses with a connection */
    uint64_t seed;  /* nobody outside can choose addresses that meet in a bucket */
    struct http_address *buckets[BUCKETS];
};

struct http_addresses *http_addresses_new(void)
{
    struct http_addresses *addresses = calloc(1, sizeof *addresses);
    if (addresses == NULL || uv_mutex_init(&addresses->lock) != 0) {
        free(addresses);
        return NULL;
    }
    env_random(&addresses->seed, sizeof addresses->seed);
    return addresses;
}

/* Unlocks, and frees it when nobody will come again. */
static void unlock(struct http_addresses *addresses)
{
    bool last = addresses->closed && addresses->counted == 0;
    uv_mutex_unlock(&addresses->lock);
    if (!last)
        return;
    uv_mutex_destroy(&addresses->lock);
    free(addresses);
}

void http_addresses_free(struct http_addresses *addresses)
{
    if (addresses == NULL)
        return;
    uv_mutex_lock(&addresses->lock);
    addresses->closed = true;
    unlock(addresses);
}

static struct key key_of(const void *bytes, size_t size)
{
    struct key key = {.v4 = size == 4};
    memcpy(&key.number, bytes, size);
    return key;
}

static bool make_key(const struct sockaddr_storage *peer, struct key *key)
{
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)peer)->sin6_addr;
    if (peer->ss_family == AF_INET)
        *key = key_of(&((const struct sockaddr_in *)peer)->sin_addr, 4);
    else if (peer->ss_family == AF_INET6)
        *key = IN6_IS_ADDR_V4MAPPED(v6) ? key_of(v6->s6_addr + 12, 4) : key_of(v6, 8);
    return peer->ss_family == AF_INET || peer->ss_family == AF_INET6;
}

/* The finalizer of MurmurHash3, keyed. */
static struct http_address **bucket_of(struct http_addresses *addresses, struct key key)
{
    uint64_t hash = key.number ^ addresses->seed;
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return &addresses->buckets[(hash ^ hash >> 33) % BUCKETS];
}

static struct http_address *find_or_add(struct http_addresses *addresses, struct key key)
{
    struct http_address **bucket = bucket_of(addresses, key);
    for (struct http_address *address = *bucket; address != NULL; address = address->next)
        if (address->key.number == key.number && address->key.v4 == key.v4)
            return address;
    struct http_address *address = calloc(1, sizeof *address);
    if (address == NULL)
        return NULL;
    *address = (struct http_address){.addresses = addresses, .next = *bucket, .key = key};
    *bucket = address;
    addresses->counted++;
    return address;
}

bool http_addresses_enter(struct http_addresses *addresses, const struct sockaddr_storage *peer,
                          unsigned maximum, struct http_address **address)
{
    struct key key;
    *address = NULL;
    if (!make_key(peer, &key))
        return true;
    uv_mutex_lock(&addresses->lock);
    struct http_address *found = find_or_add(addresses, key);
    bool fits = found != NULL && found->count < maximum;
    if (fits) {
        found->count++;
        *address = found;
    }
    uv_mutex_unlock(&addresses->lock);
    return fits;
}

void http_addresses_leave(struct http_address *address)
{
    if (address == NULL)
        return;
    struct http_addresses *addresses = address->addresses;
    uv_mutex_lock(&addresses->lock);
    if (--address->count == 0) {
        struct http_address **link = bucket_of(addresses, address->key);
        while (*link != address)
            link = &(*link)->next;
        *link = address->next;
        addresses->counted--;
        free(address);
    }
    unlock(addresses);
}
