#include "hubd/request/quality.h"

#include <stdlib.h>

#include "hubd/request/internal.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/ocpi/validate.h"

#define QUALITY_MAGIC 0x5155414cu
#define FLUSH_MS      500
#define KINDS_MAX     512
#define SLOTS         1024 /* a power of two, at least twice as many */
/* Limit of names of fields that OCPI does not know: per object and party between two flushes, and per party
 * in the store. */
#define NAMES_MAX     64
#define EXAMPLE_BYTES 128 /* OCPI's longest id has 39 */
/* Limits of refused objects: between two flushes, and per party and module in the store. */
#define REFUSALS_MAX 512
#define OBJECTS_MAX  1000

/* An id, cut to the space there is. */
struct example {
    size_t length;
    char text[EXAMPLE_BYTES];
};

/* A row of `hubctl quality`: what this worker has counted since the last flush. */
struct kind {
    struct ocpi_party_key party;
    const char *module, *object;
    struct str field; /* in `name` */
    const char *rule; /* static: each has one address */
    unsigned names;   /* of OCPI_FIELD_OTHERS: fields of this object counted by name */
    int64_t count, refused, first, last;
    struct example example;
    char name[OCPI_FIELD_BYTES];
};

/* An object that was refused. */
struct quality_refusal {
    struct ocpi_party_key party;
    const char *module;
    struct example object; /* folded */
    int64_t count, first, last;
};

struct table {
    unsigned count, refusal_count;
    uint16_t slots[SLOTS]; /* 1 + index in `kinds`, 0: free */
    struct kind kinds[KINDS_MAX];
    struct quality_refusal refusals[REFUSALS_MAX];
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

static bool rule_is_unknown(const char *rule)
{
    return rule == ocpi_rule_name(OCPI_RULE_UNKNOWN);
}

/* ---------------------------------------------------------------- the table */

static bool kind_is(const struct kind *kind, const struct kind *key)
{
    return ocpi_party_key_equal(&kind->party, &key->party) && kind->module == key->module &&
           kind->object == key->object && kind->rule == key->rule && str_equal(kind->field, key->field);
}

/* A simple hash is enough: there are few rows per party and module. */
static size_t kind_slot(const struct kind *key)
{
    uint64_t hash = str_hash(key->field) ^ str_hash(ocpi_party_key_str(&key->party)) * 31 ^
                    (uintptr_t)key->object * 7 ^ (uintptr_t)key->module * 3 ^ (uintptr_t)key->rule * 131;
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

/* Finds the row or adds it; NULL when the table is full. */
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
    if (key->field.length > 0) /* it may live as long as the body only */
        memcpy(kind->name, key->field.data, key->field.length);
    kind->field.data = kind->name;
    return kind;
}

static void table_clear(struct table *table)
{
    table->count = table->refusal_count = 0;
    memset(table->slots, 0, sizeof table->slots);
}

static unsigned table_size(const struct table *table)
{
    return table->count + table->refusal_count;
}

/* The kind for a name that OCPI does not know; after the first NAMES_MAX, one kind for all. */
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
        .rule = str_from(kind->rule),
        .count = kind->count,
        .refused = kind->refused,
        .first = kind->first,
        .last = kind->last,
        .example = str_of(kind->example.text, kind->example.length),
    };
    op->u.finding.fields_max = rule_is_unknown(kind->rule) ? NAMES_MAX : 0;
    op->u.finding.others = STR(OCPI_FIELD_OTHERS);
}

static void quality_add_refusal_op(struct quality *quality, const struct quality_refusal *refusal)
{
    struct store_op *op = store_batch_add(&quality->batch, STORE_COUNT_REFUSAL);
    if (op == NULL)
        return;
    op->u.refusal.row = (struct store_refusal){
        .party = ocpi_party_key_str(&refusal->party),
        .module = str_from(refusal->module),
        .object = str_of(refusal->object.text, refusal->object.length),
        .count = refusal->count,
        .first = refusal->first,
        .last = refusal->last,
    };
    op->u.refusal.forgotten = refusal->last - QUALITY_REFUSED_MS;
    op->u.refusal.objects_max = OBJECTS_MAX;
}

static void quality_applied(struct store_apply *apply);

/* Stores what the last flush could not, else what was counted since. */
static void quality_flush(struct quality *quality)
{
    if (quality->flying || table_size(quality->leaving) + table_size(quality->filling) == 0)
        return;
    if (quality->lost > 0)
        log_warn("quality: %lld findings and refused objects were not counted: too many at once",
                 (long long)quality->lost);
    quality->lost = 0;
    if (table_size(quality->leaving) == 0) {
        struct table *counted = quality->filling;
        quality->filling = quality->leaving;
        quality->leaving = counted;
    }
    arena_init(&quality->arena, 0);
    store_batch_init(&quality->batch, &quality->arena);
    for (unsigned i = 0; i < quality->leaving->count; i++)
        if (quality->leaving->kinds[i].count > 0)
            quality_add_op(quality, &quality->leaving->kinds[i]);
    for (unsigned i = 0; i < quality->leaving->refusal_count; i++)
        quality_add_refusal_op(quality, &quality->leaving->refusals[i]);
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
    if (!quality->ending && table_size(quality->leaving) + table_size(quality->filling) > 0)
        quality_wait(quality);
}

