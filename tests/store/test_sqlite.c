#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/store/sqlite/sql.h"
#include "tests/store/fixture.h"
#include "lib/store/verify.h"

/* What only this engine has: the file seen from outside, tampering, foreign and newer databases, plans of the
 * statements. */

static sqlite3 *open_file(struct fixture *f)
{
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/hub.db", f->directory);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static void execute(struct fixture *f, const char *sql)
{
    sqlite3 *db = open_file(f);
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static int open_code(struct fixture *f, struct error *error)
{
    struct store *store = NULL;
    memset(error, 0, sizeof *error);
    int result = store_open(&f->options, &store, error);
    if (!result)
        store_close(store);
    return result;
}

/* ---------------------------------------------------------------- other people's databases */

static void newer_database(void **state)
{
    struct fixture *f = *state;
    struct error error;
    put_object(f, STORE_TARIFF, "IN-CPO", "T1", "{}", 1000);
    fixture_close(f);
    execute(f, "INSERT INTO schema_migration VALUES (9999, '9999_future.sql', 'x', 0)");
    assert_int_equal(open_code(f, &error), ERR_CONFLICT);
    assert_non_null(strstr(error.text, "newer"));
    assert_non_null(strstr(error.text, "9999"));
    execute(f, "DELETE FROM schema_migration WHERE number = 9999");
    fixture_open(f);
    assert_int_equal(get_object(f, STORE_TARIFF, "IN-CPO", "T1").base.result, OK);
}

static void changed_migration(void **state)
{
    struct fixture *f = *state;
    struct error error;
    fixture_close(f);
    execute(f, "UPDATE schema_migration SET sha256 = 'x' || substr(sha256, 2)");
    assert_int_equal(open_code(f, &error), ERR_CONFLICT);
    assert_non_null(strstr(error.text, "0001_init.sql"));
    execute(f, "DELETE FROM schema_migration WHERE number = 1");
    assert_int_equal(open_code(f, &error), ERR_CONFLICT);
    char path[128];
    snprintf(path, sizeof path, "%s/hub.db", f->directory);
    assert_int_equal(unlink(path), 0);
    fixture_open(f);
}

static void foreign_database(void **state)
{
    (void)state;
    struct fixture f;
    struct error error;
    fixture_make(&f);
    execute(&f, "CREATE TABLE theirs (a); PRAGMA application_id = 5");
    assert_int_equal(open_code(&f, &error), ERR_CONFLICT);
    assert_non_null(strstr(error.text, "another program"));
    execute(&f, "INSERT INTO theirs VALUES (1)"); /* untouched */
    char path[128];
    snprintf(path, sizeof path, "%s/hub.db", f.directory);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fprintf(file, "this is no database\n");
    fclose(file);
    assert_int_equal(open_code(&f, &error), ERR_CONFLICT);
    assert_non_null(strstr(error.text, "hub.db"));
    fixture_remove(&f);
}

/* An empty file is what a crash at the very start leaves behind. */
static void empty_file(void **state)
{
    (void)state;
    struct fixture f;
    bool exists = true;
    fixture_make(&f);
    char path[128];
    snprintf(path, sizeof path, "%s/hub.db", f.directory);
    fclose(fopen(path, "w"));
    assert_int_equal(store_exists(f.directory, &exists, NULL), OK);
    assert_false(exists);
    fixture_open(&f);
    struct stat status;
    static const char *const names[] = {"hub.db-wal", "hub.db-shm", "hub.lock"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", f.directory, names[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 077, 0);
    }
    fixture_close(&f);
    fixture_remove(&f);
}

static void file_is_sound_and_small(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 300; i++)
        put_object(f, STORE_SESSION, "IN-CPO", text(f, "S%d", i % 50).data, text(f, "{\"v\":%d}", i).data,
                   1000);
    fixture_close(f);
    sqlite3 *db = open_file(f);
    sqlite3_stmt *query;
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &query, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(query), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(query, 0), "ok");
    sqlite3_finalize(query);
    sqlite3_close(db);
    fixture_open(f);
}

