#include "hubd/partners/clientinfo.h"

#include <stdlib.h>

#include "hubd/outbox/outbox.h"
#include "hubd/outbox/address.h"
#include "lib/base/crypto.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define CLIENTINFO_MAGIC 0x434c4e54u
#define POLL_MS          1000
#define MESSAGES_MAX     1000 /* of a batch, one receiver's more or less */

/* A walk over the receivers of one snapshot, batch after batch. */
struct clientinfo {
    uint32_t magic;
    struct hub *hub;
    uv_timer_t poll;
    struct registry_snapshot *snapshot; /* NULL: no walk is under way */
    size_t position;                    /* the party that is looked at next */
    struct arena arena;                 /* of the batch under way */
    struct store_apply batch;
    bool again; /* there is a newer snapshot, or the last walk did not get through */
    bool stopping;
};

/* As the store and the outbox know it. */
static struct str clientinfo_module(void)
{
    return str_from(ocpi_module_name(OCPI_MODULE_HUBCLIENTINFO));
}

/* ---------------------------------------------------------------- the object */

static void write_with_status(struct json_writer *writer, const struct registry_party *party, unsigned role,
                              const char *status, int64_t last_updated)
{
    json_object_begin(writer);
    json_field_string(writer, "party_id", party->row.party_id);
    json_field_string(writer, "country_code", party->row.country_code);
    json_field_text(writer, "role", ocpi_role_name(role));
    json_field_text(writer, "status", status);
    json_field_timestamp(writer, "last_updated", last_updated);
    json_object_end(writer);
}

void clientinfo_write(struct json_writer *writer, const struct registry_party *party, unsigned role)
{
    write_with_status(writer, party, role, registry_party_status(party), party->row.last_updated);
}

/* ---------------------------------------------------------------- into a batch */

/* The receiver for the party's messages; NULL when it has none, or another party of its platform has the same
 * URL and stands for it. */
static const struct store_receiver *receiver_of(const struct registry_party *party)
{
    const struct store_receiver *own = registry_receiver(party, clientinfo_module());
    for (size_t i = 0; own != NULL && i < party->platform->party_count; i++) {
        const struct registry_party *other = party->platform->parties[i];
        if (other == party)
            return own;
        const struct store_receiver *same = registry_receiver(other, clientinfo_module());
        if (same != NULL && !other->row.suspended && str_equal(same->url, own->url))
            return NULL;
    }
    return own;
}

/* What the messages of a batch have in common. */
struct announcement {
    struct hub *hub;
    struct store_apply *batch;
    struct str receiver; /* as rows have it */
    struct str correlation_id;
    const char *status; /* NULL: as it is */
    int64_t now;
};

static struct announcement announcement_new(struct hub *hub, struct store_apply *batch, const char *status,
                                            int64_t now)
{
    char *id = arena_alloc(batch->arena, UUID_SIZE);
    return (struct announcement){hub,    batch, STR_NONE, id == NULL ? STR_NONE : str_from(uuid_make(id)),
                                 status, now};
}

static void announcement_add_role(const struct announcement *announcement, const struct registry_party *party,
                                  unsigned role)
{
    struct arena *arena = announcement->batch->arena;
    struct store_op *op = store_batch_add(announcement->batch, STORE_PUT_DELIVERY);
    if (op == NULL)
        return;
    struct buffer text = {0};
    struct json_writer writer;
    json_writer_init(&writer, &text);
    if (announcement->status == NULL)
        clientinfo_write(&writer, party, role);
    else
        write_with_status(&writer, party, role, announcement->status, announcement->now);
    struct store_delivery *row = &op->u.delivery.row;
    row->state = STORE_DELIVERY_PENDING;
    row->receiver = announcement->receiver;
    row->sender = ocpi_party_key_str(&announcement->hub->key);
    row->module = clientinfo_module();
    row->method = STR("PUT");
    row->kind = -1;
    row->owner = arena_copy(arena, ocpi_party_key_str(&party->key));
    row->object = arena_printf(arena, "%s:%s", party->key.text, ocpi_role_name(role));
    row->name = arena_printf(arena, "%s:%s", party->id, ocpi_role_name(role));
    row->body = arena_copy(arena, buffer_str(&text));
    row->correlation_id = announcement->correlation_id;
    row->created = announcement->now;
    op->u.delivery.coalesce = true;
    buffer_free(&text);
}

/* One message for each role; returns how many. */
static size_t announcement_add_party(const struct announcement *announcement,
                                     const struct registry_party *party)
{
    size_t count = 0;
    for (unsigned role = 0; (role = ocpi_role_next(party->row.roles, role)) != 0; count++)
        announcement_add_role(announcement, party, role);
    return count;
}

void clientinfo_add_retirement(struct hub *hub, const struct registry_snapshot *snapshot,
                               const struct registry_party *party, int64_t now, struct store_apply *batch)
{
    if (now <= snapshot->changed) /* no older than what receivers have */
        now = snapshot->changed + 1;
    struct announcement announcement = announcement_new(hub, batch, "SUSPENDED", now);
    for (size_t i = 0; i < snapshot->party_count; i++) {
        const struct registry_party *other = &snapshot->parties[i];
        const struct store_receiver *receiver =
            other->platform == party->platform ? NULL : receiver_of(other);
        bool never = receiver != NULL && receiver->announced == 0;
        if (receiver == NULL || (never && other->platform->row.status == STORE_PLATFORM_PLANNED))
            continue; /* others may be sent it by a batch that is under way */
        announcement.receiver = outbox_receiver_name(snapshot, other, batch->arena);
        announcement_add_party(&announcement, party);
    }
}

/* ---------------------------------------------------------------- handing over */

static void walk_on(struct clientinfo *info);

