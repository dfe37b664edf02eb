#include "hubd/messages/list.h"

#include <stdio.h>

#include "hubd/registry/routing.h"
#include "lib/base/env.h"
#include "lib/base/magic.h"
#include "lib/base/timestamp.h"

#define PAGE_BYTES_MAX (4 * 1024 * 1024)
/* Small enough to hold a loop for less than a millisecond, large enough to fill a socket. */
#define SLICE_BYTES (64 * 1024)

/* ---------------------------------------------------------------- the query */

static bool query_bad(struct request *request, struct str name, struct str value, const char *expected)
{
    request_answerf(request, REPLY_INVALID, "query " STR_FMT ": not %s: \"" STR_FMT "\"", STR_ARG(name),
                    expected, STR_ARG(value));
    return false;
}

bool list_query_parse(struct request *request, struct list_query *query)
{
    *query = (struct list_query){.limit = LIST_LIMIT_DEFAULT, .date_from = INT64_MIN, .date_to = INT64_MAX};
    struct str rest = request->exchange->query, name, raw;
    uint64_t number;
    while (http_query_next(&rest, &name, &raw)) {
        struct str value = http_percent_decode(request->arena, raw);
        if (value.data == NULL)
            return query_bad(request, name, raw, "percent-encoded text");
        if (str_equal(name, STR("offset"))) {
            if (!str_to_uint64(value, &query->offset))
                return query_bad(request, name, value, "a number from 0");
        } else if (str_equal(name, STR("limit"))) {
            if (!str_to_uint64(value, &number) || number == 0)
                return query_bad(request, name, value, "a number from 1");
            query->limit = number > LIST_LIMIT_MAX ? LIST_LIMIT_MAX : (unsigned)number;
        } else if (str_equal(name, STR("after"))) {
            if (!str_to_int64(value, &query->after) || query->after < 0)
                return query_bad(request, name, value, "a number that the hub's Link gave");
        } else if (str_equal(name, STR("seen"))) {
            if (!str_to_int64(value, &query->seen) || query->seen < 0)
                return query_bad(request, name, value, "a number that the hub's Link gave");
        } else if (str_equal(name, STR("date_from"))) {
            if (!timestamp_parse(value, &query->date_from))
                return query_bad(request, name, value, "a DateTime");
            query->date_from_text = raw;
        } else if (str_equal(name, STR("date_to"))) {
            if (!timestamp_parse(value, &query->date_to))
                return query_bad(request, name, value, "a DateTime");
            query->date_to_text = raw;
        }
    }
    return true;
}

static struct str number_text(struct arena *arena, uint64_t number)
{
    return arena_printf(arena, "%llu", (unsigned long long)number);
}

/* RFC 8288; repeats the filters, and carries the place in the list so that a deep page costs what the first
 * does. */
static void list_header_link(struct request *request, const char *path, const struct list_query *query,
                             uint64_t sent, int64_t after)
{
    struct buffer link = {0};
    buffer_printf(&link, "<%s%s?offset=%llu&limit=%u", request->hub->conf.base_url, path,
                  (unsigned long long)(query->offset + sent), query->limit);
    if (after > 0)
        buffer_printf(&link, "&after=%lld", (long long)after);
    if (request->answer_time > 0)
        buffer_printf(&link, "&seen=%lld", (long long)request->answer_time);
    if (query->date_from_text.data != NULL)
        buffer_printf(&link, "&date_from=" STR_FMT, STR_ARG(query->date_from_text));
    if (query->date_to_text.data != NULL)
        buffer_printf(&link, "&date_to=" STR_FMT, STR_ARG(query->date_to_text));
    buffer_append(&link, STR(">; rel=\"next\""));
    http_exchange_header(request->exchange, "Link", buffer_str(&link));
    buffer_free(&link);
}

void list_headers(struct request *request, const char *path, const struct list_query *query, uint64_t total,
                  bool more, uint64_t sent, int64_t after)
{
    if (more)
        list_header_link(request, path, query, sent, after);
    http_exchange_header(request->exchange, "X-Total-Count", number_text(request->arena, total));
    http_exchange_header(request->exchange, "X-Limit", number_text(request->arena, LIST_LIMIT_MAX));
}