/* ---------------------------------------------------------------- tampering */

static struct store_verify_read verify(struct fixture *f)
{
    struct store_verify_read read = {.limit = 3};
    do
        assert_int_equal(RUN_READ(f, store_read_verify, &read), OK);
    while (!read.done);
    return read;
}

static void append(struct fixture *f, int count)
{
    for (int i = 0; i < count; i++) {
        struct store_apply *apply = new_batch(f);
        add_audit(apply, "party.add", "IN-A");
        assert_int_equal(run_batch(f, apply), OK);
    }
}

static void tampering(void **state)
{
    static const struct {
        const char *sql;
        int64_t bad;
        const char *problem;
    } rows[] = {
        {"UPDATE audit SET party = 'IN-B' WHERE sequence = 7", 7, "changed"},
        {"UPDATE audit SET time = time + 1 WHERE sequence = 1", 1, "changed"},
        {"UPDATE audit SET mac = zeroblob(32) WHERE sequence = 10", 10, "changed"},
        {"UPDATE audit SET party = module, module = party WHERE sequence = 4", 4, "changed"},
        {"DELETE FROM audit WHERE sequence = 5", 5, "missing"},
        {"DELETE FROM audit WHERE sequence = 1", 1, "missing"},
        {"DELETE FROM audit WHERE sequence > 8", 9, "missing"},
        {"DELETE FROM audit", 1, "missing"},
        {"DELETE FROM meta WHERE name = 'audit_head'", 10, "last row"},
        {"UPDATE meta SET value = zeroblob(72) WHERE name = 'audit_head'", 10, "last row"},
        {"DELETE FROM audit WHERE sequence > 8; DELETE FROM meta WHERE name = 'audit_head'", 8, "last row"},
        {"INSERT INTO audit SELECT 11, kind, time, latency_ms, actor, action, party, module, method, sender, "
         "receiver, object, status, request_id, correlation_id, detail, mac FROM audit WHERE sequence = 10",
         11, "changed"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        fixture_make(&f);
        fixture_open(&f);
        append(&f, 10);
        assert_int_equal(verify(&f).bad_sequence, 0);
        /* while hubd runs */
        execute(&f, rows[i].sql);
        struct store_verify_read read = verify(&f);
        assert_int_equal(read.bad_sequence, rows[i].bad);
        if (!memmem(read.problem.data, read.problem.length, rows[i].problem, strlen(rows[i].problem)))
            fail_msg("%s: " STR_FMT, rows[i].sql, STR_ARG(read.problem));
        fixture_close(&f);
        fixture_remove(&f);
    }
}

/* What was done while hubd was down stays visible after it has written on. */
static void tampering_outlives_new_rows(void **state)
{
    static const char *const rows[] = {
        "DELETE FROM audit WHERE sequence > 8",
        "DELETE FROM audit WHERE sequence > 8; DELETE FROM meta WHERE name = 'audit_head'",
        "DELETE FROM audit; DELETE FROM meta WHERE name = 'audit_head'",
        "DELETE FROM audit WHERE sequence = 4",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        fixture_make(&f);
        fixture_open(&f);
        append(&f, 10);
        fixture_close(&f);
        execute(&f, rows[i]);
        fixture_open(&f);
        append(&f, 5);
        assert_true(verify(&f).bad_sequence > 0);
        fixture_reopen(&f);
        append(&f, 5);
        assert_true(verify(&f).bad_sequence > 0);
        fixture_close(&f);
        fixture_remove(&f);
    }
}

static void another_key_does_not_verify(void **state)
{
    struct fixture *f = *state;
    append(f, 3);
    fixture_close(f);
    f->audit_key[0] ^= 1;
    fixture_open(f);
    assert_int_equal(verify(f).bad_sequence, 1);
}

/* ---------------------------------------------------------------- plans */

/* Statements that read a whole table on purpose: the registry's, and counts at the start. */
static bool may_scan(int id)
{
    switch (id) {
    case SQL_MAX_ID:
    case SQL_COUNT_OBJECTS:
    case SQL_COUNT_LOCATIONS:
    case SQL_TOKENS_DELETE: /* tokens and parties are few */
    case SQL_TOKENS_EXPIRE:
    case SQL_TOKENS_CLAMP_HUB:
    case SQL_TOKENS_CLAMP_INITIAL:
    case SQL_PLATFORMS_CLAMP:
    case SQL_PARTY_TOUCH:
    case SQL_PARTY_DELETE_RULES:
    case SQL_QUEUE_END_LEASES: /* receivers are */
        return true;
    default:
        return id >= SQL_PLATFORM_COUNT && id <= SQL_LIMIT_ALL;
    }
}

/* No statement walks a table that grows, and none sorts, but those that are meant to. */
static void plans(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db = open_file(f);
    for (int id = SQL_META_GET; id < SQL_COUNT; id++) {
        char sql[2048];
        sqlite3_stmt *query;
        snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", sql_statements[id].text);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &query, NULL), SQLITE_OK);
        while (sqlite3_step(query) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(query, 3);
            bool whole =
                strncmp(detail, "SCAN ", 5) == 0 && !strstr(detail, "slice") && !strstr(detail, "CONSTANT");
            /* ordered by the primary key and cut off by LIMIT it is no walk */
            if (whole && strstr(sql_statements[id].text, "ORDER BY") &&
                strstr(sql_statements[id].text, "LIMIT"))
                whole = false;
            bool sorts = strstr(detail, "USE TEMP B-TREE") != NULL;
            if ((whole || sorts) && !may_scan(id))
                fail_msg("%s: %s", sql_statements[id].text, detail);
        }
        sqlite3_finalize(query);
    }
    sqlite3_close(db);
}

/* Without statistics the planner may take another index than the one that was made for it. */
static void indexes(void **state)
{
    static const struct {
        enum sql_id id;
        const char *index;
    } rows[] = {
        {SQL_RECEIPT_LIST, "delivery_cdr (created>"},
        {SQL_RECEIPT_LIST, "object_identity"},
        {SQL_UNBILLED_LIST, "object_completed (kind=? AND last_updated>"},
        {SQL_UNBILLED_LIST, "object_cdr_session (kind=? AND owner=? AND session=?)"},
        {SQL_CONFLICT_LIST, "audit_conflict (time>"},
        {SQL_AUDIT_OF_CORRELATION, "audit_correlation (<expr>=? AND correlation_id=? AND rowid<?)"},
        {SQL_AUDIT_OF_OBJECT, "audit_object (<expr>=? AND <expr>=? AND rowid<?)"},
        {SQL_AUDIT_OF_REQUEST, "audit_refused (<expr>=? AND request_id=? AND rowid<?)"},
        {SQL_STORED_LIST, "object_counterparty (counterparty=? AND kind=? AND sequence>?)"},
        {SQL_DELIVERY_HOLD, "delivery_pending (receiver=?"},
    };
    struct fixture *f = *state;
    sqlite3 *db = open_file(f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char sql[2048];
        sqlite3_stmt *query;
        bool used = false;
        snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", sql_statements[rows[i].id].text);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &query, NULL), SQLITE_OK);
        while (sqlite3_step(query) == SQLITE_ROW)
            used |= strstr((const char *)sqlite3_column_text(query, 3), rows[i].index) != NULL;
        sqlite3_finalize(query);
        if (!used)
            fail_msg("%s: does not use %s", sql_statements[rows[i].id].text, rows[i].index);
    }
    sqlite3_close(db);
}

/* From queue to queue by seeking, however long a queue is: what one look costs, in steps of SQLite's machine.
 */
static void long_queues(void **state)
{
    static const enum sql_id looks[] = {SQL_PENDING_QUEUE, SQL_HELD_QUEUE, SQL_DEAD_QUEUE};
    static const char *const found[][2] = {{"IN-ABC", "cdrs"}, {"IN-ABC", "sessions"}, {"IN-XYZ", "cdrs"}};
    struct fixture *f = *state;
    execute(
        f, "WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 2999), "
           "queue (r, m) AS (VALUES ('IN-ABC', 'sessions'), ('IN-XYZ', 'cdrs'), ('IN-ABC', 'cdrs')), "
           "parked (s) AS (VALUES (0), (2), (3)) "
           "INSERT INTO delivery (state, kind, attempts, next_attempt, created, done, receiver, sender, "
           "module, method, owner, object, reason, url, correlation_id, last_error, body) "
           "SELECT s, 2, 0, 0, 0, 0, r, '', m, 'PUT', '', n, '', '', '', '', x'' FROM number, queue, parked");
    sqlite3 *db = open_file(f);
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        sqlite3_stmt *query;
        const char *last[] = {"", ""};
        assert_int_equal(sqlite3_prepare_v2(db, sql_statements[looks[i]].text, -1, &query, NULL), SQLITE_OK);
        for (size_t j = 0; j <= sizeof found / sizeof found[0]; j++) {
            sqlite3_bind_text(query, 1, last[0], -1, SQLITE_STATIC);
            sqlite3_bind_text(query, 2, last[1], -1, SQLITE_STATIC);
            if (j == sizeof found / sizeof found[0]) {
                assert_int_equal(sqlite3_step(query), SQLITE_DONE);
                break;
            }
            assert_int_equal(sqlite3_step(query), SQLITE_ROW);
            for (int column = 0; column < 2; column++) {
                last[column] = found[j][column];
                assert_string_equal((const char *)sqlite3_column_text(query, column), last[column]);
            }
            sqlite3_reset(query);
        }
        assert_in_range(sqlite3_stmt_status(query, SQLITE_STMTSTATUS_VM_STEP, 0), 1, 1000);
        sqlite3_finalize(query);
    }
    sqlite3_close(db);
}

