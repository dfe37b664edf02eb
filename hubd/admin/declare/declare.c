#include "hubd/admin/declare/declare.h"

#include <stdio.h>

#include "hubd/admin/internal.h"
#include "hubd/outbox/outbox.h"
#include "lib/base/env.h"

/* export, diff, apply. */

/* ---------------------------------------------------------------- export */

#define PAGES_MAX 20 /* of the audit, to find the last change in */

struct exported {
    struct store_totals_read totals;
    struct store_audit_read page;
    unsigned pages;
    int64_t sequence;
    struct ctl_request *request;
    struct str body;
};

static void write_body(struct change *change, struct json_writer *writer)
{
    struct exported *exported = change->request->state;
    json_field_string(writer, "body", exported->body);
}

/* In its turn, so that every change whose row the number covers is in the snapshot too. */
static bool build_export(struct change *change)
{
    struct exported *exported = change->request->state;
    struct admin *admin = admin_of(change->request);
    struct str document = declare_write(change->arena, change->snapshot, change->snapshot);
    if (document.length > 0 && !declare_revision_is_of(str_from(admin->revision), document))
        str_copy(declare_revision(change->arena, exported->sequence, document), admin->revision,
                 sizeof admin->revision);
    if (document.length > 0)
        exported->body = declare_pretty(change->arena, document, str_from(admin->revision));
    if (exported->body.length == 0)
        return rows_refuse(&change->refusal, CTL_INTERNAL, NULL,
                           "the configuration is too large for one document");
    change->reply = write_body;
    return change_unchanged(change, STR_NONE, "%s", "");
}

static void read_page(struct exported *exported, int64_t before);

/* The last change of the configuration, so that the same one has the same revision after a restart too. Where
 * it is far away the audit's head is as good. */
