#include "hubd/admin/declare.h"
#include "hubd/admin/internal.h"
#include "lib/base/timestamp.h"

/*
 * Who has changed what since a document was exported: the audit from its revision on. Only changes of others
 * count: who applies a document twice has not been overtaken.
 */
#define SEEN_MAX 10000 /* kept; with more of them a document is too old */

/* What changes things of a kind is called "KIND.verb". A party that goes takes what it has with it. */
static bool is_about(const struct declare_seen *seen, const struct declare_touched *touched)
{
    struct str kind = str_from(declare_kind_name(touched->kind)), verb = str_skip(seen->action, kind.length);
    struct str party = str_of(touched->id.data, 6),
               other = str_skip(touched->id, str_find(touched->id, ' ') + 1);
    bool removed = str_equal(seen->action, STR("party.remove"));
    if (!removed && (!str_starts_with(seen->action, kind) || !str_starts_with(verb, STR("."))))
        return false;
    if (str_starts_with(touched->id, STR(CTL_DEFAULT " ")))
        return !removed && seen->party.length == 0;
    if (touched->kind == DECLARE_RULE && removed)
        return str_equal(seen->party, party) || str_starts_with(other, seen->party);
    if (touched->kind == DECLARE_RULE)
        return str_equal(seen->emsp, party) && str_starts_with(other, seen->cpo);
    return str_equal(seen->party, party);
}

static bool is_configuration(struct str action)
{
    for (enum declare_kind kind = 0; kind < DECLARE_KINDS; kind++) {
        struct str name = str_from(declare_kind_name(kind));
        if (str_starts_with(action, name) && str_starts_with(str_skip(action, name.length), STR(".")))
            return true;
    }
    return false;
}

static bool remember(struct declare_search *search, const struct store_audit *row)
{
    struct declare_seen *seen = arena_alloc(search->arena, sizeof(*seen));
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
    struct declare_search *search = read->context;
    const struct store_audit_read *page = &search->read;
    search->result = read->result;
    for (size_t i = 0; i < page->count && search->result == OK; i++) {
        const struct store_audit *row = &page->rows[i].row;
        if (row->kind != STORE_AUDIT_ADMIN || str_equal(row->actor, search->actor) ||
            !str_equal(row->status, STR("ok")) || !is_configuration(row->action))
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
