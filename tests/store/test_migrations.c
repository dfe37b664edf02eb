#include <sqlite3.h>

#include "lib/store/audit_row.h"
#include "lib/store/sqlite/migrate.h"
#include "lib/store/sqlite/migrations.h"
#include "lib/store/history.h"
#include "tests/store/fixture.h"
#include "lib/store/verify.h"

/* A database that an earlier hubd wrote: it is brought up to date when it is opened, and keeps what is in it.
 */

static void execute(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
}

static sqlite3 *open_file(struct fixture *f)
{
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/hub.db", f->directory);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

/* The one row of the audit that it wrote. */
static void put_audit(sqlite3 *db, struct audit_chain *chain, struct hmac *hmac)
{
    struct store_audit row = {.time = 1000, .action = STR("session.put")};
    row.object = STR("S1");
    row.correlation_id = STR("corr-1");
    struct buffer scratch = {0};
    assert_int_equal(audit_chain_add(chain, hmac, &scratch, &row), OK);
    buffer_free(&scratch);
    sqlite3_stmt *insert;
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "INSERT INTO audit VALUES (1, 0, 1000, 0, '', 'session.put', '', '', "
                                        "'', '', '', 'S1', '', '', 'corr-1', '', ?)",
                                        -1, &insert, NULL),
                     SQLITE_OK);
    sqlite3_bind_blob(insert, 1, chain->mac, SHA256_SIZE, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_finalize(insert);
}

