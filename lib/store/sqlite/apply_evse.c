#include "lib/store/sqlite/apply_location.h"

/* PUT of one EVSE, the hub's hottest write: its own row and the narrow head of its location. */

struct found_evse {
    struct stored stored;
    int64_t place;
    int64_t length;
    bool same;
};

static int find_evse(struct writer *writer, int64_t location, const struct store_evse_part *evse,
                     struct found_evse *found)
{
    struct sql_connection *c = &writer->connection;
    *found = (struct found_evse){0};
    int result = sql_first(c, SQL_EVSE_FIND, SQL_VALUES(sql_i(location), sql_t(evse->uid)));
    if (result <= 0)
        return result;
    struct str body = sql_string(c, SQL_EVSE_FIND, COL_EVSE_FIND_BODY);
    found->stored.present = true;
    found->place = sql_integer(c, SQL_EVSE_FIND, COL_EVSE_FIND_PLACE);
    found->stored.revision = sql_integer(c, SQL_EVSE_FIND, COL_EVSE_FIND_REVISION);
    found->stored.last_updated = sql_integer(c, SQL_EVSE_FIND, COL_EVSE_FIND_LAST_UPDATED);
    found->length = (int64_t)body.length;
    struct str digest = sql_string(c, SQL_EVSE_FIND, COL_EVSE_FIND_DIGEST);
    found->same = str_equal(body, evse->body) ||
                  str_equal(digest, str_of((const char *)evse->digest, sizeof evse->digest));
    sql_end(c, SQL_EVSE_FIND);
    return OK;
}

/* A new EVSE goes to the end of the list. */
static int next_place(struct writer *writer, int64_t location, int64_t *place)
{
    struct sql_connection *c = &writer->connection;
    int result =
        sql_first(c, SQL_EVSE_LAST, SQL_VALUES(sql_i(evse_place(location)), sql_i(evse_place(location + 1))));
    if (result < 0)
        return result;
    *place = result ? sql_integer(c, SQL_EVSE_LAST, COL_EVSE_LAST_PLACE) + 1 : evse_place(location);
    sql_end(c, SQL_EVSE_LAST);
    return *place < evse_place(location + 1) ? OK : sql_failure(c, SQLITE_TOOBIG, "EVSEs");
}

static int write_evse(struct writer *writer, const struct found_location *parent,
                      const struct found_evse *found, const struct store_evse_put *p)
{
    int64_t revision = parent->stored.revision + 1, place = found->place;
    if (found->stored.present)
        return sql_run(&writer->connection, SQL_EVSE_UPDATE,
                       SQL_VALUES(sql_i(place), sql_i(revision), sql_i(p->evse.last_updated),
                                  sql_b(p->evse.body), sql_bytes(p->evse.digest, sizeof p->evse.digest)));
    int result = next_place(writer, parent->sequence, &place);
    if (result)
        return result;
    return sql_run(&writer->connection, SQL_EVSE_INSERT,
                   SQL_VALUES(sql_i(place), sql_i(parent->sequence), sql_t(p->evse.uid), sql_i(revision),
                              sql_i(p->evse.last_updated), sql_b(p->evse.body),
                              sql_bytes(p->evse.digest, sizeof p->evse.digest)));
}

static bool moves_forward(const struct found_location *parent, const struct store_evse_put *p)
{
    return p->evse.last_updated > parent->stored.last_updated;
}

/* The size of the whole location once this EVSE is stored. */
static int64_t new_size(const struct found_location *parent, const struct found_evse *found,
                        const struct store_evse_put *p)
{
    int64_t grown = (int64_t)p->evse.body.length - found->length + (found->stored.present ? 0 : 1);
    if (moves_forward(parent, p))
        grown += (int64_t)p->last_updated_text.length - (int64_t)parent->text_length;
    return parent->size + grown;
}

/* A child moves its parent's last_updated forward, never back (hub-ocpi(7), LOCATIONS). */
static int touch_parent(struct writer *writer, const struct found_location *parent,
                        const struct found_evse *found, const struct store_evse_put *p)
{
    struct new_head head = {
        .keep_time = !moves_forward(parent, p),
        .last_updated = p->evse.last_updated,
        .arrival = writer->arrival,
        .size = new_size(parent, found, p),
        .evse_count = parent->evse_count + (found->stored.present ? 0 : 1),
        .last_updated_text = p->last_updated_text,
    };
    return apply_update_head(writer, parent, &head);
}

int apply_put_evse(struct writer *writer, struct store_op *op, struct error *error)
{
    struct store_evse_put *p = &op->u.evse;
    struct found_location parent;
    struct found_evse found;
    int result = apply_find_location(writer, p->owner, p->location, NULL, &parent);
    if (result)
        return apply_failure(writer, result, error);
    if (!parent.stored.present)
        return error_set(error, ERR_NOT_FOUND, "location " STR_FMT ": no such object", STR_ARG(p->location));
    result = find_evse(writer, parent.sequence, &p->evse, &found);
    if (result)
        return apply_failure(writer, result, error);
    struct sqlite_condition wanted = {p->conditions, p->revision, p->evse.last_updated};
    result = apply_check_conditions(writer, &found.stored, &wanted, error, "EVSE", p->evse.uid);
    if (result)
        return result;
    p->created = !found.stored.present;
    p->changed = p->created || !found.same;
    if (!p->changed && found.stored.last_updated == p->evse.last_updated)
        return OK;
    size_t size_max = p->size_max == 0 || p->created ? p->size_max : p->size_max + STORE_SIZE_LEEWAY;
    result = apply_check_size(&parent, new_size(&parent, &found, p), size_max, p->location, error);
    if (result)
        return result;
    result = write_evse(writer, &parent, &found, p);
    if (!result)
        result = touch_parent(writer, &parent, &found, p);
    return result ? apply_failure(writer, result, error) : OK;
}
