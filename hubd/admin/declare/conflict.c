#include "hubd/admin/declare/declare.h"
#include "hubd/admin/internal.h"
#include "lib/base/magic.h"
#include "lib/base/timestamp.h"

/*
 * Who has changed what since a document was exported: reads the audit from the document's revision on. Changes by the
 * same person do not count, so a document can be applied twice.
 */
#define DECLARE_SEARCH_MAGIC 0x44535243u
#define SEEN_MAX             10000 /* kept; with more of them a document is too old */

/* The actions that change what a document says, and things of which kind. */
static const struct {
    const char *action;
    enum declare_kind kind;
} actions[] = {
    {"party.add", DECLARE_PARTY},         {"party.set", DECLARE_PARTY},    {"party.suspend", DECLARE_PARTY},
    {"party.resume", DECLARE_PARTY},      {"party.remove", DECLARE_PARTY}, {"receiver.set", DECLARE_RECEIVER},
    {"receiver.unset", DECLARE_RECEIVER}, {"rule.enable", DECLARE_RULE},   {"rule.disable", DECLARE_RULE},
    {"limit.set", DECLARE_LIMIT},         {"limit.unset", DECLARE_LIMIT},
};

/* DECLARE_KINDS: none. */
static enum declare_kind kind_of(struct str action)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (str_equal(action, str_from(actions[i].action)))
            return actions[i].kind;
    }
    return DECLARE_KINDS;
}

bool declare_is_change(const struct store_audit *row)
{
    return row->kind == STORE_AUDIT_ADMIN && str_equal(row->status, STR("ok")) &&
           kind_of(row->action) != DECLARE_KINDS;
}

/* Removing a party also removes its receivers, rules and limits. Audit rows have the key without a role. */
static bool is_about(const struct declare_seen *seen, const struct declare_touched *touched)
{
    struct str first = touched->key, second = str_skip(touched->key, str_find(touched->key, ' '));
    bool removed = str_equal(seen->action, STR("party.remove"));
    first.length -= second.length;
    second = str_trim(second);
    if (!removed && kind_of(seen->action) != touched->kind)
        return false;
    if (str_equal(first, STR(CTL_DEFAULT)))
        return !removed && seen->party.length == 0;
    if (touched->kind != DECLARE_RULE)
        return str_starts_with(first, seen->party) && seen->party.length > 0;
    return removed ? str_starts_with(first, seen->party) || str_starts_with(second, seen->party)
                   : str_starts_with(first, seen->emsp) && str_starts_with(second, seen->cpo);
}

static bool remember(struct declare_search *search, const struct store_audit *row)
{
    struct declare_seen *seen = arena_alloc(search->arena, sizeof *seen);
    if (seen == NULL)
        return false;
    *seen = (struct declare_seen){
        .time = row->time,
        .actor = arena_copy(search->arena, row->actor),
        .action = arena_copy(search->arena, row->action),
        .party = arena_copy(search->arena, row->party),
        .emsp = arena_copy(search->arena, row->sender),
        .cpo = arena_copy(search->arena, row->receiver),
        .next = search->newest,
    };
    search->newest = seen;
    search->count++;
    return true;
}

static void on_read(struct store_read *read)
{
    struct declare_search *search = MAGIC_CAST(struct declare_search, read->context, DECLARE_SEARCH_MAGIC);
    const struct store_audit_read *page = &search->read;
    search->result = read->result;
    for (size_t i = 0; i < page->count && search->result == OK; i++) {
        const struct store_audit *row = &page->rows[i].row;
        if (!declare_is_change(row) || str_equal(row->actor, search->actor))
            continue;
        if (search->count < SEEN_MAX && !remember(search, row))
            search->result = ERR_MEMORY;
    }
    bool more = search->result == OK && page->scanned != search->scanned;
    search->scanned = page->scanned;
    arena_free(&search->page);
    if (more)
        declare_search_run(search, search->then, search->context);
    else
        search->then(search->context);
}

void declare_search_run(struct declare_search *search, void (*then)(void *context), void *context)
{
    search->magic = DECLARE_SEARCH_MAGIC;
    search->then = then;
    search->context = context;
    arena_init(&search->page, 0);
    search->read = (struct store_audit_read){
        .base = {.arena = &search->page, .callback = on_read, .context = search},
        .after = search->scanned,
        .since = INT64_MIN,
        .until = INT64_MAX,
        .actor = STR("uid:"),
        .limit = ADMIN_PAGE,
    };
    store_read_audit(admin_hub(search->request)->control_store, &search->read);
}

void declare_search_judge(const struct declare_search *search, const struct declare_differences *differences,
                          struct declare_problems *problems)
{
    if (search->count == SEEN_MAX)
        declare_problem(problems, "the document is older than %d changes of others", SEEN_MAX);
    for (const struct declare_touched *touched = differences->touched; touched != NULL;
         touched = touched->next) {
        const struct declare_seen *seen = search->newest;
        char when[TIMESTAMP_SIZE];
        while (seen != NULL && !is_about(seen, touched))
            seen = seen->next;
        if (seen != NULL)
            declare_problem(problems, "%s " STR_FMT ": changed by " STR_FMT " at %s (" STR_FMT ")",
                            declare_kind_name(touched->kind), STR_ARG(touched->id), STR_ARG(seen->actor),
                            timestamp_format(seen->time, when), STR_ARG(seen->action));
    }
}
