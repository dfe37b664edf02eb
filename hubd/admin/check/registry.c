#include "hubd/admin/check/check.h"
#include "hubd/admin/render.h"

#include "hubd/outbox/outbox.h"
#include "hubd/partners/health.h"
#include "hubd/request/quality.h"
#include "lib/base/env.h"
#include "lib/base/timestamp.h"
#include "lib/http/url.h"
#include "lib/ocpi/validate.h"

/* Checks of what the hub itself knows; the partner is not called. */

#define QUALITY_DAYS  7
#define DAY_MS        (24 * INT64_C(3600000))
#define PENDING_LONG  300000 /* ms; a message that waits longer is a warning */
#define FINDINGS_READ 500

static struct str moment(struct check *check, int64_t wall_ms)
{
    char text[TIMESTAMP_SIZE];
    return arena_copy(&check->scratch, str_from(timestamp_format(wall_ms, text)));
}

void check_registered(struct check *check)
{
    const struct registry_party *party = check->party;
    struct str roles = render_roles_text(&check->scratch, party->row.roles);
    int64_t answered = atomic_load(&party->platform->runtime->last_answer_wall);
    int64_t seen = answered > party->platform->row.last_seen ? answered : party->platform->row.last_seen;
    const char *status = registry_party_status(party);
    if (party->row.suspended)
        check_report(check, "registered", STR_NONE, CHECK_WARN, REMEDY_RESUME,
                     STR_FMT ", SUSPENDED: all its requests are answered 401", STR_ARG(roles));
    else if (party->platform->row.status == STORE_PLATFORM_OFFLINE)
        check_report(check, "registered", STR_NONE, CHECK_WARN, REMEDY_OFFLINE,
                     STR_FMT ", OFFLINE: the last valid answer was at " STR_FMT "%s" STR_FMT, STR_ARG(roles),
                     STR_ARG(seen == 0 ? STR("no time") : moment(check, seen)),
                     health_last_error(party->platform).length > 0 ? "; the last error: " : "",
                     STR_ARG(health_last_error(party->platform)));
    else
        check_report(check, "registered", STR_NONE, CHECK_OK, REMEDY_NONE, STR_FMT ", %s", STR_ARG(roles),
                     status);
}

/* ---------------------------------------------------------------- tokens and exchange */

/* The newest token of each kind that is valid. */
struct tokens {
    const struct store_token *initial, *hub;
    bool expired; /* an initial one was issued and ran out */
    bool overlap; /* an older hub token is valid still */
};

static struct tokens find_tokens(const struct check *check)
{
    struct tokens found = {0};
    int64_t now = hub_kept_ms(check->hub);
    size_t count;
    const struct store_token *tokens =
        registry_tokens_of(check->snapshot, check->party->platform->row.id, &count);
    for (size_t i = 0; i < count; i++) {
        const struct store_token *token = &tokens[i];
        if (token->expires != 0 && token->expires <= now) {
            found.expired = found.expired || token->kind == STORE_TOKEN_INITIAL;
            continue;
        }
        const struct store_token **place = token->kind == STORE_TOKEN_INITIAL ? &found.initial : &found.hub;
        found.overlap = found.overlap || (token->kind == STORE_TOKEN_HUB && found.hub != NULL);
        if (*place == NULL || token->created > (*place)->created)
            *place = token;
    }
    return found;
}

void check_token(struct check *check)
{
    struct tokens found = find_tokens(check);
    if (found.hub != NULL && found.hub->used == 0)
        check_report(check, "token", STR_NONE, CHECK_WARN, found.overlap ? REMEDY_OLD_TOKEN : REMEDY_CONFIRM,
                     "the hub token of " STR_FMT " was never used%s",
                     STR_ARG(moment(check, found.hub->created)),
                     found.overlap ? "; the one before it is valid for a while" : "");
    else if (found.hub != NULL)
        check_report(check, "token", STR_NONE, CHECK_OK, REMEDY_NONE,
                     "hub token issued at " STR_FMT ", in use since " STR_FMT,
                     STR_ARG(moment(check, found.hub->created)), STR_ARG(moment(check, found.hub->used)));
    else if (found.initial != NULL)
        check_report(check, "token", STR_NONE, CHECK_OK, REMEDY_NONE,
                     "initial token issued, valid until " STR_FMT,
                     STR_ARG(moment(check, found.initial->expires)));
    else
        check_report(check, "token", STR_NONE, CHECK_FAIL, REMEDY_ISSUE, "%s",
                     found.expired ? "the initial token has expired" : "no token was issued");
}

void check_exchange(struct check *check)
{
    const struct registry_platform *platform = check->party->platform;
    if (platform->token.data != NULL) {
        check->level = CHECK_LEVEL_CALLABLE;
        check_report(check, "exchange", STR_NONE, CHECK_OK, REMEDY_NONE,
                     "credentials of " STR_FMT " are known",
                     STR_ARG(url_text_without_query(platform->row.credentials_url)));
    } else if (find_tokens(check).initial == NULL) {
        check_report(check, "exchange", STR_NONE, CHECK_SKIPPED, REMEDY_NONE,
                     "there is no token to begin it with");
    } else {
        check_report(check, "exchange", STR_NONE, CHECK_FAIL, REMEDY_EXCHANGE,
                     "the initial token was issued, but the partner has not POSTed its credentials");
    }
}

