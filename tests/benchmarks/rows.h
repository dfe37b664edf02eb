#ifndef TESTS_BENCHMARKS_ROWS_H
#define TESTS_BENCHMARKS_ROWS_H

#include <sqlite3.h>
#include <stddef.h>

/*
 * Learns the rows that one session push leaves in a database and writes copies of them that differ only where
 * they must: the session's id, whole-value UUIDs, millisecond times, and what a unique index needs. All
 * errors end the program.
 */
struct rows_set;

/* Reads from `from` one row of every table that holds `session` in a text or blob column; prepares the
 * inserts on `to`. */
struct rows_set *rows_learn(sqlite3 *from, sqlite3 *to, const char *session);
/* Writes push number n (its rows, in the tables' order). */
void rows_write(sqlite3 *to, struct rows_set *set, long n);
void rows_free(struct rows_set *set);

/* Names of the tables, space separated; bytes of one push's values; rows beyond one per table that also hold
 * the id. */
const char *rows_tables(const struct rows_set *set);
size_t rows_bytes(const struct rows_set *set);
int rows_others(const struct rows_set *set);

sqlite3_stmt *rows_prepare(sqlite3 *db, const char *sql);
/* Steps a statement that returns nothing, and resets it. */
void rows_run(sqlite3 *db, sqlite3_stmt *statement);

#endif
