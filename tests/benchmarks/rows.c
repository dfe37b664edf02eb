#include <sqlite3.h>

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "rows.h"

/*
 * What the disk and SQLite can do without a hub: writes the rows of a session push straight into a database,
 * in WAL mode with synchronous=FULL, some pushes to a commit, as fast as one thread can.
 *
 *   rows --template DB --session ID --db NEW [--schema FILE] [--seconds S] [--commit 64] [--from N]
 *
 * The rows are those that hubd itself wrote: DB is a copy of hubd's database after it took one push of the
 * session ID. Every table with a row that holds ID in a text or blob gives one row (object, delivery, audit);
 * each push writes a copy of them with a fresh id and fresh UUIDs of the same length, moved times and
 * numbers, everything else byte for byte. The schema with all its indexes is DB's own (or --schema FILE,
 * executed as it is), so this stays true when the schema changes. --from continues in a database of an
 * earlier run. The last line is JSON: pushes, seconds, rate, tables, bytes (of the rows of one push), others
 * (further rows hubd wrote for the push, not copied).
 */

static sqlite3 *open_database(const char *path, int flags)
{
    sqlite3 *db;
    if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        bench_die("%s: %s", path, sqlite3_errmsg(db));
    return db;
}

static void run_sql(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        bench_die("%s: %s", message, sql);
}

/* The same tables and indexes, nothing in them. */
static void make_schema(sqlite3 *from, sqlite3 *to, const char *schema_file)
{
    sqlite3_stmt *statement = rows_prepare(from, "PRAGMA page_size");
    sqlite3_step(statement);
    char sql[128];
    snprintf(sql, sizeof sql, "PRAGMA page_size=%d", sqlite3_column_int(statement, 0));
    run_sql(to, sql);
    sqlite3_finalize(statement);
    run_sql(to, "PRAGMA journal_mode=WAL");
    if (schema_file != NULL) {
        size_t length;
        char *text = bench_read_file(schema_file, &length);
        run_sql(to, text);
        free(text);
        return;
    }
    statement =
        rows_prepare(from, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' "
                           "ORDER BY CASE type WHEN 'table' THEN 0 ELSE 1 END");
    while (sqlite3_step(statement) == SQLITE_ROW)
        run_sql(to, (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"template", required_argument, NULL, 't'}, {"session", required_argument, NULL, 'i'},
        {"db", required_argument, NULL, 'd'},       {"schema", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'},  {"commit", required_argument, NULL, 'n'},
        {"from", required_argument, NULL, 'f'},     {NULL, 0, NULL, 0}};
    const char *template = NULL, *session = NULL, *path = NULL, *schema = NULL;
    long seconds = 5, per_commit = 64, next = 1;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 't':
            template = optarg;
            break;
        case 'i':
            session = optarg;
            break;
        case 'd':
            path = optarg;
            break;
        case 'c':
            schema = optarg;
            break;
        case 's':
            seconds = bench_number("seconds", optarg, 1, 600);
            break;
        case 'n':
            per_commit = bench_number("commit", optarg, 1, 100000);
            break;
        case 'f':
            next = bench_number("from", optarg, 1, 1000000000);
            break;
        default:
            bench_die("usage: rows --template DB --session ID --db NEW [options; see rows.c]");
        }
    }
    if (template == NULL || session == NULL || path == NULL)
        bench_die("--template, --session and --db are needed");

    sqlite3 *from = open_database(template, SQLITE_OPEN_READWRITE);
    bool fresh = access(path, F_OK) != 0;
    sqlite3 *to = open_database(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (fresh)
        make_schema(from, to, schema);
    run_sql(to, "PRAGMA synchronous=FULL");
    struct rows_set *set = rows_learn(from, to, session);
    sqlite3_stmt *begin = rows_prepare(to, "BEGIN IMMEDIATE"), *commit = rows_prepare(to, "COMMIT");

    long first = next;
    int64_t start = bench_now_ns(), end = start + seconds * INT64_C(1000000000);
    while (bench_now_ns() < end) {
        rows_run(to, begin);
        for (long i = 0; i < per_commit; i++)
            rows_write(to, set, next++);
        rows_run(to, commit);
    }
    double took = (double)(bench_now_ns() - start) / 1e9;

    printf("{\"pushes\":%ld,\"seconds\":%.3f,\"rate\":%.0f,\"tables\":\"%s\",\"bytes\":%zu,\"others\":%d}\n",
           next - first, took, (double)(next - first) / took, rows_tables(set), rows_bytes(set),
           rows_others(set));
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    rows_free(set);
    sqlite3_close(from);
    sqlite3_close(to);
    return 0;
}
