#include "hubd/admin/change.h"

#include <stdarg.h>

#include "hubd/admin/internal.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "hubd/outbox/outbox.h"
#include "hubd/request/late.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/magic.h"

struct change_follow {
    bool (*run)(struct change *change, void *context, const struct store_op *done);
    void *context;
    struct change_follow *next;
};

static void start_next(struct admin *admin);

static struct change *change_of(void *context)
{
    return MAGIC_CAST(struct change, context, CHANGE_MAGIC);
}

/* ---------------------------------------------------------------- the end */

static void change_release(struct change *change)
{
    if (change->held != NULL)
        registry_release(change->hub->control_view, change->held);
    change->held = NULL;
    change->snapshot = NULL;
}

void change_write_reply(struct change *change, struct json_writer *writer)
{
    json_field_string(writer, "id", change->id);
    json_field_text(writer, "change", change->what);
    json_field_string(writer, "message", change->message);
    json_key(writer, "hints");
    json_array_begin(writer);
    for (size_t i = 0; i < change->hint_count; i++)
        json_string(writer, change->hints[i]);
    json_array_end(writer);
}

void change_reply(struct change *change)
{
    struct buffer reply = {0};
    struct json_writer writer;
    bool secret = (change->request->command->flags & CTL_SECRET) != 0;
    buffer_reserve(&reply, 1024); /* so that a secret is not copied about while it grows */
    json_writer_init(&writer, &reply);
    json_object_begin(&writer);
    if (change->reply != NULL)
        change->reply(change, &writer);
    else
        change_write_reply(change, &writer);
    json_object_end(&writer);
    ctl_reply(change->request, &reply);
    if (secret && reply.data != NULL)
        crypto_wipe(reply.data, reply.capacity);
    buffer_free(&reply);
}

/* Ends the change and begins the next one. Unless this was a step, the request is answered and freed, and with it the
 * change. */
static void change_finish(struct change *change)
{
    struct admin *admin = change->hub->admin;
    change_release(change);
    change->magic = 0;
    admin->active = NULL;
    if (change->then != NULL)
        change->then(change);
    else if (change->refusal.code == CTL_OK)
        change_reply(change);
    else
        refusal_reply(change->request, &change->refusal);
    start_next(admin);
}

static void finish_with_error(struct change *change, int error_code, const char *text)
{
    enum ctl_code code = ctl_code_from_error(error_code);
    const char *advice =
        code == CTL_UNCERTAIN ? "hubctl audit tail shows whether it was done" : "hubctl status";
    refusal_set(&change->refusal, code, advice, "%s", refusal_error_text(error_code, text));
    change_finish(change);
}

/* ---------------------------------------------------------------- the steps */

static void run_build(struct change *change);
static void run_follow(struct change *change, const struct store_op *done);

static void on_followed(struct store_apply *apply)
{
    struct change *change = change_of(apply->context);
    if (apply->result != OK)
        finish_with_error(change, ERR_UNCERTAIN,
                          arena_printf(change->arena,
                                       "the change is stored, but not all that follows from it: %s",
                                       apply->error.text)
                              .data);
    else
        run_follow(change, apply->first);
}

static void run_follow(struct change *change, const struct store_op *done)
{
    store_batch_init(&change->batch, change->arena);
    change->batch.callback = on_followed;
    change->batch.context = change;
    for (; change->follows != NULL; change->follows = change->follows->next, done = NULL) {
        if (change->follows->run(change, change->follows->context, done)) {
            store_apply(change->hub->control_store, &change->batch);
            return;
        }
    }
    change_finish(change);
}

static void on_refreshed(int result, void *context)
{
    struct change *change = change_of(context);
    if (result != OK) {
        finish_with_error(change, ERR_UNCERTAIN,
                          "the change is stored, but hubd could not read its registry again");
        return;
    }
    run_follow(change, NULL);
}

static void on_reread(int result, void *context)
{
    struct change *change = change_of(context);
    if (result != OK)
        finish_with_error(change, result, "hubd could not read its registry again; nothing was changed");
    else
        run_build(change);
}

static void on_applied(struct store_apply *apply)
{
    struct change *change = change_of(apply->context);
    int result = apply->result;
    change_release(change);
    if (result == ERR_CONFLICT && change->registry && !late_since(change->began_us)) {
        registry_refresh(change->hub->registry, &change->hub->control, on_reread, change);
        return;
    }
    if (result != OK) {
        finish_with_error(change, result, apply->error.text);
        return;
    }
    if (change->registry)
        registry_refresh(change->hub->registry, &change->hub->control, on_refreshed, change);
    else
        run_follow(change, NULL);
}

static void run_build(struct change *change)
{
    change->held = registry_hold(change->hub->control_view);
    change->snapshot = change->held;
    change->now = env_wall_ms();
    change->hint_count = 0;
    change->unchanged = false;
    change->follows = NULL;
    store_batch_init(&change->batch, change->arena);
    change->batch.callback = on_applied;
    change->batch.context = change;
    bool good = change->build(change);
    if (!change->building)
        change_built(change, good);
}

void change_built(struct change *change, bool good)
{
    change->building = false;
    if (!good || change->unchanged)
        change_finish(change);
    else
        store_apply(change->hub->control_store, &change->batch);
}

