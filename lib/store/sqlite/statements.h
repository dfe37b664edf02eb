#ifndef LIB_STORE_SQLITE_STATEMENTS_H
#define LIB_STORE_SQLITE_STATEMENTS_H

#include "lib/store/sqlite/columns.h"

/*
 * Every statement of the store, in one table. The text is PostgreSQL's dialect as far as SQLite speaks it: $1
 * … $n, no JSON functions, no triggers, no rowid. Types: i 64-bit integer, t text, b bytes; `parameters` has
 * one letter for each of $1 … $n, `row` names the columns (columns.h). What both engines cannot share is said in
 * a comment at the statement.
 */
enum sql_use { SQL_WRITER = 1, SQL_READER = 2 };

struct sql_statement {
    unsigned use; /* enum sql_use bits: which connections prepare it */
    const char *parameters;
    enum sql_row row; /* SQL_ROW_NONE: it gives none */
    const char *text;
};

/* Rows of the audit are found by what they are about within blocks: sequence >> AUDIT_BLOCK_BITS, as in
 * migration 0004. */
#define AUDIT_BLOCK_BITS 14

enum sql_id {
    /* transactions */
    SQL_BEGIN_WRITE,
    SQL_BEGIN_READ,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_SAVEPOINT,
    SQL_RELEASE,
    SQL_ROLLBACK_TO,
    /* meta and counters */
    SQL_META_GET,
    SQL_META_PUT,
    SQL_MAX_ID,
    SQL_MAX_OBJECT,
    SQL_MAX_LOCATION,
    SQL_MAX_DELIVERY,
    SQL_MAX_PARTY_CHANGE,
    SQL_COUNT_OBJECTS,
    SQL_COUNT_LOCATIONS,
    SQL_AUDIT_LAST,
    /* registry, writing */
    SQL_PLATFORM_FIND,
    SQL_PLATFORM_INSERT,
    SQL_PLATFORM_UPDATE,
    SQL_PLATFORM_SEEN,
    SQL_PLATFORM_DELETE,
    SQL_PARTY_FIND,
    SQL_PARTY_INSERT,
    SQL_PARTY_UPDATE,
    SQL_PARTY_TOUCH,
    SQL_PARTY_DELETE,
    SQL_PARTY_DELETE_RECEIVERS,
    SQL_PARTY_DELETE_RULES,
    SQL_TOKEN_PUT,
    SQL_TOKEN_USE,
    SQL_TOKEN_DELETE,
    SQL_TOKENS_DELETE,
    SQL_TOKENS_EXPIRE,
    SQL_TOKENS_CLAMP_HUB,
    SQL_TOKENS_CLAMP_INITIAL,
    SQL_PLATFORMS_CLAMP,
    SQL_COMMANDS_CLAMP,
    SQL_AUDIT_LAST_TIME,
    SQL_SUMMARY_PUT,
    SQL_SUMMARY_GET,
    SQL_SUMMARY_PRUNE,
    SQL_RECEIVER_PUT,
    SQL_RECEIVER_FIND,
    SQL_RECEIVER_SET_ANNOUNCED,
    SQL_RECEIVER_WITHDRAW,
    SQL_RECEIVER_DELETE,
    SQL_RULE_PUT,
    SQL_LIMIT_PUT,
    SQL_LIMIT_DELETE,
    SQL_PARTY_DELETE_LIMITS,
    SQL_FINDING_COUNT,
    SQL_REFUSAL_COUNT,
    SQL_REFUSAL_FORGET,
    /* objects and locations, writing */
    SQL_OBJECT_FIND,
    SQL_OBJECT_INSERT,
    SQL_OBJECT_UPDATE,
    SQL_OBJECT_SET_PARTIES,
    SQL_OBJECT_NAME,
    SQL_OBJECT_SET_DELIVERY,
    SQL_OBJECT_DELETE,
    SQL_LOCATION_FIND,
    SQL_LOCATION_INSERT,
    SQL_LOCATION_UPDATE,
    SQL_LOCATION_TOUCH,
    SQL_LOCATION_DELETE,
    SQL_BODY_FIND,
    SQL_BODY_INSERT,
    SQL_BODY_UPDATE,
    SQL_BODY_DELETE,
    SQL_EVSE_FIND,
    SQL_EVSE_LIST,
    SQL_EVSE_LAST,
    SQL_EVSE_INSERT,
    SQL_EVSE_UPDATE,
    SQL_EVSE_DELETE_ALL,
    /* deliveries, commands, audit, writing */
    SQL_DELIVERY_INSERT,
    SQL_DELIVERY_KEEP_VIA,
    SQL_DELIVERY_STATE,
    SQL_DELIVERY_SUPERSEDE,
    SQL_DELIVERY_SUPERSEDE_LANE,
    SQL_DELIVERY_AGAIN,
    SQL_DELIVERY_FINISH,
    SQL_DELIVERY_RELEASE,
    SQL_DELIVERY_HOLD,
    SQL_DELIVERY_HOLD_MODULE,
    SQL_QUEUE_FIND,
    SQL_QUEUE_LEASE,
    SQL_QUEUE_UPDATE,
    SQL_QUEUE_END_LEASES,
    SQL_COMMAND_INSERT,
    SQL_COMMAND_STATE,
    SQL_COMMAND_UPDATE,
    SQL_AUDIT_INSERT,
    SQL_AUDIT_DELETE,
    SQL_AUDIT_MAC,
    SQL_GAP_AT,
    SQL_GAP_BEFORE,
    SQL_GAP_PUT,
    SQL_GAP_DELETE,
    SQL_DELIVERY_ENDED,
    SQL_DELIVERY_DELETE,
    SQL_SESSION_ENDED,
    SQL_CDR_OLD,
    SQL_CDR_WAITS,
    /* registry, reading: whole tables, which are small. The order counts: the statements from SQL_PLATFORM_COUNT to
     * SQL_LIMIT_ALL may scan a table and sort (tests/store/test_sqlite.c, may_scan). */
    SQL_PLATFORM_COUNT,
    SQL_PLATFORM_ALL,
    SQL_PARTY_COUNT,
    SQL_PARTY_ALL,
    SQL_TOKEN_COUNT,
    SQL_TOKEN_ALL,
    SQL_RECEIVER_COUNT,
    SQL_RECEIVER_ALL,
    SQL_RULE_COUNT,
    SQL_RULE_ALL,
    SQL_LIMIT_COUNT,
    SQL_LIMIT_ALL,
    SQL_FINDING_LIST,
    SQL_REFUSAL_LIST,
    /* objects and locations, reading */
    SQL_OBJECT_READ,
    SQL_OBJECT_BODY,
    SQL_LOCATION_READ,
    SQL_LOCATION_READ_AT,
    SQL_EVSE_READ,
    SQL_EVSE_BODIES,
    SQL_OBJECT_OWNERS,
    SQL_LOCATION_OWNERS,
    SQL_EVSE_IS_ALIVE,
    SQL_EVSE_ANY_ALIVE,
    SQL_SESSION_TOKEN_USERS,
    SQL_COMMAND_TOKEN_USERS,
    SQL_COMMAND_STARTER,
    /* pages */
    SQL_OBJECT_COUNT,
    SQL_OBJECT_COUNT_FILTERED,
    SQL_OBJECT_LANE,
    SQL_TARIFF_SCAN,
    SQL_LOCATION_COUNT,
    SQL_LOCATION_COUNT_FILTERED,
    SQL_LOCATION_LANE,
    SQL_LOCATION_SCAN,
    /* deliveries, commands, audit, reading */
    SQL_DELIVERY_DUE,
    SQL_DELIVERY_DUE_NEWEST,
    SQL_DELIVERY_DUE_AGAIN,
    SQL_ALONE_COUNT,
    SQL_DELIVERY_READ,
    SQL_DELIVERY_OLDER,
    SQL_DELIVERY_SCAN,
    SQL_PENDING_QUEUE,
    SQL_PENDING_LIST,
    SQL_PENDING_COUNT,
    SQL_HELD_QUEUE,
    SQL_HELD_LIST,
    SQL_HELD_COUNT,
    SQL_DEAD_QUEUE,
    SQL_DEAD_LIST,
    SQL_DEAD_COUNT,
    SQL_COMMAND_BY_HASH,
    SQL_COMMAND_BY_ID,
    SQL_COMMAND_OF_RESERVATION,
    SQL_COMMAND_DUE,
    SQL_COMMAND_NEWEST,
    SQL_AUDIT_RANGE,
    SQL_AUDIT_RANGE_BACK,
    SQL_AUDIT_SEQUENCE,
    SQL_AUDIT_FIRST,
    SQL_AUDIT_OF_CORRELATION,
    SQL_AUDIT_OF_OBJECT,
    SQL_AUDIT_OF_REQUEST,
    SQL_COMMAND_OF_CALLBACK,
    SQL_GAP_RANGE,
    /* periods */
    SQL_RECEIPT_LIST,
    SQL_UNBILLED_LIST,
    SQL_CONFLICT_LIST,
    SQL_STORED_LIST,
    SQL_COUNT
};

extern const struct sql_statement sql_statements[SQL_COUNT];

/* A row as columns.h declares it. */
struct sql_row_shape {
    enum sql_row base;        /* the row that it begins with, or SQL_ROW_NONE */
    const char *types;        /* a letter for each column */
    const char *const *names; /* as many; compared without case */
};

extern const struct sql_row_shape sql_rows[SQL_ROW_COUNT];

/* What the folded id in `folded` is called in the object that is stored in `body`, member `member`. */
#define IN_BODY(body, member) "json_extract(CAST(" body " AS TEXT), '$." member "')"
#define SPELLED(body, member, folded)                                                                        \
    "CASE WHEN upper(" IN_BODY(body, member) ") = " folded " THEN " IN_BODY(body, member) " ELSE " folded    \
                                                                                          " END"
#define EVSE_SPELLED                                                                                         \
    "CASE WHEN evse = '' THEN '' ELSE coalesce((SELECT " SPELLED(                                            \
        "e.body", "uid",                                                                                     \
        "e.uid") " FROM location l JOIN evse e ON e.location = l.sequence WHERE l.id = delivery.object AND " \
                 "l.owner = delivery.owner AND e.uid = delivery.evse), evse) END"

#endif
