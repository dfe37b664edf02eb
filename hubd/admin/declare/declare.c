#include "hubd/admin/declare/declare.h"

#include <stdio.h>

#include "hubd/admin/internal.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "lib/base/env.h"
#include "lib/base/magic.h"

/* export, diff, apply. */

/* ---------------------------------------------------------------- export */

#define PAGES_MAX 20 /* of the audit, to find the last change in */

#define EXPORTED_MAGIC 0x45585054u
struct exported {
    uint32_t magic;
    struct store_totals_read totals;
    struct store_audit_read page;
    unsigned pages;
    int64_t sequence;
    struct ctl_request *request;
    struct str body;
};

static void write_body(struct change *change, struct json_writer *writer)
{
    struct exported *exported = MAGIC_CAST(struct exported, change->request->state, EXPORTED_MAGIC);
    json_field_string(writer, "body", exported->body);
}

/* A change like others, so that the snapshot has every change up to the revision's row. */
static bool build_export(struct change *change)
{
    struct exported *exported = MAGIC_CAST(struct exported, change->request->state, EXPORTED_MAGIC);
    struct admin *admin = admin_of(change->request);
    struct str document = declare_write(change->arena, change->snapshot, change->snapshot);
    if (document.length > 0 && !declare_revision_is_of(str_from(admin->revision), document))
        str_copy(declare_revision(change->arena, exported->sequence, document), admin->revision,
                 sizeof admin->revision);
    if (document.length > 0)
        exported->body = declare_pretty(change->arena, document, str_from(admin->revision));
    if (exported->body.length == 0)
        return refusal_set(&change->refusal, CTL_INTERNAL, NULL,
                           "the configuration is too large for one document");
    change->reply = write_body;
    return change_unchanged(change, STR_NONE, "%s", "");
}

static void read_page(struct exported *exported, int64_t before);

/* Finds the last change of the configuration, so that the same configuration has the same revision even after a
 * restart. When that is too far back in the audit, the newest row is taken. */
static void on_page(struct store_read *read)
{
    struct exported *exported = MAGIC_CAST(struct exported, read->context, EXPORTED_MAGIC);
    const struct store_audit_read *page = &exported->page;
    size_t found = 0;
    while (found < page->count && !declare_is_change(&page->rows[found].row))
        found++;
    bool more = found == page->count && page->scanned > 1 && ++exported->pages < PAGES_MAX;
    if (read->result != OK) {
        refusal_reply_error(exported->request, read->result, read->error.text);
    } else if (more) {
        read_page(exported, page->scanned);
    } else {
        bool far = found == page->count;
        exported->sequence = far ? exported->totals.audit_head : page->rows[found].sequence;
        change_begin(exported->request, build_export, false);
    }
}

static void read_page(struct exported *exported, int64_t before)
{
    exported->page = (struct store_audit_read){
        .base = {.arena = &exported->request->arena, .callback = on_page, .context = exported},
        .after = before,
        .backwards = true,
        .since = INT64_MIN,
        .until = INT64_MAX,
        .actor = STR("uid:"),
        .limit = ADMIN_PAGE,
    };
    store_read_audit(admin_hub(exported->request)->control_store, &exported->page);
}

static void export_on_totals(struct store_read *read)
{
    struct exported *exported = MAGIC_CAST(struct exported, read->context, EXPORTED_MAGIC);
    if (read->result != OK)
        refusal_reply_error(exported->request, read->result, read->error.text);
    else
        read_page(exported, exported->totals.audit_head + 1);
}

