#include "lib/store/sqlite/internal.h"

/* One object, its owners, and the bodies of a page. */

/* ---------------------------------------------------------------- locations as served */

struct location_row {
    int64_t sequence, evse_count;
    struct str text; /* last_updated with quotes */
    size_t children_at, updated_at, updated_length;
    int children_form; /* enum ocpi_children_form: 0 inside, 1 absent, 2 null */
    struct str body;
};

/* False: the row is damaged, its offsets lie outside the body. */
static bool take_row(struct sql_connection *c, enum sql_id id, struct location_row *row)
{
    *row = (struct location_row){
        .sequence = sql_integer(c, id, COL_LOCATION_SEQUENCE),
        .evse_count = sql_integer(c, id, COL_LOCATION_EVSE_COUNT),
        .text = sql_string(c, id, COL_LOCATION_LAST_UPDATED_TEXT),
        .children_at = (size_t)sql_integer(c, id, COL_LOCATION_CHILDREN_AT),
        .children_form = (int)sql_integer(c, id, COL_LOCATION_CHILDREN_FORM),
        .updated_at = (size_t)sql_integer(c, id, COL_LOCATION_UPDATED_AT),
        .updated_length = (size_t)sql_integer(c, id, COL_LOCATION_UPDATED_LENGTH),
        .body = sql_string(c, id, COL_LOCATION_BODY),
    };
    size_t length = row->body.length;
    if (row->children_at <= length && row->updated_at <= length &&
        row->updated_length <= length - row->updated_at && row->children_form >= 0 && row->children_form <= 2)
        return true;
    sql_failure(c, SQLITE_CORRUPT, "location");
    return false;
}

/* The bytes [from, to) of the body, with the head's last_updated in place of the body's own where that lies
 * inside. */
static void append_part(struct buffer *out, const struct location_row *row, size_t from, size_t to)
{
    bool splice = row->text.length > 0 && row->updated_length > 0 && row->updated_at >= from &&
                  row->updated_at + row->updated_length <= to;
    if (!splice) {
        buffer_append(out, str_of(row->body.data + from, to - from));
        return;
    }
    buffer_append(out, str_of(row->body.data + from, row->updated_at - from));
    buffer_append(out, row->text);
    size_t behind = row->updated_at + row->updated_length;
    buffer_append(out, str_of(row->body.data + behind, to - behind));
}

static int append_evses(struct sql_connection *c, int64_t sequence, struct buffer *out)
{
    bool comma = false;
    int result = sql_first(c, SQL_EVSE_BODIES,
                           SQL_VALUES(sql_i(evse_place(sequence)), sql_i(evse_place(sequence + 1))));
    for (; result > 0; result = sql_next(c, SQL_EVSE_BODIES), comma = true) {
        if (comma)
            buffer_append_byte(out, ',');
        buffer_append(out, sql_string(c, SQL_EVSE_BODIES, COL_BODY_BODY));
    }
    return result;
}

int read_append_location(struct store_reader *reader, enum sql_id id, struct buffer *out)
{
    /* What stands around the EVSEs, by enum ocpi_children_form. */
    static const struct {
        const char *before, *after, *none;
    } forms[] = {{"", "", ""}, {",\"evses\":[", "]", ""}, {"[", "]", "null"}};
    struct sql_connection *c = &reader->connection;
    struct location_row row;
    int result = take_row(c, id, &row) ? OK : ERR_IO;
    if (!result) {
        append_part(out, &row, 0, row.children_at);
        buffer_append_text(out,
                           row.evse_count ? forms[row.children_form].before : forms[row.children_form].none);
        if (row.evse_count)
            result = append_evses(c, row.sequence, out);
        if (row.evse_count)
            buffer_append_text(out, forms[row.children_form].after);
        append_part(out, &row, row.children_at, row.body.length);
    }
    sql_end(c, id);
    return result;
}

