#include <stdlib.h>

#include "hubd/admin/attention.h"
#include "hubd/admin/internal.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "hubd/outbox/outbox.h"
#include "hubd/request/quality.h"
#include "hubd/traffic.h"
#include "lib/base/env.h"
#include "lib/base/magic.h"

/* status: one screen, what needs attention first. Four reads, then the snapshot. */

#define HELD_LOOKED_AT 500 /* held deliveries that are read for their reasons */

#define STATUS_MAGIC 0x53544154u
struct status {
    uint32_t magic;
    struct ctl_request *request;
    struct hub *hub;
    struct store_queues_read queues;
    struct store_delivery_list held;
    struct store_totals_read totals;
    struct store_refusals_read refusals;
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

/* ---------------------------------------------------------------- figures */

static void write_parties(struct json_writer *writer, const struct registry_snapshot *snapshot)
{
    struct counts counts[] = {{"CONNECTED", 0}, {"OFFLINE", 0}, {"PLANNED", 0}, {"SUSPENDED", 0}};
    for (size_t i = 0; i < snapshot->party_count; i++) {
        const char *name = registry_party_status(&snapshot->parties[i]);
        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++)
            counts[j].count += strcmp(counts[j].name, name) == 0 ? 1 : 0;
    }
    write_counts(writer, "parties", counts, sizeof counts / sizeof counts[0]);
}

static void write_objects(struct json_writer *writer, const int64_t *objects)
{
    const struct counts counts[] = {{"locations", objects[STORE_LOCATION]},
                                    {"tariffs", objects[STORE_TARIFF]},
                                    {"sessions", objects[STORE_SESSION]},
                                    {"cdrs", objects[STORE_CDR]}};
    write_counts(writer, "objects", counts, sizeof counts / sizeof counts[0]);
}

/* ---------------------------------------------------------------- traffic */

static void write_module(struct json_writer *writer, struct traffic *traffic, const char *name, uint32_t rows)
{
    struct traffic_figures figures;
    traffic_read(traffic, rows, &figures);
    if (figures.recent == 0)
        return;
    json_object_begin(writer);
    json_field_text(writer, "module", name);
    render_minutes(writer, &figures);
    json_field_int(writer, "requests", figures.recent);
    json_field_int(writer, "failed", figures.recent_failed);
    render_latency(writer, "p95_ms", figures.p95_us);
    json_object_end(writer);
}

/* Partners' requests by module; what the hub delivers in one line. */
static void write_traffic(struct json_writer *writer, struct traffic *traffic)
{
    uint32_t deliveries = 0;
    json_key(writer, "traffic");
    json_array_begin(writer);
    for (size_t i = 0; i < traffic_row_count(); i++) {
        uint32_t row = UINT32_C(1) << i;
        if (!traffic_row(i)->out)
            write_module(writer, traffic, traffic_module(traffic_row(i)), row);
        else
            deliveries |= row;
    }
    write_module(writer, traffic, "deliveries", deliveries);
    json_array_end(writer);
}

/* ---------------------------------------------------------------- queues */

struct queue_line {
    const struct store_queue_row *row;
    enum retry_circuit circuit;
    int64_t retry_at;
};

/* The worst first: an open circuit, then dead ones, held ones, and those that have waited longest. */
static int compare_queues(const void *left, const void *right)
{
    const struct queue_line *a = left, *b = right;
    const int64_t pairs[][2] = {
        {b->retry_at != 0, a->retry_at != 0},
        {b->row->dead, a->row->dead},
        {b->row->held, a->row->held},
        {a->row->pending > 0 ? a->row->oldest_pending : INT64_MAX,
         b->row->pending > 0 ? b->row->oldest_pending : INT64_MAX},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i][0] != pairs[i][1])
            return pairs[i][0] < pairs[i][1] ? -1 : 1;
    }
    return 0;
}

static void write_queue(struct json_writer *writer, const struct hub *hub, const struct queue_line *line)
{
    json_object_begin(writer);
    render_key(writer, "receiver", hub, line->row->receiver);
    json_field_int(writer, "pending", line->row->pending);
    json_field_int(writer, "held", line->row->held);
    json_field_int(writer, "dead", line->row->dead);
    render_time(writer, "oldest_pending", line->row->oldest_pending);
    json_field_text(writer, "circuit", retry_circuit_name(line->circuit));
    render_time(writer, "retry_at", line->retry_at);
    json_object_end(writer);
}