/*
 * Of the pages of one list it is the first one's, since what changes behind a page that was read already is
 * not seen again; and not later than the registry that it goes by, while a rule or a party is being changed.
 */
int64_t list_moment(const struct request *request, const struct list_query *query, int64_t horizon)
{
    const struct registry_snapshot *snapshot = request->snapshot;
    int64_t moment = query->seen > 0 && query->seen < horizon ? query->seen : horizon;
    if (store_registry_changes(request->hub->store) != snapshot->registry_changes &&
        snapshot->horizon < moment)
        moment = snapshot->horizon;
    return moment;
}

/* ---------------------------------------------------------------- who sees what */

bool list_may_see(const struct registry_snapshot *snapshot, const struct registry_party *party,
                  const struct registry_party *owner)
{
    return owner->platform == party->platform ||
           ((party->row.roles & OCPI_ROLE_EMSP) != 0 && routing_is_enabled(snapshot, party, owner));
}

static void list_answer_unrouted(struct request *request, const struct registry_party *owner)
{
    if ((request->party->row.roles & OCPI_ROLE_EMSP) == 0)
        request_answer(request, REPLY_FORBIDDEN, STR("party mismatch: a CPO sees its own objects only"),
                       STR_NONE);
    else
        request_answerf(request, REPLY_NOT_ROUTED, "NOT_ROUTED: no active rule between %s and %s",
                        request->party->id, owner->id);
}

bool list_check(struct request *request, const struct registry_party *owner)
{
    bool may_see = list_may_see(request->snapshot, request->party, owner);
    if (!may_see)
        list_answer_unrouted(request, owner);
    return may_see;
}

/* ---------------------------------------------------------------- when it may be read */

/* The turn of a read has come: nobody is left to whom it would go, or it would be too much. */
static int list_wanted(const struct request *request)
{
    if (http_exchange_is_cut(request->exchange))
        return ERR_CLOSED;
    if (http_exchange_is_over_share(request->exchange))
        return ERR_REFUSED;
    return budget_is_full_of_large(&request->hub->memory) ? ERR_MEMORY : OK;
}

static void list_answer_failure(struct request *request, int result)
{
    if (result == ERR_REFUSED)
        request_answer(request, REPLY_BUSY,
                       STR("the caller's answers that are not read yet, and its bodies, take up its share of "
                           "the hub's memory; read them, then try again"),
                       STR_NONE);
    else
        request_answer_error(request, result);
}

/* ---------------------------------------------------------------- a page in slices */

#define LIST_PAGE_MAGIC 0x4c504147u
struct list_page {
    uint32_t magic;
    struct request *request;
    const char *path;
    struct list_query query;
    struct store_page_read read;
    struct store_bodies_read bodies;
    struct buffer slice;
    bool begun, finished;
};

static void list_next_slice(struct http_exchange *exchange, void *context)
{
    struct list_page *page = MAGIC_CAST(struct list_page, context, LIST_PAGE_MAGIC);
    if (exchange->gone || page->finished) {
        buffer_free(&page->slice);
        request_stream_end(page->request, page->finished);
        return;
    }
    store_read_bodies(page->request->worker->store, &page->bodies);
}

/* One slice that holds everything goes out with its length; more than one is streamed. */
static void list_slice_read(struct store_read *base)
{
    struct list_page *page = MAGIC_CAST(struct list_page, base->context, LIST_PAGE_MAGIC);
    struct request *request = page->request;
    bool last = page->bodies.position >= page->read.item_count;
    if (base->result != OK || page->slice.failed) {
        buffer_free(&page->slice);
        if (page->begun)
            request_stream_end(request, false);
        else
            list_answer_failure(request, base->result != OK ? base->result : ERR_MEMORY);
        return;
    }
    if (last && !page->begun) {
        buffer_append_byte(&page->slice, ']');
        struct buffer slice = page->slice; /* the page may go with the answer */
        request_answer(request, REPLY_OK, STR_NONE, buffer_str(&slice));
        buffer_free(&slice);
        return;
    }
    if (!page->begun) {
        /* the list's opening bracket is in the slice; the envelope stands around it */
        struct buffer head = {0};
        ocpi_envelope_list_begin(&head);
        struct str rest = str_skip(buffer_str(&page->slice), 1);
        buffer_append(&head, rest);
        buffer_free(&page->slice);
        page->slice = head;
        page->begun = true;
        request_stream_begin(request, list_next_slice, page);
    }
    if (last) {
        ocpi_envelope_list_end(&page->slice, request->answer_time);
        page->finished = true;
    }
    http_exchange_stream_write(request->exchange, &page->slice);
}