/* The whole location, in the request's arena. */
static int take_location(struct store_reader *reader, struct store_read *read, struct str *body)
{
    struct buffer *scratch = &reader->scratch;
    buffer_clear(scratch);
    int result = read_append_location(reader, SQL_LOCATION_READ, scratch);
    if (result)
        return result;
    if (scratch->failed)
        return ERR_MEMORY;
    *body = arena_copy(read->arena, buffer_str(scratch));
    /* One huge location must not cost its size for ever. */
    if (scratch->capacity > (size_t)1 << 20)
        buffer_free(scratch);
    return body->data ? OK : ERR_MEMORY;
}

/* ---------------------------------------------------------------- one object */

static bool read_evse(struct store_reader *reader, struct store_object_read *r, int64_t location)
{
    struct sql_connection *c = &reader->connection;
    int result = sql_first(c, SQL_EVSE_READ, SQL_VALUES(sql_i(location), sql_t(r->evse)));
    if (result < 0)
        return read_fail(reader, &r->base, result);
    if (result == 0)
        return read_done(&r->base, ERR_NOT_FOUND);
    r->revision = sql_integer(c, SQL_EVSE_READ, COL_EVSE_READ_REVISION);
    r->last_updated = sql_integer(c, SQL_EVSE_READ, COL_EVSE_READ_LAST_UPDATED);
    r->body = read_string(reader, &r->base, SQL_EVSE_READ, COL_EVSE_READ_BODY);
    sql_end(c, SQL_EVSE_READ);
    return read_done(&r->base, OK);
}

static bool read_location(struct store_reader *reader, struct store_object_read *r)
{
    struct sql_connection *c = &reader->connection;
    const enum sql_id id = SQL_LOCATION_READ;
    int result = sql_first(c, id, SQL_VALUES(sql_t(r->id), sql_t(r->owner)));
    if (result < 0)
        return read_fail(reader, &r->base, result);
    if (result == 0)
        return read_done(&r->base, ERR_NOT_FOUND);
    r->sequence = sql_integer(c, id, COL_LOCATION_SEQUENCE);
    if (r->evse.length > 0) {
        sql_end(c, id);
        return read_evse(reader, r, r->sequence);
    }
    r->revision = sql_integer(c, id, COL_LOCATION_REVISION);
    r->last_updated = sql_integer(c, id, COL_LOCATION_LAST_UPDATED);
    r->last_updated_text = read_string(reader, &r->base, id, COL_LOCATION_LAST_UPDATED_TEXT);
    if (!r->without_evses) {
        result = take_location(reader, &r->base, &r->body);
        return result ? read_fail(reader, &r->base, result) : read_done(&r->base, OK);
    }
    struct location_row row;
    if (!take_row(c, id, &row)) {
        sql_end(c, id);
        return read_fail(reader, &r->base, ERR_IO);
    }
    r->children_at = row.children_at;
    r->children_form = row.children_form;
    r->updated_at = row.updated_at;
    r->updated_length = row.updated_length;
    r->body = read_string(reader, &r->base, id, COL_LOCATION_BODY);
    sql_end(c, id);
    return read_done(&r->base, OK);
}

bool read_object(struct store_reader *reader, struct store_read *read)
{
    struct store_object_read *r = CONTAINER_OF(read, struct store_object_read, base);
    struct sql_connection *c = &reader->connection;
    const enum sql_id id = SQL_OBJECT_READ;
    if (r->kind == STORE_LOCATION)
        return read_location(reader, r);
    int result = sql_first(c, id, SQL_VALUES(sql_i(r->kind), sql_t(r->id), sql_t(r->owner)));
    if (result < 0)
        return read_fail(reader, read, result);
    if (result == 0)
        return read_done(read, ERR_NOT_FOUND);
    r->sequence = sql_integer(c, id, COL_OBJECT_READ_SEQUENCE);
    r->revision = sql_integer(c, id, COL_OBJECT_READ_REVISION);
    r->last_updated = sql_integer(c, id, COL_OBJECT_READ_LAST_UPDATED);
    r->counterparty = read_string(reader, read, id, COL_OBJECT_READ_COUNTERPARTY);
    r->token_uid = read_string(reader, read, id, COL_OBJECT_READ_TOKEN_UID);
    r->status = read_string(reader, read, id, COL_OBJECT_READ_STATUS);
    r->body = read_string(reader, read, id, COL_OBJECT_READ_BODY);
    sql_end(c, id);
    return read_done(read, OK);
}

