#include "hubd/admin/attention.h"

#include <assert.h>
#include <sys/statvfs.h>

#include "hubd/admin/render.h"
#include "hubd/clock.h"
#include "hubd/outbox/outbox.h"
#include "hubd/partners/health.h"
#include "hubd/registry/routing.h"
#include "lib/base/timestamp.h"
#include "lib/ocpi/modules.h"

#define MEGABYTE        INT64_C(1000000)
#define DISK_FREE_MIN   (256 * MEGABYTE)  /* less is too little on any disk */
#define DISK_FREE_FEW   (5000 * MEGABYTE) /* too little when it is under a twentieth of the disk */
#define WAL_MAX         (256 * MEGABYTE)
#define TOKEN_ENDING_MS INT64_C(86400000)
#define NAMES_MAX       3

struct attend {
    struct str party, what, hint;
    int64_t count, since;
};

/* One line. `code`, `party` and `since` are NULL, empty and 0 where they do not apply. */
static void attend_to(struct json_writer *writer, const char *code, const struct attend *about)
{
    json_object_begin(writer);
    render_text(writer, "code", code == NULL ? STR_NONE : str_from(code));
    render_text(writer, "party", about->party);
    render_number(writer, "count", about->count, about->count > 0);
    render_time(writer, "since", about->since);
    json_field_string(writer, "what", about->what);
    json_field_string(writer, "hint", about->hint);
    json_object_end(writer);
}

static void attend(struct json_writer *writer, struct str what, struct str hint)
{
    attend_to(writer, NULL, &(struct attend){.what = what, .hint = hint});
}