/* Whom a message means is found among the sessions of years in as many steps as among those of a day: of a
 * session that many CPOs may have had under that id, of a token that was in all of them. */
static void old_sessions(void **state)
{
    static const struct {
        enum sql_id id;
        const char *values[3]; /* NULL: the number 2 of kinds, or a limit */
        int rows;
    } looks[] = {
        {SQL_OBJECT_OWNERS, {NULL, "S99999", NULL}, 1},
        {SQL_OBJECT_OWNERS, {NULL, "NONE", NULL}, 0},
        {SQL_SESSION_TOKEN_USERS, {"CARD", "", NULL}, 3},
        {SQL_SESSION_TOKEN_USERS, {"CARD", "RFID", NULL}, 2},
        {SQL_SESSION_TOKEN_USERS, {"CARD", "APP_USER", NULL}, 2},
        {SQL_SESSION_TOKEN_USERS, {"CARD", "OTHER", NULL}, 1},
        {SQL_SESSION_TOKEN_USERS, {"NONE", "", NULL}, 0},
        {SQL_COMMAND_TOKEN_USERS, {"CARD", "RFID", NULL}, 1},
        {SQL_COMMAND_TOKEN_USERS, {"CARD", "APP_USER", NULL}, 0},
        {SQL_COMMAND_STARTER, {"IN-CPO", "REFERENCE", NULL}, 1},
    };
    struct fixture *f = *state;
    execute(f,
            "WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 99999) "
            "INSERT INTO object (sequence, kind, owner, id, revision, last_updated, arrival, last_delivery, "
            "size, counterparty, token_uid, token_type, status, digest, body) "
            "SELECT n + 1, 2, 'IN-CPO', 'S' || n, 1, n, n, 0, 0, 'IN-E0' || (n % 3), 'CARD', "
            "CASE n % 3 WHEN 0 THEN '' WHEN 1 THEN 'RFID' ELSE 'APP_USER' END, 'COMPLETED', x'', x'' "
            "FROM number");
    execute(
        f, "WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 9999) "
           "INSERT INTO command (id, callback_hash, command, emsp, cpo, response_url, object, state, result, "
           "correlation_id, result_body, created, expires, token_uid, token_type, accepted, "
           "authorization_reference) "
           "SELECT n + 1, randomblob(32), 'START_SESSION', 'IN-E01', 'IN-CPO', '', '', 2, 'ACCEPTED', '', "
           "x'', n, "
           "n, 'CARD', 'RFID', 1, CASE n WHEN 77 THEN 'REFERENCE' ELSE '' END FROM number");
    sqlite3 *db = open_file(f);
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        sqlite3_stmt *query;
        int rows = 0;
        assert_int_equal(sqlite3_prepare_v2(db, sql_statements[looks[i].id].text, -1, &query, NULL),
                         SQLITE_OK);
        for (int at = 0; at < 3 && at < sqlite3_bind_parameter_count(query); at++) {
            if (looks[i].values[at] != NULL)
                sqlite3_bind_text(query, at + 1, looks[i].values[at], -1, SQLITE_STATIC);
            else
                sqlite3_bind_int(query, at + 1, at == 0 ? 2 : 256);
        }
        while (sqlite3_step(query) == SQLITE_ROW)
            rows++;
        assert_int_equal(rows, looks[i].rows);
        assert_in_range(sqlite3_stmt_status(query, SQLITE_STMTSTATUS_VM_STEP, 0), 1, 1000);
        sqlite3_finalize(query);
    }
    sqlite3_close(db);
}

