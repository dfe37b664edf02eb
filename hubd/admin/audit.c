#include "hubd/admin/internal.h"
#include "hubd/admin/job.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "lib/base/crypto.h"
#include "lib/base/timestamp.h"

/* audit tail: a job (job.h) that reads the audit by sequence; with -f it waits at the end until rows are appended. */

#define SLICE_ROWS   100
#define LAST_DEFAULT 20

enum phase {
    PHASE_HEAD,    /* which row is the newest? */
    PHASE_BACK,    /* where do the last n begin? */
    PHASE_FORWARD, /* send */
};

struct follower {
    struct job job;
    struct store_audit_read read;
    enum phase phase;
    bool follow, announced;
    int64_t position;     /* rows up to this sequence were sent or do not match */
    int64_t head;         /* the newest when the command began */
    int64_t last;         /* rows wanted from the end, -1: all */
    int64_t found_lowest; /* PHASE_BACK: sequence of the earliest match so far */
    int64_t sent;
    /* the filter */
    int64_t since, until;
    struct str party, action, actor;
    struct ring queue; /* in admin->followers */
};

static struct follower *follower_of(struct job *job)
{
    return CONTAINER_OF(job, struct follower, job);
}

/* ---------------------------------------------------------------- cursors */

static struct str cursor_text(struct arena *arena, int64_t sequence)
{
    struct str plain = arena_printf(arena, "1:%lld", (long long)sequence);
    return base64url_encode(arena, plain);
}

static bool cursor_read(struct arena *arena, struct str text, int64_t *sequence)
{
    struct str plain;
    return base64url_decode(arena, text, &plain) && str_starts_with(plain, STR("1:")) &&
           str_to_int64(str_skip(plain, 2), sequence) && *sequence >= 0;
}

/* ---------------------------------------------------------------- the end */

static struct ctl_request *follower_release(struct follower *follower)
{
    ring_remove(&follower->queue);
    return job_end(&follower->job);
}

static void tail_answer(struct job *job)
{
    struct follower *follower = follower_of(job);
    struct buffer reply = {0};
    buffer_printf(&reply, "{\"count\":%lld}", (long long)follower->sent);
    ctl_reply(follower_release(follower), &reply);
    buffer_free(&reply);
}

static void tail_refuse(struct follower *follower, const struct refusal *refusal)
{
    refusal_reply(follower_release(follower), refusal);
}

static void tail_fail(struct job *job, int error_code, const struct error *error)
{
    struct refusal refusal = {0};
    refusal_set(&refusal, ctl_code_from_error(error_code), "hubctl status", "audit: %s", error->text);
    tail_refuse(follower_of(job), &refusal);
}

/* ---------------------------------------------------------------- sending */

static struct str note_of(const struct store_audit *audit, struct arena *arena)
{
    const struct json_value *detail;
    if (audit->detail.length == 0 || json_parse(arena, audit->detail, JSON_DEPTH_MAX, &detail, NULL) != OK)
        return STR_NONE;
    return render_audit_note(arena, detail);
}

static void audit_write_row(struct buffer *out, const struct store_audit_row *row, const struct hub *hub,
                            struct arena *arena)
{
    const struct store_audit *audit = &row->row;
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_field_string(&writer, "cursor", cursor_text(arena, row->sequence));
    json_field_timestamp(&writer, "time", audit->time);
    render_text(&writer, "actor", audit->actor);
    render_text(&writer, "action", audit->action);
    render_key(&writer, "party", hub, audit->party);
    render_text(&writer, "module", audit->module);
    render_text(&writer, "method", audit->method);
    render_key(&writer, "from", hub, audit->sender);
    render_key(&writer, "to", hub, audit->receiver);
    render_text(&writer, "object", audit->object);
    render_text(&writer, "status", audit->status);
    json_key(&writer, "latency_ms");
    if (audit->latency_ms < 0)
        json_null(&writer);
    else
        json_int(&writer, audit->latency_ms);
    render_text(&writer, "request_id", audit->request_id);
    render_text(&writer, "correlation_id", audit->correlation_id);
    render_text(&writer, "note", note_of(audit, arena));
    json_key(&writer, "detail");
    if (audit->detail.length == 0)
        json_null(&writer);
    else
        json_raw(&writer, audit->detail);
    json_object_end(&writer);
}

/* Sends the position of a follower that was sent no row yet, so that it can go on there after a restart. */
static void announce(struct follower *follower)
{
    struct buffer line = {0};
    struct str cursor = cursor_text(&follower->job.arena, follower->position);
    buffer_printf(&line, "{\"position\":\"" STR_FMT "\"}", STR_ARG(cursor));
    follower->announced = true;
    job_notify(&follower->job, &line);
    buffer_free(&line);
}

static void caught_up(struct follower *follower)
{
    if (!follower->follow) {
        tail_answer(&follower->job);
        return;
    }
    if (!follower->announced)
        announce(follower);
    job_wait(&follower->job);
}

static void send_rows(struct job *job)
{
    struct follower *follower = follower_of(job);
    struct store_audit_read *read = &follower->read;
    int64_t before = follower->position;
    for (size_t i = 0; i < read->count; i++) {
        struct buffer line = {0};
        audit_write_row(&line, &read->rows[i], job->hub, &job->arena);
        job_notify(job, &line);
        buffer_free(&line);
        follower->position = read->rows[i].sequence;
        follower->sent++;
    }
    if (read->count < read->limit && read->scanned > follower->position)
        follower->position = read->scanned;
    if (follower->position == before)
        caught_up(follower);
    else
        job_next(job);
}

