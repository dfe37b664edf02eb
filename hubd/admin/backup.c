#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hubd/admin/change.h"
#include "hubd/admin/internal.h"
#include "hubd/admin/refusal.h"
#include "lib/base/log.h"
#include "lib/base/size.h"
#include "lib/store/backup.h"

/*
 * backup FILE: the store copies itself into a new file (lib/store/backup.h) while the hub goes on. It is one operation
 * of the store and not a job of slices (job.h), so a timer reports how far it is. It is cancelled when the client
 * hangs up and when hubd ends. The copy is deleted again when its row cannot be written to the audit.
 */
#define BACKUP_MAGIC 0x4241434bu
#define REPORT_MS    250

struct backup {
    uint32_t magic;
    struct ctl_request *request;
    struct hub *hub;
    struct admin *admin;
    struct str path; /* in the request's arena, with a NUL behind */
    uv_timer_t timer;
    struct store_backup copy;
    struct store_apply batch;
};

static struct backup *backup_of(void *context)
{
    return MAGIC_CAST(struct backup, context, BACKUP_MAGIC);
}

/* ---------------------------------------------------------------- how far it is */

static void backup_report(struct backup *backup)
{
    int64_t copied, total;
    char text[160], done[SIZE_TEXT], all[SIZE_TEXT];
    enum store_backup_stage stage = store_backup_progress(&backup->copy, &copied, &total);
    size_format(copied, done);
    size_format(total, all);
    switch (stage) {
    case STORE_BACKUP_BEGINS:
        snprintf(text, sizeof text, "nothing is copied yet");
        break;
    case STORE_BACKUP_COPIES:
        snprintf(text, sizeof text, "%s of %s copied; what is interrupted leaves no file", done, all);
        break;
    case STORE_BACKUP_CHECKS:
        snprintf(text, sizeof text, "%s copied, being checked; what is interrupted leaves no file", all);
        break;
    }
    /* these lines are few, so a slow reader need not be waited for */
    ctl_progress(backup->request, str_from(text), copied, total);
}

static void backup_on_timer(uv_timer_t *timer)
{
    backup_report(backup_of(timer->data));
}

/* ---------------------------------------------------------------- the end */

static struct ctl_request *backup_release(struct backup *backup)
{
    struct ctl_request *request = backup->request;
    backup->admin->backup_path = STR_NONE;
    backup->magic = 0;
    free(backup);
    return request;
}

