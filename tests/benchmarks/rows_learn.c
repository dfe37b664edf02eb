#include "rows.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { TABLES_MAX = 16, COLUMNS_MAX = 64, PLACES_MAX = 16, UUID_LENGTH = 36 };

/* How a copy's value differs from the one that was learned. */
enum cell_change {
    CELL_SAME,
    CELL_ID,     /* holds the session's id at `places` */
    CELL_UUID,   /* is a UUID: a fresh one */
    CELL_TIME,   /* a wall-clock time in milliseconds: moves with the pushes */
    CELL_NUMBER, /* must be unique: learned value + n */
    CELL_BYTES   /* must be unique: n in the first 8 bytes */
};

struct cell {
    enum cell_change change;
    int type; /* SQLITE_INTEGER … */
    int64_t integer;
    double real;
    char *bytes; /* text or blob, own copy, changed in place */
    int length;
    size_t places[PLACES_MAX];
    size_t place_count;
    char column[64];
};

struct row {
    struct cell cells[COLUMNS_MAX];
    int cell_count;
    sqlite3_stmt *insert;
    char table[64];
};

struct rows_set {
    struct row rows[TABLES_MAX];
    int row_count;
    char names[TABLES_MAX * 65];
    char session[64];
    size_t session_length;
    int others;
    uint64_t random; /* of the UUIDs: xorshift */
};

sqlite3_stmt *rows_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
        bench_die("%s: %s", sqlite3_errmsg(db), sql);
    return statement;
}

void rows_run(sqlite3 *db, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_DONE)
        bench_die("%s: %s", sqlite3_errmsg(db), sqlite3_sql(statement));
    sqlite3_reset(statement);
}

