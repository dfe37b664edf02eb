#include "lib/store/sqlite/internal.h"

/* Tariffs, sessions and CDRs. */

struct found_object {
    struct stored stored;
    int64_t sequence, arrival, last_delivery, size;
    bool same_digest, same_counterparty, same_token;
    bool ended, same_status; /* of a session */
};

static int find_object(struct writer *writer, const struct store_object_put *p, struct found_object *found)
{
    struct sql_connection *c = &writer->connection;
    *found = (struct found_object){0};
    int result = sql_first(c, SQL_OBJECT_FIND, SQL_VALUES(sql_i(p->kind), sql_t(p->id), sql_t(p->owner)));
    if (result <= 0)
        return result;
    found->stored.present = true;
    found->sequence = sql_integer(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_SEQUENCE);
    found->stored.revision = sql_integer(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_REVISION);
    found->stored.last_updated = sql_integer(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_LAST_UPDATED);
    found->arrival = sql_integer(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_ARRIVAL);
    found->last_delivery = sql_integer(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_LAST_DELIVERY);
    found->size = sql_integer(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_SIZE);
    found->same_counterparty =
        str_equal(sql_string(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_COUNTERPARTY), p->counterparty);
    found->same_token = str_equal(sql_string(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_TOKEN_UID), p->token_uid) &&
                        str_equal(sql_string(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_TOKEN_TYPE), p->token_type);
    found->same_digest = str_equal(sql_string(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_DIGEST),
                                   str_of((const char *)p->digest, sizeof p->digest));
    struct str status = sql_string(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_STATUS);
    found->ended = str_equal(status, STR("COMPLETED")) || str_equal(status, STR("INVALID"));
    found->same_status = str_equal(status, p->status);
    sql_end(c, SQL_OBJECT_FIND);
    return OK;
}

/*
 * The delivery of a session or CDR comes right behind its object in the batch. Giving it its id now lets the
 * object's row name it without being written a second time.
 */
static int64_t promise_delivery(struct writer *writer, const struct store_op *op, int64_t before)
{
    const struct store_op *next = op->next;
    if (!next || next->type != STORE_PUT_DELIVERY || next->u.delivery.only_if_changed)
        return 0;
    const struct store_delivery *row = &next->u.delivery.row;
    const struct store_object_put *p = &op->u.object;
    if (row->kind != (int)p->kind || row->kind < STORE_SESSION || !str_equal(row->owner, p->owner) ||
        !str_equal(row->object, p->id))
        return 0;
    writer->promised = next;
    writer->promised_id = ++writer->state.delivery_id;
    writer->promised_before = before;
    return writer->promised_id;
}

static int insert_object(struct writer *writer, const struct store_object_put *p, int64_t delivery)
{
    writer->state.created[p->kind]++;
    writer->state.object_sequence++;
    return sql_run(&writer->connection, SQL_OBJECT_INSERT,
                   SQL_VALUES(sql_i(writer->state.object_sequence), sql_i(p->kind), sql_t(p->owner),
                              sql_t(p->id), sql_i(1), sql_i(p->last_updated), sql_i(writer->arrival),
                              sql_i(delivery), sql_i((int64_t)p->body.length), sql_t(p->counterparty),
                              sql_t(p->token_uid), sql_t(p->status), sql_bytes(p->digest, sizeof p->digest),
                              sql_b(p->body), sql_t(p->session), sql_t(p->token_type)));
}

static int update_object(struct writer *writer, const struct store_object_put *p,
                         const struct found_object *found, int64_t delivery)
{
    writer->state.changed[p->kind]++;
    if (!found->same_counterparty)
        writer->state.moved[p->kind]++;
    int result =
        sql_run(&writer->connection, SQL_OBJECT_UPDATE,
                SQL_VALUES(sql_i(found->sequence), sql_i(found->stored.revision + 1), sql_i(p->last_updated),
                           sql_i(found->same_digest ? found->arrival : writer->arrival),
                           sql_i(delivery ? delivery : found->last_delivery), sql_i((int64_t)p->body.length),
                           sql_t(p->status), sql_bytes(p->digest, sizeof p->digest), sql_b(p->body)));
    if (!result && !(found->same_counterparty && found->same_token))
        result = sql_run(&writer->connection, SQL_OBJECT_SET_PARTIES,
                         SQL_VALUES(sql_i(found->sequence), sql_t(p->counterparty), sql_t(p->token_uid),
                                    sql_t(p->token_type)));
    return result;
}

int apply_put_object(struct writer *writer, struct store_op *op, struct error *error)
{
    static const char *const names[] = {"location", "tariff", "session", "CDR"};
    struct store_object_put *p = &op->u.object;
    if (p->kind <= STORE_LOCATION || p->kind >= STORE_KIND_COUNT)
        return error_set(error, ERR_INVALID, "kind %d is no object", (int)p->kind);
    struct found_object found;
    int result = find_object(writer, p, &found);
    if (result)
        return apply_failure(writer, result, error);
    struct sqlite_condition wanted = {p->conditions, p->revision, p->last_updated};
    result = apply_check_conditions(writer, &found.stored, &wanted, error, names[p->kind], p->id);
    if (result)
        return result;
    if ((p->conditions & STORE_IF_NOT_ENDED) && found.ended && !found.same_status &&
        p->last_updated <= found.stored.last_updated)
        return error_set(error, ERR_STALE, "session " STR_FMT " has ended", STR_ARG(p->id));
    p->created = !found.stored.present;
    p->changed = p->created || !found.same_digest;
    int64_t delivery = promise_delivery(writer, op, found.last_delivery);
    if (p->created)
        result = insert_object(writer, p, delivery);
    else if (p->changed || delivery || found.size != (int64_t)p->body.length ||
             found.stored.last_updated != p->last_updated || !found.same_counterparty || !found.same_status)
        result = update_object(writer, p, &found, delivery);
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_delete_object(struct writer *writer, struct store_op *op, struct error *error)
{
    if (op->u.key.kind == STORE_LOCATION)
        return apply_delete_location(writer, op, error);
    struct sql_connection *c = &writer->connection;
    int result = sql_first(c, SQL_OBJECT_FIND,
                           SQL_VALUES(sql_i(op->u.key.kind), sql_t(op->u.key.id), sql_t(op->u.key.owner)));
    if (result < 0)
        return apply_failure(writer, result, error);
    if (result == 0)
        return error_set(error, ERR_NOT_FOUND, STR_FMT ": no such object", STR_ARG(op->u.key.id));
    int64_t sequence = sql_integer(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_SEQUENCE);
    sql_end(c, SQL_OBJECT_FIND);
    writer->state.removed[op->u.key.kind]++;
    result = sql_run(c, SQL_OBJECT_DELETE, SQL_VALUES(sql_i(sequence)));
    return result ? apply_failure(writer, result, error) : OK;
}