/* ---------------------------------------------------------------- counting */

static struct kind *quality_kind(struct quality *quality, const struct kind *key)
{
    return rule_is_unknown(key->rule) ? table_get_unknown(quality->filling, key)
                                      : table_get(quality->filling, key);
}

static void example_set(struct example *example, struct str id)
{
    example->length = id.length < EXAMPLE_BYTES ? id.length : EXAMPLE_BYTES;
    if (example->length > 0)
        memcpy(example->text, id.data, example->length);
}

static void quality_add(struct quality *quality, const struct kind *key, struct request *request,
                        unsigned count, unsigned refused)
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
    kind->refused += refused;
    kind->last = request->now;
    example_set(&kind->example, request_object(request));
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
                           .module = ocpi_module_name(request->route->module),
                           .object = row->object,
                           .field = row->field,
                           .rule = ocpi_rule_name(row->rule)};
        quality_add(quality, &key, request, row->count, 0);
    }
    quality_wait(quality);
}

/* ---------------------------------------------------------------- counting what is refused */

/* The rule of a refusal that broke no table; NULL: the body is not the reason. */
static const char *refusal_rule(int http_status, int ocpi_status)
{
    static const struct {
        int http;
        const char *rule;
    } rules[] = {{400, "json"}, {403, "forbidden"}, {404, "not_found"}, {413, "too_large"}};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].http == http_status)
            return rules[i].rule;
    return ocpi_status == OCPI_INVALID_PARAMETERS ? "invalid" : NULL;
}

/* The member that the message is about: the last step of the JSON pointer at its beginning. */
static struct str refusal_field(struct str message)
{
    size_t length = str_starts_with(message, STR("/")) ? str_find(message, ':') : SIZE_MAX;
    if (length == SIZE_MAX)
        return STR("");
    size_t from = length;
    while (message.data[from - 1] != '/')
        from--;
    return length - from <= OCPI_FIELD_BYTES ? str_of(message.data + from, length - from) : STR("");
}

/* Counts the findings that the body was refused for; for a strict party these are all findings. */
static void quality_add_refused(struct quality *quality, struct kind *key, struct request *request)
{
    bool strict = quality_is_strict(request);
    for (const struct ocpi_count *row = request->counts; row != NULL; row = row->next) {
        unsigned refused = strict && row->rule != OCPI_RULE_UNKNOWN ? row->count : row->essential;
        if (refused == 0)
            continue;
        key->object = row->object;
        key->field = row->field;
        key->rule = ocpi_rule_name(row->rule);
        quality_add(quality, key, request, refused, refused);
    }
}

static bool refusal_is(const struct quality_refusal *row, const struct quality_refusal *key)
{
    return row->module == key->module && ocpi_party_key_equal(&row->party, &key->party) &&
           str_equal(str_of(row->object.text, row->object.length),
                     str_of(key->object.text, key->object.length));
}

/* Finds the object's row or adds it; NULL when the table is full. */
static struct quality_refusal *table_get_refusal(struct table *table, const struct quality_refusal *key)
{
    for (unsigned i = 0; i < table->refusal_count; i++)
        if (refusal_is(&table->refusals[i], key))
            return &table->refusals[i];
    if (table->refusal_count == REFUSALS_MAX)
        return NULL;
    table->refusals[table->refusal_count] = *key;
    return &table->refusals[table->refusal_count++];
}

/* Keeps the object of a refused push: it may be lost. */
static void quality_add_object(struct quality *quality, const struct kind *kind, struct request *request)
{
    struct quality_refusal key = {.party = kind->party, .module = kind->module, .first = request->now};
    example_set(&key.object, request_fold(request, request_object(request)));
    struct quality_refusal *row = table_get_refusal(quality->filling, &key);
    if (row == NULL) { /* as in quality_add */
        quality_flush(quality);
        row = table_get_refusal(quality->filling, &key);
    }
    if (row == NULL) {
        quality->lost++;
        return;
    }
    row->count++;
    row->last = request->now;
}

void quality_count_refused(struct request *request, int http_status, int ocpi_status, struct str message)
{
    struct quality *quality = MAGIC_CAST(struct quality, request->worker->quality, QUALITY_MAGIC);
    const struct registry_party *party = request_caller(request);
    const char *rule =
        request->refused_for != NULL ? request->refused_for : refusal_rule(http_status, ocpi_status);
    const struct route *route = request->route;
    bool push = route != NULL && route->audit == ROUTE_AUDIT_PUSH;
    if (party == NULL || rule == NULL || route == NULL || request->forwarded != NULL ||
        !(push || request->refused != NULL))
        return;
    struct kind key = {.party = party->key,
                       .module = ocpi_module_name(route->module),
                       .object = "",
                       .field = STR(""),
                       .rule = rule};
    if (request->refused != NULL) {
        quality_add_refused(quality, &key, request);
    } else {
        key.field = refusal_field(message);
        quality_add(quality, &key, request, 1, 1);
    }
    if (push)
        quality_add_object(quality, &key, request);
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
    if (!quality->flying && table_size(quality->leaving) + table_size(quality->filling) == 0)
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
