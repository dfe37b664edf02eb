#include "hubd/admin/internal.h"

#include <stdio.h>

#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "hubd/admin/reply.h"
#include "lib/base/timestamp.h"

/* object list and show: what the hub holds, as received. */

#define LISTING_MAGIC 0x4f424a4cu
#define OWNERS_MAX    64

static const char *const kind_names[STORE_KIND_COUNT] = {[STORE_LOCATION] = "location",
                                                         [STORE_TARIFF] = "tariff",
                                                         [STORE_SESSION] = "session",
                                                         [STORE_CDR] = "cdr"};

/* The command table allows no other word. */
static enum store_kind kind_from(struct str name)
{
    for (int kind = 0; kind < STORE_KIND_COUNT; kind++) {
        if (str_equal_fold(name, str_from(kind_names[kind])))
            return (enum store_kind)kind;
    }
    return STORE_LOCATION;
}

/*
 * A page of the list: first a read of the page, or of the owners of one id, which gives only names and sizes; then a
 * read of each object for the columns.
 */
struct listing {
    uint32_t magic;
    struct ctl_request *request;
    struct hub *hub;
    enum store_kind kind;
    struct store_page_read page;
    struct store_owners_read owners;
    struct store_page_item *items;
    size_t item_count, position;
    struct arena arena; /* of one object */
    struct store_object_read object;
    struct reply_list list;
    bool more;
};

static void read_next(struct listing *listing);

static struct listing *listing_of(void *context)
{
    return MAGIC_CAST(struct listing, context, LISTING_MAGIC);
}

static void fail_listing(struct listing *listing, int result, const char *text)
{
    buffer_free(&listing->list.buffer);
    arena_free(&listing->arena);
    listing->magic = 0;
    refusal_reply_error(listing->request, result, text);
}

/* The id as its owner spells it: the store's own names are folded. */
static struct str spelled_id(struct listing *listing, struct str folded)
{
    const struct json_value *body;
    struct str id = STR_NONE;
    if (json_parse(&listing->arena, listing->object.body, JSON_DEPTH_MAX, &body, NULL) == OK)
        id = json_get_text(body, "id");
    return id.length > 0 ? id : folded;
}

static void write_object(struct listing *listing, const struct store_page_item *item)
{
    struct json_writer *writer = &listing->list.writer;
    const struct store_object_read *object = &listing->object;
    json_object_begin(writer);
    json_field_text(writer, "module", kind_names[listing->kind]);
    render_key(writer, "party", listing->hub, item->owner);
    json_field_string(writer, "id", spelled_id(listing, item->id));
    render_key(writer, "emsp", listing->hub, object->counterparty);
    render_text(writer, "status", object->status);
    render_time(writer, "last_updated", object->last_updated);
    json_field_int(writer, "bytes", (int64_t)(item->size > 0 ? item->size : object->body.length));
    json_object_end(writer);
}

static void on_object(struct store_read *base)
{
    struct listing *listing = listing_of(base->context);
    if (base->result != OK && base->result != ERR_NOT_FOUND) {
        fail_listing(listing, base->result, base->error.text);
        return;
    }
    if (base->result == OK) /* else it was deleted meanwhile */
        write_object(listing, &listing->items[listing->position]);
    listing->position++;
    read_next(listing);
}

static void read_next(struct listing *listing)
{
    if (listing->position == listing->item_count) {
        char next[24] = ""; /* not of the arena: a list without it would seem whole */
        if (listing->more)
            snprintf(next, sizeof next, "%lld", (long long)listing->items[listing->item_count - 1].sequence);
        arena_free(&listing->arena);
        listing->magic = 0;
        reply_list_end(&listing->list, str_from(next));
        return;
    }
    const struct store_page_item *item = &listing->items[listing->position];
    arena_reset(&listing->arena);
    memset(&listing->object, 0, sizeof listing->object);
    listing->object.base =
        (struct store_read){.arena = &listing->arena, .callback = on_object, .context = listing};
    listing->object.kind = listing->kind;
    listing->object.owner = item->owner;
    listing->object.id = item->id;
    /* A page has the number of all objects; without a page they have to be counted. */
    listing->object.without_evses = listing->kind == STORE_LOCATION && item->size > 0;
    store_read_object(listing->hub->control_store, &listing->object);
}

/* ---------------------------------------------------------------- which objects */

static void on_page(struct store_read *base)
{
    struct listing *listing = listing_of(base->context);
    if (base->result != OK) {
        fail_listing(listing, base->result, base->error.text);
        return;
    }
    listing->items = listing->page.items;
    listing->item_count = listing->page.item_count;
    listing->more = listing->page.more && listing->item_count > 0;
    read_next(listing);
}

static void on_owners(struct store_read *base)
{
    struct listing *listing = listing_of(base->context);
    struct str only = listing->page.owner_count > 0 ? listing->page.owners[0].owner : STR_NONE;
    if (base->result != OK && base->result != ERR_NOT_FOUND) {
        fail_listing(listing, base->result, base->error.text);
        return;
    }
    listing->items = arena_alloc(&listing->request->arena, OWNERS_MAX * sizeof *listing->items);
    if (listing->items == NULL) {
        fail_listing(listing, ERR_MEMORY, "no memory");
        return;
    }
    for (size_t i = 0; i < listing->owners.owner_count && i < OWNERS_MAX; i++) {
        struct store_page_item *item = &listing->items[listing->item_count];
        item->owner = listing->owners.owners[i].owner;
        item->id = listing->owners.id;
        listing->item_count += only.length == 0 || str_equal(only, item->owner) ? 1 : 0;
    }
    read_next(listing);
}

