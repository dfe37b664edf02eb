#include "lib/store/sqlite/migrate.h"

#include <stdio.h>

#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/store/audit_row.h"
#include "lib/store/sqlite/migrations.h"

/*
 * This file talks to SQLite directly: it runs before there is a schema that the statement table could be
 * prepared against.
 */

static int newest_known(void)
{
    int newest = 0;
    for (const struct migration *row = sqlite_migrations; row->number; row++)
        newest = row->number;
    return newest;
}

/* The recorded migrations must be ours, unchanged. `done` gets the last one. */
static int compare_recorded(struct sql_connection *connection, int64_t *done, struct error *error)
{
    sqlite3_stmt *query = NULL;
    int result = OK;
    const struct migration *known = sqlite_migrations;
    int code = sqlite3_prepare_v2(connection->db,
                                  "SELECT number, name, sha256 FROM schema_migration ORDER BY number", -1,
                                  &query, NULL);
    for (*done = 0; code == SQLITE_OK && !result && (code = sqlite3_step(query)) == SQLITE_ROW; known++) {
        int64_t number = sqlite3_column_int64(query, 0);
        const char *name = (const char *)sqlite3_column_text(query, 1);
        const char *hash = (const char *)sqlite3_column_text(query, 2);
        if (number > newest_known())
            result = error_set(error, ERR_CONFLICT,
                               "the database was written by a newer hubd: it has migration %lld (%s), this "
                               "program knows %d. "
                               "Start the newer hubd, or restore the backup made before the upgrade.",
                               (long long)number, name ? name : "", newest_known());
        else if (number != known->number || !hash || strcmp(hash, known->sha256) != 0)
            result = error_set(error, ERR_CONFLICT,
                               "migration %lld (%s) of the database is not the one this program carries. "
                               "Start the hubd that wrote the database, or restore a backup.",
                               (long long)number, name ? name : "");
        *done = number;
        code = SQLITE_OK;
    }
    if (!result && code != SQLITE_DONE)
        result =
            error_set(error, sql_failure(connection, code, "schema_migration"), "%s", connection->error.text);
    sqlite3_finalize(query);
    return result;
}

static int check_key(struct sql_connection *connection, const struct store_options *options,
                     struct error *error)
{
    sqlite3_stmt *query = NULL;
    bool same = false;
    int code = sqlite3_prepare_v2(connection->db, "SELECT value FROM meta WHERE name = 'key_check'", -1,
                                  &query, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(query)) == SQLITE_ROW)
        same = sqlite3_column_bytes(query, 0) == SHA256_SIZE &&
               crypto_equal(sqlite3_column_blob(query, 0), options->key_check, SHA256_SIZE);
    int result = OK;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        result = error_set(error, sql_failure(connection, code, "key_check"), "%s", connection->error.text);
    else if (!same)
        result = error_set(
            error, ERR_REFUSED,
            "the key file does not belong to this database. Put back the key_file it was made with; "
            "without it the partners' tokens and the audit cannot be read.");
    sqlite3_finalize(query);
    return result;
}

/* Refuses a database that is not a hub's. *fresh: there is nothing in it yet. */
static int check_identity(struct sql_connection *connection, bool *fresh, struct error *error)
{
    int64_t identity, tables = 0;
    int result = sql_pragma(connection, "PRAGMA application_id", &identity);
    if (!result)
        result = sql_pragma(connection, "SELECT count(*) FROM sqlite_schema", &tables);
    if (result)
        return error_set(error, result, "%s", connection->error.text);
    *fresh = tables == 0 && identity == 0;
    if (*fresh || identity == HUB_APPLICATION_ID)
        return OK;
    return error_set(
        error, ERR_CONFLICT,
        "hub.db belongs to another program (application id %lld). Move it away, or choose another state_dir.",
        (long long)identity);
}

static int record_blob(struct sql_connection *connection, const char *name, const void *data, int size)
{
    sqlite3_stmt *insert = NULL;
    int code =
        sqlite3_prepare_v2(connection->db, "INSERT INTO meta (name, value) VALUES (?, ?)", -1, &insert, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_text(insert, 1, name, -1, SQLITE_STATIC);
        sqlite3_bind_blob(insert, 2, data, size, SQLITE_STATIC);
        code = sqlite3_step(insert);
    }
    int result = code == SQLITE_DONE ? OK : sql_failure(connection, code, name);
    sqlite3_finalize(insert);
    return result;
}

