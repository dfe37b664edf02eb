#include "lib/store/sqlite/page.h"

#include <stdlib.h>

/* How many objects an owner has, without counting them each time. */

#define CHUNK       2000
#define ENTRIES_MAX 4096
#define DATED_MAX   16

/*
 * Sequences grow and are never given twice, so a count up to `position` holds until something is removed, and
 * what is new is counted from there.
 */
struct count_entry {
    struct count_entry *next;
    uint64_t hash;
    enum store_kind kind;
    bool complete;
    int64_t created, removed; /* the store's counters when it was complete, when it began */
    int64_t position, count;
    size_t owner_length, key_length;
    char key[]; /* owner, counterparty */
};

struct dated_total {
    uint8_t digest[SHA256_SIZE];
    int64_t changed;
    uint64_t total;
};

struct count_cache {
    struct count_entry *buckets[1024];
    size_t count;
    struct dated_total dated[DATED_MAX];
    size_t dated_next;
};

static struct count_cache *cache_of(struct store_reader *reader)
{
    if (!reader->counts)
        reader->counts = calloc(1, sizeof *reader->counts);
    return reader->counts;
}

static void forget_all(struct count_cache *cache)
{
    for (size_t i = 0; i < sizeof cache->buckets / sizeof cache->buckets[0]; i++) {
        while (cache->buckets[i]) {
            struct count_entry *entry = cache->buckets[i];
            cache->buckets[i] = entry->next;
            free(entry);
        }
    }
    cache->count = 0;
}

void page_count_free(struct count_cache *cache)
{
    if (!cache)
        return;
    forget_all(cache);
    free(cache);
}

static bool is_entry(const struct count_entry *entry, enum store_kind kind, struct str owner,
                     struct str counterparty)
{
    return entry->kind == kind && str_equal(str_of(entry->key, entry->owner_length), owner) &&
           str_equal(str_of(entry->key + entry->owner_length, entry->key_length - entry->owner_length),
                     counterparty);
}

/* The entry, made when there is none; NULL: no memory. */
static struct count_entry *entry_of(struct count_cache *cache, enum store_kind kind, struct str owner,
                                    struct str counterparty)
{
    uint64_t hash = str_hash(owner) ^ (str_hash(counterparty) * 31 + (uint64_t)kind);
    struct count_entry **bucket = &cache->buckets[hash % (sizeof cache->buckets / sizeof cache->buckets[0])];
    for (struct count_entry *entry = *bucket; entry; entry = entry->next) {
        if (entry->hash == hash && is_entry(entry, kind, owner, counterparty))
            return entry;
    }
    if (cache->count >= ENTRIES_MAX)
        forget_all(cache);
    struct count_entry *entry = calloc(1, sizeof *entry + owner.length + counterparty.length);
    if (!entry)
        return NULL;
    entry->hash = hash;
    entry->kind = kind;
    entry->removed = -1;
    entry->owner_length = owner.length;
    entry->key_length = owner.length + counterparty.length;
    if (owner.length)
        memcpy(entry->key, owner.data, owner.length);
    if (counterparty.length)
        memcpy(entry->key + owner.length, counterparty.data, counterparty.length);
    entry->next = *bucket;
    *bucket = entry;
    cache->count++;
    return entry;
}

static int start_count(struct sql_connection *c, enum sql_id id, const struct count_slice *s,
                       int64_t position, int64_t rows)
{
    int64_t all = s->dated ? 0 : 1;
    switch (id) {
    case SQL_LOCATION_COUNT:
        return sql_first(c, id, SQL_VALUES(sql_t(s->owner), sql_i(position), sql_i(rows)));
    case SQL_LOCATION_COUNT_FILTERED:
        return sql_first(c, id,
                         SQL_VALUES(sql_t(s->owner), sql_i(position), sql_i(rows), sql_i(s->from),
                                    sql_i(s->to), sql_i(all)));
    case SQL_OBJECT_COUNT:
        return sql_first(c, id, SQL_VALUES(sql_i(s->kind), sql_t(s->owner), sql_i(position), sql_i(rows)));
    default:
        return sql_first(c, id,
                         SQL_VALUES(sql_i(s->kind), sql_t(s->owner), sql_i(position), sql_i(rows),
                                    sql_t(s->counterparty), sql_i(s->from), sql_i(s->to), sql_i(all)));
    }
}