/* False: no memory. */
static bool add_owner(struct listing *listing, struct store_owner_filter *owners, struct str owner)
{
    struct str copy = arena_copy(&listing->request->arena, owner);
    owners[listing->page.owner_count++] = (struct store_owner_filter){copy, INT64_MIN};
    return copy.data != NULL;
}

/* All that are registered as CPOs. False: no memory. */
static bool add_cpos(struct listing *listing, struct store_owner_filter *owners,
                     const struct registry_snapshot *snapshot)
{
    const size_t *count = &listing->page.owner_count;
    bool good = true;
    for (size_t i = 0; good && i < snapshot->party_count; i++) {
        struct str owner = ocpi_party_key_str(&snapshot->parties[i].key);
        bool again = *count > 0 && str_equal(owners[*count - 1].owner, owner);
        if ((snapshot->parties[i].row.roles & OCPI_ROLE_CPO) != 0 && !again)
            good = add_owner(listing, owners, owner);
    }
    return good;
}

/* The CPOs whose objects are listed: one, or all that are registered. False: refused. */
static bool choose_owners(struct listing *listing, bool all, struct refusal *refusal)
{
    struct str party = json_get_text(listing->request->params, "party");
    struct registry_view *view = listing->hub->control_view;
    struct ocpi_party_key key;
    if (party.length > 0 && !lookup_key(party, &key, refusal))
        return false;
    struct registry_snapshot *snapshot = registry_hold(view);
    struct store_owner_filter *owners =
        arena_alloc(&listing->request->arena, (snapshot->party_count + 1) * sizeof *owners);
    bool good = owners != NULL;
    if (good && party.length > 0)
        good = add_owner(listing, owners, ocpi_party_key_str(&key));
    else if (good && all)
        good = add_cpos(listing, owners, snapshot);
    registry_release(view, snapshot);
    listing->page.owners = owners;
    return good || refusal_set(refusal, CTL_INTERNAL, NULL, "no memory");
}

static void read_page(struct listing *listing)
{
    struct str since = json_get_text(listing->request->params, "since");
    struct store_page_read *page = &listing->page;
    page->base =
        (struct store_read){.arena = &listing->request->arena, .callback = on_page, .context = listing};
    page->kind = listing->kind;
    page->date_from = INT64_MIN;
    page->date_to = INT64_MAX;
    if (since.length > 0)
        timestamp_parse(since, &page->date_from);
    page->after = lookup_page_after(listing->request);
    page->limit = lookup_page_limit(listing->request);
    page->bytes_max = SIZE_MAX / 2;
    store_read_page(listing->hub->control_store, page);
}

void admin_object_list(struct ctl_request *request)
{
    struct listing *listing = arena_alloc(&request->arena, sizeof *listing);
    struct str id = json_get_text(request->params, "id");
    struct str folded = arena_copy_upper(&request->arena, id);
    struct refusal refusal = {0};
    if (listing == NULL || folded.data == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    listing->magic = LISTING_MAGIC;
    listing->request = request;
    listing->hub = admin_hub(request);
    listing->kind = kind_from(json_get_text(request->params, "module"));
    if (!choose_owners(listing, id.length == 0, &refusal)) {
        refusal_reply(request, &refusal);
        return;
    }
    arena_init(&listing->arena, 65536);
    reply_list_begin(&listing->list, request);
    if (id.length == 0) {
        read_page(listing);
        return;
    }
    listing->owners.base =
        (struct store_read){.arena = &request->arena, .callback = on_owners, .context = listing};
    listing->owners.kind = listing->kind;
    listing->owners.id = folded;
    store_read_owners(listing->hub->control_store, &listing->owners);
}

/* ---------------------------------------------------------------- show */

static void on_show(struct store_read *base)
{
    struct store_object_read *read = CONTAINER_OF(base, struct store_object_read, base);
    struct ctl_request *request = ctl_request_of(base->context);
    const char *kind = kind_names[read->kind];
    struct reply_object object;
    struct str owner = render_spelled_key(admin_hub(request), &request->arena, read->owner);
    struct str missing =
        arena_printf(&request->arena, "%s " STR_FMT " of party " STR_FMT ": no such %s", kind,
                     STR_ARG(json_get_text(request->params, "object")), STR_ARG(owner), kind);
    struct str hint =
        arena_printf(&request->arena, "hubctl object list %s --party " STR_FMT, kind, STR_ARG(owner));
    if (!reply_object_begin(&object, base, missing, hint))
        return;
    json_field_text(&object.writer, "module", kind);
    json_field_string(&object.writer, "party", read->owner);
    json_field_string(&object.writer, "id", read->id);
    json_field_string(&object.writer, "body", read->body);
    reply_object_end(&object);
}

void admin_object_show(struct ctl_request *request)
{
    struct store_object_read *read = arena_alloc(&request->arena, sizeof *read);
    struct ocpi_party_key key;
    struct refusal refusal = {0};
    if (read == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    if (!lookup_key(json_get_text(request->params, "id"), &key, &refusal)) {
        refusal_reply(request, &refusal);
        return;
    }
    read->base = (struct store_read){.arena = &request->arena, .callback = on_show, .context = request};
    read->kind = kind_from(json_get_text(request->params, "module"));
    read->owner = arena_copy(&request->arena, ocpi_party_key_str(&key));
    read->id = arena_copy_upper(&request->arena, json_get_text(request->params, "object"));
    if (read->owner.data == NULL || read->id.data == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    store_read_object(admin_hub(request)->control_store, read);
}