static void on_page(struct store_read *read)
{
    struct exported *exported = read->context;
    const struct store_audit_read *page = &exported->page;
    size_t found = 0;
    while (found < page->count && !declare_is_change(&page->rows[found].row))
        found++;
    bool more = found == page->count && page->scanned > 1 && ++exported->pages < PAGES_MAX;
    if (read->result != OK) {
        rows_fail_error(exported->request, read->result, read->error.text);
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

static void on_totals(struct store_read *read)
{
    struct exported *exported = read->context;
    if (read->result != OK)
        rows_fail_error(exported->request, read->result, read->error.text);
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
    exported->request = request;
    exported->totals.base =
        (struct store_read){.arena = &request->arena, .callback = on_totals, .context = exported};
    request->state = exported;
    store_read_totals(admin_hub(request)->control_store, &exported->totals);
}

/* ---------------------------------------------------------------- diff and apply */

#define SLICE_MS    5   /* of the control loop at a time */
#define PAUSE_MS    1   /* a timer of 0 would run again in the same turn of the loop */
#define PROGRESS_MS 200 /* between two words of it */

enum stage { PLANNING, WRITING_BEFORE, WRITING_AFTER, COMPARING, DECIDING };

struct wish {
    struct ctl_request *request;
    struct change *change; /* while it is this one's turn */
    bool dry_run, changes; /* diff does not change anything, and asks for no conflicts */
    struct declare_document document;
    struct declare_problems problems;
    struct declare_search search;
    int64_t sequence; /* of the revision */
    /* anew in each try */
    struct declare_plan plan;
    enum stage stage;
    struct str before, after, rows;
    struct declare_differences differences;
    struct declare_follow *follow;
    bool followed;
    int64_t told; /* monotonic ms of the last progress */
};

static const char *summary(const struct wish *wish, char *text, size_t size)
{
    const struct declare_counts *counts = &wish->differences.counts;
    bool only_shown = wish->changes && wish->dry_run;
    char rest[64] = "";
    if (counts->added + counts->changed + counts->removed == 0) {
        snprintf(text, size, "no %s", wish->changes ? "changes" : "differences");
        return text;
    }
    if (wish->differences.row_count > DECLARE_ROWS_MAX)
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
    const struct wish *wish = change->request->state;
    char text[240];
    json_key(writer, "rows");
    json_raw(writer, arena_printf(change->arena, "[" STR_FMT "]", STR_ARG(wish->rows)));
    write_counts(writer, &wish->differences.counts);
    json_field_boolean(writer, "dry_run", wish->dry_run);
    json_field_text(writer, "message", summary(wish, text, sizeof text));
    json_key(writer, "hints");
    json_array_begin(writer);
    for (size_t i = 0; i < change->hint_count; i++)
        json_string(writer, change->hints[i]);
    json_array_end(writer);
}

/* What the verbs have asked for, one after the other. */
static bool follow_up(struct change *change, const struct store_op *done)
{
    struct wish *wish = change->request->state;
    for (const struct declare_resume *resume = wish->followed ? NULL : wish->plan.resumes; resume != NULL;
         resume = resume->next)
        outbox_resume(change->hub, resume->party);
    wish->followed = true;
    for (; wish->follow != NULL; wish->follow = wish->follow->next, done = NULL) {
        change->emsp = wish->follow->emsp;
        change->cpo = wish->follow->cpo;
        if (wish->follow->follow(change, done))
            return true;
    }
    return false;
}

/* One row that sums up; the single changes have theirs. */
static void add_summary(struct wish *wish)
{
    struct change *change = wish->change;
    struct buffer text = {0};
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    write_counts(&writer, &wish->differences.counts);
    json_field_boolean(&writer, "prune", wish->plan.prune);
    json_object_end(&writer);
    change_audit(change, "apply", STR_NONE, STR_NONE, arena_copy(change->arena, buffer_str(&text)));
    buffer_free(&text);
}

static void end_build(struct wish *wish, bool good)
{
    struct change *change = wish->change;
    wish->change = NULL;
    change_built(change, good);
}

static void finish_build(struct wish *wish)
{
    struct change *change = wish->change;
    change->reply = write_differences;
    if (wish->dry_run || change->batch.first == NULL) {
        change->unchanged = true;
    } else {
        add_summary(wish);
        change->follow = follow_up;
        wish->follow = wish->plan.follows;
        wish->followed = false;
    }
    end_build(wish, true);
}

static void on_searched_again(void *context)
{
    struct wish *wish = context;
    struct change *change = wish->change;
    if (wish->search.result != OK) {
        rows_refuse(&change->refusal, ctl_code_from_error(wish->search.result), "hubctl status",
                    "the audit could not be read; nothing was changed");
        end_build(wish, false);
        return;
    }
    wish->problems.count = 0;
    declare_search_judge(&wish->search, &wish->differences, &wish->problems);
    if (wish->problems.count == 0) {
        finish_build(wish);
        return;
    }
    declare_refuse(
        &wish->problems, &change->refusal, CTL_CONFLICT,
        "hubctl export again, and carry your changes over; without its \"revision\" the document applies as "
        "it is",
        "others have changed what this document would change, since it was exported");
    end_build(wish, false);
}

/* Whether the document was exported from what is there now. */
static bool is_current(const struct wish *wish, const struct registry_snapshot *snapshot)
{
    struct str document = declare_write(&wish->request->arena, snapshot, snapshot);
    return declare_revision_is_of(wish->document.revision, document);
}

static void decide(struct wish *wish)
{
    bool asks = wish->changes && wish->document.revision.length > 0 && wish->differences.touched != NULL;
    if (asks && !is_current(wish, wish->change->snapshot))
        declare_search_run(&wish->search, on_searched_again, wish);
    else
        finish_build(wish);
}

static void refuse_mistakes(struct declare_problems *problems, struct refusal *refusal)
{
    declare_refuse(problems, refusal, CTL_INVALID, "hubctl export shows how a document is written",
                   "the document has mistakes");
}

static void refuse_plan(struct wish *wish)
{
    refuse_mistakes(&wish->plan.problems, &wish->change->refusal);
    end_build(wish, false);
}

static void compare(struct wish *wish)
{
    struct buffer rows = {0};
    wish->differences = (struct declare_differences){.rows = &rows, .dry_run = wish->dry_run};
    int result = declare_compare(&wish->differences, &wish->request->arena, &wish->document, wish->before,
                                 wish->after);
    wish->rows = arena_copy(&wish->request->arena, buffer_str(&rows));
    wish->differences.rows = NULL;
    buffer_free(&rows);
    if (result == OK && wish->rows.data != NULL)
        return;
    declare_problem(&wish->plan.problems, "the configuration is too large for one document");
}

static void tell_progress(struct wish *wish)
{
    size_t total = 0;
    int64_t now = env_monotonic_ms();
    char text[120];
    for (enum declare_kind kind = 0; kind < DECLARE_KINDS; kind++)
        total += wish->document.lists[kind].count * (kind == DECLARE_PARTY ? 3 : 1);
    if (wish->told == 0)
        wish->told = now;
    if (now - wish->told < PROGRESS_MS)
        return;
    wish->told = now;
    snprintf(text, sizeof text, "%zu of %zu steps checked%s",
             wish->plan.done < total ? wish->plan.done : total, total,
             wish->dry_run ? "" : "; all of it follows, or nothing");
    ctl_progress(wish->request, str_from(text), (int64_t)wish->plan.done, (int64_t)total);
}

/* Nothing is stored yet, and hubd is ending, or nobody waits for what would only be shown. */
static bool is_given_up(const struct wish *wish)
{
    return admin_of(wish->request)->ending || (wish->dry_run && wish->request->closed);
}

/* A turn of the loop for each slice of planning and for each of the stages behind it. */
static void on_slice(uv_timer_t *timer)
{
    struct wish *wish = timer->data;
    struct change *change = wish->change;
    const struct registry_snapshot *draft = &wish->plan.draft.snapshot;
    bool more = false;
    if (is_given_up(wish)) {
        rows_refuse(&change->refusal, CTL_BUSY, NULL, "hubd is ending; nothing was changed");
        end_build(wish, false);
        return;
    }
    if (wish->stage == PLANNING)
        more = declare_plan_step(&wish->plan, SLICE_MS);
    else if (wish->stage == WRITING_BEFORE)
        wish->before = declare_write(change->arena, change->snapshot, draft);
    else if (wish->stage == WRITING_AFTER)
        wish->after = declare_write(change->arena, draft, draft);
    else if (wish->stage == COMPARING)
        compare(wish);
    if (!more && wish->plan.problems.count > 0) {
        refuse_plan(wish);
        return;
    }
    if (wish->stage == DECIDING) {
        decide(wish);
        return;
    }
    wish->stage += more ? 0 : 1;
    tell_progress(wish);
    uv_timer_start(timer, on_slice, PAUSE_MS, 0);
}

static bool build(struct change *change)
{
    struct wish *wish = change->request->state;
    struct admin *admin = admin_of(change->request);
    bool prune = json_get_boolean(change->request->params, "prune", false);
    wish->change = change;
    wish->stage = PLANNING;
    if (!declare_plan_begin(&wish->plan, change, &wish->document, prune))
        return rows_refuse(&change->refusal, CTL_INTERNAL, NULL, "no memory");
    change->building = true;
    admin->slice.data = wish;
    uv_timer_start(&admin->slice, on_slice, PAUSE_MS, 0);
    return true;
}

static void on_searched(void *context)
{
    struct wish *wish = context;
    change_begin(wish->request, build, !wish->dry_run);
}

/* What took place long ago is looked up before it is anybody's turn. */
static void search_first(struct wish *wish)
{
    struct registry_view *view = admin_hub(wish->request)->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    bool current = is_current(wish, snapshot);
    registry_release(view, snapshot);
    wish->search = (struct declare_search){.request = wish->request,
                                           .actor = rows_actor(&wish->request->arena, &wish->request->peer),
                                           .scanned = wish->sequence,
                                           .arena = &wish->request->arena};
    if (current)
        on_searched(wish);
    else
        declare_search_run(&wish->search, on_searched, wish);
}

static void begin(struct ctl_request *request, bool changes)
{
    struct wish *wish = arena_alloc(&request->arena, sizeof *wish);
    struct refusal refusal = {.code = CTL_OK};
    if (wish == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    wish->request = request;
    wish->changes = changes;
    wish->dry_run = !changes || json_get_boolean(request->params, "dry_run", false);
    wish->problems.arena = &request->arena;
    request->state = wish;
    if (!declare_read(&wish->document, json_get(request->params, "document"), &wish->problems)) {
        refuse_mistakes(&wish->problems, &refusal);
        rows_fail(request, &refusal);
        return;
    }
    if (changes && declare_revision_read(wish->document.revision, &wish->sequence))
        search_first(wish);
    else
        on_searched(wish);
}

void admin_diff(struct ctl_request *request)
{
    begin(request, false);
}

void admin_apply(struct ctl_request *request)
{
    begin(request, true);
}