/* ---------------------------------------------------------------- owners of an id */

/* Ends a statement that was asked for one row, or none. */
static int found_any(struct sql_connection *c, enum sql_id id, int result, bool *any)
{
    *any = result > 0;
    if (result > 0)
        sql_end(c, id);
    return result < 0 ? result : OK;
}

/* What can still be meant of a location. */
static int look_at_evses(struct sql_connection *c, const struct store_owners_read *r, int64_t location,
                         struct store_owner *owner)
{
    int64_t first = evse_place(location);
    int result =
        found_any(c, SQL_EVSE_ANY_ALIVE,
                  sql_first(c, SQL_EVSE_ANY_ALIVE, SQL_VALUES(sql_i(first), sql_i(evse_place(location + 1)))),
                  &owner->alive);
    owner->has_evses = true;
    for (size_t i = 0; i < r->evse_count && owner->has_evses && result == OK; i++)
        result = found_any(c, SQL_EVSE_IS_ALIVE,
                           sql_first(c, SQL_EVSE_IS_ALIVE, SQL_VALUES(sql_i(location), sql_t(r->evses[i]))),
                           &owner->has_evses);
    return result;
}

struct found_owner {
    struct store_owner owner;
    int64_t sequence, evse_count; /* of a location */
};

/* Twice the room, and what is in it. NULL: no memory, the read has failed. */
static struct found_owner *more_room(struct store_read *read, struct found_owner *found, size_t *room)
{
    struct found_owner *more = read_alloc(read, *room * 2, sizeof *more);
    if (more != NULL)
        memcpy(more, found, *room * sizeof *found);
    *room *= 2;
    return more;
}

static bool take_owners(struct store_reader *reader, struct store_owners_read *r, struct found_owner *found,
                        size_t count)
{
    r->owners = read_alloc(&r->base, count > 0 ? count : 1, sizeof *r->owners);
    if (r->owners == NULL)
        return true;
    for (size_t i = 0; i < count; i++) {
        struct store_owner *owner = &r->owners[i];
        *owner = found[i].owner;
        owner->alive = owner->has_evses = true;
        if (r->kind != STORE_LOCATION || count == 1)
            continue;
        int result = look_at_evses(&reader->connection, r, found[i].sequence, owner);
        if (result)
            return read_fail(reader, &r->base, result);
        owner->alive = owner->alive || found[i].evse_count == 0;
    }
    r->owner_count = count;
    return read_done(&r->base, OK);
}

bool read_owners(struct store_reader *reader, struct store_read *read)
{
    enum { FEW = 16 };
    struct store_owners_read *r = CONTAINER_OF(read, struct store_owners_read, base);
    struct sql_connection *c = &reader->connection;
    bool locations = r->kind == STORE_LOCATION;
    enum sql_id id = locations ? SQL_LOCATION_OWNERS : SQL_OBJECT_OWNERS;
    struct found_owner few[FEW], *found = few;
    size_t count = 0, room = FEW;
    int result = locations ? sql_first(c, id, SQL_VALUES(sql_t(r->id)))
                           : sql_first(c, id, SQL_VALUES(sql_i(r->kind), sql_t(r->id)));
    r->owner_count = 0;
    for (; result > 0; result = sql_next(c, id), count++) {
        if (count == room && (found = more_room(read, found, &room)) == NULL) {
            sql_end(c, id);
            return true;
        }
        struct found_owner *one = &found[count];
        *one = (struct found_owner){.owner.owner = read_string(reader, read, id, COL_OWNER_OWNER)};
        if (locations) {
            one->sequence = sql_integer(c, id, COL_LOCATION_OWNER_SEQUENCE);
            one->evse_count = sql_integer(c, id, COL_LOCATION_OWNER_EVSE_COUNT);
        } else {
            one->owner.counterparty = read_string(reader, read, id, COL_OBJECT_OWNER_COUNTERPARTY);
            one->owner.status = read_string(reader, read, id, COL_OBJECT_OWNER_STATUS);
        }
    }
    sql_end(c, id);
    return result < 0 ? read_fail(reader, read, result) : take_owners(reader, r, found, count);
}

