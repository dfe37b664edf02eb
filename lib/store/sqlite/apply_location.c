#include "lib/store/sqlite/apply_location.h"

/* Locations: a narrow head, the body without EVSEs, and a row per EVSE. */

/* Bytes that joining adds: ,"evses":[] or null. */
#define JOIN_BYTES 11

/* The size of a body once its last_updated is replaced by the head's text. */
static int64_t own_size(size_t body, size_t updated_length, size_t text)
{
    return (int64_t)(body - updated_length + text);
}

static int64_t served_size(const struct store_location_put *p)
{
    size_t size =
        (size_t)own_size(p->body.length, p->updated_length, p->last_updated_text.length) + JOIN_BYTES;
    for (size_t i = 0; i < p->evse_count; i++)
        size += p->evses[i].body.length + 1;
    return (int64_t)size;
}

static bool is_digest(struct str stored, const uint8_t *digest)
{
    return stored.length == 16 && memcmp(stored.data, digest, 16) == 0;
}

int apply_find_location(struct writer *writer, struct str owner, struct str id, const uint8_t *digest,
                        struct found_location *found)
{
    struct sql_connection *c = &writer->connection;
    *found = (struct found_location){0};
    int result = sql_first(c, SQL_LOCATION_FIND, SQL_VALUES(sql_t(id), sql_t(owner)));
    if (result <= 0)
        return result;
    found->stored.present = true;
    found->sequence = sql_integer(c, SQL_LOCATION_FIND, COL_LOCATION_FIND_SEQUENCE);
    found->stored.revision = sql_integer(c, SQL_LOCATION_FIND, COL_LOCATION_FIND_REVISION);
    found->stored.last_updated = sql_integer(c, SQL_LOCATION_FIND, COL_LOCATION_FIND_LAST_UPDATED);
    found->arrival = sql_integer(c, SQL_LOCATION_FIND, COL_LOCATION_FIND_ARRIVAL);
    found->size = sql_integer(c, SQL_LOCATION_FIND, COL_LOCATION_FIND_SIZE);
    found->evse_count = sql_integer(c, SQL_LOCATION_FIND, COL_LOCATION_FIND_EVSE_COUNT);
    found->text_length = sql_string(c, SQL_LOCATION_FIND, COL_LOCATION_FIND_LAST_UPDATED_TEXT).length;
    struct str stored = sql_string(c, SQL_LOCATION_FIND, COL_LOCATION_FIND_DIGEST);
    found->same_digest = digest && is_digest(stored, digest);
    sql_end(c, SQL_LOCATION_FIND);
    return OK;
}

int apply_check_size(const struct found_location *found, int64_t size, size_t size_max, struct str id,
                     struct error *error)
{
    if (size_max == 0 || size <= found->size || size <= (int64_t)size_max)
        return OK;
    return error_set(error, ERR_TOO_LARGE, "location " STR_FMT " would have %lld bytes", STR_ARG(id),
                     (long long)size);
}

int apply_update_head(struct writer *writer, const struct found_location *found, const struct new_head *head)
{
    int64_t revision = found->stored.revision + 1;
    writer->state.changed[STORE_LOCATION]++;
    if (head->keep_time)
        return sql_run(&writer->connection, SQL_LOCATION_TOUCH,
                       SQL_VALUES(sql_i(found->sequence), sql_i(revision), sql_i(head->arrival),
                                  sql_i(head->size), sql_i(head->evse_count), sql_b(head->digest)));
    return sql_run(&writer->connection, SQL_LOCATION_UPDATE,
                   SQL_VALUES(sql_i(found->sequence), sql_i(revision), sql_i(head->last_updated),
                              sql_i(head->arrival), sql_i(head->size), sql_i(head->evse_count),
                              sql_t(head->last_updated_text), sql_b(head->digest)));
}

static int write_body(struct writer *writer, enum sql_id id, int64_t sequence,
                      const struct store_location_put *p)
{
    return sql_run(&writer->connection, id,
                   SQL_VALUES(sql_i(sequence), sql_i((int64_t)p->children_at), sql_i(p->children_form),
                              sql_i((int64_t)p->updated_at), sql_i((int64_t)p->updated_length),
                              sql_b(p->body)));
}

/* ---------------------------------------------------------------- the EVSEs of a PUT */

static int insert_evses(struct writer *writer, int64_t sequence, int64_t revision,
                        const struct store_location_put *p)
{
    for (size_t i = 0; i < p->evse_count; i++) {
        const struct store_evse_part *evse = &p->evses[i];
        int result = sql_run(&writer->connection, SQL_EVSE_INSERT,
                             SQL_VALUES(sql_i(evse_place(sequence) + (int64_t)i), sql_i(sequence),
                                        sql_t(evse->uid), sql_i(revision), sql_i(evse->last_updated),
                                        sql_b(evse->body), sql_bytes(evse->digest, sizeof evse->digest)));
        if (result)
            return result;
    }
    return OK;
}

