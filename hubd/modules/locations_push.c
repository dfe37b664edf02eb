/*
 * Locations, the push side (OCPI 2.2.1, Locations module): PUT and PATCH of a location, an EVSE, a connector.
 * A child's last_updated moves its parents' forward, never back, never to the hub's clock.
 */
#include "hubd/modules/modules.h"
#include "hubd/messages/push.h"
#include "lib/ocpi/equal.h"
#include "lib/ocpi/location.h"
#include "lib/ocpi/patch.h"
#include "lib/ocpi/validate.h"

/* Fills the store's form of a location. False: answered. */
static bool location_fill(struct push *push, const struct json_value *location,
                          struct store_location_put *put)
{
    static const char *const apart[] = {"evses", "last_updated", NULL};
    struct request *request = push->request;
    struct ocpi_location_parts parts;
    struct store_evse_part *evses = NULL;
    if (ocpi_location_split(request->arena, location, &parts) != OK ||
        (evses = arena_alloc(request->arena, (parts.evse_count + 1) * sizeof *evses)) == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return false;
    }
    for (size_t i = 0; i < parts.evse_count; i++) {
        evses[i].uid = request_fold(request, json_get_text(parts.evses[i], "uid"));
        evses[i].body = parts.evses[i]->raw;
        ocpi_digest(&ocpi_evse, parts.evses[i], NULL, evses[i].digest);
        push_time(parts.evses[i], "last_updated", &evses[i].last_updated);
    }
    put->owner = push->owner;
    put->id = push->id;
    put->body = parts.body;
    put->children_at = parts.children_at;
    put->children_form = (int)parts.children_form;
    put->updated_at = parts.updated_at;
    put->updated_length = parts.updated_length;
    put->last_updated_text = json_get(location, "last_updated")->raw;
    push_time(location, "last_updated", &put->last_updated);
    ocpi_digest(&ocpi_location, location, apart, put->digest);
    put->evses = evses;
    put->evse_count = parts.evse_count;
    return true;
}

static bool location_check(struct request *request, const struct ocpi_object *object, bool partial)
{
    static const struct {
        const char *const members[3];
        unsigned params[3];
    } levels[] = {
        {{"country_code", "party_id", "id"}, {0, 1, 2}},
        {{"uid"}, {3}},
        {{"id"}, {4}},
    };
    unsigned level = request->param_count - 3;
    if (!request_validate(request, object, partial))
        return false;
    for (unsigned i = 0; i < 3 && levels[level].members[i] != NULL; i++)
        if (!request_check_member(request, levels[level].members[i],
                                  request->params[levels[level].params[i]]))
            return false;
    /* inside its location it must not be nested deeper than that may be */
    if (json_depth(request->body) + 2 * level <= JSON_DEPTH_MAX)
        return true;
    request_answerf(request, REPLY_INVALID,
                    ": nested deeper than the %u levels that are left inside its location",
                    JSON_DEPTH_MAX - 2 * level);
    return false;
}

/*
 * A merged object is checked again: a PATCH must not leave behind what a PUT would not bring in. Only for
 * what is essential, of a strict party too: its PATCH was judged by itself, and what was taken before the
 * party became strict must not stand in the way of its next status.
 */
static const struct json_value *location_parse_merged(struct push *push, const struct ocpi_object *object,
                                                      struct str body)
{
    struct request *request = push->request;
    const struct json_value *merged = NULL;
    struct ocpi_findings findings;
    int result = ERR_MEMORY;
    if (body.data != NULL)
        result = body.length > (size_t)request->worker->conf.request_body_max + STORE_SIZE_LEEWAY
                     ? ERR_TOO_LARGE
                     : json_parse_own(request->arena, body, &merged, NULL);
    if (result == ERR_TOO_LARGE) {
        push_answer_too_large(push, "take EVSEs or connectors out of it, or texts and vendor fields of it");
        return NULL;
    }
    if (result != OK) {
        request_answer_error(request, ERR_MEMORY);
        return NULL;
    }
    ocpi_validate(request->arena, object, merged, false, &findings);
    if (ocpi_findings_refuse(&findings, false)) {
        request_answer(request, REPLY_INVALID, ocpi_findings_text(request->arena, &findings), STR_NONE);
        return NULL;
    }
    return merged;
}

/* ---------------------------------------------------------------- location */

static void location_put_merged(struct push *push, const struct json_value *location, bool only_head,
                                unsigned conditions, int64_t revision)
{
    push_begin(push);
    struct store_op *op = store_batch_add(&push->batch, only_head ? STORE_SET_LOCATION : STORE_PUT_LOCATION);
    if (op != NULL) {
        if (!location_fill(push, location, &op->u.location))
            return;
        op->u.location.conditions = conditions;
        op->u.location.revision = revision;
        op->u.location.size_max = (size_t)push->request->worker->conf.request_body_max;
    }
    push_add_listeners(push, STORE_LOCATION, STR_NONE, STR_NONE);
    push_apply(push);
}