static void put_meta(sqlite3 *db, const char *name, const void *value, int size)
{
    sqlite3_stmt *insert;
    assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO meta VALUES (?, ?)", -1, &insert, NULL), SQLITE_OK);
    sqlite3_bind_text(insert, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 2, value, size, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_finalize(insert);
}

/* The database as a hubd with only the first migration left it. */
static sqlite3 *old_database(struct fixture *f)
{
    sqlite3 *db = open_file(f);
    uint8_t head[AUDIT_HEAD_SIZE];
    struct audit_chain chain = {0};
    struct hmac *hmac = hmac_new(f->audit_key, sizeof f->audit_key);
    execute(db, text(f, "PRAGMA application_id = %d", HUB_APPLICATION_ID).data);
    execute(db, "PRAGMA journal_mode = WAL; CREATE TABLE schema_migration (number INTEGER NOT NULL "
                "PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied INTEGER NOT NULL) STRICT");
    execute(db, sqlite_migrations[0].sql);
    put_audit(db, &chain, hmac);
    audit_head_write(&chain, hmac, head);
    hmac_free(hmac);
    execute(db, text(f, "INSERT INTO schema_migration VALUES (1, '%s', '%s', 0)", sqlite_migrations[0].name,
                     sqlite_migrations[0].sha256)
                    .data);
    put_meta(db, "key_check", f->key_check, sizeof f->key_check);
    put_meta(db, "audit_head", head, sizeof head);
    return db;
}

/* A row in every table that it had, written in its own columns. */
static void fill(sqlite3 *db)
{
    static const char *const rows[] = {
        "platform VALUES (1, 3, 1, 'https://a.example/versions', '', x'01', x'', 0, 0, 1, 'cb.example', "
        "x'5b5d', 5, 6, 7)",
        "party VALUES (2, 1, 4, 'IN-ABC', 'in', 'Abc', 1, 'ABC Charging', 'https://abc.example', 1, "
        "'unpaid', "
        "8, 9)",
        "token VALUES (zeroblob(32), 1, 1, '01234567', 10, 0, 11)",
        "receiver VALUES (2, 'sessions', 'https://a.example/sessions', 'set')",
        "receiver VALUES (2, 'cdrs', 'https://b.example/cdrs', 'discovered')",
        "rule VALUES (3, 2, 1, 12)",
        "object VALUES (13, 2, 'IN-ABC', 'S1', 1, 1000, 1000, 14, 2, 'IN-XYZ', 'UID1', 'ACTIVE', x'', "
        "CAST('{\"session\":1}' AS BLOB))",
        "location VALUES (15, 'IN-ABC', 'L1', 1, 1000, 1000, 40, 1, '\"\"', x'')",
        "location_body VALUES (15, 10, 0, 0, 0, CAST('{\"evses\":[]}' AS BLOB))",
        "evse VALUES (15 * 1048576, 15, 'E1', 1, 1000, CAST('{\"uid\":\"e1\"}' AS BLOB))",
        "delivery VALUES (14, 0, 2, 1, 0, 1000, 0, 'IN-XYZ', 'IN-ABC', 'sessions', 'PUT', 'IN-ABC', 'S1', "
        "'', "
        "'', 'corr-1', 'HTTP 500', x'')",
        "command VALUES (16, 1, 1000, 2000, zeroblob(32), 'START_SESSION', 'IN-XYZ', 'IN-ABC', 'L1', "
        "'https://x.example/cb', '', 'corr-2', x'')",
        "command VALUES (17, 2, 1000, 2000, CAST(zeroblob(31) || x'01' AS BLOB), 'RESERVE_NOW', 'IN-XYZ', "
        "'IN-ABC', 'R1', "
        "'https://x.example/cb', 'ACCEPTED', 'corr-3', x'')",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *bytes = sqlite3_mprintf("INSERT INTO %s", rows[i]);
        execute(db, bytes);
        sqlite3_free(bytes);
    }
}

static void assert_registry_is_kept(struct fixture *f)
{
    struct store_registry_read read = {0};
    assert_int_equal(RUN_READ(f, store_read_registry, &read), OK);
    assert_int_equal(read.platform_count, 1);
    assert_str(read.platforms[0].credentials_url, "https://a.example/versions");
    assert_int_equal(read.platforms[0].revision, 3);
    assert_true(read.platforms[0].learned_raw);
    assert_int_equal(read.party_count, 1);
    assert_str(read.parties[0].key, "IN-ABC");
    assert_str(read.parties[0].suspend_reason, "unpaid");
    assert_int_equal(read.parties[0].created, 9);
    assert_int_equal(read.token_count, 1);
    assert_int_equal(read.tokens[0].used, 11);
    assert_int_equal(read.receiver_count, 2);
    assert_int_equal(read.rule_count, 1);
    /* hosts that were the partner's stay so */
    assert_str(read.platforms[0].proven, "https://a.example/versions  https://b.example/cdrs");
    /* what is new is as if nobody had set it */
    assert_int_equal(read.parties[0].validation, STORE_VALIDATION_DEFAULT);
    assert_str(read.parties[0].push, "");
    assert_int_equal(read.limit_count, 0);
    assert_int_equal(read.receivers[0].announced, 0);
    assert_int_equal(read.changed, read.parties[0].last_updated);
}

static void assert_traffic_is_kept(struct fixture *f)
{
    assert_str(get_object(f, STORE_SESSION, "IN-ABC", "S1").body, "{\"session\":1}");
    assert_str(get_object(f, STORE_LOCATION, "IN-ABC", "L1").body, "{\"evses\":[{\"uid\":\"e1\"}]}");
    struct store_delivery_read delivery = {.id = 14};
    assert_int_equal(RUN_READ(f, store_read_delivery, &delivery), OK);
    assert_str(delivery.row.body, "{\"session\":1}");
    assert_str(delivery.row.last_error, "HTTP 500");
    assert_str(delivery.row.evse, "");
    struct store_command_read command = {.id = 16};
    assert_int_equal(RUN_READ(f, store_read_command, &command), OK);
    assert_str(command.row.command, "START_SESSION");
    assert_str(command.row.token_uid, "");
    struct store_command_read reservation = {.id = 17};
    assert_int_equal(RUN_READ(f, store_read_command, &reservation), OK);
    assert_true(reservation.row.accepted);
    assert_int_equal(reservation.row.valid_until, 1000 + 86400000); /* an old one does not stand for ever */
    struct store_token_users_read users = {.token_uid = STR("UID1")};
    assert_int_equal(RUN_READ(f, store_read_token_users, &users), OK);
    assert_int_equal(users.count, 1); /* old sessions are found by their token */
    static const char *const ids[] = {"s1", "corr-1"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) { /* and old rows by what they are about */
        struct store_trace_read trace = {.id = str_from(ids[i]), .limit = 10};
        assert_int_equal(RUN_READ(f, store_read_trace, &trace), OK);
        assert_int_equal(trace.count, 1);
        assert_str(trace.rows[0].row.action, "session.put");
    }
}

static void write_what_is_new(struct fixture *f)
{
    struct store_registry_read read = {0};
    assert_int_equal(RUN_READ(f, store_read_registry, &read), OK);
    struct store_apply *apply = new_batch(f);
    struct store_party *party = &add_op(apply, STORE_PUT_PARTY)->u.party;
    *party = read.parties[0];
    party->validation = STORE_VALIDATION_STRICT;
    add_op(apply, STORE_COUNT_FINDING)->u.finding.row =
        (struct store_finding){.party = party->key, .module = STR("locations"), .count = 3};
    add_audit(apply, "party.set", "IN-ABC");
    assert_int_equal(run_batch(f, apply), OK);
}

static void assert_new_is_there(struct fixture *f)
{
    struct store_registry_read registry = {0};
    struct store_findings_read findings = {.limit = 10};
    struct store_verify_read verify = {.limit = 10};
    assert_int_equal(RUN_READ(f, store_read_registry, &registry), OK);
    assert_int_equal(registry.parties[0].validation, STORE_VALIDATION_STRICT);
    assert_str(registry.parties[0].name, "ABC Charging");
    assert_int_equal(RUN_READ(f, store_read_findings, &findings), OK);
    assert_int_equal(findings.count, 1);
    assert_int_equal(findings.rows[0].count, 3);
    do
        assert_int_equal(RUN_READ(f, store_read_verify, &verify), OK);
    while (!verify.done);
    assert_int_equal(verify.bad_sequence, 0);
}

static void first_schema_is_brought_up_to_date(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    sqlite3 *db = old_database(&f);
    fill(db);
    sqlite3_close(db);
    fixture_open(&f);
    assert_registry_is_kept(&f);
    assert_traffic_is_kept(&f);
    write_what_is_new(&f);
    fixture_reopen(&f); /* and nothing is done a second time */
    assert_new_is_there(&f);
    assert_traffic_is_kept(&f);
    fixture_close(&f);
    fixture_remove(&f);
}

/* A migration that cannot be done leaves the database as the earlier hubd can still use it. */
static void failed_migration_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct store *store = NULL;
    struct error error = {0};
    fixture_make(&f);
    sqlite3 *db = old_database(&f);
    fill(db);
    execute(db, "CREATE TABLE finding (in_the_way TEXT)");
    sqlite3_close(db);
    assert_int_not_equal(store_open(&f.options, &store, &error), OK);
    assert_non_null(strstr(error.text, sqlite_migrations[1].name));
    db = open_file(&f);
    execute(db, "INSERT INTO party VALUES (3, 1, 0, 'IN-XYZ', 'IN', 'XYZ', 2, '', '', 0, '', 0, 0)");
    execute(db, "DELETE FROM party WHERE id = 3; DROP TABLE finding");
    sqlite3_close(db);
    fixture_open(&f);
    assert_registry_is_kept(&f);
    assert_traffic_is_kept(&f);
    fixture_close(&f);
    fixture_remove(&f);
}