static int record_migration(struct sql_connection *connection, const struct migration *row)
{
    sqlite3_stmt *insert = NULL;
    int code = sqlite3_prepare_v2(
        connection->db, "INSERT INTO schema_migration (number, name, sha256, applied) VALUES (?, ?, ?, ?)",
        -1, &insert, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_int(insert, 1, row->number);
        sqlite3_bind_text(insert, 2, row->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(insert, 3, row->sha256, -1, SQLITE_STATIC);
        sqlite3_bind_int64(insert, 4, env_wall_ms());
        code = sqlite3_step(insert);
    }
    int result = code == SQLITE_DONE ? OK : sql_failure(connection, code, row->name);
    sqlite3_finalize(insert);
    return result;
}

/* What a new database has from its first transaction on: identity and key, so that no crash leaves one
 * without them. */
static int begin_fresh(struct sql_connection *connection)
{
    char text[64];
    snprintf(text, sizeof text, "PRAGMA application_id=%d", HUB_APPLICATION_ID);
    int result = sql_execute(connection, text);
    if (!result)
        result = sql_execute(connection,
                             "CREATE TABLE schema_migration (number INTEGER NOT NULL PRIMARY KEY, "
                             "name TEXT NOT NULL, sha256 TEXT NOT NULL, applied INTEGER NOT NULL) STRICT");
    return result;
}

/* The key's check value and the head of an empty audit, in the same transaction as the tables. */
static int record_fresh(struct sql_connection *connection, const struct store_options *options)
{
    uint8_t head[AUDIT_HEAD_SIZE];
    struct audit_chain chain = {0};
    struct hmac *hmac = hmac_new(options->audit_key, SHA256_SIZE);
    if (!hmac)
        return sql_failure(connection, SQLITE_NOMEM, "audit head");
    audit_head_write(&chain, hmac, head);
    hmac_free(hmac);
    int result = record_blob(connection, "key_check", options->key_check, SHA256_SIZE);
    return result ? result : record_blob(connection, "audit_head", head, AUDIT_HEAD_SIZE);
}

static int apply_one(struct sql_connection *connection, const struct migration *row, bool fresh,
                     const struct store_options *options)
{
    int result = sql_execute(connection, "BEGIN IMMEDIATE");
    if (result)
        return result;
    if (fresh)
        result = begin_fresh(connection);
    if (!result)
        result = sql_execute(connection, row->sql);
    if (!result && fresh)
        result = record_fresh(connection, options);
    if (!result)
        result = record_migration(connection, row);
    if (!result)
        result = sql_execute(connection, "COMMIT");
    if (result && !sqlite3_get_autocommit(connection->db))
        sqlite3_exec(connection->db, "ROLLBACK", NULL, NULL, NULL);
    return result;
}

static int apply_missing(struct sql_connection *connection, const struct store_options *options, int64_t done,
                         bool fresh, struct error *error)
{
    const bool made = fresh; /* of a new database nobody needs to hear */
    for (const struct migration *row = sqlite_migrations; row->number; row++) {
        if (row->number <= done)
            continue;
        if (apply_one(connection, row, fresh, options))
            return error_set(error, connection->error.code, "migration %s: %s", row->name,
                             connection->error.text);
        if (!made)
            log_info("database: migration %s applied", row->name);
        fresh = false; /* the first one made it */
    }
    return OK;
}

int migrate(struct sql_connection *connection, const struct store_options *options, bool *created,
            struct error *error)
{
    int64_t done = 0, mode;
    bool fresh = false;
    int result = check_identity(connection, &fresh, error);
    if (!result && !fresh)
        result = compare_recorded(connection, &done, error);
    if (!result && !fresh)
        result = check_key(connection, options, error);
    if (result)
        return result;
    *created = fresh;
    if (sql_pragma(connection, "PRAGMA journal_mode=WAL", &mode))
        return error_set(error, ERR_IO, "%s", connection->error.text);
    return apply_missing(connection, options, done, fresh, error);
}