/* ---------------------------------------------------------------- rules */

void check_rules(struct check *check)
{
    const struct registry_snapshot *snapshot = check->snapshot;
    size_t enabled = 0, away = 0;
    for (size_t i = 0; i < snapshot->rule_count; i++) {
        const struct store_rule *rule = &snapshot->rules[i];
        if (rule->state != STORE_RULE_ON || (rule->emsp != check->party_id && rule->cpo != check->party_id))
            continue;
        const struct registry_party *other =
            registry_find_party_id(snapshot, rule->emsp == check->party_id ? rule->cpo : rule->emsp);
        enabled++;
        away +=
            other == NULL || other->row.suspended || other->platform->row.status != STORE_PLATFORM_CONNECTED
                ? 1
                : 0;
    }
    if ((check->party->row.roles & (OCPI_ROLE_CPO | OCPI_ROLE_EMSP)) == 0)
        check_report(check, "rules", STR_NONE, CHECK_OK, REMEDY_NONE, "a party of these roles needs none");
    else if (enabled == 0)
        check_report(check, "rules", STR_NONE, CHECK_WARN, REMEDY_RULE,
                     "no routing rule is on: no message passes between it and others");
    else if (away == enabled)
        check_report(check, "rules", STR_NONE, CHECK_WARN, REMEDY_COUNTERPART,
                     "%zu routing rule%s on, but no party at the other end is CONNECTED", enabled,
                     enabled == 1 ? " is" : "s are");
    else
        check_report(check, "rules", STR_NONE, CHECK_OK, REMEDY_NONE,
                     "%zu routing rule%s on, %zu with a party that is CONNECTED", enabled,
                     enabled == 1 ? " is" : "s are", enabled - away);
}

/* ---------------------------------------------------------------- queue */

static const struct store_queue_row *find_queue(const struct check *check)
{
    for (size_t i = 0; i < check->queues.count; i++)
        if (str_equal_fold(check->queues.rows[i].receiver, check->id))
            return &check->queues.rows[i];
    return NULL;
}

/* Why messages are pending, as the end of the sentence; empty when nothing delays them. */
static struct str queue_why(struct check *check, const struct store_queue_row *row, bool offline,
                            enum retry_circuit circuit, int64_t retry_at)
{
    struct arena *arena = &check->scratch;
    bool open = circuit != RETRY_CLOSED;
    struct str why = STR_NONE;
    if (offline)
        why = STR("; it is OFFLINE: one message at a time tries, any valid answer brings it back");
    else if (open)
        why = arena_printf(arena, "; paused after failures: circuit %s", retry_circuit_name(circuit));
    if (retry_at != 0)
        why = arena_printf(arena, STR_FMT ", next try " STR_FMT, STR_ARG(why),
                           STR_ARG(moment(check, retry_at)));
    if (row->alone > 0)
        why = arena_printf(arena, STR_FMT "; %lld fail%s while others arrive", STR_ARG(why),
                           (long long)row->alone, row->alone == 1 ? "s" : "");
    return why;
}

static void queue_read(struct check *check)
{
    static const struct store_queue_row empty = {0};
    const struct store_queue_row *row = find_queue(check);
    int64_t retry_at, now = env_wall_ms();
    const enum retry_circuit circuit =
        outbox_circuit(check->hub, arena_copy_upper(&check->scratch, check->id), STR_NONE, &retry_at);
    if (check->queues.base.result != OK) {
        check_report(check, "queue", STR_NONE, CHECK_SKIPPED, REMEDY_NONE, "%s",
                     check->queues.base.error.text);
        return;
    }
    if (row == NULL)
        row = &empty;
    bool late = row->oldest_pending != 0 && now - row->oldest_pending > PENDING_LONG;
    bool offline = row->pending > 0 && check->party->platform->row.status == STORE_PLATFORM_OFFLINE;
    bool open = circuit != RETRY_CLOSED || offline;
    enum check_result result = open ? CHECK_FAIL
                               : row->held > 0 || row->dead > 0 || row->alone > 0 || (late && row->pending)
                                   ? CHECK_WARN
                                   : CHECK_OK;
    struct str since = row->oldest_pending == 0 ? STR_NONE
                                                : arena_printf(&check->scratch, ", the oldest since " STR_FMT,
                                                               STR_ARG(moment(check, row->oldest_pending)));
    if (!open && row->pending == 0 && row->held == 0 && row->dead == 0) {
        check_report(check, "queue", STR_NONE, CHECK_OK, REMEDY_NONE, "nothing waits");
        return;
    }
    check_report(check, "queue", STR_NONE, result,
                 open                 ? REMEDY_CIRCUIT
                 : result == CHECK_OK ? REMEDY_NONE
                                      : REMEDY_QUEUE,
                 "%lld pending" STR_FMT ", %lld held, %lld dead" STR_FMT, (long long)row->pending,
                 STR_ARG(since), (long long)row->held, (long long)row->dead,
                 STR_ARG(queue_why(check, row, offline, circuit, retry_at)));
}

