#include "lib/store/sqlite/sql.h"

#include "lib/base/bug.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const both_settings[] = {
    "PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON", "PRAGMA temp_store=MEMORY",
    "PRAGMA mmap_size=0",        "PRAGMA busy_timeout=1000",  NULL,
};
/* Checkpoints are the writer thread's own affair, so automatic ones are off everywhere. */
static const char *const writer_settings[] = {
    "PRAGMA synchronous=FULL",
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA cache_size=-8192",
    "PRAGMA journal_size_limit=33554432",
    NULL,
};
static const char *const reader_settings[] = {
    "PRAGMA query_only=ON",
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA cache_size=-2048",
    NULL,
};

int sql_failure(struct sql_connection *connection, int code, const char *what)
{
    int result = ERR_IO;
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        result = ERR_MEMORY;
        break;
    case SQLITE_NOTADB:
        connection->failed = true;
        return error_set(&connection->error, ERR_CONFLICT,
                         "this file is no database of hubd; set another state_dir, or restore a backup");
    case SQLITE_CONSTRAINT:
        result = ERR_CONFLICT;
        break;
    case SQLITE_TOOBIG:
        result = ERR_TOO_LARGE;
        break;
    case SQLITE_FULL:
        result = ERR_FULL;
        break;
    default:
        break;
    }
    connection->failed = true;
    const char *text = connection->db ? sqlite3_errmsg(connection->db) : sqlite3_errstr(code);
    int system = result == ERR_IO && connection->db ? sqlite3_system_errno(connection->db) : 0;
    if (result == ERR_IO && connection->db && sqlite3_extended_errcode(connection->db) == SQLITE_IOERR_WRITE)
        result = ERR_FULL;
    return error_set(&connection->error, result, "database: %s: %s%s%s", what, text, system ? ": " : "",
                     system ? strerror(system) : "");
}

