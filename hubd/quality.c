#include "hubd/quality.h"

#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/ocpi/validate.h"

#define QUALITY_MAGIC 0x5155414cu
#define FLUSH_MS      500
#define KINDS_MAX     512
#define SLOTS         1024 /* a power of two, at least twice as many */
/* Names of fields OCPI does not know: of one object of a party between two flushes, of a party for good. */
#define NAMES_MAX     64
#define EXAMPLE_BYTES 128 /* OCPI's longest id has 39 */

/* One line of `hubctl quality`, as far as this worker saw it since the last flush. */
struct kind {
    struct ocpi_party_key party;
    const char *module, *object;
    struct str field; /* static, or in `name` */
    enum ocpi_rule rule;
    unsigned names; /* of OCPI_FIELD_OTHERS: fields of this object counted by name */
    int64_t count, first, last;
    size_t example_length;
    char name[OCPI_FIELD_BYTES], example[EXAMPLE_BYTES];
};

struct table {
    unsigned count;
    uint16_t slots[SLOTS]; /* 1 + index in `kinds`, 0: free */
    struct kind kinds[KINDS_MAX];
};

struct quality {
    uint32_t magic;
    struct worker *worker;
    uv_timer_t timer;
    struct table tables[2];
    struct table *filling, *leaving; /* `leaving`: on its way to the store, or to be sent again */
    struct arena arena;              /* of the batch under way */
    struct store_apply batch;
    bool flying, ending;
    int64_t lost;
};

/* ---------------------------------------------------------------- judging */

bool quality_is_strict(const struct request *request)
{
    const struct registry_party *party = request_caller(request);
    switch (party == NULL ? STORE_VALIDATION_DEFAULT : party->row.validation) {
    case STORE_VALIDATION_TOLERANT:
        return false;
    case STORE_VALIDATION_STRICT:
        return true;
    case STORE_VALIDATION_DEFAULT:
        break;
    }
    return request->worker->conf.validation == CONF_VALIDATION_STRICT;
}

/* ---------------------------------------------------------------- the table */

static bool kind_is(const struct kind *kind, const struct kind *key)
{
    return ocpi_party_key_equal(&kind->party, &key->party) && kind->module == key->module &&
           kind->object == key->object && kind->rule == key->rule && str_equal(kind->field, key->field);
}

/* Any spread will do: tables of one party's module are short. */
static size_t kind_slot(const struct kind *key)
{
    uint64_t hash = str_hash(key->field) ^ str_hash(ocpi_party_key_str(&key->party)) * 31 ^
                    (uintptr_t)key->object * 7 ^ (uintptr_t)key->module * 3 ^ (uint64_t)key->rule * 131;
    return (size_t)((hash ^ hash >> 32) % SLOTS);
}

/* The slot of that kind, or the free one where it belongs. */
static uint16_t *table_slot(struct table *table, const struct kind *key)
{
    size_t slot = kind_slot(key);
    while (table->slots[slot] != 0 && !kind_is(&table->kinds[table->slots[slot] - 1], key))
        slot = (slot + 1) % SLOTS;
    return &table->slots[slot];
}

static struct kind *table_find(struct table *table, const struct kind *key)
{
    uint16_t slot = *table_slot(table, key);
    return slot == 0 ? NULL : &table->kinds[slot - 1];
}

/* The same, made when it is not there; NULL when the table is full. */
static struct kind *table_get(struct table *table, const struct kind *key)
{
    uint16_t *slot = table_slot(table, key);
    if (*slot != 0)
        return &table->kinds[*slot - 1];
    if (table->count == KINDS_MAX)
        return NULL;
    struct kind *kind = &table->kinds[table->count++];
    *slot = (uint16_t)table->count;
    *kind = *key;
    if (key->rule == OCPI_RULE_UNKNOWN && key->field.length > 0) { /* its name lives as long as the body */
        memcpy(kind->name, key->field.data, key->field.length);
        kind->field.data = kind->name;
    }
    return kind;
}

static void table_clear(struct table *table)
{
    table->count = 0;
    memset(table->slots, 0, sizeof table->slots);
}

/* A kind for a name OCPI does not know; all that come after the first few go together. */
static struct kind *table_get_unknown(struct table *table, const struct kind *key)
{
    struct kind *known = table_find(table, key), others_key = *key;
    if (known != NULL)
        return known;
    others_key.field = STR(OCPI_FIELD_OTHERS);
    struct kind *others = table_get(table, &others_key);
    if (others == NULL || others->names == NAMES_MAX || str_equal(key->field, others_key.field))
        return others;
    others->names++;
    return table_get(table, key);
}

/* ---------------------------------------------------------------- to the store */