static void list_page_read(struct store_read *base)
{
    struct list_page *page = MAGIC_CAST(struct list_page, base->context, LIST_PAGE_MAGIC);
    struct request *request = page->request;
    if (base->result != OK) {
        list_answer_failure(request, base->result);
        return;
    }
    request->answer_time = list_moment(request, &page->query, page->read.horizon);
    size_t count = page->read.item_count;
    list_headers(request, page->path, &page->query, page->read.total, page->read.more, count,
                 count == 0 ? 0 : page->read.items[count - 1].sequence);
    struct store_bodies_read *bodies = &page->bodies;
    bodies->base.arena = request->arena;
    bodies->base.callback = list_slice_read;
    bodies->base.context = page;
    bodies->base.caller = request->platform->row.id;
    bodies->kind = page->read.kind;
    bodies->items = page->read.items;
    bodies->item_count = count;
    bodies->slice_max = SLICE_BYTES;
    bodies->out = &page->slice;
    buffer_append_byte(&page->slice, '[');
    store_read_bodies(request->worker->store, bodies);
}

/*
 * Whom OCPI-to asks for: the CPO it names, NULL: all that the caller sees; callers that name the hub or
 * themselves mean that too (hub-ocpi(7), ROUTING, TOLERANCE). `none`: a party that has nothing to list.
 * False: answered.
 */
static bool list_find_named(struct request *request, const struct registry_party **cpo, bool *none)
{
    *cpo = NULL;
    *none = false;
    if (!request_is_directed(request))
        return true;
    *cpo = registry_find_party(request->snapshot, &request->to, OCPI_ROLE_CPO);
    const struct registry_party *named =
        *cpo != NULL ? *cpo : registry_find_party(request->snapshot, &request->to, 0);
    if (named == NULL) {
        request_answer(request, REPLY_UNKNOWN_RECEIVER, STR("OCPI-to names no party of this hub"), STR_NONE);
        return false;
    }
    *none = *cpo == NULL && named->platform != request->party->platform;
    return *cpo == NULL || list_check(request, *cpo);
}

/* Whose objects the caller sees: as CPO its platform's own; as eMSP those of the CPOs with an active rule; of
 * them only those that OCPI-to asks for. False: answered. */
static bool list_owners(struct request *request, struct store_page_read *read)
{
    struct registry_snapshot *snapshot = request->snapshot;
    struct store_owner_filter *owners =
        arena_alloc(request->arena, (snapshot->party_count + 1) * sizeof *owners);
    const struct registry_party *only;
    bool none;
    if (owners == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return false;
    }
    if (!list_find_named(request, &only, &none))
        return false;
    for (size_t i = 0; i < snapshot->party_count && !none; i++) {
        struct registry_party *party = &snapshot->parties[i];
        if ((party->row.roles & OCPI_ROLE_CPO) == 0 ||
            !list_may_see(request->snapshot, request->party, party) || (only != NULL && party != only))
            continue;
        const struct store_rule *rule = registry_find_rule(snapshot, request->party, party, false);
        owners[read->owner_count++] =
            (struct store_owner_filter){request_party_key(party), rule == NULL ? INT64_MIN : rule->since};
    }
    read->owners = owners;
    return true;
}

static int list_page_wanted(struct store_read *read)
{
    struct list_page *page = MAGIC_CAST(struct list_page, read->context, LIST_PAGE_MAGIC);
    return list_wanted(page->request);
}

static void list_read_page(struct http_exchange *exchange, void *context)
{
    struct list_page *page = MAGIC_CAST(struct list_page, context, LIST_PAGE_MAGIC);
    (void)exchange;
    store_read_page(page->request->worker->store, &page->read);
}

