#ifndef LIB_STORE_SQLITE_COLUMNS_H
#define LIB_STORE_SQLITE_COLUMNS_H

/*
 * The rows that statements give, column by column: C(row, NAME, type) with the types of statements.h. Each
 * column becomes an enumerator COL_<row>_<NAME>, by which code reads it. When a statement is prepared, the
 * names of its columns are compared with these (SQL's names know no case), so a SELECT gives every expression
 * a name with AS. Statements with equal rows share one. A row may begin with the columns of another; those are
 * then read by the other's enumerators, whichever of the two the statement gives.
 */

/* clang-format off */

#define COLUMNS_NONE(C, R)
#define COLUMNS_NUMBER(C, R) C(R, NUMBER, i)
#define COLUMNS_META_GET(C, R) C(R, VALUE, b)
#define COLUMNS_COUNT_OBJECTS(C, R) C(R, KIND, i) C(R, COUNT, i)
#define COLUMNS_SUMMARY_GET(C, R) C(R, OLDEST, i) C(R, NEWEST, i) C(R, BITS, b) C(R, SEAL, b)
#define COLUMNS_AUDIT_LAST_TIME(C, R) C(R, TIME, i)
#define COLUMNS_AUDIT_LAST(C, R) C(R, SEQUENCE, i) C(R, MAC, b) C(R, TIME, i)
#define COLUMNS_PLATFORM_FIND(C, R) C(R, REVISION, i) C(R, STATUS, i) C(R, LAST_SEEN, i)                     \
    C(R, TOKEN_LENGTH, i)
#define COLUMNS_PARTY_FIND(C, R) C(R, REVISION, i) C(R, LAST_UPDATED, i)
#define COLUMNS_RECEIVER_FIND(C, R) C(R, TOLD, i)
#define COLUMNS_OBJECT_FIND(C, R) C(R, SEQUENCE, i) C(R, REVISION, i) C(R, LAST_UPDATED, i)                  \
    C(R, ARRIVAL, i) C(R, LAST_DELIVERY, i) C(R, SIZE, i) C(R, COUNTERPARTY, t) C(R, TOKEN_UID, t)           \
    C(R, DIGEST, b) C(R, STATUS, t) C(R, TOKEN_TYPE, t)
#define COLUMNS_OBJECT_NAME(C, R) C(R, NAME, t)
#define COLUMNS_LOCATION_FIND(C, R) C(R, SEQUENCE, i) C(R, REVISION, i) C(R, LAST_UPDATED, i)                \
    C(R, ARRIVAL, i) C(R, SIZE, i) C(R, EVSE_COUNT, i) C(R, LAST_UPDATED_TEXT, t) C(R, DIGEST, b)
#define COLUMNS_BODY_FIND(C, R) C(R, BODY, b) C(R, UPDATED_LENGTH, i)
#define COLUMNS_EVSE_FIND(C, R) C(R, PLACE, i) C(R, REVISION, i) C(R, LAST_UPDATED, i) C(R, BODY, b)         \
    C(R, DIGEST, b)
#define COLUMNS_EVSE_LIST(C, R) C(R, PLACE, i) C(R, UID, t) C(R, BODY, b) C(R, DIGEST, b)
#define COLUMNS_EVSE_LAST(C, R) C(R, PLACE, i)
#define COLUMNS_DELIVERY_STATE(C, R) C(R, STATE, i)
#define COLUMNS_QUEUE_FIND(C, R) C(R, FENCE, i) C(R, HOLDER, t) C(R, LEASE_UNTIL, i) C(R, FAILURES, i)       \
    C(R, PAUSED_UNTIL, i) C(R, ACTIVE_MS, i) C(R, SUSPECTS, i) C(R, FRESH_UNTIL, i)
#define COLUMNS_COMMAND_STATE(C, R) C(R, STATE, i) C(R, RESULT, t)
#define COLUMNS_AUDIT_MAC(C, R) C(R, MAC, b)
#define COLUMNS_GAP(C, R) C(R, FIRST, i) C(R, LAST, i) C(R, MAC, b) C(R, SEAL, b)
#define COLUMNS_DELIVERY_ENDED(C, R) C(R, ID, i) C(R, STATE, i) C(R, CREATED, i) C(R, DONE, i)
#define COLUMNS_OLD_OBJECT(C, R) C(R, SEQUENCE, i) C(R, AGE, i) C(R, ARRIVAL, i) C(R, LAST_DELIVERY, i)      \
    C(R, ID, t) C(R, OWNER, t)