void admin_export(struct ctl_request *request)
{
    struct exported *exported = arena_alloc(&request->arena, sizeof *exported);
    if (exported == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    exported->magic = EXPORTED_MAGIC;
    exported->request = request;
    exported->totals.base =
        (struct store_read){.arena = &request->arena, .callback = export_on_totals, .context = exported};
    request->state = exported;
    store_read_totals(admin_hub(request)->control_store, &exported->totals);
}

/* ---------------------------------------------------------------- diff and apply */

#define SLICE_MS    5   /* of the control loop at a time */
#define PAUSE_MS    1   /* a timer of 0 would run again in the same turn of the loop */
#define PROGRESS_MS 200 /* between two reports */

enum stage { PLANNING, WRITING_BEFORE, WRITING_AFTER, COMPARING, DECIDING };

#define APPLY_RUN_MAGIC 0x41504c59u
struct apply_run {
    uint32_t magic;
    struct ctl_request *request;
    struct change *change; /* while it is this one's turn */
    bool dry_run, changes; /* diff does not change anything, and asks for no conflicts */
    struct declare_document document;
    struct declare_problems problems;
    struct declare_search search;
    int64_t sequence; /* of the revision */
    /* set again in each try */
    struct declare_plan plan;
    enum stage stage;
    struct str before, after, rows;
    struct declare_differences differences;
    int64_t reported; /* monotonic ms of the last progress */
};

static const char *summary(const struct apply_run *run, char *text, size_t size)
{
    const struct declare_counts *counts = &run->differences.counts;
    bool only_shown = run->changes && run->dry_run;
    char rest[64] = "";
    if (counts->added + counts->changed + counts->removed == 0) {
        snprintf(text, size, "no %s", run->changes ? "changes" : "differences");
        return text;
    }
    if (run->differences.row_count > DECLARE_ROWS_MAX)
        snprintf(rest, sizeof rest, "; listed are the first %d differences", DECLARE_ROWS_MAX);
    snprintf(text, size, "%s%zu added, %zu changed, %zu removed, %zu unchanged%s%s",
             only_shown ? "dry run: " : "", counts->added, counts->changed, counts->removed,
             counts->unchanged, rest, only_shown ? "; nothing was changed" : "");
    return text;
}

static void write_counts(struct json_writer *writer, const struct declare_counts *counts)
{
    json_field_int(writer, "added", (int64_t)counts->added);
    json_field_int(writer, "changed", (int64_t)counts->changed);
    json_field_int(writer, "removed", (int64_t)counts->removed);
    json_field_int(writer, "unchanged", (int64_t)counts->unchanged);
}

static void write_differences(struct change *change, struct json_writer *writer)
{
    const struct apply_run *run = MAGIC_CAST(struct apply_run, change->request->state, APPLY_RUN_MAGIC);
    char text[240];
    json_key(writer, "rows");
    json_raw(writer, arena_printf(change->arena, "[" STR_FMT "]", STR_ARG(run->rows)));
    write_counts(writer, &run->differences.counts);
    json_field_boolean(writer, "dry_run", run->dry_run);
    json_field_text(writer, "message", summary(run, text, sizeof text));
    json_key(writer, "hints");
    json_array_begin(writer);
    for (size_t i = 0; i < change->hint_count; i++)
        json_string(writer, change->hints[i]);
    json_array_end(writer);
}

/* One row for the whole apply, besides the rows of its changes. */
static void add_summary(struct apply_run *run)
{
    struct change *change = run->change;
    struct buffer text = {0};
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    write_counts(&writer, &run->differences.counts);
    json_field_boolean(&writer, "prune", run->plan.prune);
    json_object_end(&writer);
    change_audit(change, "apply", STR_NONE, STR_NONE, arena_copy(change->arena, buffer_str(&text)));
    buffer_free(&text);
}

static void end_build(struct apply_run *run, bool good)
{
    struct change *change = run->change;
    run->change = NULL;
    change_built(change, good);
}

static void finish_build(struct apply_run *run)
{
    struct change *change = run->change;
    change->reply = write_differences;
    if (run->dry_run || change->batch.first == NULL) {
        change->unchanged = true;
    } else {
        add_summary(run);
    }
    end_build(run, true);
}

static void on_searched_again(void *context)
{
    struct apply_run *run = MAGIC_CAST(struct apply_run, context, APPLY_RUN_MAGIC);
    struct change *change = run->change;
    if (run->search.result != OK) {
        refusal_set(&change->refusal, ctl_code_from_error(run->search.result), "hubctl status",
                    "the audit could not be read; nothing was changed");
        end_build(run, false);
        return;
    }
    run->problems.count = 0;
    declare_search_judge(&run->search, &run->differences, &run->problems);
    if (run->problems.count == 0) {
        finish_build(run);
        return;
    }
    declare_refuse(
        &run->problems, &change->refusal, CTL_CONFLICT,
        "hubctl export again, and carry your changes over; without its \"revision\" the document applies as "
        "it is",
        "others have changed what this document would change, since it was exported");
    end_build(run, false);
}

/* Whether the document was exported from the present configuration. */
static bool is_current(const struct apply_run *run, const struct registry_snapshot *snapshot)
{
    struct str document = declare_write(&run->request->arena, snapshot, snapshot);
    return declare_revision_is_of(run->document.revision, document);
}

static void decide(struct apply_run *run)
{
    bool asks = run->changes && run->document.revision.length > 0 && run->differences.touched != NULL;
    if (asks && !is_current(run, run->change->snapshot))
        declare_search_run(&run->search, on_searched_again, run);
    else
        finish_build(run);
}

static void refuse_mistakes(struct declare_problems *problems, struct refusal *refusal)
{
    declare_refuse(problems, refusal, CTL_INVALID, "hubctl export shows how a document is written",
                   "the document has mistakes");
}

static void refuse_plan(struct apply_run *run)
{
    refuse_mistakes(&run->plan.problems, &run->change->refusal);
    end_build(run, false);
}

static void compare(struct apply_run *run)
{
    struct buffer rows = {0};
    run->differences = (struct declare_differences){.rows = &rows, .dry_run = run->dry_run};
    int result =
        declare_compare(&run->differences, &run->request->arena, &run->document, run->before, run->after);
    run->rows = arena_copy(&run->request->arena, buffer_str(&rows));
    run->differences.rows = NULL;
    buffer_free(&rows);
    if (result == OK && run->rows.data != NULL)
        return;
    declare_problem(&run->plan.problems, "the configuration is too large for one document");
}

static void report_progress(struct apply_run *run)
{
    size_t total = 0;
    int64_t now = env_monotonic_ms();
    char text[120];
    for (enum declare_kind kind = 0; kind < DECLARE_KINDS; kind++)
        total += run->document.lists[kind].count * (kind == DECLARE_PARTY ? 3 : 1);
    if (run->reported == 0)
        run->reported = now;
    if (now - run->reported < PROGRESS_MS)
        return;
    run->reported = now;
    snprintf(text, sizeof text, "%zu of %zu steps checked%s", run->plan.done < total ? run->plan.done : total,
             total, run->dry_run ? "" : "; all of it follows, or nothing");
    ctl_progress(run->request, str_from(text), (int64_t)run->plan.done, (int64_t)total);
}

/* hubd is ending, or the client of a dry run has gone. Nothing is stored yet. */
static bool is_given_up(const struct apply_run *run)
{
    return admin_of(run->request)->ending || (run->dry_run && run->request->closed);
}

/* One turn of the loop: a slice of planning, or one of the stages after it. */
static void on_slice(uv_timer_t *timer)
{
    struct apply_run *run = MAGIC_CAST(struct apply_run, timer->data, APPLY_RUN_MAGIC);
    struct change *change = run->change;
    const struct registry_snapshot *draft = &run->plan.draft.snapshot;
    bool more = false;
    if (is_given_up(run)) {
        refusal_set(&change->refusal, CTL_BUSY, NULL, "hubd is ending; nothing was changed");
        end_build(run, false);
        return;
    }
    if (run->stage == PLANNING)
        more = declare_plan_step(&run->plan, SLICE_MS);
    else if (run->stage == WRITING_BEFORE)
        run->before = declare_write(change->arena, change->snapshot, draft);
    else if (run->stage == WRITING_AFTER)
        run->after = declare_write(change->arena, draft, draft);
    else if (run->stage == COMPARING)
        compare(run);
    if (!more && run->plan.problems.count > 0) {
        refuse_plan(run);
        return;
    }
    if (run->stage == DECIDING) {
        decide(run);
        return;
    }
    run->stage += more ? 0 : 1;
    report_progress(run);
    uv_timer_start(timer, on_slice, PAUSE_MS, 0);
}

static bool build(struct change *change)
{
    struct apply_run *run = MAGIC_CAST(struct apply_run, change->request->state, APPLY_RUN_MAGIC);
    struct admin *admin = admin_of(change->request);
    bool prune = json_get_boolean(change->request->params, "prune", false);
    run->change = change;
    run->stage = PLANNING;
    if (!declare_plan_begin(&run->plan, change, &run->document, prune))
        return refusal_set(&change->refusal, CTL_INTERNAL, NULL, "no memory");
    change->building = true;
    admin->slice.data = run;
    uv_timer_start(&admin->slice, on_slice, PAUSE_MS, 0);
    return true;
}

static void on_searched(void *context)
{
    struct apply_run *run = MAGIC_CAST(struct apply_run, context, APPLY_RUN_MAGIC);
    change_begin(run->request, build, !run->dry_run);
}

/* Reads the audit up to now before the change begins, so that the change itself has little left to read. */
static void search_first(struct apply_run *run)
{
    struct registry_view *view = admin_hub(run->request)->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    bool current = is_current(run, snapshot);
    registry_release(view, snapshot);
    run->search = (struct declare_search){.request = run->request,
                                          .actor = render_actor(&run->request->arena, &run->request->peer),
                                          .scanned = run->sequence,
                                          .arena = &run->request->arena};
    if (current)
        on_searched(run);
    else
        declare_search_run(&run->search, on_searched, run);
}

static void document_begin(struct ctl_request *request, bool changes)
{
    struct apply_run *run = arena_alloc(&request->arena, sizeof *run);
    struct refusal refusal = {.code = CTL_OK};
    if (run == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    run->magic = APPLY_RUN_MAGIC;
    run->request = request;
    run->changes = changes;
    run->dry_run = !changes || json_get_boolean(request->params, "dry_run", false);
    run->problems.arena = &request->arena;
    request->state = run;
    if (!declare_read(&run->document, json_get(request->params, "document"), &run->problems)) {
        refuse_mistakes(&run->problems, &refusal);
        refusal_reply(request, &refusal);
        return;
    }
    if (changes && declare_revision_read(run->document.revision, &run->sequence))
        search_first(run);
    else
        on_searched(run);
}

void admin_diff(struct ctl_request *request)
{
    document_begin(request, false);
}

void admin_apply(struct ctl_request *request)
{
    document_begin(request, true);
}