static const char *plural(int64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

/* The id of a party as it is spelled in its registration, from its key. */
static struct str spelled(const struct attention *a, struct str key)
{
    char text[RENDER_KEY_SIZE];
    return arena_copy(a->arena, render_spell_key(a->snapshot, key, text));
}

/* ---------------------------------------------------------------- the machine */

static void attend_store(struct json_writer *writer, const struct attention *a)
{
    struct statvfs disk;
    const char *directory = a->hub->conf.state_dir;
    struct str look = arena_printf(a->arena, "df -h %s", directory);
    if (store_is_overloaded(a->hub->store))
        attend(writer, STR("the store is overloaded or failed to write: see hubd's log"), look);
    if (statvfs(directory, &disk) == 0) {
        int64_t left = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
        int64_t all = (int64_t)disk.f_blocks * (int64_t)disk.f_frsize;
        if (left < DISK_FREE_MIN || (left < DISK_FREE_FEW && left < all / 20))
            attend(writer,
                   arena_printf(a->arena, "the disk of state_dir is nearly full: %lld MB left",
                                (long long)(left / MEGABYTE)),
                   look);
    }
    if (a->totals->wal_bytes > WAL_MAX)
        attend(writer,
               arena_printf(a->arena, "the write-ahead log has grown to %lld MB: the disk is too slow",
                            (long long)(a->totals->wal_bytes / MEGABYTE)),
               look);
}

static void attend_clock(struct json_writer *writer, const struct attention *a)
{
    struct str trouble = clock_trouble(a->hub, a->arena);
    if (trouble.length > 0)
        attend(writer, trouble,
               clock_is_distrusted(a->hub) ? STR("timedatectl status") : STR("hubctl audit tail --since 1h"));
}

/* ---------------------------------------------------------------- parties */

static void attend_parties(struct json_writer *writer, const struct attention *a)
{
    for (size_t i = 0; i < a->snapshot->party_count; i++) {
        const struct registry_party *party = &a->snapshot->parties[i];
        if (party->row.suspended || party->platform->row.status != STORE_PLATFORM_OFFLINE)
            continue;
        struct str id = render_party_id(a->snapshot, party, a->arena);
        struct str cause = health_last_error(party->platform);
        int64_t since = health_offline_since(party->platform);
        char time[TIMESTAMP_SIZE];
        attend_to(writer, NULL,
                  &(struct attend){
                      .party = id,
                      .since = since,
                      .what = arena_printf(a->arena, "party " STR_FMT " is OFFLINE since %s%s" STR_FMT,
                                           STR_ARG(id), timestamp_format(since, time),
                                           cause.length > 0 ? ": " : "", STR_ARG(cause)),
                      .hint = arena_printf(a->arena, "hubctl party check " STR_FMT, STR_ARG(id)),
                  });
    }
}

/* The partner answers, but not with a versions list, or with one that has no version of the hub. */
static void attend_versions(struct json_writer *writer, const struct attention *a)
{
    for (size_t i = 0; i < a->snapshot->platform_count; i++) {
        const struct registry_platform *platform = &a->snapshot->platforms[i];
        const struct registry_watch *watch = &platform->runtime->watch;
        if (watch->versions == REGISTRY_VERSIONS_GOOD || platform->row.status != STORE_PLATFORM_CONNECTED)
            continue;
        struct str id = render_platform_id(a->snapshot, platform, a->arena);
        attend(writer,
               watch->versions == REGISTRY_VERSIONS_OTHER
                   ? arena_printf(a->arena, STR_FMT " does not list OCPI 2.2.1 any more", STR_ARG(id))
                   : arena_printf(a->arena, STR_FMT " does not answer its versions any more: HTTP %d",
                                  STR_ARG(id), watch->versions_status),
               arena_printf(a->arena, "hubctl party check " STR_FMT, STR_ARG(id)));
    }
}

/* An initial token that nobody has used: the partner waits for a new one, or should be reminded. */
static void attend_tokens(struct json_writer *writer, const struct attention *a)
{
    int64_t now = hub_kept_ms(a->hub);
    for (size_t i = 0; i < a->snapshot->token_count; i++) {
        const struct store_token *token = &a->snapshot->tokens[i];
        const struct registry_platform *platform = registry_find_platform(a->snapshot, token->platform);
        if (token->kind != STORE_TOKEN_INITIAL || token->used != 0 || token->expires == 0 ||
            token->expires - now > TOKEN_ENDING_MS || platform == NULL)
            continue;
        struct str id = render_platform_id(a->snapshot, platform, a->arena);
        bool ended = token->expires <= now;
        attend(writer,
               arena_printf(a->arena, "the initial token of " STR_FMT " %s", STR_ARG(id),
                            ended ? "expired unused" : "expires within a day, unused"),
               arena_printf(a->arena, "hubctl token %s " STR_FMT, ended ? "issue" : "list", STR_ARG(id)));
    }
}

static bool has_rule(const struct registry_snapshot *snapshot, const struct registry_party *party)
{
    for (size_t i = 0; i < snapshot->party_count; i++) {
        if (routing_find_rule(snapshot, party, &snapshot->parties[i], true) != NULL)
            return true;
    }
    return false;
}

static void attend_rules(struct json_writer *writer, const struct attention *a)
{
    struct buffer names = {0};
    int64_t count = 0;
    for (size_t i = 0; i < a->snapshot->party_count; i++) {
        const struct registry_party *party = &a->snapshot->parties[i];
        if ((party->row.roles & (OCPI_ROLE_CPO | OCPI_ROLE_EMSP)) == 0 || party->row.suspended ||
            party->platform->row.status != STORE_PLATFORM_CONNECTED || has_rule(a->snapshot, party))
            continue;
        if (count++ < NAMES_MAX)
            buffer_printf(&names, "%s" STR_FMT, count > 1 ? ", " : "",
                          STR_ARG(render_party_id(a->snapshot, party, a->arena)));
    }
    if (count > 0)
        attend(writer,
               arena_printf(a->arena, "%lld connected part%s no rule: " STR_FMT "%s", (long long)count,
                            plural(count, "y has", "ies have"), STR_ARG(buffer_str(&names)),
                            count > NAMES_MAX ? " …" : ""),
               STR("hubctl rule matrix"));
    buffer_free(&names);
}

/* ---------------------------------------------------------------- refused */

/* What a partner pushed and the hub refused. It is lost unless the partner sends it again, and a CDR is money. */
static void attend_refused(struct json_writer *writer, const struct attention *a)
{
    for (size_t i = 0; i < a->refusals->count; i++) {
        const struct store_refusal *row = &a->refusals->rows[i];
        bool cdrs = ocpi_module_find(row->module) == OCPI_MODULE_CDRS;
        const char *noun =
            cdrs ? plural(row->objects, "CDR", "CDRs") : plural(row->objects, "session", "sessions");
        attend_to(
            writer, "push_refused",
            &(struct attend){
                .party = spelled(a, row->party),
                .count = row->objects,
                .since = row->first,
                .what =
                    arena_printf(a->arena, "%lld %s of " STR_FMT " %s refused and did not come rightly since",
                                 (long long)row->objects, noun, STR_ARG(spelled(a, row->party)),
                                 plural(row->objects, "was", "were")),
                .hint = arena_printf(a->arena, "hubctl quality " STR_FMT, STR_ARG(spelled(a, row->party))),
            });
    }
}

/* ---------------------------------------------------------------- queues */

static void attend_dead(struct json_writer *writer, const struct attention *a)
{
    for (size_t i = 0; i < a->queues->count; i++) {
        const struct store_queue_row *row = &a->queues->rows[i];
        if (row->dead == 0)
            continue;
        attend(writer,
               arena_printf(a->arena, "%lld dead deliver%s for " STR_FMT, (long long)row->dead,
                            plural(row->dead, "y", "ies"), STR_ARG(spelled(a, row->receiver))),
               arena_printf(a->arena, "hubctl delivery list --state dead --party " STR_FMT,
                            STR_ARG(spelled(a, row->receiver))));
    }
}

static void attend_circuits(struct json_writer *writer, const struct attention *a)
{
    for (size_t i = 0; i < a->queues->count; i++) {
        const struct store_queue_row *row = &a->queues->rows[i];
        int64_t retry_at; /* a circuit that is half-open counts too: it is not closed yet */
        if (row->pending == 0 || outbox_circuit(a->hub, row->receiver, STR_NONE, &retry_at) == RETRY_CLOSED)
            continue;
        attend(writer,
               arena_printf(a->arena, STR_FMT " fails to take deliveries: %lld wait%s",
                            STR_ARG(spelled(a, row->receiver)), (long long)row->pending,
                            plural(row->pending, "s", "")),
               arena_printf(a->arena, "hubctl delivery list --party " STR_FMT,
                            STR_ARG(spelled(a, row->receiver))));
    }
}

/* The fault is in these messages and not in the receiver: others of the same queues arrive. */
static void attend_alone(struct json_writer *writer, const struct attention *a)
{
    for (size_t i = 0; i < a->queues->count; i++) {
        const struct store_queue_row *row = &a->queues->rows[i];
        if (row->alone == 0)
            continue;
        attend(writer,
               arena_printf(a->arena, "%lld message%s for " STR_FMT " fail%s while others arrive",
                            (long long)row->alone, plural(row->alone, "", "s"),
                            STR_ARG(spelled(a, row->receiver)), plural(row->alone, "s", "")),
               arena_printf(a->arena, "hubctl delivery list --state pending --party " STR_FMT,
                            STR_ARG(spelled(a, row->receiver))));
    }
}

/* Why a receiver's deliveries are held, as far as they were read. */
struct held {
    struct str reasons;          /* for people, each once */
    enum store_hold_reason only; /* the one reason; NONE: there are several */
    unsigned count;
    struct str sender; /* of the first */
};

static struct held find_held(const struct attention *a, struct str receiver)
{
    struct held held = {0};
    struct buffer text = {0};
    uint32_t seen = 0; /* bits 1 << reason */
    for (size_t i = 0; i < a->held->count && held.count < NAMES_MAX; i++) {
        const struct store_delivery *row = &a->held->rows[i];
        if ((seen & 1u << row->hold) != 0 || !str_equal(row->receiver, receiver))
            continue;
        if (held.count == 0)
            held.sender = spelled(a, row->sender);
        held.only = held.count == 0 ? row->hold : STORE_HOLD_NONE;
        buffer_printf(&text, "%s" STR_FMT, held.count > 0 ? ", " : "", STR_ARG(row->reason));
        seen |= 1u << row->hold;
        held.count++;
    }
    held.reasons = arena_copy(a->arena, buffer_str(&text));
    buffer_free(&text);
    return held;
}

/* The command that ends it when there is one reason, else the list of deliveries. */
static struct str held_hint(const struct attention *a, struct str receiver, const struct held *held)
{
    static const struct {
        const char *before, *behind;
        bool sender; /* the command names the sender, too */
    } ways[] = {
        [STORE_HOLD_NONE] = {"hubctl delivery list --state held --party ", "", false},
        [STORE_HOLD_UNKNOWN_EMSP] = {"hubctl party add ", " --role EMSP", false},
        [STORE_HOLD_SUSPENDED] = {"hubctl party show ", "", false},
        [STORE_HOLD_NO_RULE] = {"hubctl rule explain ", " ", true},
        [STORE_HOLD_NO_URL] = {"hubctl receiver list ", "", false},
    };
    static_assert(sizeof ways / sizeof ways[0] == STORE_HOLD_COUNT, "a way out of each reason");
    const size_t only = (size_t)held->only;
    struct str sender = ways[only].sender ? held->sender : STR("");
    return arena_printf(a->arena, "%s" STR_FMT "%s" STR_FMT, ways[only].before, STR_ARG(spelled(a, receiver)),
                        ways[only].behind, STR_ARG(sender));
}

static void attend_held(struct json_writer *writer, const struct attention *a)
{
    for (size_t i = 0; i < a->queues->count; i++) {
        const struct store_queue_row *row = &a->queues->rows[i];
        if (row->held == 0)
            continue;
        struct held held = find_held(a, row->receiver);
        attend(writer,
               arena_printf(a->arena, "%lld held deliver%s for " STR_FMT "%s" STR_FMT, (long long)row->held,
                            plural(row->held, "y", "ies"), STR_ARG(spelled(a, row->receiver)),
                            held.count > 0 ? ": " : "", STR_ARG(held.reasons)),
               held_hint(a, row->receiver, &held));
    }
}

/* The worst first. */
static void (*const kinds[])(struct json_writer *writer, const struct attention *attention) = {
    attend_store, attend_parties, attend_circuits, attend_dead,   attend_refused, attend_alone,
    attend_held,  attend_clock,   attend_versions, attend_tokens, attend_rules,
};

void attention_write(struct json_writer *writer, const struct attention *attention)
{
    json_key(writer, "attention");
    json_array_begin(writer);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        kinds[i](writer, attention);
    json_array_end(writer);
}