static void location_replace(struct push *push)
{
    location_put_merged(push, push->request->body, false, STORE_IF_NOT_OLDER, 0);
}

/* Its EVSEs are replaced with it, so nobody may be about to change one of them. */
void locations_put(struct request *request)
{
    if (!location_check(request, &ocpi_location, false))
        return;
    struct push *push = push_new(request, request->params[2], sizeof *push);
    if (push != NULL)
        push_in_line(push, STORE_LOCATION, STR_NONE, LINE_ALONE, location_replace);
}

/*
 * A PATCH that carries a list of children (a location's EVSEs, an EVSE's connectors) merges them by id; OCPI
 * leaves it open, and the child's own URL is the usual way. NULL data: no memory.
 */
static struct str location_patch_children(struct request *request, const struct json_value *stored,
                                          const char *list, const char *id_key)
{
    const struct json_value *parent = stored, *plain;
    bool created;
    for (const struct json_value *child = json_get(request->body, list)->child; child != NULL;
         child = child->next) {
        struct str id = json_get_text(child, id_key);
        const struct json_value *old = ocpi_list_find(parent, list, id_key, id);
        struct str merged = old == NULL ? child->raw : ocpi_patch_apply(request->arena, old, child, NULL);
        struct str body = ocpi_list_set(request->arena, parent, list, id_key, id, merged, &created);
        if (body.data == NULL || json_parse_own(request->arena, body, &parent, NULL) != OK)
            return STR_NONE;
    }
    /* the rest of the patch, with the list as it is merged already */
    const struct json_value *children = json_get(parent, list);
    struct str rest = ocpi_member_set(request->arena, request->body, str_from(list),
                                      children == NULL ? STR("[]") : children->raw);
    if (rest.data == NULL || json_parse_own(request->arena, rest, &plain, NULL) != OK)
        return STR_NONE;
    return ocpi_patch_apply(request->arena, parent, plain, NULL);
}

static void location_merge(struct push_read *read)
{
    struct push *push = read->push;
    struct request *request = push->request;
    bool whole = json_get(request->body, "evses") != NULL;
    if (!whole)
        read->read.body = ocpi_location_without_evses(request->arena, read->read.body, read->read.children_at,
                                                      (enum ocpi_children_form)read->read.children_form);
    const struct json_value *stored = push_parse_stored(read), *merged;
    if (stored == NULL)
        return;
    struct str body = whole ? location_patch_children(request, stored, "evses", "uid")
                            : ocpi_patch_apply(request->arena, stored, request->body, NULL);
    if ((merged = location_parse_merged(push, &ocpi_location, body)) != NULL)
        location_put_merged(push, merged, !whole, STORE_IF_PRESENT | STORE_IF_REVISION | STORE_IF_NOT_OLDER,
                            read->read.revision);
}

static void location_patch_again(struct push *push)
{
    push_read_stored(push, STORE_LOCATION, STR_NONE, json_get(push->request->body, "evses") == NULL,
                     location_merge);
}

void locations_patch(struct request *request)
{
    if (!location_check(request, &ocpi_location, true))
        return;
    struct push *push = push_new(request, request->params[2], sizeof *push);
    if (push == NULL)
        return;
    push->again = location_patch_again;
    push_in_line(push, STORE_LOCATION, STR_NONE, LINE_ALONE, location_patch_again);
}

/* ---------------------------------------------------------------- EVSE */

/* `updated` is the member last_updated that moves the location forward. */
static void evse_put(struct push *push, const struct json_value *evse, const struct json_value *updated,
                     int64_t evse_updated, unsigned conditions, int64_t revision)
{
    struct request *request = push->request;
    push_begin(push);
    struct store_op *op = store_batch_add(&push->batch, STORE_PUT_EVSE);
    if (op != NULL) {
        op->u.evse.owner = push->owner;
        op->u.evse.location = push->id;
        op->u.evse.evse.uid = request_fold(request, request->params[3]);
        op->u.evse.evse.body = evse->raw;
        ocpi_digest(&ocpi_evse, evse, NULL, op->u.evse.evse.digest);
        op->u.evse.evse.last_updated = evse_updated;
        op->u.evse.last_updated_text = updated->raw;
        op->u.evse.conditions = conditions;
        op->u.evse.revision = revision;
        op->u.evse.size_max = (size_t)request->worker->conf.request_body_max;
        push_add_listeners(push, STORE_LOCATION, op->u.evse.evse.uid, STR_NONE);
    }
    push_apply(push);
}

static struct str evse_key(const struct push *push)
{
    return request_fold(push->request, push->request->params[3]);
}

static void evse_replace(struct push *push)
{
    const struct json_value *evse = push->request->body;
    evse_put(push, evse, json_get(evse, "last_updated"), push->last_updated, STORE_IF_NOT_OLDER, 0);
}

/* In the location's line; next in that of the EVSE. */
static void evse_in_line(struct push *push)
{
    push_in_line(push, STORE_LOCATION, evse_key(push), push->again == NULL ? LINE_SHARED : LINE_ALONE,
                 push->again == NULL ? evse_replace : push->again);
}

