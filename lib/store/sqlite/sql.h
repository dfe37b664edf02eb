#ifndef LIB_STORE_SQLITE_SQL_H
#define LIB_STORE_SQLITE_SQL_H

#include <sqlite3.h>

#include "lib/base/error.h"
#include "lib/base/str.h"
#include "lib/store/sqlite/statements.h"

/*
 * One connection with its prepared statements, and the only functions that bind, step and read columns.
 * Values are checked against the types that the statement's row declares; a mismatch is a bug and aborts. One
 * thread at a time.
 */
#define SQL_PARAMETERS_MAX 24

struct sql_prepared {
    sqlite3_stmt *handle;
    unsigned char place[SQL_PARAMETERS_MAX]; /* SQLite's index of $1, $2 … */
};

struct sql_connection {
    sqlite3 *db;
    struct sql_prepared statements[SQL_COUNT];
    bool failed;        /* an SQL error happened; sticky until the owner clears it */
    struct error error; /* its sentence */
};

/* One parameter: 'i' integer, 't' text, 'b' blob. Bytes must live until the statement has ended. */
struct sql_value {
    char type;
    int64_t number;
    struct str bytes;
};

static inline struct sql_value sql_i(int64_t number)
{
    return (struct sql_value){'i', number, STR_NONE};
}
static inline struct sql_value sql_t(struct str text)
{
    return (struct sql_value){'t', 0, text};
}
static inline struct sql_value sql_b(struct str bytes)
{
    return (struct sql_value){'b', 0, bytes};
}
static inline struct sql_value sql_bytes(const void *data, size_t size)
{
    return sql_b(str_of(data, size));
}

/* The values of a statement, $1 first: sql_run(connection, SQL_…, SQL_VALUES(sql_i(1), sql_t(name))). */
#define SQL_VALUES(...)                                                                                      \
    (const struct sql_value[]){__VA_ARGS__},                                                                 \
        (sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value))
#define SQL_NO_VALUES NULL, 0

/* Opens `path` (which exists) and applies the settings of a writer or a reader; statements come with
 * sql_prepare. */
int sql_open(struct sql_connection *connection, const char *path, bool writer, struct error *error);
/* The same on the file that is open as `file`, whatever stands at `path` by now: SQLite itself opens by name
 * only. ERR_IO where it found another one there. */
int sql_open_file(struct sql_connection *connection, const char *path, int file, bool writer,
                  struct error *error);
/* Once, before SQLite's first use in the process. */
void sql_configure(void);
/* Prepares every statement of `use`. */
int sql_prepare(struct sql_connection *connection, enum sql_use use, struct error *error);
/*
 * Prepares one statement and compares what SQLite makes of its text with what is declared: how many parameters
 * it has, and the names of its columns. ERR_IO with a sentence that names the difference.
 */
int sql_prepare_one(struct sql_connection *connection, const struct sql_statement *statement,
                    struct sql_prepared *prepared);
void sql_close(struct sql_connection *connection);

/* Binds and begins a statement. 0, or a negative code with connection->error filled and `failed` set. */
int sql_start(struct sql_connection *connection, enum sql_id id, const struct sql_value *values,
              size_t count);
/* 1: a row is there; 0: the end; negative: failed. In the last two cases the statement has ended. */
int sql_next(struct sql_connection *connection, enum sql_id id);
/* sql_start and the first sql_next. */
int sql_first(struct sql_connection *connection, enum sql_id id, const struct sql_value *values,
              size_t count);
/* Ends a statement before its last row; harmless when it has ended. */
void sql_end(struct sql_connection *connection, enum sql_id id);
/* A statement without rows, from start to end: 0 or a negative code. */
int sql_run(struct sql_connection *connection, enum sql_id id, const struct sql_value *values, size_t count);
/* Rows changed by the last sql_run. */
int64_t sql_changes(struct sql_connection *connection);
/* The one integer of the one row of SQL_ROW_NUMBER, 0 without a row. */
int sql_number(struct sql_connection *connection, enum sql_id id, int64_t *number);

/* Columns of the current row; one of another row, or of another type, is a bug and aborts. Texts and blobs are
 * views that live until the next sql_ call on the statement. */
int64_t sql_integer(const struct sql_connection *connection, enum sql_id id, enum sql_column column);
struct str sql_string(const struct sql_connection *connection, enum sql_id id, enum sql_column column);

/* Plain SQL of the engine (pragmas, migrations). */
int sql_execute(struct sql_connection *connection, const char *text);
/* The one integer that such a text gives, 0 without a row. */
int sql_pragma(struct sql_connection *connection, const char *text, int64_t *number);
/* The code of lib/base/error.h for one of SQLite's, with the sentence in connection->error. */
int sql_failure(struct sql_connection *connection, int code, const char *what);

#endif