void list_serve(struct request *request, enum store_kind kind, const char *path)
{
    struct list_page *page = arena_alloc(request->arena, sizeof *page);
    if (page == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    if (!list_owners(request, &page->read))
        return;
    page->magic = LIST_PAGE_MAGIC;
    page->request = request;
    page->path = path;
    if (!list_query_parse(request, &page->query))
        return;
    struct store_page_read *read = &page->read;
    read->base.arena = request->arena;
    read->base.callback = list_page_read;
    read->base.context = page;
    read->base.caller = request->platform->row.id;
    read->base.wanted = list_page_wanted;
    read->kind = kind;
    if (kind == STORE_SESSION || kind == STORE_CDR) /* of them, an eMSP sees its own */
        read->counterparty = request_party_key(request->party);
    read->date_from = page->query.date_from;
    read->date_to = page->query.date_to;
    read->after = page->query.after;
    read->skip = page->query.after > 0 ? 0 : page->query.offset;
    read->limit = page->query.limit;
    read->bytes_max = PAGE_BYTES_MAX;
    http_exchange_await_turn(request->exchange, list_read_page, page);
}

/* ---------------------------------------------------------------- one object */

#define LIST_OBJECT_MAGIC 0x4c4f424au
struct list_object {
    uint32_t magic;
    struct request *request;
    struct registry_party *owner;
    void (*found)(struct request *request, struct store_object_read *read);
    struct store_object_read read;
};

/* A session or CDR concerns its owner and the eMSP of its cdr_token; for others it is as if it were not
 * there. */
static bool list_concerns(const struct registry_party *party, const struct list_object *object)
{
    return object->read.counterparty.length == 0 || object->owner->platform == party->platform ||
           str_equal(object->read.counterparty, request_party_key(party));
}

static void list_object_read(struct store_read *base)
{
    struct list_object *object = MAGIC_CAST(struct list_object, base->context, LIST_OBJECT_MAGIC);
    struct request *request = object->request;
    if (base->result != OK || !list_concerns(request->party, object)) {
        list_answer_failure(request, base->result != OK ? base->result : ERR_NOT_FOUND);
        return;
    }
    request->target = object->owner; /* who would have answered */
    if (object->found != NULL)
        object->found(request, &object->read);
    else
        request_answer(request, REPLY_OK, STR_NONE, object->read.body);
}

static int list_object_wanted(struct store_read *read)
{
    struct list_object *object = MAGIC_CAST(struct list_object, read->context, LIST_OBJECT_MAGIC);
    return list_wanted(object->request);
}

static void list_read_object(struct http_exchange *exchange, void *context)
{
    struct list_object *object = MAGIC_CAST(struct list_object, context, LIST_OBJECT_MAGIC);
    (void)exchange;
    store_read_object(object->request->worker->store, &object->read);
}

void list_serve_object(struct request *request, enum store_kind kind, struct str country_code,
                       struct str party_id, struct str id, struct str evse,
                       void (*found)(struct request *request, struct store_object_read *read))
{
    struct ocpi_party_key key;
    struct registry_party *owner = ocpi_party_key_make(country_code, party_id, &key)
                                       ? registry_find_party(request->snapshot, &key, OCPI_ROLE_CPO)
                                       : NULL;
    if (owner == NULL) {
        request_answer(request, REPLY_UNKNOWN, STR("no such owner"), STR_NONE);
        return;
    }
    if (!list_check(request, owner))
        return;
    struct list_object *object = arena_alloc(request->arena, sizeof *object);
    if (object == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    object->magic = LIST_OBJECT_MAGIC;
    object->request = request;
    object->owner = owner;
    object->found = found;
    /* Not for as long as a slow reader takes for the answer that is made of it. */
    object->read.base.arena = &request->tree;
    arena_charge(&request->tree, request->arena->budget);
    object->read.base.caller = request->platform->row.id;
    object->read.base.wanted = list_object_wanted;
    object->read.base.callback = list_object_read;
    object->read.base.context = object;
    object->read.kind = kind;
    object->read.owner = request_party_key(owner);
    object->read.id = request_fold(request, id);
    object->read.evse = evse.length == 0 ? STR_NONE : request_fold(request, evse);
    http_exchange_await_turn(request->exchange, list_read_object, object);
}