/* A push of an EVSE or of one of its connectors; `again` NULL: it replaces the EVSE unread. */
static void evse_begin(struct request *request, const struct ocpi_object *object, bool partial,
                       void (*again)(struct push *push))
{
    if (!location_check(request, object, partial))
        return;
    struct push *push = push_new(request, request->params[2], sizeof *push);
    if (push == NULL)
        return;
    push_time(request->body, "last_updated", &push->last_updated);
    push->again = again;
    push_in_line(push, STORE_LOCATION, STR_NONE, LINE_SHARED, evse_in_line);
}

void locations_evse_put(struct request *request)
{
    evse_begin(request, &ocpi_evse, false, NULL);
}

static void evse_merge(struct push_read *read)
{
    struct push *push = read->push;
    struct request *request = push->request;
    const struct json_value *stored = push_parse_stored(read), *merged;
    if (stored == NULL)
        return;
    const struct json_value *connectors = json_get(request->body, "connectors");
    struct str body = connectors != NULL && connectors->child != NULL
                          ? location_patch_children(request, stored, "connectors", "id")
                          : ocpi_patch_apply(request->arena, stored, request->body, NULL);
    if ((merged = location_parse_merged(push, &ocpi_evse, body)) != NULL)
        evse_put(push, merged, json_get(request->body, "last_updated"), push->last_updated,
                 STORE_IF_PRESENT | STORE_IF_REVISION | STORE_IF_NOT_OLDER, read->read.revision);
}

static void evse_patch_again(struct push *push)
{
    push_read_stored(push, STORE_LOCATION, evse_key(push), false, evse_merge);
}

void locations_evse_patch(struct request *request)
{
    evse_begin(request, &ocpi_evse, true, evse_patch_again);
}

/* ---------------------------------------------------------------- connector */

/* The EVSE with one connector set and its last_updated moved forward; then stored as an EVSE. */
static void connector_store(struct push_read *read, const struct json_value *evse, struct str connector)
{
    struct push *push = read->push;
    struct request *request = push->request;
    const struct json_value *updated = json_get(request->body, "last_updated"), *merged;
    int64_t evse_updated = 0;
    push_time(evse, "last_updated", &evse_updated);
    struct str body = ocpi_list_set(request->arena, evse, "connectors", "id", request->params[4], connector,
                                    &push->created);
    if (push->last_updated > evse_updated && body.data != NULL) {
        evse_updated = push->last_updated;
        if (json_parse_own(request->arena, body, &merged, NULL) == OK)
            body = ocpi_member_set(request->arena, merged, STR("last_updated"), updated->raw);
    } else {
        updated = json_get(evse, "last_updated");
    }
    if ((merged = location_parse_merged(push, &ocpi_evse, body)) != NULL)
        evse_put(push, merged, updated, evse_updated, STORE_IF_PRESENT | STORE_IF_REVISION,
                 read->read.revision);
}

/* As the store's STORE_IF_NOT_OLDER, for a connector, which has no row of its own (hub-ocpi(7), HTTP AND
 * ANSWERS). True when answered. */
static bool connector_is_stale(struct push *push, const struct json_value *stored)
{
    int64_t updated;
    if (stored == NULL || !push_time(stored, "last_updated", &updated) || push->last_updated >= updated ||
        (updated > push->request->now + STORE_FUTURE_MAX_MS &&
         updated > hub_kept_ms(push->request->hub) + STORE_FUTURE_MAX_MS))
        return false;
    push_answer_stale(push);
    return true;
}

static void connector_replace(struct push_read *read)
{
    struct request *request = read->push->request;
    const struct json_value *evse = push_parse_stored(read);
    if (evse == NULL ||
        connector_is_stale(read->push, ocpi_list_find(evse, "connectors", "id", request->params[4])))
        return;
    connector_store(read, evse, request->exchange->body);
}

static void connector_merge(struct push_read *read)
{
    struct request *request = read->push->request;
    const struct json_value *evse = push_parse_stored(read);
    if (evse == NULL)
        return;
    const struct json_value *stored = ocpi_list_find(evse, "connectors", "id", request->params[4]);
    if (stored == NULL)
        request_answer(request, REPLY_UNKNOWN, STR("no such connector: PUT it first"), STR_NONE);
    else if (!connector_is_stale(read->push, stored))
        connector_store(read, evse, ocpi_patch_apply(request->arena, stored, request->body, NULL));
}

static void connector_put_again(struct push *push)
{
    push_read_stored(push, STORE_LOCATION, evse_key(push), false, connector_replace);
}

static void connector_patch_again(struct push *push)
{
    push_read_stored(push, STORE_LOCATION, evse_key(push), false, connector_merge);
}

void locations_connector_put(struct request *request)
{
    evse_begin(request, &ocpi_connector, false, connector_put_again);
}

void locations_connector_patch(struct request *request)
{
    evse_begin(request, &ocpi_connector, true, connector_patch_again);
}