/* {"file":…,"bytes":…} or {"file":…,"reason":…} */
static struct str detail(struct backup *backup, const char *reason)
{
    struct buffer text = {0};
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    json_field_string(&writer, "file", backup->path);
    if (reason == NULL)
        json_field_int(&writer, "bytes", backup->copy.bytes);
    else
        json_field_text(&writer, "reason", reason);
    json_object_end(&writer);
    struct str copy = arena_copy(&backup->request->arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

static void backup_answer(struct backup *backup)
{
    struct arena *arena = &backup->request->arena;
    struct buffer reply = {0};
    struct json_writer writer;
    char size[SIZE_TEXT];
    json_writer_init(&writer, &reply);
    json_object_begin(&writer);
    json_field_string(&writer, "id", backup->path);
    json_field_text(&writer, "change", "written");
    json_field_string(&writer, "message",
                      arena_printf(arena, "backup " STR_FMT " written, %s, without the key %s",
                                   STR_ARG(backup->path), size_format(backup->copy.bytes, size),
                                   backup->hub->conf.key_file));
    json_field_int(&writer, "bytes", backup->copy.bytes);
    json_key(&writer, "hints");
    json_array_begin(&writer);
    json_string(&writer, arena_printf(arena,
                                      "%s is not in it, and without it no backup can be restored: "
                                      "keep a copy of it in another place",
                                      backup->hub->conf.key_file));
    json_string(&writer, STR("hubctl backup -h tells how to restore it"));
    json_array_end(&writer);
    json_object_end(&writer);
    ctl_reply(backup_release(backup), &reply);
    buffer_free(&reply);
}

static void backup_fail(struct backup *backup, int code, const char *text)
{
    static const struct {
        int error;
        const char *hint;
    } hints[] = {
        {ERR_EXISTS, "name another file: a backup overwrites none"},
        {ERR_NOT_FOUND, "make the directory first, on hubd's machine"},
        {ERR_REFUSED, "hubd writes it as its own user: name a directory that it may write in"},
        {ERR_BUSY, "the same command again when the other one is done"},
        {ERR_IO, "nothing is left of it; name a file on another disk, or see hubctl status"},
    };
    struct str message = arena_printf(&backup->request->arena, "backup %s", text);
    const char *hint = NULL;
    for (size_t i = 0; i < sizeof hints / sizeof hints[0] && hint == NULL; i++)
        hint = hints[i].error == code ? hints[i].hint : NULL;
    ctl_fail(backup_release(backup), ctl_code_from_error(code), message.data, hint);
}

/* A backup that failed after it began has a row in the audit, although no file is left. */
static void audit_failure(struct backup *backup, const char *reason)
{
    struct store_audit row;
    int64_t copied, total;
    if (store_backup_progress(&backup->copy, &copied, &total) == STORE_BACKUP_BEGINS)
        return;
    change_audit_fill(backup->request, &row, "backup");
    row.status = STR("failed");
    row.detail = detail(backup, reason);
    if (store_audit_later(backup->hub->store, &row) != OK)
        log_error("audit: a row of a failed backup was lost: the store takes no more");
}

static void on_audited(struct store_apply *apply)
{
    struct backup *backup = backup_of(apply->context);
    if (apply->result == OK) {
        log_info("backup " STR_FMT " written, %lld bytes", STR_ARG(backup->path),
                 (long long)backup->copy.bytes);
        backup_answer(backup);
        return;
    }
    struct str text = arena_printf(&backup->request->arena,
                                   STR_FMT ": taken away again, because the audit takes no row of it: %s",
                                   STR_ARG(backup->path), apply->error.text);
    unlink(backup->path.data);
    backup_fail(backup, apply->result, text.data);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct backup *backup = backup_of(handle->data);
    if (backup->copy.result != OK) {
        struct error error = backup->copy.error;
        audit_failure(backup, error.text);
        backup_fail(backup, backup->copy.result, error.text);
        return;
    }
    store_batch_init(&backup->batch, &backup->request->arena);
    backup->batch.callback = on_audited;
    backup->batch.context = backup;
    struct store_op *op = store_batch_add(&backup->batch, STORE_APPEND_AUDIT);
    if (op != NULL) {
        change_audit_fill(backup->request, &op->u.audit, "backup");
        op->u.audit.detail = detail(backup, NULL);
    }
    store_apply(backup->hub->control_store, &backup->batch);
}

static void on_copied(struct store_backup *copy)
{
    struct backup *backup = backup_of(copy->context);
    backup->request->on_closed = NULL; /* there is nothing to cancel any more */
    uv_close((uv_handle_t *)&backup->timer, on_timer_closed);
}

/* ---------------------------------------------------------------- the beginning */

static void backup_on_closed(struct ctl_request *request)
{
    store_backup_cancel(&backup_of(request->state)->copy);
}

static bool is_same_directory(const char *directory, size_t length, const char *other)
{
    char path[4097];
    struct stat one, two;
    return str_copy(length == 0 ? STR("/") : str_of(directory, length), path, sizeof path) &&
           stat(path, &one) == 0 && stat(other, &two) == 0 && one.st_dev == two.st_dev &&
           one.st_ino == two.st_ino;
}

/*
 * hubd writes the file with its own rights, so two things are refused: a name in the state directory that hubd itself
 * may use, and, when hubd runs as root and the client does not, any other directory. Else the client could place a
 * file with texts of partners in a directory of the system.
 */
static bool may_write(const struct ctl_request *request, struct str path, struct refusal *refusal)
{
    const char *state_dir = admin_hub(request)->conf.state_dir;
    size_t name = path.length;
    while (name > 0 && path.data[name - 1] != '/')
        name--;
    if (name == path.length)
        return refusal_set(refusal, CTL_INVALID, "name a file, e.g. /var/backups/hub.db",
                           "backup " STR_FMT ": this is a directory", STR_ARG(path));
    bool own = is_same_directory(path.data, name - 1, state_dir);
    if (own && str_starts_with(str_skip(path, name), STR("hub.")))
        return refusal_set(refusal, CTL_CONFLICT, "name another file: a backup overwrites none",
                           "backup " STR_FMT ": names that begin with hub. are hubd's own in there",
                           STR_ARG(path));
    if (geteuid() == 0 && request->peer.uid != 0 && !own)
        return refusal_set(refusal, CTL_NOT_PERMITTED,
                           "name a file in state_dir (hubctl conf show state_dir), or run hubctl as root",
                           "backup " STR_FMT ": hubd runs as root and you do not", STR_ARG(path));
    return true;
}

static bool may_begin(const struct ctl_request *request, struct str path, struct refusal *refusal)
{
    const struct admin *admin = admin_of(request);
    if (admin->backup_path.length > 0)
        return refusal_set(refusal, CTL_BUSY, "the same command again when it is done",
                           "backup " STR_FMT ": the backup " STR_FMT " is under way", STR_ARG(path),
                           STR_ARG(admin->backup_path));
    return may_write(request, path, refusal);
}

void admin_backup(struct ctl_request *request)
{
    struct refusal refusal = {0};
    struct str path = json_get_text(request->params, "file");
    struct backup *backup = NULL;
    if (!may_begin(request, path, &refusal)) {
        refusal_reply(request, &refusal);
        return;
    }
    path = arena_printf(&request->arena, STR_FMT, STR_ARG(path));
    if (path.data != NULL)
        backup = calloc(1, sizeof *backup);
    if (backup == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    backup->magic = BACKUP_MAGIC;
    backup->request = request;
    backup->hub = admin_hub(request);
    backup->admin = admin_of(request);
    backup->path = backup->admin->backup_path = path;
    backup->timer.data = backup;
    uv_timer_init(&backup->hub->control.uv, &backup->timer);
    uv_timer_start(&backup->timer, backup_on_timer, REPORT_MS, REPORT_MS);
    request->state = backup;
    request->on_closed = backup_on_closed;
    backup->copy = (struct store_backup){.path = path.data, .callback = on_copied, .context = backup};
    backup_report(backup);
    store_backup_start(backup->hub->control_store, &backup->copy);
}