int page_count_next(struct store_reader *reader, const struct count_slice *slice, int64_t *position,
                    int64_t *count, int64_t rows)
{
    struct sql_connection *c = &reader->connection;
    bool filtered = slice->dated || slice->counterparty.length > 0;
    enum sql_id id = slice->kind == STORE_LOCATION
                         ? (filtered ? SQL_LOCATION_COUNT_FILTERED : SQL_LOCATION_COUNT)
                         : (filtered ? SQL_OBJECT_COUNT_FILTERED : SQL_OBJECT_COUNT);
    int result = start_count(c, id, slice, *position, rows);
    if (result < 0)
        return result;
    int64_t seen = sql_integer(c, id, COL_SLICE_COUNT);
    if (seen > 0)
        *position = sql_integer(c, id, COL_SLICE_LAST);
    *count += filtered ? sql_integer(c, id, COL_SLICE_FILTERED_MATCHING) : seen;
    sql_end(c, id);
    return seen < rows;
}

int page_count_owner(struct store_reader *reader, enum store_kind kind, struct str owner,
                     struct str counterparty, int64_t *count)
{
    struct count_cache *cache = cache_of(reader);
    struct count_entry *entry = cache ? entry_of(cache, kind, owner, counterparty) : NULL;
    if (!entry)
        return ERR_MEMORY;
    if (entry->removed != reader->removed[kind]) {
        entry->removed = reader->removed[kind];
        entry->position = entry->count = 0;
        entry->complete = false;
    }
    struct count_slice slice = {.kind = kind, .owner = owner, .counterparty = counterparty};
    if (!entry->complete || entry->created != reader->created[kind]) {
        entry->complete = false;
        int result;
        while ((result = page_count_next(reader, &slice, &entry->position, &entry->count, CHUNK)) == 0) {
            if (reader_is_late(reader))
                return 0;
        }
        if (result < 0)
            return result;
        entry->complete = true;
        entry->created = reader->created[kind];
    }
    *count = entry->count;
    return 1;
}

/* ---------------------------------------------------------------- pages with dates */

static bool digest_of(struct store_reader *reader, const struct store_page_read *read,
                      uint8_t digest[SHA256_SIZE])
{
    struct buffer *out = &reader->scratch;
    buffer_clear(out);
    buffer_printf(out, "%d %lld %lld " STR_FMT, (int)read->kind, (long long)read->date_from,
                  (long long)read->date_to, STR_ARG(read->counterparty));
    for (size_t i = 0; i < read->owner_count; i++) {
        buffer_append_byte(out, '\n');
        buffer_append(out, read->owners[i].owner);
        buffer_append_byte(out, ' ');
        buffer_append_int(out, read->owners[i].visible_since);
    }
    crypto_sha256(buffer_str(out), digest);
    return !out->failed;
}

bool page_count_recall(struct store_reader *reader, const struct store_page_read *read, uint64_t *total)
{
    uint8_t digest[SHA256_SIZE];
    struct count_cache *cache = cache_of(reader);
    if (!cache || !digest_of(reader, read, digest))
        return false;
    for (size_t i = 0; i < DATED_MAX; i++) {
        const struct dated_total *entry = &cache->dated[i];
        if (entry->changed == reader->changed[read->kind] + 1 &&
            memcmp(entry->digest, digest, SHA256_SIZE) == 0) {
            *total = entry->total;
            return true;
        }
    }
    return false;
}

void page_count_remember(struct store_reader *reader, const struct store_page_read *read, uint64_t total,
                         int64_t changed)
{
    struct count_cache *cache = cache_of(reader);
    if (!cache)
        return;
    struct dated_total *entry = &cache->dated[cache->dated_next++ % DATED_MAX];
    /* Plus one, so that 0 marks an empty entry. */
    entry->changed = digest_of(reader, read, entry->digest) ? changed + 1 : 0;
    entry->total = total;
}