#define COLUMNS_CDR_WAITS(C, R) C(R, ID, i)
#define COLUMNS_PLATFORM_ALL(C, R) C(R, ID, i) C(R, REVISION, i) C(R, STATUS, i) C(R, CREDENTIALS_URL, t)    \
    C(R, VERSIONS_URL, t) C(R, TOKEN, b) C(R, PREVIOUS_TOKEN, b) C(R, PREVIOUS_TOKEN_UNTIL, i)               \
    C(R, ENCODING, i) C(R, LEARNED_RAW, i) C(R, ALLOWED_HOSTS, t) C(R, ROLES, b) C(R, LAST_SEEN, i)          \
    C(R, CREATED, i) C(R, UPDATED, i) C(R, HEARD, i) C(R, LAST_ERROR, t) C(R, PROVEN, t) C(R, FROM_HUB, i)
#define COLUMNS_PARTY_ALL(C, R) C(R, ID, i) C(R, PLATFORM, i) C(R, REVISION, i) C(R, PARTY_KEY, t)           \
    C(R, COUNTRY_CODE, t) C(R, PARTY_ID, t) C(R, ROLES, i) C(R, NAME, t) C(R, WEBSITE, t)                    \
    C(R, SUSPENDED, i) C(R, SUSPEND_REASON, t) C(R, LAST_UPDATED, i) C(R, CREATED, i) C(R, VALIDATION, i)    \
    C(R, PUSH, t) C(R, FORWARD_UNKNOWN_SESSIONS, i)
#define COLUMNS_TOKEN_ALL(C, R) C(R, HASH, b) C(R, PLATFORM, i) C(R, KIND, i) C(R, FINGERPRINT, t)           \
    C(R, CREATED, i) C(R, EXPIRES, i) C(R, USED, i) C(R, CONTENT, b)
#define COLUMNS_RECEIVER_ALL(C, R) C(R, PARTY, i) C(R, MODULE, t) C(R, URL, t) C(R, SOURCE, t)               \
    C(R, TOLD, i)
#define COLUMNS_RULE_ALL(C, R) C(R, EMSP, i) C(R, CPO, i) C(R, STATE, i) C(R, SINCE, i)
#define COLUMNS_LIMIT_ALL(C, R) C(R, PARTY, i) C(R, MODULE, t) C(R, REQUESTS, i) C(R, PERIOD_MS, i)
#define COLUMNS_FINDING_LIST(C, R) C(R, PARTY, t) C(R, MODULE, t) C(R, OBJECT, t) C(R, FIELD, t)             \
    C(R, RULE, t) C(R, COUNT, i) C(R, FIRST, i) C(R, LAST, i) C(R, EXAMPLE, t) C(R, REFUSED, i)
#define COLUMNS_REFUSAL_LIST(C, R) C(R, PARTY, t) C(R, MODULE, t) C(R, OBJECTS, i) C(R, COUNT, i)            \
    C(R, EARLIEST, i) C(R, LATEST, i)
#define COLUMNS_OBJECT_READ(C, R) C(R, SEQUENCE, i) C(R, REVISION, i) C(R, LAST_UPDATED, i)                  \
    C(R, COUNTERPARTY, t) C(R, TOKEN_UID, t) C(R, STATUS, t) C(R, BODY, b)
#define COLUMNS_BODY(C, R) C(R, BODY, b)
#define COLUMNS_LOCATION(C, R) C(R, SEQUENCE, i) C(R, REVISION, i) C(R, LAST_UPDATED, i)                     \
    C(R, EVSE_COUNT, i) C(R, LAST_UPDATED_TEXT, t) C(R, CHILDREN_AT, i) C(R, CHILDREN_FORM, i)               \
    C(R, UPDATED_AT, i) C(R, UPDATED_LENGTH, i) C(R, BODY, b)
