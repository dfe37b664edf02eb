#include "hubd/admin/internal.h"
#include "hubd/admin/rows.h"
#include "lib/base/crypto.h"
#include "lib/base/timestamp.h"

/*
 * audit tail: reads the store by sequence in slices, so that a list of any length takes constant memory; with
 * -f it waits at the end until rows were appended. A reader that is slow stops the reading, nothing else: the
 * rows stay in the store.
 */
#define FOLLOWER_MAGIC 0x464f4c4cu
#define SLICE_ROWS     100
#define LAST_DEFAULT   20

enum phase {
    PHASE_HEAD,    /* which row is the newest? */
    PHASE_BACK,    /* where do the last n begin? */
    PHASE_FORWARD, /* send */
};

struct follower {
    uint32_t magic;
    struct ctl_request *request;
    struct arena arena; /* of one slice */
    struct store_audit_read read;
    enum phase phase;
    bool follow, reading, blocked, waiting, announced;
    bool woken;           /* rows were appended while we read */
    int64_t position;     /* everything up to this sequence is done */
    int64_t head;         /* newest when we began */
    int64_t last;         /* rows wanted from the end, -1: all */
    int64_t found_lowest; /* PHASE_BACK: sequence of the earliest match so far */
    int64_t sent;
    /* the filter */
    int64_t since, until;
    struct str party, action, actor;
    struct ring queue; /* in admin->followers */
};

static void on_slice(struct store_read *base);

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
    struct ctl_request *request = follower->request;
    ring_remove(&follower->queue);
    arena_free(&follower->arena);
    follower->magic = 0;
    return request;
}

static void end(struct follower *follower)
{
    int64_t sent = follower->sent;
    struct ctl_request *request = follower_release(follower);
    struct buffer reply = {0};
    buffer_printf(&reply, "{\"count\":%lld}", (long long)sent);
    ctl_reply(request, &reply);
    buffer_free(&reply);
}

static void end_with(struct follower *follower, const struct refusal *refusal)
{
    rows_fail(follower_release(follower), refusal);
}

/* ---------------------------------------------------------------- reading */

static void read_slice(struct follower *follower)
{
    struct store_audit_read *read = &follower->read;
    bool filtered = follower->phase != PHASE_HEAD;
    int64_t after = follower->phase == PHASE_FORWARD ? follower->position : read->scanned;
    arena_reset(&follower->arena);
    memset(read, 0, sizeof *read);
    read->base.arena = &follower->arena;
    read->base.callback = on_slice;
    read->base.context = follower;
    read->after = after;
    read->backwards = follower->phase != PHASE_FORWARD;
    read->since = filtered ? follower->since : INT64_MIN;
    read->until = filtered ? follower->until : INT64_MAX;
    read->party = filtered ? follower->party : STR_NONE;
    read->action = filtered ? follower->action : STR_NONE;
    read->actor = filtered ? follower->actor : STR_NONE;
    read->limit = follower->phase == PHASE_HEAD                                  ? 1
                  : follower->phase == PHASE_BACK && follower->last < SLICE_ROWS ? (unsigned)follower->last
                                                                                 : SLICE_ROWS;
    follower->reading = true;
    follower->waiting = false;
    follower->woken = false;
    store_read_audit(admin_hub(follower->request)->control_store, read);
}

static struct str note_of(const struct store_audit *audit, struct arena *arena)
{
    const struct json_value *detail;
    if (audit->detail.length == 0 || json_parse(arena, audit->detail, JSON_DEPTH_MAX, &detail, NULL) != OK)
        return STR_NONE;
    return rows_audit_note(arena, detail);
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
    rows_text(&writer, "actor", audit->actor);
    rows_text(&writer, "action", audit->action);
    rows_key(&writer, "party", hub, audit->party);
    rows_text(&writer, "module", audit->module);
    rows_text(&writer, "method", audit->method);
    rows_key(&writer, "from", hub, audit->sender);
    rows_key(&writer, "to", hub, audit->receiver);
    rows_text(&writer, "object", audit->object);
    rows_text(&writer, "status", audit->status);
    json_key(&writer, "latency_ms");
    if (audit->latency_ms < 0)
        json_null(&writer);
    else
        json_int(&writer, audit->latency_ms);
    rows_text(&writer, "request_id", audit->request_id);
    rows_text(&writer, "correlation_id", audit->correlation_id);
    rows_text(&writer, "note", note_of(audit, arena));
    json_key(&writer, "detail");
    if (audit->detail.length == 0)
        json_null(&writer);
    else
        json_raw(&writer, audit->detail);
    json_object_end(&writer);
}

/* Tells a follower where it stands although nothing was sent, so that it can go on there after a restart. */
static void announce(struct follower *follower)
{
    struct buffer line = {0};
    struct str cursor = cursor_text(&follower->arena, follower->position);
    buffer_printf(&line, "{\"position\":\"" STR_FMT "\"}", STR_ARG(cursor));
    follower->announced = true;
    ctl_notify(follower->request, &line);
    buffer_free(&line);
}

static void caught_up(struct follower *follower)
{
    if (!follower->follow) {
        end(follower);
        return;
    }
    if (!follower->announced)
        announce(follower);
    if (follower->woken)
        read_slice(follower);
    else
        follower->waiting = true;
}

static void send_slice(struct follower *follower)
{
    struct store_audit_read *read = &follower->read;
    int64_t before = follower->position;
    for (size_t i = 0; i < read->count; i++) {
        struct buffer line = {0};
        audit_write_row(&line, &read->rows[i], admin_hub(follower->request), &follower->arena);
        follower->blocked = !ctl_notify(follower->request, &line) || follower->blocked;
        buffer_free(&line);
        follower->position = read->rows[i].sequence;
        follower->sent++;
    }
    if (read->count < read->limit && read->scanned > follower->position)
        follower->position = read->scanned;
    if (follower->blocked)
        return; /* on_drain goes on */
    if (follower->position == before)
        caught_up(follower);
    else
        read_slice(follower);
}