static void read_done(struct store_read *base)
{
    check_go_on(MAGIC_CAST(struct check, base->context, CHECK_MAGIC));
}

void check_queue(struct check *check)
{
    check->queues.base =
        (struct store_read){.arena = &check->scratch, .callback = read_done, .context = check};
    check_wait(check, queue_read);
    store_read_queues(check->hub->control_store, &check->queues);
}

/* ---------------------------------------------------------------- quality */

/* How many fields of objects that were taken, or were refused, broke a rule in these days, and the last of them. */
struct broken {
    size_t fields;
    const struct store_finding *last;
};

static void broken_add(struct broken *broken, const struct store_finding *row)
{
    broken->fields++;
    if (broken->last == NULL || row->last > broken->last->last)
        broken->last = row;
}

static void report_broken(struct check *check, const struct broken *broken, struct str which,
                          enum check_remedy remedy, const char *one, const char *many)
{
    const struct store_finding *last = broken->last;
    if (broken->fields == 0)
        return;
    check_report(check, "quality", which, CHECK_WARN, remedy,
                 "in %d days %zu %s; the last was " STR_FMT "%s" STR_FMT " (" STR_FMT ")", QUALITY_DAYS,
                 broken->fields, broken->fields == 1 ? one : many,
                 STR_ARG(last->object.length > 0 ? last->object : last->module),
                 last->field.length > 0 ? "." : "", STR_ARG(last->field), STR_ARG(last->rule));
}

static void findings_read(struct check *check)
{
    const struct store_findings_read *read = &check->findings;
    struct broken taken = {0}, refused = {0};
    int64_t since = env_wall_ms() - QUALITY_DAYS * DAY_MS;
    if (read->base.result != OK) {
        check_report(check, "quality", STR_NONE, CHECK_SKIPPED, REMEDY_NONE, "%s", read->base.error.text);
        return;
    }
    for (size_t i = 0; i < read->count; i++) {
        const struct store_finding *row = &read->rows[i];
        /* vendors' own fields are everywhere and harm nobody */
        if (row->last < since || str_equal(row->rule, str_from(ocpi_rule_name(OCPI_RULE_UNKNOWN))))
            continue;
        if (row->count > row->refused)
            broken_add(&taken, row);
        if (row->refused > 0)
            broken_add(&refused, row);
    }
    report_broken(check, &taken, STR_NONE, REMEDY_QUALITY,
                  "field of what the hub took from it breaks OCPI's tables",
                  "fields of what the hub took from it break OCPI's tables");
    if (taken.fields == 0)
        check_report(check, "quality", STR_NONE, CHECK_OK, REMEDY_NONE,
                     "nothing that the hub took from it in %d days breaks OCPI's tables", QUALITY_DAYS);
    report_broken(check, &refused, STR("refused"), REMEDY_REFUSED_QUALITY,
                  "reason to refuse what it sent was met", "reasons to refuse what it sent were met");
}

void check_quality(struct check *check)
{
    struct store_findings_read *read = &check->findings;
    read->base = (struct store_read){.arena = &check->scratch, .callback = read_done, .context = check};
    read->party = arena_copy(&check->scratch, ocpi_party_key_str(&check->party->key));
    read->limit = FINDINGS_READ;
    check_wait(check, findings_read);
    store_read_findings(check->hub->control_store, read);
}

/* ---------------------------------------------------------------- refused */

static void refusals_read(struct check *check)
{
    const struct store_refusals_read *read = &check->refusals;
    struct buffer text = {0};
    if (read->base.result != OK) {
        check_report(check, "refused", STR_NONE, CHECK_SKIPPED, REMEDY_NONE, "%s", read->base.error.text);
        return;
    }
    if (read->count == 0) {
        check_report(check, "refused", STR_NONE, CHECK_OK, REMEDY_NONE,
                     "no session or CDR that it sent in 7 days was refused and did not come rightly since");
        return;
    }
    for (size_t i = 0; i < read->count; i++)
        buffer_printf(&text, "%s%lld " STR_FMT " (last at " STR_FMT ")", i > 0 ? ", " : "",
                      (long long)read->rows[i].objects, STR_ARG(read->rows[i].module),
                      STR_ARG(moment(check, read->rows[i].last)));
    check_report(check, "refused", STR_NONE, CHECK_FAIL, REMEDY_REFUSED_PUSH,
                 "refused, and not come rightly since: " STR_FMT, STR_ARG(buffer_str(&text)));
    buffer_free(&text);
}

void check_refused(struct check *check)
{
    struct store_refusals_read *read = &check->refusals;
    read->base = (struct store_read){.arena = &check->scratch, .callback = read_done, .context = check};
    read->party = arena_copy(&check->scratch, ocpi_party_key_str(&check->party->key));
    read->since = env_wall_ms() - QUALITY_REFUSED_MS;
    check_wait(check, refusals_read);
    store_read_refusals(check->hub->control_store, read);
}