/* ---------------------------------------------------------------- where to begin */

static void begin_forward(struct follower *follower)
{
    follower->phase = PHASE_FORWARD;
    job_next(&follower->job);
}

static void head_read(struct job *job)
{
    struct follower *follower = follower_of(job);
    struct refusal refusal = {0};
    follower->head = follower->read.count > 0 ? follower->read.rows[0].sequence : 0;
    if (follower->position > follower->head) {
        refusal_set(
            &refusal, CTL_INVALID, "begin again without the cursor",
            "the cursor is ahead of this hub's audit: it is another hub's, or the database was replaced");
        tail_refuse(follower, &refusal);
    } else if (follower->last < 0) {
        begin_forward(follower);
    } else if (follower->last == 0) {
        follower->position = follower->head;
        begin_forward(follower);
    } else {
        follower->phase = PHASE_BACK;
        follower->read.scanned = follower->head + 1;
        job_next(job);
    }
}

static void count_back(struct job *job)
{
    struct follower *follower = follower_of(job);
    struct store_audit_read *read = &follower->read;
    for (size_t i = 0; i < read->count && follower->last > 0; i++) {
        if (read->rows[i].sequence <= follower->position)
            break;
        follower->found_lowest = read->rows[i].sequence;
        follower->last--;
    }
    bool bottom = read->scanned <= follower->position + 1 || read->scanned >= read->after;
    if (follower->last > 0 && !bottom) {
        job_next(job);
        return;
    }
    follower->position = follower->found_lowest > 0 ? follower->found_lowest - 1 : follower->head;
    begin_forward(follower);
}

/* ---------------------------------------------------------------- one slice */

static void (*const phases[])(struct job *job) = {
    [PHASE_HEAD] = head_read, [PHASE_BACK] = count_back, [PHASE_FORWARD] = send_rows};

static unsigned rows_wanted(const struct follower *follower)
{
    if (follower->phase == PHASE_HEAD)
        return 1;
    return follower->phase == PHASE_BACK && follower->last < SLICE_ROWS ? (unsigned)follower->last
                                                                        : SLICE_ROWS;
}

static void tail_slice(struct job *job)
{
    struct follower *follower = follower_of(job);
    bool filtered = follower->phase != PHASE_HEAD, forward = follower->phase == PHASE_FORWARD;
    follower->read = (struct store_audit_read){
        .base = job_read(job, phases[follower->phase]),
        .after = forward ? follower->position : follower->read.scanned,
        .backwards = !forward,
        .since = filtered ? follower->since : INT64_MIN,
        .until = filtered ? follower->until : INT64_MAX,
        .party = filtered ? follower->party : STR_NONE,
        .action = filtered ? follower->action : STR_NONE,
        .actor = filtered ? follower->actor : STR_NONE,
        .limit = rows_wanted(follower),
    };
    store_read_audit(job->hub->control_store, &follower->read);
}

static const struct job_kind tail_kind = {tail_slice, tail_answer, tail_fail};

/* ---------------------------------------------------------------- the request */

void admin_wake_followers(struct admin *admin)
{
    struct ring all;
    ring_init(&all);
    ring_append(&all, &admin->followers);
    for (struct ring *node = ring_pop(&all); node != NULL; node = ring_pop(&all)) {
        ring_push(&admin->followers, node);
        job_wake(&CONTAINER_OF(node, struct follower, queue)->job);
    }
}

static bool read_filter(struct follower *follower, struct refusal *refusal)
{
    const struct json_value *params = follower->job.request->params;
    struct str since = json_get_text(params, "since"), until = json_get_text(params, "until");
    struct str party = json_get_text(params, "party"), cursor = json_get_text(params, "cursor");
    struct arena *arena = &follower->job.request->arena;
    struct ocpi_party_key key;
    follower->since = INT64_MIN;
    follower->until = INT64_MAX;
    if (since.length > 0)
        timestamp_parse(since, &follower->since);
    if (until.length > 0)
        timestamp_parse(until, &follower->until);
    if (party.length > 0 && !lookup_key(party, &key, refusal))
        return false;
    if (party.length > 0)
        follower->party = arena_copy(arena, ocpi_party_key_str(&key));
    follower->action = json_get_text(params, "action");
    follower->actor = json_get_text(params, "actor");
    if (cursor.length > 0 && !cursor_read(arena, cursor, &follower->position))
        return refusal_set(refusal, CTL_INVALID, "take it from the field `cursor` of a row",
                           "cursor " STR_FMT ": no cursor of this hub", STR_ARG(cursor));
    follower->last = since.length > 0 || cursor.length > 0 ? -1 : LAST_DEFAULT;
    json_get_int64(params, "last", &follower->last);
    return true;
}

void admin_audit_tail(struct ctl_request *request)
{
    struct follower *follower = job_new(request, sizeof *follower, &tail_kind);
    struct refusal refusal = {0};
    if (follower == NULL)
        return;
    follower->follow = json_get_boolean(request->params, "follow", false);
    ring_init(&follower->queue);
    if (!read_filter(follower, &refusal)) {
        tail_refuse(follower, &refusal);
        return;
    }
    if (follower->follow)
        ring_push(&admin_of(request)->followers, &follower->queue);
    job_next(&follower->job);
}