/* ---------------------------------------------------------------- reasons that were texts (migration 14) */

/* A delivery whose reason a hubd without migration 14 wrote as a text that it compared. */
struct told_row {
    int64_t id;
    enum store_delivery_state state;
    const char *reason; /* for people, before and after */
    enum store_hold_reason hold;
    unsigned refused;
};
static const struct told_row told_rows[] = {
    {21, STORE_DELIVERY_HELD, "unknown eMSP", STORE_HOLD_UNKNOWN_EMSP, 0},
    {22, STORE_DELIVERY_HELD, "suspended", STORE_HOLD_SUSPENDED, 0},
    {23, STORE_DELIVERY_HELD, "no rule", STORE_HOLD_NO_RULE, 0},
    {24, STORE_DELIVERY_HELD, "no receiver URL", STORE_HOLD_NO_URL, 0},
    {25, STORE_DELIVERY_SUPERSEDED, "no rule", STORE_HOLD_NO_RULE, 0}, /* it was held when a newer one came */
    {26, STORE_DELIVERY_PENDING, "refused once", STORE_HOLD_NONE, 1},
    {27, STORE_DELIVERY_PENDING, "refused twice", STORE_HOLD_NONE, 2},
    {28, STORE_DELIVERY_SUPERSEDED, "refused twice", STORE_HOLD_NONE, 0},
    {29, STORE_DELIVERY_PENDING, "failed 3 times while others arrived", STORE_HOLD_NONE, 0},
    {30, STORE_DELIVERY_DEAD, "refused", STORE_HOLD_NONE, 0},
    {31, STORE_DELIVERY_SUPERSEDED, "dropped: no receiver URL", STORE_HOLD_NONE, 0},
    {32, STORE_DELIVERY_DELIVERED, "", STORE_HOLD_NONE, 0},
};
#define TOLD_ROWS (sizeof told_rows / sizeof told_rows[0])