static bool is_uuid(const char *text, int length)
{
    if (length != UUID_LENGTH)
        return false;
    for (int i = 0; i < UUID_LENGTH; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

static void learn_cell(struct cell *cell, sqlite3_stmt *found, int column, const struct rows_set *set)
{
    snprintf(cell->column, sizeof cell->column, "%s", sqlite3_column_name(found, column));
    cell->type = sqlite3_column_type(found, column);
    if (cell->type == SQLITE_INTEGER) {
        cell->integer = sqlite3_column_int64(found, column);
        if (cell->integer > INT64_C(1500000000000) && cell->integer < INT64_C(4000000000000))
            cell->change = CELL_TIME;
    } else if (cell->type == SQLITE_FLOAT) {
        cell->real = sqlite3_column_double(found, column);
    } else if (cell->type != SQLITE_NULL) {
        const void *bytes = sqlite3_column_blob(found, column);
        cell->length = sqlite3_column_bytes(found, column);
        cell->bytes = bench_resize(NULL, (size_t)cell->length + 1);
        if (cell->length > 0)
            memcpy(cell->bytes, bytes, (size_t)cell->length);
        const char *at = cell->bytes, *end = cell->bytes + cell->length;
        while ((at = memmem(at, (size_t)(end - at), set->session, set->session_length)) != NULL) {
            if (cell->place_count == PLACES_MAX)
                bench_die("the session's id occurs too often in %s", cell->column);
            cell->places[cell->place_count++] = (size_t)(at - cell->bytes);
            cell->change = CELL_ID;
            at += set->session_length;
        }
        if (cell->type == SQLITE_TEXT && is_uuid(cell->bytes, cell->length))
            cell->change = CELL_UUID;
    }
}

static struct cell *find_cell(struct row *row, const char *column)
{
    for (int i = 0; i < row->cell_count; i++)
        if (strcmp(row->cells[i].column, column) == 0)
            return &row->cells[i];
    bench_die("table %s has no column %s", row->table, column);
}

/* The columns of one unique index or primary key: if no value in it changes already, its last number or blob
 * must. */
static void make_unique(struct row *row, sqlite3_stmt *columns)
{
    struct cell *chosen = NULL;
    bool unique = false;
    while (sqlite3_step(columns) == SQLITE_ROW) {
        struct cell *cell = find_cell(row, (const char *)sqlite3_column_text(columns, 0));
        if (cell->change != CELL_SAME && cell->change != CELL_TIME)
            unique = true;
        if (cell->type == SQLITE_INTEGER || (cell->type == SQLITE_BLOB && cell->length >= 8))
            chosen = cell;
        if (cell->type == SQLITE_NULL)
            unique = true; /* NULLs never collide */
    }
    sqlite3_finalize(columns);
    if (unique)
        return;
    if (chosen == NULL)
        bench_die("table %s: do not know how to make a row unique", row->table);
    chosen->change = chosen->type == SQLITE_INTEGER ? CELL_NUMBER : CELL_BYTES;
}

static void make_row_unique(sqlite3 *db, struct row *row)
{
    char sql[512];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM pragma_table_info('%s') WHERE pk > 0", row->table);
    sqlite3_stmt *keys = rows_prepare(db, sql);
    sqlite3_step(keys);
    bool has_key = sqlite3_column_int(keys, 0) > 0;
    sqlite3_finalize(keys);
    if (has_key) {
        snprintf(sql, sizeof sql, "SELECT name FROM pragma_table_info('%s') WHERE pk > 0 ORDER BY pk",
                 row->table);
        make_unique(row, rows_prepare(db, sql));
    }
    snprintf(sql, sizeof sql, "SELECT name FROM pragma_index_list('%s') WHERE \"unique\" AND partial = 0",
             row->table);
    sqlite3_stmt *indexes = rows_prepare(db, sql);
    while (sqlite3_step(indexes) == SQLITE_ROW) {
        snprintf(sql, sizeof sql, "SELECT name FROM pragma_index_info('%s') ORDER BY seqno",
                 (const char *)sqlite3_column_text(indexes, 0));
        make_unique(row, rows_prepare(db, sql));
    }
    sqlite3_finalize(indexes);
}

/* Rows of a table with the session's id in any text or blob column. NULL: no such columns. */
static sqlite3_stmt *find_rows(sqlite3 *db, const char *table, const struct rows_set *set)
{
    char sql[8192];
    size_t used = (size_t)snprintf(sql, sizeof sql, "SELECT * FROM \"%s\" WHERE 0", table);
    char list[256];
    snprintf(list, sizeof list,
             "SELECT name FROM pragma_table_info('%s') WHERE type IN ('TEXT','BLOB','ANY')", table);
    sqlite3_stmt *columns = rows_prepare(db, list);
    while (sqlite3_step(columns) == SQLITE_ROW)
        used += (size_t)snprintf(sql + used, sizeof sql - used, " OR instr(CAST(\"%s\" AS BLOB), ?1) > 0",
                                 (const char *)sqlite3_column_text(columns, 0));
    sqlite3_finalize(columns);
    sqlite3_stmt *statement = rows_prepare(db, sql);
    if (sqlite3_bind_parameter_count(statement) > 0)
        sqlite3_bind_blob(statement, 1, set->session, (int)set->session_length, SQLITE_STATIC);
    return statement;
}

static void learn_row(struct rows_set *set, sqlite3 *from, sqlite3 *to, sqlite3_stmt *found,
                      const char *table)
{
    if (set->row_count == TABLES_MAX || sqlite3_column_count(found) > COLUMNS_MAX)
        bench_die("more tables or columns than expected");
    struct row *row = &set->rows[set->row_count++];
    snprintf(row->table, sizeof row->table, "%s", table);
    char sql[8192], values[COLUMNS_MAX * 2 + 1] = "";
    size_t used = (size_t)snprintf(sql, sizeof sql, "INSERT INTO \"%s\" (", table);
    for (row->cell_count = 0; row->cell_count < sqlite3_column_count(found); row->cell_count++) {
        struct cell *cell = &row->cells[row->cell_count];
        learn_cell(cell, found, row->cell_count, set);
        const char *comma = row->cell_count > 0 ? "," : "";
        used += (size_t)snprintf(sql + used, sizeof sql - used, "%s\"%s\"", comma, cell->column);
        strcat(strcat(values, comma), "?");
    }
    snprintf(sql + used, sizeof sql - used, ") VALUES (%s)", values);
    make_row_unique(from, row);
    row->insert = rows_prepare(to, sql);
    size_t length = strlen(set->names);
    snprintf(set->names + length, sizeof set->names - length, "%s%s", length > 0 ? " " : "", table);
}

struct rows_set *rows_learn(sqlite3 *from, sqlite3 *to, const char *session)
{
    struct rows_set *set = calloc(1, sizeof *set);
    if (set == NULL)
        bench_die("no memory");
    set->random = (uint64_t)bench_now_ns() | 1;
    set->session_length = strlen(session);
    if (set->session_length >= sizeof set->session || set->session_length < 11)
        bench_die("--session: an id of 11 to 63 bytes is needed, it ends in 10 digits");
    memcpy(set->session, session, set->session_length);
    sqlite3_stmt *tables = rows_prepare(
        from,
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name");
    while (sqlite3_step(tables) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(tables, 0);
        sqlite3_stmt *found = find_rows(from, table, set);
        int rows = 0;
        for (; sqlite3_step(found) == SQLITE_ROW; rows++) {
            if (rows == 0)
                learn_row(set, from, to, found, table);
            else
                set->others++;
        }
        sqlite3_finalize(found);
    }
    sqlite3_finalize(tables);
    if (set->row_count == 0)
        bench_die("no row holds %s", session);
    return set;
}

static void fresh_uuid(struct rows_set *set, char *text)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t bits = 0;
    for (int i = 0; i < UUID_LENGTH; i++) {
        if (i % 16 == 0) {
            set->random ^= set->random << 13;
            set->random ^= set->random >> 7;
            set->random ^= set->random << 17;
            bits = set->random;
        }
        if (text[i] != '-')
            text[i] = digits[bits & 15];
        bits >>= 4;
    }
}

static int64_t changed_value(struct rows_set *set, struct cell *cell, const char *id, long n)
{
    switch (cell->change) {
    case CELL_ID:
        for (size_t i = 0; i < cell->place_count; i++)
            memcpy(cell->bytes + cell->places[i], id, set->session_length);
        break;
    case CELL_UUID:
        fresh_uuid(set, cell->bytes);
        break;
    case CELL_TIME:
        return cell->integer + n / 32; /* some ten thousand pushes a second */
    case CELL_NUMBER:
        return cell->integer + n;
    case CELL_BYTES:
        memcpy(cell->bytes, &n, sizeof n);
        break;
    case CELL_SAME:
        break;
    }
    return cell->integer;
}

void rows_write(sqlite3 *to, struct rows_set *set, long n)
{
    char id[80];
    snprintf(id, sizeof id, "%.*s%010ld", (int)set->session_length - 10, set->session, n);
    for (int r = 0; r < set->row_count; r++) {
        struct row *row = &set->rows[r];
        for (int c = 0; c < row->cell_count; c++) {
            struct cell *cell = &row->cells[c];
            int64_t value = changed_value(set, cell, id, n);
            if (cell->type == SQLITE_INTEGER)
                sqlite3_bind_int64(row->insert, c + 1, value);
            else if (cell->type == SQLITE_FLOAT)
                sqlite3_bind_double(row->insert, c + 1, cell->real);
            else if (cell->type == SQLITE_TEXT)
                sqlite3_bind_text(row->insert, c + 1, cell->bytes, cell->length, SQLITE_STATIC);
            else if (cell->type == SQLITE_BLOB)
                sqlite3_bind_blob(row->insert, c + 1, cell->bytes, cell->length, SQLITE_STATIC);
        }
        rows_run(to, row->insert);
    }
}

void rows_free(struct rows_set *set)
{
    for (int r = 0; r < set->row_count; r++) {
        for (int c = 0; c < set->rows[r].cell_count; c++)
            free(set->rows[r].cells[c].bytes);
        sqlite3_finalize(set->rows[r].insert);
    }
    free(set);
}

const char *rows_tables(const struct rows_set *set)
{
    return set->names;
}

size_t rows_bytes(const struct rows_set *set)
{
    size_t bytes = 0;
    for (int r = 0; r < set->row_count; r++)
        for (int c = 0; c < set->rows[r].cell_count; c++)
            bytes += set->rows[r].cells[c].type == SQLITE_INTEGER ? 8 : (size_t)set->rows[r].cells[c].length;
    return bytes;
}

int rows_others(const struct rows_set *set)
{
    return set->others;
}