/* ---------------------------------------------------------------- who used a token */

#define USERS_MAX 256 /* more would be conflicts all the more */

static void take_user(struct store_token_users_read *r, struct str emsp)
{
    for (size_t i = 0; i < r->count; i++)
        if (str_equal(r->emsps[i], emsp))
            return;
    r->emsps[r->count++] = emsp;
}

static int take_users(struct store_reader *reader, struct store_token_users_read *r, enum sql_id id)
{
    struct sql_connection *c = &reader->connection;
    int result = sql_first(c, id, SQL_VALUES(sql_t(r->token_uid), sql_t(r->token_type), sql_i(USERS_MAX)));
    for (; result > 0; result = sql_next(c, id))
        take_user(r, read_string(reader, &r->base, id, COL_TOKEN_USER_NAME));
    return result;
}

bool read_token_users(struct store_reader *reader, struct store_read *read)
{
    struct store_token_users_read *r = CONTAINER_OF(read, struct store_token_users_read, base);
    r->count = 0;
    r->emsps = read_alloc(read, (size_t)2 * USERS_MAX, sizeof *r->emsps);
    if (r->emsps == NULL)
        return true;
    int result = take_users(reader, r, SQL_SESSION_TOKEN_USERS);
    if (!result)
        result = take_users(reader, r, SQL_COMMAND_TOKEN_USERS);
    return result ? read_fail(reader, read, result) : read_done(read, OK);
}

bool read_starter(struct store_reader *reader, struct store_read *read)
{
    struct store_starter_read *r = CONTAINER_OF(read, struct store_starter_read, base);
    struct sql_connection *c = &reader->connection;
    int result = sql_first(c, SQL_COMMAND_STARTER, SQL_VALUES(sql_t(r->cpo), sql_t(r->reference)));
    if (result < 0)
        return read_fail(reader, read, result);
    r->emsp = read_string(reader, read, SQL_COMMAND_STARTER, COL_COMMAND_STARTER_SMALLEST);
    r->several = !str_equal(r->emsp, sql_string(c, SQL_COMMAND_STARTER, COL_COMMAND_STARTER_GREATEST));
    sql_end(c, SQL_COMMAND_STARTER);
    return read_done(read, r->emsp.length > 0 ? OK : ERR_NOT_FOUND);
}

/* ---------------------------------------------------------------- bodies of a page */

static int append_body(struct store_reader *reader, const struct store_bodies_read *r, int64_t sequence)
{
    struct sql_connection *c = &reader->connection;
    enum sql_id id = r->kind == STORE_LOCATION ? SQL_LOCATION_READ_AT : SQL_OBJECT_BODY;
    int result = sql_first(c, id, SQL_VALUES(sql_i(sequence)));
    if (result <= 0)
        return result;
    if (r->need_comma)
        buffer_append_byte(r->out, ',');
    if (r->kind == STORE_LOCATION)
        result = read_append_location(reader, id, r->out);
    else
        buffer_append(r->out, sql_string(c, id, COL_BODY_BODY));
    sql_end(c, id);
    return result < 0 ? result : 1;
}

bool read_bodies(struct store_reader *reader, struct store_read *read)
{
    struct store_bodies_read *r = CONTAINER_OF(read, struct store_bodies_read, base);
    size_t written = 0;
    while (r->position < r->item_count) {
        size_t before = r->out->length;
        int result = append_body(reader, r, r->items[r->position].sequence);
        if (result < 0)
            return read_fail(reader, read, result);
        r->position++;
        if (result > 0)
            r->need_comma = true;
        written += r->out->length - before;
        if (r->out->failed)
            return read_fail(reader, read, ERR_MEMORY);
        /* A slice may also end for its time; the caller goes on at `position` all the same. */
        if (written >= r->slice_max || reader_is_late(reader))
            break;
    }
    return read_done(read, OK);
}
