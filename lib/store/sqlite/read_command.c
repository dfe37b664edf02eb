#include "lib/store/sqlite/internal.h"

static void take_command(struct store_reader *reader, struct store_read *read, enum sql_id id,
                         struct store_command *row)
{
    const struct sql_connection *c = &reader->connection;
    struct str hash = sql_string(c, id, COL_COMMAND_CALLBACK_HASH);
    *row = (struct store_command){
        .id = sql_integer(c, id, COL_COMMAND_ID),
        .state = (enum store_command_state)sql_integer(c, id, COL_COMMAND_STATE),
        .created = sql_integer(c, id, COL_COMMAND_CREATED),
        .expires = sql_integer(c, id, COL_COMMAND_EXPIRES),
        .command = read_string(reader, read, id, COL_COMMAND_COMMAND),
        .emsp = read_string(reader, read, id, COL_COMMAND_EMSP),
        .cpo = read_string(reader, read, id, COL_COMMAND_CPO),
        .object = read_string(reader, read, id, COL_COMMAND_OBJECT),
        .response_url = read_string(reader, read, id, COL_COMMAND_RESPONSE_URL),
        .result = read_string(reader, read, id, COL_COMMAND_RESULT),
        .correlation_id = read_string(reader, read, id, COL_COMMAND_CORRELATION_ID),
        .token_uid = read_string(reader, read, id, COL_COMMAND_TOKEN_UID),
        .result_body = read_string(reader, read, id, COL_COMMAND_RESULT_BODY),
        .token_type = read_string(reader, read, id, COL_COMMAND_TOKEN_TYPE),
        .valid_until = sql_integer(c, id, COL_COMMAND_VALID_UNTIL),
        .accepted = sql_integer(c, id, COL_COMMAND_ACCEPTED) != 0,
        .name = read_string(reader, read, id, COL_COMMAND_NAME),
    };
    if (hash.length == sizeof row->callback_hash)
        memcpy(row->callback_hash, hash.data, hash.length);
}

bool read_command(struct store_reader *reader, struct store_read *read)
{
    struct store_command_read *r = CONTAINER_OF(read, struct store_command_read, base);
    struct sql_connection *c = &reader->connection;
    enum sql_id id;
    int result;
    if (r->callback_hash) {
        id = SQL_COMMAND_BY_HASH;
        result = sql_first(c, id, SQL_VALUES(sql_bytes(r->callback_hash, sizeof r->row.callback_hash)));
    } else {
        id = SQL_COMMAND_BY_ID;
        result = sql_first(c, id, SQL_VALUES(sql_i(r->id)));
    }
    if (result < 0)
        return read_fail(reader, read, result);
    if (result == 0)
        return read_done(read, ERR_NOT_FOUND);
    take_command(reader, read, id, &r->row);
    sql_end(c, id);
    return read_done(read, OK);
}

/* Starts the statement that the list asks for. */
static int first_command(struct sql_connection *c, const struct store_command_list *r, unsigned limit,
                         enum sql_id *id)
{
    if (r->reservation.length > 0) {
        *id = SQL_COMMAND_OF_RESERVATION;
        return sql_first(c, *id,
                         SQL_VALUES(sql_t(r->reservation), sql_t(r->emsp), sql_t(r->not_emsp), sql_t(r->cpo),
                                    sql_i(limit)));
    }
    *id = r->due > 0 ? SQL_COMMAND_DUE : SQL_COMMAND_NEWEST;
    int64_t bound = r->due > 0 ? r->due : r->before > 0 ? r->before : INT64_MAX;
    return sql_first(c, *id, SQL_VALUES(sql_i(bound), sql_i(limit)));
}

bool read_commands(struct store_reader *reader, struct store_read *read)
{
    struct store_command_list *r = CONTAINER_OF(read, struct store_command_list, base);
    struct sql_connection *c = &reader->connection;
    unsigned limit = r->limit < 1000 ? r->limit : 1000;
    enum sql_id id;
    r->count = 0;
    r->rows = read_alloc(read, limit + 1, sizeof *r->rows);
    if (!r->rows)
        return true;
    int result = first_command(c, r, limit, &id);
    for (; result > 0 && r->count < limit; result = sql_next(c, id))
        take_command(reader, read, id, &r->rows[r->count++]);
    sql_end(c, id);
    return result < 0 ? read_fail(reader, read, result) : read_done(read, OK);
}