/* ---------------------------------------------------------------- where to begin */

static void begin_forward(struct follower *follower)
{
    follower->phase = PHASE_FORWARD;
    read_slice(follower);
}

static void head_known(struct follower *follower)
{
    struct refusal refusal = {0};
    follower->head = follower->read.count > 0 ? follower->read.rows[0].sequence : 0;
    if (follower->position > follower->head) {
        rows_refuse(
            &refusal, CTL_INVALID, "begin again without the cursor",
            "the cursor is ahead of this hub's audit: it is another hub's, or the database was replaced");
        end_with(follower, &refusal);
    } else if (follower->last < 0) {
        begin_forward(follower);
    } else if (follower->last == 0) {
        follower->position = follower->head;
        begin_forward(follower);
    } else {
        follower->phase = PHASE_BACK;
        follower->read.scanned = follower->head + 1;
        read_slice(follower);
    }
}

static void back_slice(struct follower *follower)
{
    struct store_audit_read *read = &follower->read;
    for (size_t i = 0; i < read->count && follower->last > 0; i++) {
        if (read->rows[i].sequence <= follower->position)
            break;
        follower->found_lowest = read->rows[i].sequence;
        follower->last--;
    }
    bool bottom = read->scanned <= follower->position + 1 || read->scanned >= read->after;
    if (follower->last > 0 && !bottom) {
        read_slice(follower);
        return;
    }
    follower->position = follower->found_lowest > 0 ? follower->found_lowest - 1 : follower->head;
    begin_forward(follower);
}

static void on_slice(struct store_read *base)
{
    struct follower *follower = MAGIC_CAST(struct follower, base->context, FOLLOWER_MAGIC);
    follower->reading = false;
    if (follower->request->closed) {
        end(follower);
        return;
    }
    if (base->result != OK) {
        struct refusal refusal = {0};
        rows_refuse(&refusal, ctl_code_from_error(base->result), "hubctl status", "audit: %s",
                    base->error.text);
        end_with(follower, &refusal);
        return;
    }
    switch (follower->phase) {
    case PHASE_HEAD:
        head_known(follower);
        return;
    case PHASE_BACK:
        back_slice(follower);
        return;
    case PHASE_FORWARD:
        send_slice(follower);
        return;
    }
}

/* ---------------------------------------------------------------- the client's side */

static void follower_on_drain(struct ctl_request *request)
{
    struct follower *follower = MAGIC_CAST(struct follower, request->state, FOLLOWER_MAGIC);
    follower->blocked = false;
    if (!follower->reading && !follower->waiting)
        read_slice(follower);
}

static void follower_on_closed(struct ctl_request *request)
{
    struct follower *follower = MAGIC_CAST(struct follower, request->state, FOLLOWER_MAGIC);
    if (!follower->reading)
        end(follower);
}

void admin_wake_followers(struct admin *admin)
{
    struct ring all;
    ring_init(&all);
    ring_append(&all, &admin->followers);
    for (struct ring *node = ring_pop(&all); node != NULL; node = ring_pop(&all)) {
        struct follower *follower = CONTAINER_OF(node, struct follower, queue);
        ring_push(&admin->followers, node);
        follower->woken = true;
        if (follower->waiting)
            read_slice(follower);
    }
}

static bool read_filter(struct follower *follower, struct refusal *refusal)
{
    const struct json_value *params = follower->request->params;
    struct str since = json_get_text(params, "since"), until = json_get_text(params, "until");
    struct str party = json_get_text(params, "party"), cursor = json_get_text(params, "cursor");
    struct arena *arena = &follower->request->arena;
    struct ocpi_party_key key;
    follower->since = INT64_MIN;
    follower->until = INT64_MAX;
    if (since.length > 0)
        timestamp_parse(since, &follower->since);
    if (until.length > 0)
        timestamp_parse(until, &follower->until);
    if (party.length > 0 && !rows_find_key(party, &key, refusal))
        return false;
    if (party.length > 0)
        follower->party = arena_copy(arena, ocpi_party_key_str(&key));
    follower->action = json_get_text(params, "action");
    follower->actor = json_get_text(params, "actor");
    if (cursor.length > 0 && !cursor_read(arena, cursor, &follower->position))
        return rows_refuse(refusal, CTL_INVALID, "take it from the field `cursor` of a row",
                           "cursor " STR_FMT ": no cursor of this hub", STR_ARG(cursor));
    follower->last = since.length > 0 || cursor.length > 0 ? -1 : LAST_DEFAULT;
    json_get_int64(params, "last", &follower->last);
    return true;
}

static void begin_tail(struct ctl_request *request)
{
    struct follower *follower = arena_alloc(&request->arena, sizeof *follower);
    struct refusal refusal = {0};
    if (follower == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    follower->magic = FOLLOWER_MAGIC;
    follower->request = request;
    follower->follow = json_get_boolean(request->params, "follow", false);
    ring_init(&follower->queue);
    arena_init(&follower->arena, 65536);
    if (!read_filter(follower, &refusal)) {
        end_with(follower, &refusal);
        return;
    }
    request->state = follower;
    request->on_drain = follower_on_drain;
    request->on_closed = follower_on_closed;
    if (follower->follow)
        ring_push(&admin_of(request)->followers, &follower->queue);
    read_slice(follower);
}

void admin_audit_tail(struct ctl_request *request)
{
    begin_tail(request);
}