static void start_next(struct admin *admin)
{
    struct ring *node = admin->active == NULL ? ring_pop(&admin->changes) : NULL;
    if (node == NULL)
        return;
    admin->active = CONTAINER_OF(node, struct change, queue);
    admin->active->began_us = env_monotonic_us(); /* only now: the time in the queue does not make it late */
    run_build(admin->active);
}

static void enqueue(struct change *change, struct ctl_request *request)
{
    struct admin *admin = admin_of(request);
    change->magic = CHANGE_MAGIC;
    change->hub = admin->hub;
    change->request = request;
    change->arena = &request->arena;
    change->params = request->params;
    ring_push(&admin->changes, &change->queue);
    start_next(admin);
}

void change_begin(struct ctl_request *request, bool (*build)(struct change *change), bool registry)
{
    change_begin_with(request, build, registry, NULL);
}

void change_begin_with(struct ctl_request *request, bool (*build)(struct change *change), bool registry,
                       void *context)
{
    struct change *change = arena_alloc(&request->arena, sizeof *change);
    if (change == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    change->build = build;
    change->registry = registry;
    change->context = context;
    enqueue(change, request);
}

void change_step(struct change *change, struct ctl_request *request, bool (*build)(struct change *change),
                 void (*then)(struct change *change), void *context)
{
    *change = (struct change){.build = build, .registry = true, .then = then, .context = context};
    enqueue(change, request);
}

/* ---------------------------------------------------------------- for build */

static struct str format_text(struct arena *arena, const char *format, va_list arguments)
{
    char text[512];
    return arena_copy(arena, str_print(text, sizeof text, format, arguments));
}

bool change_done(struct change *change, struct str id, const char *what, const char *format, ...)
{
    va_list arguments;
    change->id = id;
    change->what = what;
    va_start(arguments, format);
    change->message = format_text(change->arena, format, arguments);
    va_end(arguments);
    return true;
}

bool change_unchanged(struct change *change, struct str id, const char *format, ...)
{
    va_list arguments;
    change->id = id;
    change->what = "unchanged";
    change->unchanged = true;
    va_start(arguments, format);
    change->message = format_text(change->arena, format, arguments);
    va_end(arguments);
    return true;
}

void change_hint(struct change *change, const char *format, ...)
{
    va_list arguments;
    if (change->hint_count == CHANGE_HINTS_MAX)
        return;
    va_start(arguments, format);
    change->hints[change->hint_count++] = format_text(change->arena, format, arguments);
    va_end(arguments);
}

struct store_op *change_op(struct change *change, enum store_op_type type)
{
    return store_batch_add(&change->batch, type);
}

/* NULL: no memory, and the batch fails as when it has none for an op. */
static struct change_follow *new_follow(struct change *change)
{
    struct change_follow *follow = arena_alloc(change->arena, sizeof *follow);
    if (follow == NULL)
        change->batch.result = ERR_MEMORY;
    return follow;
}

void change_follow(struct change *change,
                   bool (*run)(struct change *change, void *context, const struct store_op *done),
                   void *context)
{
    struct change_follow *follow = new_follow(change), **last = &change->follows;
    if (follow == NULL)
        return;
    while (*last != NULL)
        last = &(*last)->next;
    *follow = (struct change_follow){run, context, NULL};
    *last = follow;
}

/* After the registry was read again: the outbox decides by what every loop knows now. */
static bool resume_party(struct change *change, void *context, const struct store_op *done)
{
    (void)done;
    outbox_resume(change->hub, ocpi_party_key_str(context));
    return false;
}

void change_resume(struct change *change, const struct ocpi_party_key *party)
{
    struct change_follow *follow = new_follow(change);
    struct ocpi_party_key *key = arena_alloc(change->arena, sizeof *key);
    if (follow == NULL || key == NULL)
        return;
    *key = *party;
    *follow = (struct change_follow){resume_party, key, change->follows};
    change->follows = follow;
}

struct str change_detail(struct arena *arena, struct str before, struct str after)
{
    struct buffer text = {0};
    struct json_writer writer;
    if (before.length == 0 && after.length == 0)
        return STR_NONE;
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    if (before.length > 0) {
        json_key(&writer, "before");
        json_raw(&writer, before);
    }
    if (after.length > 0) {
        json_key(&writer, "after");
        json_raw(&writer, after);
    }
    json_object_end(&writer);
    struct str copy = text.failed ? STR_NONE : arena_copy(arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

void change_audit_fill(struct ctl_request *request, struct store_audit *row, const char *action)
{
    memset(row, 0, sizeof *row);
    row->kind = STORE_AUDIT_ADMIN;
    row->actor = render_actor(&request->arena, &request->peer);
    row->action = str_from(action);
    row->status = STR("ok");
    row->latency_ms = -1;
}

void change_audit(struct change *change, const char *action, struct str party, struct str before,
                  struct str after)
{
    struct store_op *op = change_op(change, STORE_APPEND_AUDIT);
    if (op == NULL)
        return;
    change_audit_fill(change->request, &op->u.audit, action);
    op->u.audit.party = arena_copy_upper(change->arena, party); /* a key: filters look for it */
    op->u.audit.detail = change_detail(change->arena, before, after);
}
