#ifndef LIB_STORE_SQLITE_MIGRATIONS_H
#define LIB_STORE_SQLITE_MIGRATIONS_H

#include <stddef.h>

/*
 * The files of migrations/sqlite, embedded by lib/embed.cmake in the order of their numbers. Append
 * only: a migration that a database has seen is never edited (its hash is recorded and compared). The last
 * row has number 0.
 */
struct migration {
    int number;
    const char *name, *sha256, *sql;
};

extern const struct migration sqlite_migrations[];

#endif