static void quality_add_op(struct quality *quality, const struct kind *kind)
{
    struct store_op *op = store_batch_add(&quality->batch, STORE_COUNT_FINDING);
    if (op == NULL)
        return;
    op->u.finding.row = (struct store_finding){
        .party = ocpi_party_key_str(&kind->party),
        .module = str_from(kind->module),
        .object = str_from(kind->object),
        .field = kind->field,
        .rule = str_from(ocpi_rule_name(kind->rule)),
        .count = kind->count,
        .first = kind->first,
        .last = kind->last,
        .example = str_of(kind->example, kind->example_length),
    };
    op->u.finding.fields_max = kind->rule == OCPI_RULE_UNKNOWN ? NAMES_MAX : 0;
    op->u.finding.others = STR(OCPI_FIELD_OTHERS);
}

static void quality_applied(struct store_apply *apply);

/* Sends what did not get through the last time, else what was counted since. */
static void quality_flush(struct quality *quality)
{
    if (quality->flying || quality->leaving->count + quality->filling->count == 0)
        return;
    if (quality->lost > 0)
        log_warn("quality: %lld findings were not counted: too many kinds at once", (long long)quality->lost);
    quality->lost = 0;
    if (quality->leaving->count == 0) {
        struct table *counted = quality->filling;
        quality->filling = quality->leaving;
        quality->leaving = counted;
    }
    arena_init(&quality->arena, 0);
    store_batch_init(&quality->batch, &quality->arena);
    for (unsigned i = 0; i < quality->leaving->count; i++)
        if (quality->leaving->kinds[i].count > 0)
            quality_add_op(quality, &quality->leaving->kinds[i]);
    quality->batch.callback = quality_applied;
    quality->batch.context = quality;
    quality->flying = true;
    store_apply(quality->worker->store, &quality->batch);
}

static void quality_tick(uv_timer_t *timer)
{
    quality_flush(MAGIC_CAST(struct quality, timer->data, QUALITY_MAGIC));
}

/* The next flush, unless one is awaited already. */
static void quality_wait(struct quality *quality)
{
    if (!quality->flying && !uv_is_active((uv_handle_t *)&quality->timer))
        uv_timer_start(&quality->timer, quality_tick, FLUSH_MS, 0);
}

static void quality_applied(struct store_apply *apply)
{
    struct quality *quality = MAGIC_CAST(struct quality, apply->context, QUALITY_MAGIC);
    bool given_up = apply->result != OK && quality->ending;
    if (given_up)
        log_error("quality: the last findings were not counted: %s", apply->error.text);
    if (apply->result == OK || given_up)
        table_clear(quality->leaving);
    arena_free(&quality->arena);
    quality->flying = false;
    if (!quality->ending && quality->leaving->count + quality->filling->count > 0)
        quality_wait(quality);
}

/* ---------------------------------------------------------------- counting */

static struct kind *quality_kind(struct quality *quality, const struct kind *key)
{
    return key->rule == OCPI_RULE_UNKNOWN ? table_get_unknown(quality->filling, key)
                                          : table_get(quality->filling, key);
}

static void quality_add(struct quality *quality, const struct kind *key, const struct request *request,
                        unsigned count)
{
    struct kind *kind = quality_kind(quality, key);
    if (kind == NULL) { /* full: the other table is empty, or on its way */
        quality_flush(quality);
        kind = quality_kind(quality, key);
    }
    if (kind == NULL) {
        quality->lost += count;
        return;
    }
    if (kind->count == 0)
        kind->first = request->now;
    kind->count += count;
    kind->last = request->now;
    kind->example_length = request->object.length < EXAMPLE_BYTES ? request->object.length : EXAMPLE_BYTES;
    if (kind->example_length > 0)
        memcpy(kind->example, request->object.data, kind->example_length);
}

void quality_count(struct request *request)
{
    struct quality *quality = MAGIC_CAST(struct quality, request->worker->quality, QUALITY_MAGIC);
    const struct registry_party *party = request_caller(request);
    if (request->counts == NULL || request->counted || party == NULL)
        return;
    request->counted = true;
    for (const struct ocpi_count *row = request->counts; row != NULL; row = row->next) {
        struct kind key = {.party = party->key,
                           .module = request->route->module,
                           .object = row->object,
                           .field = row->field,
                           .rule = row->rule};
        quality_add(quality, &key, request, row->count);
    }
    quality_wait(quality);
}

/* ---------------------------------------------------------------- begin and end */

struct quality *quality_new(struct worker *worker)
{
    struct quality *quality = calloc(1, sizeof *quality);
    if (quality == NULL || uv_timer_init(&worker->loop.uv, &quality->timer) != 0) {
        free(quality);
        return NULL;
    }
    quality->magic = QUALITY_MAGIC;
    quality->worker = worker;
    quality->timer.data = quality;
    quality->filling = &quality->tables[0];
    quality->leaving = &quality->tables[1];
    return quality;
}

bool quality_settle(struct quality *quality)
{
    quality->ending = true;
    if (!quality->flying && quality->leaving->count + quality->filling->count == 0)
        return true;
    quality_flush(quality);
    return false;
}

static void quality_closed(uv_handle_t *handle)
{
    struct quality *quality = MAGIC_CAST(struct quality, handle->data, QUALITY_MAGIC);
    quality->magic = 0;
    free(quality);
}

void quality_free(struct quality *quality)
{
    uv_close((uv_handle_t *)&quality->timer, quality_closed);
}