/* ---------------------------------------------------------------- statements and what is declared of them */

/* Opens the fixture's file as a reader, with all statements prepared. */
static void open_reader(struct fixture *f, struct sql_connection *connection)
{
    char path[128];
    struct error error = {0};
    snprintf(path, sizeof path, "%s/hub.db", f->directory);
    assert_int_equal(sql_open(connection, path, false, &error), OK);
    assert_int_equal(sql_prepare(connection, SQL_READER, &error), OK);
}

static void a_statement_that_is_not_as_declared(void **state)
{
    static const struct {
        struct sql_statement statement;
        const char *says; /* NULL: it is as declared */
    } rows[] = {
        {{SQL_READER, "i", SQL_ROW_GAP, "SELECT first, last, mac, seal FROM audit_gap WHERE first = $1"},
         NULL},
        {{SQL_READER, "", SQL_ROW_GAP, "SELECT first, last, mac, seal FROM audit_gap WHERE first = $1"},
         "it has 1 parameters, declared are 0"},
        {{SQL_READER, "ii", SQL_ROW_GAP, "SELECT first, last, mac, seal FROM audit_gap WHERE first = $1"},
         "it has 1 parameters, declared are 2"},
        {{SQL_READER, "i", SQL_ROW_GAP, "SELECT first, last, mac, seal FROM audit_gap WHERE first = $2"},
         "it has no parameter $1"},
        {{SQL_READER, "", SQL_ROW_GAP, "SELECT first, last, mac FROM audit_gap"},
         "it has 3 columns, declared are 4"},
        {{SQL_READER, "", SQL_ROW_GAP, "SELECT first, last, seal, mac FROM audit_gap"},
         "column 3 is called seal, declared is MAC"},
        {{SQL_READER, "", SQL_ROW_NUMBER, "SELECT count(*) FROM audit_gap"},
         "column 1 is called count(*), declared is NUMBER"},
        {{SQL_READER, "", SQL_ROW_NONE, "SELECT first FROM audit_gap"}, "it has 1 columns, declared are 0"},
    };
    struct sql_connection connection;
    open_reader(*state, &connection);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sql_prepared prepared = {0};
        int result = sql_prepare_one(&connection, &rows[i].statement, &prepared);
        sqlite3_finalize(prepared.handle);
        assert_int_equal(result, rows[i].says == NULL ? OK : ERR_IO);
        if (rows[i].says != NULL && strstr(connection.error.text, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].says, connection.error.text);
    }
    sql_close(&connection);
}

