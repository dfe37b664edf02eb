#include "hubd/admin/internal.h"
#include "hubd/admin/rows.h"
#include "hubd/delivery.h"
#include "lib/base/env.h"

/* status: one screen, what needs attention first. Two reads, then the snapshot. */

struct status {
    struct ctl_request *request;
    struct hub *hub;
    struct store_queues_read queues;
    struct store_totals_read totals;
};

struct counts {
    const char *name;
    int64_t count;
};

static void write_counts(struct json_writer *writer, const char *key, const struct counts *counts,
                         size_t count)
{
    json_key(writer, key);
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(writer);
        json_field_text(writer, "name", counts[i].name);
        json_field_int(writer, "count", counts[i].count);
        json_object_end(writer);
    }
    json_array_end(writer);
}

/* ---------------------------------------------------------------- what needs attention */

static void attend(struct json_writer *writer, struct str what, const char *hint)
{
    json_object_begin(writer);
    json_field_string(writer, "what", what);
    json_field_text(writer, "hint", hint);
    json_object_end(writer);
}

static void attend_parties(struct json_writer *writer, const struct registry_snapshot *snapshot,
                           struct arena *arena)
{
    for (size_t i = 0; i < snapshot->party_count; i++) {
        const struct registry_party *party = &snapshot->parties[i];
        if (party->row.suspended || party->platform->row.status != STORE_PLATFORM_OFFLINE)
            continue;
        struct str id = rows_party_id(snapshot, party, arena);
        struct str hint = arena_printf(arena, "hubctl party show " STR_FMT, STR_ARG(id));
        attend(writer, arena_printf(arena, "party " STR_FMT " is OFFLINE", STR_ARG(id)), hint.data);
    }
}

static void attend_queues(struct json_writer *writer, const struct store_queues_read *queues,
                          struct arena *arena)
{
    for (size_t i = 0; i < queues->count; i++) {
        const struct store_queue_row *row = &queues->rows[i];
        const struct counts bad[] = {{"dead", row->dead}, {"held", row->held}};
        for (size_t j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
            if (bad[j].count == 0)
                continue;
            struct str what =
                arena_printf(arena, "%lld %s deliver%s for " STR_FMT, (long long)bad[j].count, bad[j].name,
                             bad[j].count == 1 ? "y" : "ies", STR_ARG(row->receiver));
            struct str hint = arena_printf(arena, "hubctl delivery list --state %s --party " STR_FMT,
                                           bad[j].name, STR_ARG(row->receiver));
            attend(writer, what, hint.data);
        }
    }
}

static void write_attention(struct json_writer *writer, const struct status *status,
                            const struct registry_snapshot *snapshot)
{
    struct arena *arena = &status->request->arena;
    json_key(writer, "attention");
    json_array_begin(writer);
    if (store_is_overloaded(status->hub->store))
        attend(writer, STR("the store is overloaded or failed to write"),
               "look at hubd's log and at the disk");
    attend_parties(writer, snapshot, arena);
    attend_queues(writer, &status->queues, arena);
    json_array_end(writer);
}

/* ---------------------------------------------------------------- figures */

static void write_parties(struct json_writer *writer, const struct registry_snapshot *snapshot)
{
    struct counts counts[] = {{"CONNECTED", 0}, {"OFFLINE", 0}, {"PLANNED", 0}, {"SUSPENDED", 0}};
    for (size_t i = 0; i < snapshot->party_count; i++) {
        const char *name = registry_party_status(&snapshot->parties[i]);
        for (size_t j = 0; j < sizeof(counts) / sizeof(counts[0]); j++)
            counts[j].count += strcmp(counts[j].name, name) == 0 ? 1 : 0;
    }
    write_counts(writer, "parties", counts, sizeof(counts) / sizeof(counts[0]));
}

static void write_objects(struct json_writer *writer, const int64_t *objects)
{
    const struct counts counts[] = {{"locations", objects[STORE_LOCATION]},
                                    {"tariffs", objects[STORE_TARIFF]},
                                    {"sessions", objects[STORE_SESSION]},
                                    {"cdrs", objects[STORE_CDR]}};
    write_counts(writer, "objects", counts, sizeof(counts) / sizeof(counts[0]));
}

static void write_queues(struct json_writer *writer, const struct hub *hub,
                         const struct store_queues_read *queues)
{
    json_key(writer, "queues");
    json_array_begin(writer);
    for (size_t i = 0; i < queues->count; i++) {
        const struct store_queue_row *row = &queues->rows[i];
        json_object_begin(writer);
        json_field_string(writer, "receiver", row->receiver);
        json_field_int(writer, "pending", row->pending);
        json_field_int(writer, "held", row->held);
        json_field_int(writer, "dead", row->dead);
        rows_time(writer, "oldest_pending", row->oldest_pending);
        int64_t retry_at;
        json_field_text(writer, "circuit", delivery_circuit(hub, row->receiver, &retry_at));
        rows_time(writer, "retry_at", retry_at);
        json_object_end(writer);
    }
    json_array_end(writer);
}

static void write_status(struct json_writer *writer, const struct status *status,
                         const struct registry_snapshot *snapshot)
{
    const struct store_totals_read *totals = &status->totals;
    json_object_begin(writer);
    write_attention(writer, status, snapshot);
    json_field_text(writer, "version", HUB_VERSION);
    rows_time(writer, "started", status->hub->started_wall);
    json_field_int(writer, "uptime_s", (env_wall_ms() - status->hub->started_wall) / 1000);
    json_field_boolean(writer, "degraded", store_is_overloaded(status->hub->store));
    json_field_text(writer, "base_url", status->hub->conf.base_url);
    write_parties(writer, snapshot);
    write_objects(writer, totals->objects);
    write_queues(writer, status->hub, &status->queues);
    json_field_int(writer, "audit_rows", totals->audit_rows);
    json_field_int(writer, "audit_head", totals->audit_head);
    json_field_int(writer, "database_bytes", totals->database_bytes);
    json_field_int(writer, "wal_bytes", totals->wal_bytes);
    json_object_end(writer);
}

static void on_totals(struct store_read *base)
{
    struct status *status = base->context;
    struct registry_view *view = status->hub->control_view;
    struct buffer reply = {0};
    struct json_writer writer;
    if (base->result != OK) {
        rows_fail_error(status->request, base->result, base->error.text);
        return;
    }
    struct registry_snapshot *snapshot = registry_hold(view);
    json_writer_init(&writer, &reply);
    write_status(&writer, status, snapshot);
    registry_release(view, snapshot);
    ctl_reply(status->request, &reply);
    buffer_free(&reply);
}

static void on_queues(struct store_read *base)
{
    struct status *status = base->context;
    if (base->result != OK) {
        rows_fail_error(status->request, base->result, base->error.text);
        return;
    }
    status->totals.base =
        (struct store_read){.arena = &status->request->arena, .callback = on_totals, .context = status};
    store_read_totals(status->hub->control_store, &status->totals);
}

void admin_status(struct ctl_request *request)
{
    struct status *status = arena_alloc(&request->arena, sizeof(*status));
    if (status == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    status->request = request;
    status->hub = admin_hub(request);
    status->queues.base =
        (struct store_read){.arena = &request->arena, .callback = on_queues, .context = status};
    store_read_queues(status->hub->control_store, &status->queues);
}