#define COLUMNS_EVSE_READ(C, R) C(R, REVISION, i) C(R, LAST_UPDATED, i) C(R, BODY, b)
#define COLUMNS_OWNER(C, R) C(R, OWNER, t)
#define COLUMNS_OBJECT_OWNER(C, R) COLUMNS_OWNER(C, R) C(R, COUNTERPARTY, t) C(R, STATUS, t)
#define COLUMNS_LOCATION_OWNER(C, R) COLUMNS_OWNER(C, R) C(R, SEQUENCE, i) C(R, EVSE_COUNT, i)
#define COLUMNS_FOUND(C, R) C(R, FOUND, i)
#define COLUMNS_TOKEN_USER(C, R) C(R, NAME, t)
#define COLUMNS_COMMAND_STARTER(C, R) C(R, SMALLEST, t) C(R, GREATEST, t)
#define COLUMNS_SLICE(C, R) C(R, COUNT, i) C(R, LAST, i)
#define COLUMNS_SLICE_FILTERED(C, R) COLUMNS_SLICE(C, R) C(R, MATCHING, i)
#define COLUMNS_LANE(C, R) C(R, SEQUENCE, i) C(R, ID, t) C(R, LAST_UPDATED, i) C(R, ARRIVAL, i)              \
    C(R, SIZE, i)
#define COLUMNS_OBJECT_LANE(C, R) COLUMNS_LANE(C, R) C(R, COUNTERPARTY, t)
#define COLUMNS_SCAN(C, R) C(R, SEQUENCE, i) C(R, OWNER, t) C(R, ID, t) C(R, LAST_UPDATED, i)                \
    C(R, ARRIVAL, i) C(R, SIZE, i)
#define COLUMNS_DUE(C, R) C(R, ID, i) C(R, KIND, i) C(R, ATTEMPTS, i) C(R, NEXT_ATTEMPT, i)                  \
    C(R, CREATED, i) C(R, RECEIVER, t) C(R, SENDER, t) C(R, MODULE, t) C(R, METHOD, t) C(R, OWNER, t)        \
    C(R, OBJECT, t) C(R, FAILED, i) C(R, URL, t) C(R, CORRELATION_ID, t)
#define COLUMNS_DELIVERY(C, R) C(R, ID, i) C(R, STATE, i) C(R, KIND, i) C(R, ATTEMPTS, i)                    \
    C(R, NEXT_ATTEMPT, i) C(R, CREATED, i) C(R, DONE, i) C(R, RECEIVER, t) C(R, SENDER, t) C(R, MODULE, t)   \
    C(R, METHOD, t) C(R, OWNER, t) C(R, OBJECT, t) C(R, REASON, t) C(R, URL, t) C(R, CORRELATION_ID, t)      \
    C(R, LAST_ERROR, t) C(R, EVSE, t) C(R, ACTIVE_FROM, i) C(R, TRIES, t) C(R, RECEIPT, t) C(R, NAME, t)     \
    C(R, FAILED, i) C(R, ALONE, i) C(R, VIA, t) C(R, HOLD, i) C(R, REFUSED, i)
#define COLUMNS_DELIVERY_READ(C, R) COLUMNS_DELIVERY(C, R) C(R, BODY, b) C(R, EVSE_NAME, t)
#define COLUMNS_DELIVERY_OLDER(C, R) C(R, ID, i) C(R, NEXT_ATTEMPT, i)
#define COLUMNS_PARKED_QUEUE(C, R) C(R, RECEIVER, t) C(R, MODULE, t)
#define COLUMNS_COMMAND(C, R) C(R, ID, i) C(R, STATE, i) C(R, CREATED, i) C(R, EXPIRES, i)                   \
    C(R, CALLBACK_HASH, b) C(R, COMMAND, t) C(R, EMSP, t) C(R, CPO, t) C(R, OBJECT, t)                       \
    C(R, RESPONSE_URL, t) C(R, RESULT, t) C(R, CORRELATION_ID, t) C(R, TOKEN_UID, t) C(R, RESULT_BODY, b)    \
    C(R, TOKEN_TYPE, t) C(R, VALID_UNTIL, i) C(R, ACCEPTED, i) C(R, NAME, t)
#define COLUMNS_AUDIT(C, R) C(R, SEQUENCE, i) C(R, KIND, i) C(R, TIME, i) C(R, LATENCY_MS, i)                \
    C(R, ACTOR, t) C(R, ACTION, t) C(R, PARTY, t) C(R, MODULE, t) C(R, METHOD, t) C(R, SENDER, t)            \
    C(R, RECEIVER, t) C(R, OBJECT, t) C(R, STATUS, t) C(R, REQUEST_ID, t) C(R, CORRELATION_ID, t)            \
    C(R, DETAIL, t) C(R, MAC, b)