/* Whether reading a column aborts, tried in a process of its own. */
static bool read_aborts(struct sql_connection *connection, enum sql_id id, enum sql_column column,
                        bool integer)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        if (integer)
            sql_integer(connection, id, column);
        else
            sql_string(connection, id, column);
        _exit(0);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void a_column_of_another_row(void **state)
{
    struct sql_connection connection;
    open_reader(*state, &connection);
    assert_int_equal(sql_first(&connection, SQL_AUDIT_SEQUENCE, SQL_NO_VALUES), 1);
    assert_int_equal(
        sql_first(&connection, SQL_COMMAND_STARTER, SQL_VALUES(sql_t(STR("C")), sql_t(STR("R")))), 1);
    assert_false(read_aborts(&connection, SQL_AUDIT_SEQUENCE, COL_NUMBER_NUMBER, true));
    assert_true(read_aborts(&connection, SQL_AUDIT_SEQUENCE, COL_NUMBER_NUMBER, false));
    assert_true(read_aborts(&connection, SQL_AUDIT_SEQUENCE, COL_SLICE_COUNT, true));
    assert_true(read_aborts(&connection, SQL_AUDIT_SEQUENCE, (enum sql_column)0, true));
    assert_false(read_aborts(&connection, SQL_COMMAND_STARTER, COL_COMMAND_STARTER_SMALLEST, false));
    assert_true(read_aborts(&connection, SQL_COMMAND_STARTER, COL_COMMAND_STARTER_SMALLEST, true));
    sql_end(&connection, SQL_COMMAND_STARTER);
    sql_end(&connection, SQL_AUDIT_SEQUENCE);
    sql_close(&connection);
}