/*
 * *same_list: the stored EVSEs have the same uids in the same places; *same_values: and they are the same;
 * marks[i] = 1 where the body differs.
 */
static int compare_evses(struct writer *writer, int64_t sequence, const struct store_location_put *p,
                         char *marks, bool *same_list, bool *same_values)
{
    struct sql_connection *c = &writer->connection;
    size_t count = 0;
    *same_list = *same_values = true;
    int result =
        sql_first(c, SQL_EVSE_LIST, SQL_VALUES(sql_i(evse_place(sequence)), sql_i(evse_place(sequence + 1))));
    for (; result > 0; result = sql_next(c, SQL_EVSE_LIST), count++) {
        if (count == p->evse_count ||
            !str_equal(sql_string(c, SQL_EVSE_LIST, COL_EVSE_LIST_UID), p->evses[count].uid) ||
            sql_integer(c, SQL_EVSE_LIST, COL_EVSE_LIST_PLACE) != evse_place(sequence) + (int64_t)count) {
            *same_list = *same_values = false;
            sql_end(c, SQL_EVSE_LIST);
            return OK;
        }
        marks[count] = !str_equal(sql_string(c, SQL_EVSE_LIST, COL_EVSE_LIST_BODY), p->evses[count].body);
        if (marks[count] &&
            !is_digest(sql_string(c, SQL_EVSE_LIST, COL_EVSE_LIST_DIGEST), p->evses[count].digest))
            *same_values = false;
    }
    if (count != p->evse_count)
        *same_list = *same_values = false;
    return result;
}

/* A mark for each EVSE, in the writer's scratch; NULL: no memory. */
static char *make_marks(struct writer *writer, const struct store_location_put *p)
{
    buffer_clear(&writer->scratch);
    return buffer_reserve(&writer->scratch, p->evse_count + 1) ? writer->scratch.data : NULL;
}

/* *same: the location that is put is stored already, with the same EVSEs. */
static int compare_location(struct writer *writer, const struct store_location_put *p,
                            const struct found_location *found, bool *same)
{
    bool same_list;
    *same = found->stored.present && found->same_digest && found->stored.last_updated == p->last_updated &&
            found->evse_count == (int64_t)p->evse_count;
    if (!*same)
        return OK;
    char *marks = make_marks(writer, p);
    if (!marks)
        return sql_failure(&writer->connection, SQLITE_NOMEM, "EVSEs");
    return compare_evses(writer, found->sequence, p, marks, &same_list, same);
}

/* Most PUTs of a large location change little; only rows that differ are written. */
static int replace_evses(struct writer *writer, int64_t sequence, int64_t revision,
                         const struct store_location_put *p)
{
    struct sql_connection *c = &writer->connection;
    bool same_list, same_values;
    char *marks = make_marks(writer, p);
    if (!marks)
        return sql_failure(c, SQLITE_NOMEM, "EVSEs");
    int result = compare_evses(writer, sequence, p, marks, &same_list, &same_values);
    if (!result && !same_list) {
        result = sql_run(c, SQL_EVSE_DELETE_ALL,
                         SQL_VALUES(sql_i(evse_place(sequence)), sql_i(evse_place(sequence + 1))));
        return result ? result : insert_evses(writer, sequence, revision, p);
    }
    for (size_t i = 0; !result && i < p->evse_count; i++) {
        if (marks[i])
            result = sql_run(c, SQL_EVSE_UPDATE,
                             SQL_VALUES(sql_i(evse_place(sequence) + (int64_t)i), sql_i(revision),
                                        sql_i(p->evses[i].last_updated), sql_b(p->evses[i].body),
                                        sql_bytes(p->evses[i].digest, sizeof p->evses[i].digest)));
    }
    return result;
}

/* ---------------------------------------------------------------- PUT of a location */

static int insert_location(struct writer *writer, const struct store_location_put *p)
{
    int64_t sequence = ++writer->state.location_sequence;
    writer->state.created[STORE_LOCATION]++;
    int result =
        sql_run(&writer->connection, SQL_LOCATION_INSERT,
                SQL_VALUES(sql_i(sequence), sql_t(p->owner), sql_t(p->id), sql_i(1), sql_i(p->last_updated),
                           sql_i(writer->arrival), sql_i(served_size(p)), sql_i((int64_t)p->evse_count),
                           sql_t(p->last_updated_text), sql_bytes(p->digest, sizeof p->digest)));
    if (!result)
        result = write_body(writer, SQL_BODY_INSERT, sequence, p);
    return result ? result : insert_evses(writer, sequence, 1, p);
}