#define COLUMNS_CALLBACK(C, R) C(R, CORRELATION_ID, t)
#define COLUMNS_SPAN(C, R) C(R, TIME, i) C(R, NUMBER, i) C(R, SENDER, t) C(R, RECEIVER, t)
#define COLUMNS_RECEIPT(C, R) COLUMNS_SPAN(C, R) C(R, STATE, i) C(R, ATTEMPTS, i) C(R, DONE, i)              \
    C(R, RECEIVED, i) C(R, CDR, t) C(R, HOLD, i) C(R, REASON, t) C(R, LAST_ERROR, t) C(R, RECEIPT, t)        \
    C(R, SESSION, t)
#define COLUMNS_UNBILLED(C, R) COLUMNS_SPAN(C, R) C(R, SESSION, t) C(R, BILLED, i)
#define COLUMNS_CONFLICT(C, R) COLUMNS_SPAN(C, R) C(R, ACTION, t) C(R, OBJECT, t)
#define COLUMNS_STORED(C, R) C(R, SEQUENCE, i) C(R, OWNER, t) C(R, ID, t) C(R, LAST_UPDATED, i)              \
    C(R, ARRIVAL, i) C(R, STATE, i) C(R, BODY, b)

/* X(row, the row that it begins with) */
#define SQL_ROWS(X) X(NONE, NONE) X(NUMBER, NONE) X(META_GET, NONE) X(COUNT_OBJECTS, NONE)                   \
    X(SUMMARY_GET, NONE) X(AUDIT_LAST_TIME, NONE) X(AUDIT_LAST, NONE) X(PLATFORM_FIND, NONE)                 \
    X(PARTY_FIND, NONE) X(RECEIVER_FIND, NONE) X(OBJECT_FIND, NONE) X(OBJECT_NAME, NONE)                     \
    X(LOCATION_FIND, NONE) X(BODY_FIND, NONE) X(EVSE_FIND, NONE) X(EVSE_LIST, NONE) X(EVSE_LAST, NONE)       \
    X(DELIVERY_STATE, NONE) X(QUEUE_FIND, NONE) X(COMMAND_STATE, NONE) X(AUDIT_MAC, NONE) X(GAP, NONE)       \
    X(DELIVERY_ENDED, NONE) X(OLD_OBJECT, NONE) X(CDR_WAITS, NONE) X(PLATFORM_ALL, NONE) X(PARTY_ALL, NONE)  \
    X(TOKEN_ALL, NONE) X(RECEIVER_ALL, NONE) X(RULE_ALL, NONE) X(LIMIT_ALL, NONE) X(FINDING_LIST, NONE)      \
    X(REFUSAL_LIST, NONE) X(OBJECT_READ, NONE) X(BODY, NONE) X(LOCATION, NONE) X(EVSE_READ, NONE)            \
    X(OWNER, NONE) X(OBJECT_OWNER, OWNER) X(LOCATION_OWNER, OWNER) X(FOUND, NONE) X(TOKEN_USER, NONE)        \
    X(COMMAND_STARTER, NONE) X(SLICE, NONE) X(SLICE_FILTERED, SLICE) X(LANE, NONE) X(OBJECT_LANE, LANE)      \
    X(SCAN, NONE) X(DUE, NONE) X(DELIVERY, NONE) X(DELIVERY_READ, DELIVERY) X(DELIVERY_OLDER, NONE)          \
    X(PARKED_QUEUE, NONE) X(COMMAND, NONE) X(AUDIT, NONE) X(CALLBACK, NONE) X(SPAN, NONE) X(RECEIPT, SPAN)   \
    X(UNBILLED, SPAN) X(CONFLICT, SPAN) X(STORED, NONE)

/* clang-format on */

#define SQL_ROW_ITEM(row, base) SQL_ROW_##row,
enum sql_row { SQL_ROWS(SQL_ROW_ITEM) SQL_ROW_COUNT };
#undef SQL_ROW_ITEM

/* The row's number stands in a column's upper bits, its place in the row in the lower ones: a column that is
 * asked of another row is found out by comparing two numbers. */
#define SQL_PLACE_BITS                     8
#define SQL_COLUMN_NUMBER(row, name, type) COL_##row##_##name,
#define SQL_ROW_COLUMNS(row, base)                                                                           \
    COL_##row##_BEFORE = (SQL_ROW_##row * (1 << SQL_PLACE_BITS)) - 1, COLUMNS_##row(SQL_COLUMN_NUMBER, row)
enum sql_column { SQL_ROWS(SQL_ROW_COLUMNS) };
#undef SQL_COLUMN_NUMBER
#undef SQL_ROW_COLUMNS

#endif