/* A row that begins with another one has its columns, in the same places and of the same types. */
static void rows_that_begin_with_others(void **state)
{
    unsigned extended = 0;
    (void)state;
    for (int row = 0; row < SQL_ROW_COUNT; row++) {
        const struct sql_row_shape *shape = &sql_rows[row], *base = &sql_rows[shape->base];
        assert_true(strlen(shape->types) < 1u << SQL_PLACE_BITS);
        assert_int_equal(strncmp(shape->types, base->types, strlen(base->types)), 0);
        for (size_t i = 0; base->names[i] != NULL; i++)
            assert_string_equal(shape->names[i], base->names[i]);
        extended += shape->base != SQL_ROW_NONE;
    }
    assert_true(extended > 0);
}

/* ---------------------------------------------------------------- a file that is known by more than its name
 */

static void another_file_at_the_name(void **state)
{
    struct fixture *f = *state;
    char ours[128], moved[128];
    struct sql_connection connection;
    struct error error = {0};
    struct stat status;
    snprintf(ours, sizeof ours, "%s/ours", f->directory);
    snprintf(moved, sizeof moved, "%s/moved", f->directory);
    int file = open(ours, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_int_equal(rename(ours, moved), 0);
    int other = open(ours, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_int_equal(sql_open_file(&connection, ours, file, true, &error), OK);
    assert_int_equal(sql_execute(&connection, "CREATE TABLE t (a)"), OK);
    sql_close(&connection);
    assert_int_equal(fstat(other, &status), 0);
    assert_int_equal(status.st_size, 0);
    assert_int_equal(fstat(file, &status), 0);
    assert_true(status.st_size > 0);
    assert_int_equal(sql_open_file(&connection, ours, file, false, &error), OK);
    assert_int_equal(sql_execute(&connection, "SELECT a FROM t"), OK);
    sql_close(&connection);
    close(file);
    close(other);
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        STORE_TEST(newer_database),
        STORE_TEST(changed_migration),
        cmocka_unit_test(foreign_database),
        cmocka_unit_test(empty_file),
        STORE_TEST(file_is_sound_and_small),
        cmocka_unit_test(tampering),
        cmocka_unit_test(tampering_outlives_new_rows),
        STORE_TEST(another_key_does_not_verify),
        STORE_TEST(plans),
        STORE_TEST(indexes),
        STORE_TEST(long_queues),
        STORE_TEST(old_sessions),
        STORE_TEST(a_statement_that_is_not_as_declared),
        STORE_TEST(a_column_of_another_row),
        cmocka_unit_test(rows_that_begin_with_others),
        STORE_TEST(another_file_at_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
