#include "lib/store/sqlite/internal.h"

/* Platforms, parties, tokens, receivers and rules. */

/* Rows with a revision: the caller gives the one that it has read, 0 for a new row. */
static int check_revision(int64_t stored, int64_t given, struct error *error, const char *what, int64_t id)
{
    if (stored == given)
        return OK;
    return error_set(error, ERR_CONFLICT, "%s %lld was changed meanwhile", what, (long long)id);
}

int apply_put_platform(struct writer *writer, struct store_op *op, struct error *error)
{
    const struct store_platform *p = &op->u.platform;
    struct sql_connection *c = &writer->connection;
    int64_t revision = 0, last_seen = p->last_seen;
    int found = sql_first(c, SQL_PLATFORM_FIND, SQL_VALUES(sql_i(p->id)));
    if (found < 0)
        return apply_failure(writer, found, error);
    if (found) {
        revision = sql_integer(c, SQL_PLATFORM_FIND, COL_PLATFORM_FIND_REVISION);
        /* Health writes it without changing the revision; it never goes back. */
        if (sql_integer(c, SQL_PLATFORM_FIND, COL_PLATFORM_FIND_LAST_SEEN) > last_seen)
            last_seen = sql_integer(c, SQL_PLATFORM_FIND, COL_PLATFORM_FIND_LAST_SEEN);
        sql_end(c, SQL_PLATFORM_FIND);
    }
    int result = check_revision(revision, p->revision, error, "platform", p->id);
    if (result)
        return result;
    result =
        sql_run(c, found ? SQL_PLATFORM_UPDATE : SQL_PLATFORM_INSERT,
                SQL_VALUES(sql_i(p->id), sql_i(revision + 1), sql_i(p->status), sql_t(p->credentials_url),
                           sql_t(p->versions_url), sql_b(p->token), sql_b(p->previous_token),
                           sql_i(p->previous_token_until), sql_i(p->encoding), sql_i(p->learned_raw),
                           sql_t(p->allowed_hosts), sql_b(p->roles), sql_i(last_seen), sql_i(p->created),
                           sql_i(p->updated), sql_t(p->proven), sql_i(p->from_hub)));
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_delete_platform(struct writer *writer, struct store_op *op, struct error *error)
{
    struct sql_connection *c = &writer->connection;
    int result = sql_run(c, SQL_PLATFORM_DELETE, SQL_VALUES(sql_i(op->u.id)));
    if (!result && sql_changes(c) == 0)
        return error_set(error, ERR_NOT_FOUND, "platform %lld: no such platform", (long long)op->u.id);
    /* A token must not outlive its platform. */
    if (!result)
        result =
            sql_run(c, SQL_TOKENS_DELETE, SQL_VALUES(sql_i(op->u.id), sql_i(-1), sql_b(STR_NONE), sql_i(0)));
    return result ? apply_failure(writer, result, error) : OK;
}

/* Readers compare this counter with the registry that their loop holds: a list must not use an old one. */
static void note_registry_change(struct writer *writer)
{
    atomic_store(&writer->store->registry_begun, ++writer->state.registry);
}

/*
 * A change of a party gets a last_updated above that of every change before, and not below its arrival: a
 * clock that was set back, or a batch that was made earlier and comes later, must not hide it from who asks
 * for what changed since.
 */
static int note_party_change(struct writer *writer, int64_t *last_updated)
{
    int64_t *greatest = &writer->state.party_changed;
    *greatest = *last_updated = writer->arrival > *greatest ? writer->arrival : *greatest + 1;
    note_registry_change(writer);
    return sql_run(&writer->connection, SQL_META_PUT,
                   SQL_VALUES(sql_t(STR(META_PARTY_CHANGED)), sql_bytes(greatest, sizeof *greatest)));
}

int apply_put_party(struct writer *writer, struct store_op *op, struct error *error)
{
    const struct store_party *p = &op->u.party;
    struct sql_connection *c = &writer->connection;
    int64_t revision = 0, last_updated = 0;
    int found = sql_first(c, SQL_PARTY_FIND, SQL_VALUES(sql_i(p->id)));
    if (found < 0)
        return apply_failure(writer, found, error);
    if (found) {
        revision = sql_integer(c, SQL_PARTY_FIND, COL_PARTY_FIND_REVISION);
        last_updated = sql_integer(c, SQL_PARTY_FIND, COL_PARTY_FIND_LAST_UPDATED);
        sql_end(c, SQL_PARTY_FIND);
    }
    int result = check_revision(revision, p->revision, error, "party", p->id);
    if (result)
        return result;
    if (!found || p->last_updated != last_updated)
        result = note_party_change(writer, &last_updated);
    if (!result)
        result =
            sql_run(c, found ? SQL_PARTY_UPDATE : SQL_PARTY_INSERT,
                    SQL_VALUES(sql_i(p->id), sql_i(p->platform), sql_i(revision + 1), sql_t(p->key),
                               sql_t(p->country_code), sql_t(p->party_id), sql_i(p->roles), sql_t(p->name),
                               sql_t(p->website), sql_i(p->suspended), sql_t(p->suspend_reason),
                               sql_i(last_updated), sql_i(p->created), sql_i(p->validation), sql_t(p->push),
                               sql_i(p->forward_unknown_sessions)));
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_delete_party(struct writer *writer, struct store_op *op, struct error *error)
{
    struct sql_connection *c = &writer->connection;
    int result = sql_run(c, SQL_PARTY_DELETE, SQL_VALUES(sql_i(op->u.id)));
    if (!result && sql_changes(c) == 0)
        return error_set(error, ERR_NOT_FOUND, "party %lld: no such party", (long long)op->u.id);
    if (!result)
        result = sql_run(c, SQL_PARTY_DELETE_RECEIVERS, SQL_VALUES(sql_i(op->u.id)));
    if (!result)
        result = sql_run(c, SQL_PARTY_DELETE_RULES, SQL_VALUES(sql_i(op->u.id)));
    if (!result)
        result = sql_run(c, SQL_PARTY_DELETE_LIMITS, SQL_VALUES(sql_i(op->u.id)));
    int64_t moment;
    if (!result)
        result = note_party_change(writer, &moment);
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_set_status(struct writer *writer, struct store_op *op, struct error *error)
{
    struct sql_connection *c = &writer->connection;
    int64_t id = op->u.health.platform, now = op->u.health.now;
    int found = sql_first(c, SQL_PLATFORM_FIND, SQL_VALUES(sql_i(id)));
    if (found < 0)
        return apply_failure(writer, found, error);
    if (!found)
        return error_set(error, ERR_NOT_FOUND, "platform %lld: no such platform", (long long)id);
    int64_t revision = sql_integer(c, SQL_PLATFORM_FIND, COL_PLATFORM_FIND_REVISION);
    bool moved = sql_integer(c, SQL_PLATFORM_FIND, COL_PLATFORM_FIND_STATUS) != (int64_t)op->u.health.status;
    int64_t last_seen = sql_integer(c, SQL_PLATFORM_FIND, COL_PLATFORM_FIND_LAST_SEEN);
    bool registered = sql_integer(c, SQL_PLATFORM_FIND, COL_PLATFORM_FIND_TOKEN_LENGTH) > 0;
    sql_end(c, SQL_PLATFORM_FIND);
    if (!registered && op->u.health.status != STORE_PLATFORM_PLANNED)
        return OK; /* a probe's answer that came after the platform was unregistered */
    if (op->u.health.last_seen > last_seen)
        last_seen = op->u.health.last_seen;
    /* Only a new status is a change that a reader of the row must not overwrite. */
    int result = sql_run(c, SQL_PLATFORM_SEEN,
                         SQL_VALUES(sql_i(id), sql_i(op->u.health.status), sql_i(last_seen), sql_i(now),
                                    sql_i(moved ? revision + 1 : revision), sql_i(op->u.health.heard),
                                    sql_t(op->u.health.last_error)));
    int64_t last_updated;
    if (!result && moved)
        result = note_party_change(writer, &last_updated);
    if (!result && moved)
        result = sql_run(c, SQL_PARTY_TOUCH, SQL_VALUES(sql_i(id), sql_i(last_updated)));
    return result ? apply_failure(writer, result, error) : OK;
}

/* ---------------------------------------------------------------- tokens */

int apply_put_token(struct writer *writer, struct store_op *op, struct error *error)
{
    const struct store_token *t = &op->u.token;
    int result = sql_run(&writer->connection, SQL_TOKEN_PUT,
                         SQL_VALUES(sql_bytes(t->hash, sizeof t->hash), sql_i(t->platform), sql_i(t->kind),
                                    sql_t(t->fingerprint), sql_i(t->created), sql_i(t->expires),
                                    sql_i(t->used), sql_b(t->content)));
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_use_token(struct writer *writer, struct store_op *op, struct error *error)
{
    const struct store_token *t = &op->u.token;
    int result = sql_run(&writer->connection, SQL_TOKEN_USE,
                         SQL_VALUES(sql_bytes(t->hash, sizeof t->hash), sql_i(t->used), sql_b(t->content)));
    if (result)
        return apply_failure(writer, result, error);
    if (sql_changes(&writer->connection) == 0)
        return error_set(error, ERR_NOT_FOUND, "the token is gone");
    return OK;
}

int apply_delete_token(struct writer *writer, struct store_op *op, struct error *error)
{
    int result = sql_run(&writer->connection, SQL_TOKEN_DELETE,
                         SQL_VALUES(sql_bytes(op->u.token.hash, sizeof op->u.token.hash)));
    return result ? apply_failure(writer, result, error) : OK;
}

static struct str except_of(const struct store_op *op)
{
    const uint8_t *except = op->u.token_match.except;
    return except ? str_of((const char *)except, sizeof op->u.token.hash) : STR_NONE;
}

int apply_delete_tokens(struct writer *writer, struct store_op *op, struct error *error)
{
    int result = sql_run(&writer->connection, SQL_TOKENS_DELETE,
                         SQL_VALUES(sql_i(op->u.token_match.platform), sql_i(op->u.token_match.kind),
                                    sql_b(except_of(op)), sql_i(op->u.token_match.unused_only)));
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_expire_tokens(struct writer *writer, struct store_op *op, struct error *error)
{
    int result = sql_run(&writer->connection, SQL_TOKENS_EXPIRE,
                         SQL_VALUES(sql_i(op->u.token_match.platform), sql_i(op->u.token_match.kind),
                                    sql_b(except_of(op)), sql_i(op->u.token_match.unused_only),
                                    sql_i(op->u.token_match.expires)));
    return result ? apply_failure(writer, result, error) : OK;
}

/* ---------------------------------------------------------------- receivers, rules, limits */

int apply_put_receiver(struct writer *writer, struct store_op *op, struct error *error)
{
    const struct store_receiver *r = &op->u.receiver;
    int result = sql_run(&writer->connection, SQL_RECEIVER_PUT,
                         SQL_VALUES(sql_i(r->party), sql_t(r->module), sql_t(r->url),
                                    sql_t(str_from(store_source_name(r->source)))));
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_delete_receiver(struct writer *writer, struct store_op *op, struct error *error)
{
    const struct store_receiver *r = &op->u.receiver;
    int result =
        sql_run(&writer->connection, SQL_RECEIVER_DELETE, SQL_VALUES(sql_i(r->party), sql_t(r->module)));
    if (result)
        return apply_failure(writer, result, error);
    if (sql_changes(&writer->connection) == 0)
        return error_set(error, ERR_NOT_FOUND, "no receiver for " STR_FMT " is set", STR_ARG(r->module));
    return OK;
}

int apply_withdraw_receiver(struct writer *writer, struct store_op *op, struct error *error)
{
    const struct store_receiver *r = &op->u.receiver;
    int result =
        sql_run(&writer->connection, SQL_RECEIVER_WITHDRAW, SQL_VALUES(sql_i(r->party), sql_t(r->module)));
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_set_announced(struct writer *writer, struct store_op *op, struct error *error)
{
    struct sql_connection *c = &writer->connection;
    int64_t party = op->u.announced.party;
    struct str module = op->u.announced.module;
    int result = sql_first(c, SQL_RECEIVER_FIND, SQL_VALUES(sql_i(party), sql_t(module)));
    if (result < 0)
        return apply_failure(writer, result, error);
    if (result == 0)
        return error_set(error, ERR_NOT_FOUND, "no receiver for " STR_FMT " is set", STR_ARG(module));
    int64_t announced = sql_integer(c, SQL_RECEIVER_FIND, COL_RECEIVER_FIND_TOLD);
    sql_end(c, SQL_RECEIVER_FIND);
    if (announced != op->u.announced.before || writer->state.party_changed > op->u.announced.now)
        return error_set(error, ERR_CONFLICT, "party %lld is told by now, or parties have changed",
                         (long long)party);
    result = sql_run(c, SQL_RECEIVER_SET_ANNOUNCED,
                     SQL_VALUES(sql_i(party), sql_t(module), sql_i(op->u.announced.now)));
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_put_rule(struct writer *writer, struct store_op *op, struct error *error)
{
    const struct store_rule *r = &op->u.rule;
    int64_t since =
        r->since != 0 ? r->since : writer->arrival; /* objects that the rule makes visible arrive with it */
    note_registry_change(writer);
    int result = sql_run(&writer->connection, SQL_RULE_PUT,
                         SQL_VALUES(sql_i(r->emsp), sql_i(r->cpo), sql_i(r->state), sql_i(since)));
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_put_limit(struct writer *writer, struct store_op *op, struct error *error)
{
    const struct store_limit *l = &op->u.limit;
    int result =
        sql_run(&writer->connection, SQL_LIMIT_PUT,
                SQL_VALUES(sql_i(l->party), sql_t(l->module), sql_i(l->requests), sql_i(l->period_ms)));
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_delete_limit(struct writer *writer, struct store_op *op, struct error *error)
{
    const struct store_limit *l = &op->u.limit;
    int result =
        sql_run(&writer->connection, SQL_LIMIT_DELETE, SQL_VALUES(sql_i(l->party), sql_t(l->module)));
    if (result)
        return apply_failure(writer, result, error);
    if (sql_changes(&writer->connection) == 0)
        return error_set(error, ERR_NOT_FOUND, "no limit for " STR_FMT " is set", STR_ARG(l->module));
    return OK;
}

/* ---------------------------------------------------------------- what is counted about partners */

int apply_count_finding(struct writer *writer, struct store_op *op, struct error *error)
{
    const struct store_finding *f = &op->u.finding.row;
    int64_t last = f->last ? f->last : writer->now;
    int result = sql_run(&writer->connection, SQL_FINDING_COUNT,
                         SQL_VALUES(sql_t(f->party), sql_t(f->module), sql_t(f->object), sql_t(f->field),
                                    sql_t(f->rule), sql_i(f->count), sql_i(f->first ? f->first : last),
                                    sql_i(last), sql_t(f->example), sql_i(op->u.finding.fields_max),
                                    sql_t(op->u.finding.others), sql_i(f->refused)));
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_count_refusal(struct writer *writer, struct store_op *op, struct error *error)
{
    const struct store_refusal *r = &op->u.refusal.row;
    int result = sql_run(&writer->connection, SQL_REFUSAL_FORGET,
                         SQL_VALUES(sql_t(r->party), sql_t(r->module), sql_i(op->u.refusal.forgotten)));
    if (!result)
        result = sql_run(&writer->connection, SQL_REFUSAL_COUNT,
                         SQL_VALUES(sql_t(r->party), sql_t(r->module), sql_t(r->object), sql_i(r->count),
                                    sql_i(r->first), sql_i(r->last), sql_i(op->u.refusal.objects_max)));
    return result ? apply_failure(writer, result, error) : OK;
}
