#include "hubd/admin/internal.h"
#include "hubd/admin/render.h"
#include "hubd/admin/reply.h"
#include "hubd/traffic.h"

/* stats: a row per module and direction. */

static void stats_write_row(struct json_writer *writer, struct traffic *traffic, size_t index)
{
    struct traffic_figures figures;
    traffic_read(traffic, UINT32_C(1) << index, &figures);
    json_object_begin(writer);
    json_field_text(writer, "direction", traffic_direction(traffic_row(index)));
    json_field_text(writer, "module", traffic_module(traffic_row(index)));
    json_field_int(writer, "requests", (int64_t)figures.requests);
    json_field_int(writer, "failed", (int64_t)figures.failed);
    render_decimal(writer, "per_minute_1", figures.per_minute_1);
    render_decimal(writer, "per_minute_5", figures.per_minute_5);
    render_decimal(writer, "per_minute_15", figures.per_minute_15);
    render_latency(writer, "p50_ms", figures.p50_us);
    render_latency(writer, "p95_ms", figures.p95_us);
    json_field_int(writer, "failed_15", figures.recent_failed);
    render_minutes(writer, &figures);
    json_object_end(writer);
}

void admin_stats(struct ctl_request *request)
{
    struct reply_list list;
    reply_list_begin(&list, request);
    for (size_t i = 0; i < traffic_row_count(); i++)
        stats_write_row(&list.writer, admin_hub(request)->traffic, i);
    reply_list_end(&list, STR_NONE);
}