int sql_execute(struct sql_connection *connection, const char *text)
{
    int code = sqlite3_exec(connection->db, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? OK : sql_failure(connection, code, "execute");
}

int sql_pragma(struct sql_connection *connection, const char *text, int64_t *number)
{
    sqlite3_stmt *query = NULL;
    *number = 0;
    int code = sqlite3_prepare_v2(connection->db, text, -1, &query, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(query);
    if (code == SQLITE_ROW)
        *number = sqlite3_column_int64(query, 0);
    int result = code == SQLITE_ROW || code == SQLITE_DONE ? OK : sql_failure(connection, code, "read");
    sqlite3_finalize(query);
    return result;
}

static int apply_settings(struct sql_connection *connection, const char *const *settings)
{
    for (; *settings; settings++) {
        int result = sql_execute(connection, *settings);
        if (result)
            return result;
    }
    return OK;
}

int sql_open(struct sql_connection *connection, const char *path, bool writer, struct error *error)
{
    *connection = (struct sql_connection){0};
    int flags = (writer ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(path, &connection->db, flags, NULL);
    int result = code == SQLITE_OK ? OK : sql_failure(connection, code, path);
    if (!result) {
        sqlite3_extended_result_codes(connection->db, 1);
        sqlite3_db_config(connection->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(connection->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        result = apply_settings(connection, both_settings);
    }
    if (!result)
        result = apply_settings(connection, writer ? writer_settings : reader_settings);
    if (result) {
        error_set(error, result, "%s", connection->error.text);
        sql_close(connection);
    }
    return result;
}

/* What the thread's next open of SQLite's gets a copy of; -1: what its name says. */
static _Thread_local int next_file = -1;

static int open_next(const char *path, int flags, int mode)
{
    int file = next_file;
    next_file = -1;
    return file < 0 ? open(path, flags, mode) : fcntl(file, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

int sql_open_file(struct sql_connection *connection, const char *path, int file, bool writer,
                  struct error *error)
{
    next_file = file;
    int result = sql_open(connection, path, writer, error);
    bool taken = next_file < 0; /* else it took one that it had open already: that of another name */
    next_file = -1;
    if (!result && !taken) {
        sql_close(connection);
        result = error_set(error, ERR_IO, "%s: another file has come in its place", path);
    }
    return result;
}

void sql_configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* statistics cost a global mutex on every allocation */
    sqlite3_vfs *files = sqlite3_vfs_find(NULL);
    files->xSetSystemCall(files, "open", (sqlite3_syscall_ptr)open_next);
}

static int mismatch(struct sql_connection *connection, const struct sql_statement *statement,
                    const char *difference)
{
    connection->failed = true;
    return error_set(&connection->error, ERR_IO,
                     "database: a statement is not what is declared of it: %s: %s", difference,
                     statement->text);
}

/* SQLite numbers parameters in the order in which they appear; $1 need not come first. */
static int check_parameters(struct sql_connection *connection, const struct sql_statement *statement,
                            struct sql_prepared *prepared)
{
    char text[64];
    size_t count = strlen(statement->parameters);
    int found = sqlite3_bind_parameter_count(prepared->handle);
    snprintf(text, sizeof text, "it has %d parameters, declared are %zu", found, count);
    if (count > SQL_PARAMETERS_MAX || found != (int)count)
        return mismatch(connection, statement, text);
    for (size_t i = 0; i < count; i++) {
        char name[8];
        snprintf(name, sizeof name, "$%zu", i + 1);
        int place = sqlite3_bind_parameter_index(prepared->handle, name);
        snprintf(text, sizeof text, "it has no parameter %s", name);
        if (place < 1)
            return mismatch(connection, statement, text);
        prepared->place[i] = (unsigned char)place;
    }
    return OK;
}

static int check_columns(struct sql_connection *connection, const struct sql_statement *statement,
                         sqlite3_stmt *handle)
{
    char text[160];
    const struct sql_row_shape *row = &sql_rows[statement->row];
    int count = (int)strlen(row->types), found = sqlite3_column_count(handle);
    snprintf(text, sizeof text, "it has %d columns, declared are %d", found, count);
    if (found != count)
        return mismatch(connection, statement, text);
    for (int i = 0; i < count; i++) {
        const char *name = sqlite3_column_name(handle, i);
        if (name == NULL)
            return sql_failure(connection, SQLITE_NOMEM, statement->text);
        snprintf(text, sizeof text, "column %d is called %.60s, declared is %s", i + 1, name, row->names[i]);
        if (sqlite3_stricmp(name, row->names[i]) != 0)
            return mismatch(connection, statement, text);
    }
    return OK;
}

int sql_prepare_one(struct sql_connection *connection, const struct sql_statement *statement,
                    struct sql_prepared *prepared)
{
    int code = sqlite3_prepare_v3(connection->db, statement->text, -1, SQLITE_PREPARE_PERSISTENT,
                                  &prepared->handle, NULL);
    if (code != SQLITE_OK)
        return sql_failure(connection, code, statement->text);
    int result = check_parameters(connection, statement, prepared);
    return result ? result : check_columns(connection, statement, prepared->handle);
}

int sql_prepare(struct sql_connection *connection, enum sql_use use, struct error *error)
{
    for (int id = 0; id < SQL_COUNT; id++) {
        if (!(sql_statements[id].use & use))
            continue;
        int result = sql_prepare_one(connection, &sql_statements[id], &connection->statements[id]);
        if (result)
            return error_set(error, result, "%s", connection->error.text);
    }
    return OK;
}

void sql_close(struct sql_connection *connection)
{
    for (int id = 0; id < SQL_COUNT; id++)
        sqlite3_finalize(connection->statements[id].handle);
    sqlite3_close(connection->db);
    *connection = (struct sql_connection){0};
}

static int bind_one(sqlite3_stmt *handle, int place, const struct sql_value *value)
{
    /* A NULL pointer would bind NULL; absent texts are stored as ''. */
    const char *data = value->bytes.length ? value->bytes.data : "";
    switch (value->type) {
    case 'i':
        return sqlite3_bind_int64(handle, place, value->number);
    case 't':
        return sqlite3_bind_text64(handle, place, data, value->bytes.length, SQLITE_STATIC, SQLITE_UTF8);
    default:
        return sqlite3_bind_blob64(handle, place, data, value->bytes.length, SQLITE_STATIC);
    }
}

int sql_start(struct sql_connection *connection, enum sql_id id, const struct sql_value *values, size_t count)
{
    const char *types = sql_statements[id].parameters;
    struct sql_prepared *prepared = &connection->statements[id];
    for (size_t i = 0; i < count; i++) {
        if (types[i] != values[i].type)
            BUG("parameter %zu is of type %c, not %c: %s", i + 1, values[i].type, types[i],
                sql_statements[id].text);
        int code = bind_one(prepared->handle, prepared->place[i], &values[i]);
        if (code != SQLITE_OK)
            return sql_failure(connection, code, sql_statements[id].text);
    }
    if (types[count] != 0)
        BUG("%zu parameters are too few: %s", count, sql_statements[id].text);
    return OK;
}

int sql_next(struct sql_connection *connection, enum sql_id id)
{
    sqlite3_stmt *handle = connection->statements[id].handle;
    int code = sqlite3_step(handle);
    if (code == SQLITE_ROW)
        return 1;
    int result = code == SQLITE_DONE ? 0 : sql_failure(connection, code, "step");
    sqlite3_reset(handle);
    return result;
}

int sql_first(struct sql_connection *connection, enum sql_id id, const struct sql_value *values, size_t count)
{
    int result = sql_start(connection, id, values, count);
    return result ? result : sql_next(connection, id);
}

void sql_end(struct sql_connection *connection, enum sql_id id)
{
    sqlite3_reset(connection->statements[id].handle);
}

int sql_run(struct sql_connection *connection, enum sql_id id, const struct sql_value *values, size_t count)
{
    int result = sql_first(connection, id, values, count);
    if (result > 0)
        BUG("a row of a statement that has none: %s", sql_statements[id].text);
    return result;
}

int64_t sql_changes(struct sql_connection *connection)
{
    return sqlite3_changes64(connection->db);
}

int sql_number(struct sql_connection *connection, enum sql_id id, int64_t *number)
{
    *number = 0;
    int result = sql_first(connection, id, SQL_NO_VALUES);
    if (result <= 0)
        return result;
    *number = sql_integer(connection, id, COL_NUMBER_NUMBER);
    sql_end(connection, id);
    return OK;
}

/* Where a column stands in the rows of a statement; one of another row, or of another type, is a bug. */
static int place_of(enum sql_id id, enum sql_column column, bool integer)
{
    enum sql_row row = sql_statements[id].row;
    unsigned of = (unsigned)column >> SQL_PLACE_BITS;
    int place = column & ((1 << SQL_PLACE_BITS) - 1);
    if (of == SQL_ROW_NONE || (of != row && of != sql_rows[row].base))
        BUG("column %d of row %u is none of row %u's: %s", place, of, row, sql_statements[id].text);
    if ((sql_rows[row].types[place] == 'i') != integer)
        BUG("column %s is %s integer: %s", sql_rows[row].names[place], integer ? "no" : "an",
            sql_statements[id].text);
    return place;
}

int64_t sql_integer(const struct sql_connection *connection, enum sql_id id, enum sql_column column)
{
    return sqlite3_column_int64(connection->statements[id].handle, place_of(id, column, true));
}

struct str sql_string(const struct sql_connection *connection, enum sql_id id, enum sql_column column)
{
    sqlite3_stmt *handle = connection->statements[id].handle;
    int place = place_of(id, column, false);
    /* Texts are read as blobs too: the same bytes without a terminator being made. */
    const char *data = sqlite3_column_blob(handle, place);
    int length = sqlite3_column_bytes(handle, place);
    return str_of(data, data ? (size_t)length : 0);
}