static void put_told_rows(sqlite3 *db)
{
    for (size_t i = 0; i < TOLD_ROWS; i++) {
        char *bytes = sqlite3_mprintf(
            "INSERT INTO delivery VALUES (%lld, %d, 3, 1, 0, 1000, 0, 'IN-XYZ', 'IN-ABC', 'cdrs', 'POST', "
            "'IN-ABC', 'C%lld', %Q, '', 'corr', '', x'')",
            (long long)told_rows[i].id, (int)told_rows[i].state, (long long)told_rows[i].id,
            told_rows[i].reason);
        execute(db, bytes);
        sqlite3_free(bytes);
    }
}

static void assert_told_rows_are_read(struct fixture *f)
{
    struct store_receipts_read receipts = {.span = {.until = INT64_MAX, .limit = 100}};
    assert_int_equal(RUN_READ(f, store_read_receipts, &receipts), OK);
    assert_int_equal(receipts.count, TOLD_ROWS);
    for (size_t i = 0; i < TOLD_ROWS; i++) {
        struct store_delivery_read read = {.id = told_rows[i].id};
        assert_int_equal(RUN_READ(f, store_read_delivery, &read), OK);
        assert_int_equal(read.row.state, told_rows[i].state);
        assert_str(read.row.reason, told_rows[i].reason);
        assert_int_equal(read.row.hold, told_rows[i].hold);
        assert_int_equal(read.row.refused, told_rows[i].refused);
        assert_str(receipts.rows[i].reason, told_rows[i].reason);
    }
}

static void old_reasons_are_read_and_released(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    sqlite3 *db = old_database(&f);
    put_told_rows(db);
    sqlite3_close(db);
    fixture_open(&f);
    assert_told_rows_are_read(&f);
    for (unsigned hold = STORE_HOLD_NONE + 1; hold < STORE_HOLD_COUNT; hold++) {
        struct store_apply *apply = new_batch(&f);
        struct store_op *op = add_op(apply, STORE_RELEASE_HELD);
        op->u.release.receiver = STR("IN-XYZ");
        op->u.release.reason = (enum store_hold_reason)hold;
        assert_int_equal(run_batch(&f, apply), OK);
        assert_int_equal(op->u.release.count, 1);
    }
    for (int64_t id = 21; id <= 24; id++) {
        struct store_delivery_read read = {.id = id};
        assert_int_equal(RUN_READ(&f, store_read_delivery, &read), OK);
        assert_int_equal(read.row.state, STORE_DELIVERY_PENDING);
        assert_int_equal(read.row.hold, STORE_HOLD_NONE);
        assert_str(read.row.reason, "");
    }
    fixture_close(&f);
    fixture_remove(&f);
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_schema_is_brought_up_to_date),
        cmocka_unit_test(failed_migration_changes_nothing),
        cmocka_unit_test(old_reasons_are_read_and_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