static int replace_location(struct writer *writer, const struct store_location_put *p,
                            const struct found_location *found)
{
    struct new_head head = {
        .last_updated = p->last_updated,
        .arrival = p->changed ? writer->arrival : found->arrival,
        .size = served_size(p),
        .evse_count = (int64_t)p->evse_count,
        .last_updated_text = p->last_updated_text,
        .digest = str_of((const char *)p->digest, sizeof p->digest),
    };
    int result = apply_update_head(writer, found, &head);
    if (!result)
        result = write_body(writer, SQL_BODY_UPDATE, found->sequence, p);
    return result ? result : replace_evses(writer, found->sequence, found->stored.revision + 1, p);
}

int apply_put_location(struct writer *writer, struct store_op *op, struct error *error)
{
    struct store_location_put *p = &op->u.location;
    struct found_location found;
    if (p->evse_count >= (size_t)EVSE_PLACES)
        return error_set(error, ERR_TOO_LARGE, "location " STR_FMT " has too many EVSEs", STR_ARG(p->id));
    int result = apply_find_location(writer, p->owner, p->id, p->digest, &found);
    if (result)
        return apply_failure(writer, result, error);
    struct sqlite_condition wanted = {p->conditions, p->revision, p->last_updated};
    result = apply_check_conditions(writer, &found.stored, &wanted, error, "location", p->id);
    if (result)
        return result;
    bool same;
    result = compare_location(writer, p, &found, &same);
    if (result)
        return apply_failure(writer, result, error);
    p->created = !found.stored.present;
    p->changed = !same;
    if (p->created)
        result = insert_location(writer, p);
    else if (p->changed || found.size != served_size(p) || found.stored.last_updated != p->last_updated)
        result = replace_location(writer, p, &found);
    return result ? apply_failure(writer, result, error) : OK;
}

/* ---------------------------------------------------------------- PATCH of a location */

int apply_set_location(struct writer *writer, struct store_op *op, struct error *error)
{
    struct store_location_put *p = &op->u.location;
    struct sql_connection *c = &writer->connection;
    struct found_location found;
    int result = apply_find_location(writer, p->owner, p->id, p->digest, &found);
    if (result)
        return apply_failure(writer, result, error);
    struct sqlite_condition wanted = {p->conditions | STORE_IF_PRESENT, p->revision, p->last_updated};
    result = apply_check_conditions(writer, &found.stored, &wanted, error, "location", p->id);
    if (result)
        return result;
    result = sql_first(c, SQL_BODY_FIND, SQL_VALUES(sql_i(found.sequence)));
    if (result < 0)
        return apply_failure(writer, result, error);
    struct str stored = result ? sql_string(c, SQL_BODY_FIND, COL_BODY_FIND_BODY) : STR_NONE;
    size_t stored_updated = result ? (size_t)sql_integer(c, SQL_BODY_FIND, COL_BODY_FIND_UPDATED_LENGTH) : 0;
    p->created = false;
    p->changed = !found.same_digest || found.stored.last_updated != p->last_updated;
    int64_t grown = own_size(p->body.length, p->updated_length, p->last_updated_text.length) -
                    own_size(stored.length, stored_updated, found.text_length);
    sql_end(c, SQL_BODY_FIND);
    if (!p->changed)
        return OK;
    result = apply_check_size(&found, found.size + grown, p->size_max, p->id, error);
    if (result)
        return result;
    struct new_head head = {
        .last_updated = p->last_updated,
        .arrival = writer->arrival,
        .size = found.size + grown,
        .evse_count = found.evse_count,
        .last_updated_text = p->last_updated_text,
        .digest = str_of((const char *)p->digest, sizeof p->digest),
    };
    result = apply_update_head(writer, &found, &head);
    if (!result)
        result = write_body(writer, SQL_BODY_UPDATE, found.sequence, p);
    return result ? apply_failure(writer, result, error) : OK;
}

/* ---------------------------------------------------------------- deleting */

int apply_delete_location(struct writer *writer, struct store_op *op, struct error *error)
{
    struct sql_connection *c = &writer->connection;
    struct found_location found;
    int result = apply_find_location(writer, op->u.key.owner, op->u.key.id, NULL, &found);
    if (result)
        return apply_failure(writer, result, error);
    if (!found.stored.present)
        return error_set(error, ERR_NOT_FOUND, STR_FMT ": no such object", STR_ARG(op->u.key.id));
    int64_t sequence = found.sequence;
    writer->state.removed[STORE_LOCATION]++;
    result = sql_run(c, SQL_LOCATION_DELETE, SQL_VALUES(sql_i(sequence)));
    if (!result)
        result = sql_run(c, SQL_BODY_DELETE, SQL_VALUES(sql_i(sequence)));
    if (!result)
        result = sql_run(c, SQL_EVSE_DELETE_ALL,
                         SQL_VALUES(sql_i(evse_place(sequence)), sql_i(evse_place(sequence + 1))));
    return result ? apply_failure(writer, result, error) : OK;
}
