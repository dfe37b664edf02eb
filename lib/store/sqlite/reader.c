#include "lib/store/sqlite/internal.h"

#include <stdlib.h>

#include "lib/base/env.h"

static read_function *const reads[READ_TYPE_COUNT] = {
#define READ_ENTRY(NAME, name, type) [READ_##NAME] = read_##name,
    STORE_READS(READ_ENTRY)
#undef READ_ENTRY
};

struct store_reader *reader_new(struct store *store, struct error *error)
{
    struct store_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        error_set(error, ERR_MEMORY, "no memory for a reader");
        return NULL;
    }
    reader->store = store;
    int result = sql_open(&reader->connection, store->path, false, error);
    if (!result)
        result = sql_prepare(&reader->connection, SQL_READER, error);
    if (result) {
        reader_free(reader);
        return NULL;
    }
    return reader;
}

void reader_free(struct store_reader *reader)
{
    if (!reader)
        return;
    sql_close(&reader->connection);
    hmac_free(reader->hmac);
    buffer_free(&reader->scratch);
    page_count_free(reader->counts);
    free(reader);
}

/* All that one turn reads is of one moment; nothing stays open between turns, or the -wal file could never
 * start over. */
static int begin_turn(struct store_reader *reader)
{
    reader->horizon = moments_horizon(&reader->store->moments);
    reader->registry_changes = atomic_load(&reader->store->registry_committed);
    for (int kind = 0; kind < STORE_KIND_COUNT; kind++) {
        reader->created[kind] = atomic_load(&reader->store->counters[kind].created);
        reader->removed[kind] = atomic_load(&reader->store->counters[kind].removed);
        reader->changed[kind] = atomic_load(&reader->store->counters[kind].changed);
    }
    return sql_run(&reader->connection, SQL_BEGIN_READ, SQL_NO_VALUES);
}

bool reader_run(struct store_reader *reader, struct store_read *read, int64_t end)
{
    reader->turn_end = end;
    reader->connection.failed = false;
    /* Before the first read of a turn, and after one whose failure ended the transaction. */
    int result = sqlite3_get_autocommit(reader->connection.db) ? begin_turn(reader) : OK;
    return result ? read_fail(reader, read, result) : reads[read->type](reader, read);
}

void reader_end_turn(struct store_reader *reader)
{
    struct sql_connection *c = &reader->connection;
    if (!sqlite3_get_autocommit(c->db) && sql_run(c, SQL_COMMIT, SQL_NO_VALUES) != OK &&
        !sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
}

bool reader_is_late(const struct store_reader *reader)
{
    return env_monotonic_us() >= reader->turn_end;
}

bool read_done(struct store_read *read, int result)
{
    if (read->result == OK)
        read->result = result;
    return true;
}

bool read_fail(struct store_reader *reader, struct store_read *read, int result)
{
    if (read->result == OK) {
        read->result = result;
        error_set(&read->error, result, "%s",
                  result == ERR_MEMORY ? "no memory for the answer" : reader->connection.error.text);
    }
    return true;
}

void *read_alloc(struct store_read *read, size_t count, size_t size)
{
    void *memory = count > SIZE_MAX / size ? NULL : arena_alloc(read->arena, count * size);
    if (!memory && read->result == OK)
        read->result = error_set(&read->error, ERR_MEMORY, "no memory for the answer");
    return memory;
}

struct str read_string(struct store_reader *reader, struct store_read *read, enum sql_id id,
                       enum sql_column column)
{
    struct str value = sql_string(&reader->connection, id, column);
    if (value.length == 0)
        return STR_NONE;
    value = arena_copy(read->arena, value);
    if (!value.data && read->result == OK)
        read->result = error_set(&read->error, ERR_MEMORY, "no memory for the answer");
    return value;
}