static void write_queues(struct json_writer *writer, const struct status *status)
{
    size_t count = status->queues.count;
    struct queue_line *lines = arena_alloc(&status->request->arena, (count + 1) * sizeof *lines);
    for (size_t i = 0; i < count && lines != NULL; i++) {
        const struct store_queue_row *row = &status->queues.rows[i];
        lines[i].row = row;
        lines[i].circuit = outbox_circuit(status->hub, row->receiver, STR_NONE, &lines[i].retry_at);
    }
    if (lines != NULL)
        qsort(lines, count, sizeof *lines, compare_queues);
    json_key(writer, "queues");
    json_array_begin(writer);
    for (size_t i = 0; i < count && lines != NULL; i++)
        write_queue(writer, status->hub, &lines[i]);
    json_array_end(writer);
}

/* ---------------------------------------------------------------- all of it */

static void write_status(struct json_writer *writer, const struct status *status,
                         const struct registry_snapshot *snapshot)
{
    const struct store_totals_read *totals = &status->totals;
    const struct attention attention = {
        .hub = status->hub,
        .snapshot = snapshot,
        .queues = &status->queues,
        .held = &status->held,
        .totals = totals,
        .refusals = &status->refusals,
        .arena = &status->request->arena,
    };
    json_object_begin(writer);
    attention_write(writer, &attention);
    json_field_text(writer, "version", HUB_VERSION);
    render_time(writer, "started", status->hub->started_wall);
    json_field_int(writer, "uptime_s", (env_monotonic_ms() - status->hub->started_steady) / 1000);
    json_field_boolean(writer, "degraded", store_is_overloaded(status->hub->store));
    json_field_text(writer, "base_url", status->hub->conf.base_url);
    write_parties(writer, snapshot);
    write_objects(writer, totals->objects);
    write_traffic(writer, status->hub->traffic);
    write_queues(writer, status);
    json_field_int(writer, "audit_rows", totals->audit_rows);
    json_field_int(writer, "audit_head", totals->audit_head);
    json_field_int(writer, "database_bytes", totals->database_bytes);
    json_field_int(writer, "wal_bytes", totals->wal_bytes);
    json_object_end(writer);
}

static void on_refusals(struct store_read *base)
{
    struct status *status = MAGIC_CAST(struct status, base->context, STATUS_MAGIC);
    struct registry_view *view = status->hub->control_view;
    struct buffer reply = {0};
    struct json_writer writer;
    if (base->result != OK) {
        refusal_reply_error(status->request, base->result, base->error.text);
        return;
    }
    struct registry_snapshot *snapshot = registry_hold(view);
    json_writer_init(&writer, &reply);
    write_status(&writer, status, snapshot);
    registry_release(view, snapshot);
    ctl_reply(status->request, &reply);
    buffer_free(&reply);
}

static void status_on_totals(struct store_read *base)
{
    struct status *status = MAGIC_CAST(struct status, base->context, STATUS_MAGIC);
    if (base->result != OK) {
        refusal_reply_error(status->request, base->result, base->error.text);
        return;
    }
    status->refusals.base =
        (struct store_read){.arena = &status->request->arena, .callback = on_refusals, .context = status};
    status->refusals.since = env_wall_ms() - QUALITY_REFUSED_MS;
    store_read_refusals(status->hub->control_store, &status->refusals);
}

static void on_held(struct store_read *base)
{
    struct status *status = MAGIC_CAST(struct status, base->context, STATUS_MAGIC);
    if (base->result != OK) {
        refusal_reply_error(status->request, base->result, base->error.text);
        return;
    }
    status->totals.base = (struct store_read){
        .arena = &status->request->arena, .callback = status_on_totals, .context = status};
    store_read_totals(status->hub->control_store, &status->totals);
}

static void on_queues(struct store_read *base)
{
    struct status *status = MAGIC_CAST(struct status, base->context, STATUS_MAGIC);
    if (base->result != OK) {
        refusal_reply_error(status->request, base->result, base->error.text);
        return;
    }
    status->held.base =
        (struct store_read){.arena = &status->request->arena, .callback = on_held, .context = status};
    status->held.state = STORE_DELIVERY_HELD;
    status->held.limit = HELD_LOOKED_AT;
    store_read_deliveries(status->hub->control_store, &status->held);
}

void admin_status(struct ctl_request *request)
{
    struct status *status = arena_alloc(&request->arena, sizeof *status);
    if (status == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    status->magic = STATUS_MAGIC;
    status->request = request;
    status->hub = admin_hub(request);
    status->queues.base =
        (struct store_read){.arena = &request->arena, .callback = on_queues, .context = status};
    store_read_queues(status->hub->control_store, &status->queues);
}
