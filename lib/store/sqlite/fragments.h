#ifndef LIB_STORE_SQLITE_FRAGMENTS_H
#define LIB_STORE_SQLITE_FRAGMENTS_H

/* What several statements of statements.c share: lists of columns, and conditions. */

/* clang-format off: a table is read by columns */

#define W SQL_WRITER
#define R SQL_READER

/* An object of a page with dates matches by its own time or by the arrival of its content: $a <= t < $b. */
#define IN_WINDOW(from, to)                                                                                  \
    "((last_updated >= " from " AND last_updated < " to ") OR (arrival >= " from " AND arrival < " to "))"

#define LOCATION_JOINED                                                                                      \
    "SELECT l.sequence, l.revision, l.last_updated, l.evse_count, l.last_updated_text, b.children_at, "      \
    "b.children_form, b.updated_at, b.updated_length, b.body "                                               \
    "FROM location l JOIN location_body b ON b.sequence = l.sequence "

#define DELIVERY_COLUMNS                                                                                     \
    "SELECT id, state, kind, attempts, next_attempt, created, done, receiver, sender, module, method, "      \
    "owner, object, reason, url, correlation_id, last_error, evse, "                                         \
    "active_from, tries, receipt, CASE WHEN name = '' THEN object ELSE name END AS name, failed, alone, "    \
    "via, "                                                                                                  \
    "hold, refused"
#define DUE_COLUMNS                                                                                          \
    "SELECT id, kind, attempts, next_attempt, created, receiver, sender, module, method, owner, object, "    \
    "failed, url, CASE WHEN url = '' THEN '' ELSE correlation_id END AS correlation_id FROM delivery "       \
    "WHERE state = 0 AND receiver = $1 AND module = $2 "

/* The partial indexes of delivery are found by their conditions, so the state stands here as a number. */
/* The next queue: another module's of the receiver, else another receiver's (of UNION ALL the left side runs
 * first). Not (receiver, module) > ($1, $2), with which SQLite steps over all rows of the queue that was the
 * last one. */
#define PARKED_QUEUE(state)                                                                                  \
    {                                                                                                        \
        R, "tt", ROW(PARKED_QUEUE),                                                                          \
            "SELECT * FROM (SELECT receiver, module FROM delivery WHERE state = " state                      \
            " AND receiver = $1 AND module > $2 ORDER BY module LIMIT 1) UNION ALL "                         \
            "SELECT * FROM (SELECT receiver, module FROM delivery WHERE state = " state                      \
            " AND receiver > $1 ORDER BY receiver, module LIMIT 1) LIMIT 1"                                  \
    }
#define PARKED_LIST(state)                                                                                   \
    {                                                                                                        \
        R, "ttii", ROW(DELIVERY),                                                                            \
            DELIVERY_COLUMNS " FROM delivery WHERE state = " state                                           \
                             " AND receiver = $1 AND module = $2 AND id > $3 ORDER BY id LIMIT $4"           \
    }
#define PARKED_COUNT(state)                                                                                  \
    {                                                                                                        \
        R, "ttii", ROW(SLICE),                                                                               \
            "SELECT count(*) AS count, max(id) AS last FROM (SELECT id FROM delivery WHERE state = " state   \
            " AND receiver = $1 AND module = $2 AND id > $3 ORDER BY id LIMIT $4) AS slice"                  \
    }

/* A REMOVED EVSE stays in its location for ever (OCPI 2.2.1, Locations: Status). */
#define EVSE_ALIVE "coalesce(upper(json_extract(CAST(body AS TEXT), '$.status')), '') <> 'REMOVED'"

#define COMMAND_COLUMNS                                                                                      \
    "SELECT id, state, created, expires, callback_hash, command, emsp, cpo, object, response_url, result, "  \
    "correlation_id, token_uid, result_body, token_type, valid_until, accepted, "                            \
    "CASE WHEN name = '' THEN object ELSE name END AS name FROM command "

#define AUDIT_COLUMNS                                                                                        \
    "SELECT sequence, kind, time, latency_ms, actor, action, party, module, method, sender, receiver, "      \
    "object, "                                                                                               \
    "status, request_id, correlation_id, detail, mac FROM audit "
#define AS_TEXT(number) #number
#define SHIFTED(bits)   "sequence >> " AS_TEXT(bits)
#define AUDIT_BLOCK     SHIFTED(AUDIT_BLOCK_BITS)

/* Who used a token, of any type or of the type $2, in order: each is found by seeking behind the one before.
 */
#define TOKEN_USERS(table, who, kept)                                                                        \
    "WITH RECURSIVE slice (name) AS (SELECT min(" who ") FROM " table " WHERE " kept " AND token_uid = $1 "  \
    "UNION ALL SELECT (SELECT min(" who ") FROM " table " WHERE " kept " AND token_uid = $1 AND " who        \
    " > slice.name) FROM slice WHERE slice.name IS NOT NULL) "                                               \
    "SELECT name FROM slice WHERE name IS NOT NULL AND ($2 = '' OR EXISTS (SELECT 1 FROM " table             \
    " WHERE " kept " AND token_uid = $1 AND " who " = slice.name AND token_type IN ('', $2))) LIMIT $3"

/* What retention looks at, by age: when a session says that it was last updated, when a CDR came. */
#define OLD_OBJECT(age)                                                                                      \
    "SELECT sequence, " age " AS age, arrival, last_delivery, id, owner FROM object WHERE "

#define GAP_COLUMNS "SELECT first, last, mac, seal FROM audit_gap "

/* clang-format on */

#endif