static void walk_end(struct clientinfo *info)
{
    registry_release(info->hub->control_view, info->snapshot);
    info->snapshot = NULL;
}

/* After a conflict: the snapshot is older than what is stored. The refreshed snapshot makes the hook look
 * again. */
static void walk_renewed(int result, void *context)
{
    struct clientinfo *info = MAGIC_CAST(struct clientinfo, context, CLIENTINFO_MAGIC);
    info->again = info->again || result != OK;
}

static void walk_failed(struct clientinfo *info, int result)
{
    walk_end(info);
    if (result == ERR_CONFLICT || result == ERR_NOT_FOUND)
        registry_refresh(info->hub->registry, &info->hub->control, walk_renewed, info);
    else
        info->again = true; /* the poll tries again */
}

static void clientinfo_look(struct clientinfo *info);

static void walk_stored(struct store_apply *apply)
{
    struct clientinfo *info = MAGIC_CAST(struct clientinfo, apply->context, CLIENTINFO_MAGIC);
    int result = apply->result;
    for (const struct store_op *op = apply->first; result == OK && op != NULL; op = op->next)
        if (op->type == STORE_PUT_DELIVERY)
            outbox_wake(info->hub, op->u.delivery.row.receiver, clientinfo_module());
    if (result != OK && result != ERR_CONFLICT && result != ERR_NOT_FOUND)
        log_error_bounded("hubclientinfo: changes cannot be handed over: %s", apply->error.text);
    arena_free(&info->arena);
    if (info->stopping) {
        walk_end(info);
    } else if (result != OK) {
        walk_failed(info, result);
    } else if (info->again) {
        walk_end(info);
        clientinfo_look(info);
    } else {
        walk_on(info);
    }
}

/* Adds to the batch all parties that changed since the receiver was last sent any, and moves the receiver's
 * mark. Returns how many messages. */
static size_t walk_add(const struct clientinfo *info, struct announcement *announcement,
                       const struct registry_party *to, const struct store_receiver *receiver)
{
    const struct registry_snapshot *snapshot = info->snapshot;
    struct store_op *op = store_batch_add(announcement->batch, STORE_SET_ANNOUNCED);
    size_t count = 0;
    if (op != NULL) {
        op->u.announced.party = to->row.id;
        op->u.announced.module = clientinfo_module();
        op->u.announced.before = receiver->announced;
        op->u.announced.now = snapshot->changed;
    }
    announcement->receiver = outbox_receiver_name(snapshot, to, announcement->batch->arena);
    for (size_t i = 0; i < snapshot->party_count; i++) {
        const struct registry_party *party = &snapshot->parties[i];
        if (party->platform != to->platform && party->row.last_updated > receiver->announced)
            count += announcement_add_party(announcement, party);
    }
    return count;
}

/*
 * Sends the next batch. Parties that are suspended or not connected yet are left out, and get it all later.
 */
static void walk_on(struct clientinfo *info)
{
    const struct registry_snapshot *snapshot = info->snapshot;
    size_t count = 0;
    arena_init(&info->arena, 0);
    store_batch_init(&info->batch, &info->arena);
    struct announcement announcement = announcement_new(info->hub, &info->batch, NULL, env_wall_ms());
    while (info->position < snapshot->party_count && count < MESSAGES_MAX) {
        const struct registry_party *party = &snapshot->parties[info->position++];
        const struct store_receiver *receiver = receiver_of(party);
        if (receiver != NULL && receiver->announced < snapshot->changed && !party->row.suspended &&
            party->platform->row.status != STORE_PLATFORM_PLANNED)
            count += walk_add(info, &announcement, party, receiver);
    }
    info->batch.callback = walk_stored;
    info->batch.context = info;
    if (info->batch.first != NULL) {
        store_apply(info->hub->control_store, &info->batch);
        return;
    }
    arena_free(&info->arena);
    walk_end(info);
}

/* Looks for changes in the registry and sends them. */
static void clientinfo_look(struct clientinfo *info)
{
    if (info->stopping)
        return;
    info->again = info->snapshot != NULL;
    if (info->again)
        return;
    info->snapshot = registry_hold(info->hub->control_view);
    info->position = 0;
    walk_on(info);
}

/* The hook of registry_set_hook. */
static void clientinfo_changed(void *context)
{
    clientinfo_look(MAGIC_CAST(struct clientinfo, context, CLIENTINFO_MAGIC));
}

static void clientinfo_poll(uv_timer_t *timer)
{
    struct clientinfo *info = MAGIC_CAST(struct clientinfo, timer->data, CLIENTINFO_MAGIC);
    if (info->again && info->snapshot == NULL)
        clientinfo_look(info);
}

/* ---------------------------------------------------------------- life */

int clientinfo_start(struct hub *hub)
{
    struct clientinfo *info = calloc(1, sizeof *info);
    if (info == NULL)
        return ERR_MEMORY;
    info->magic = CLIENTINFO_MAGIC;
    info->hub = hub;
    hub->clientinfo = info;
    info->poll.data = info;
    if (uv_timer_init(&hub->control.uv, &info->poll) != 0)
        return ERR_IO;
    registry_set_hook(hub->registry, clientinfo_changed, info);
    clientinfo_look(info);
    return uv_timer_start(&info->poll, clientinfo_poll, POLL_MS, POLL_MS) == 0 ? OK : ERR_IO;
}

void clientinfo_stop(struct hub *hub)
{
    hub->clientinfo->stopping = true;
    uv_close((uv_handle_t *)&hub->clientinfo->poll, NULL);
}

void clientinfo_free(struct hub *hub)
{
    registry_set_hook(hub->registry, NULL, NULL);
    hub->clientinfo->magic = 0;
    free(hub->clientinfo);
    hub->clientinfo = NULL;
}
