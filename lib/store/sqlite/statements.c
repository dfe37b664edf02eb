#include "lib/store/sqlite/statements.h"

#include <stddef.h>

#include "lib/store/sqlite/fragments.h"

#define COLUMN_TYPE(row, name, type) #type
#define COLUMN_NAME(row, name, type) #name,
#define ROW_SHAPE(row, base)                                                                                 \
    [SQL_ROW_##row] = {SQL_ROW_##base, "" COLUMNS_##row(COLUMN_TYPE, row),                                   \
                       (const char *const[]){COLUMNS_##row(COLUMN_NAME, row) NULL}},

const struct sql_row_shape sql_rows[SQL_ROW_COUNT] = {SQL_ROWS(ROW_SHAPE)};

/* clang-format off: a table is read by columns */

#define ROW(row) SQL_ROW_##row
#define NO_ROW   SQL_ROW_NONE

const struct sql_statement sql_statements[SQL_COUNT] = {
    /* ---------------------------------------------------------------- transactions */
    [SQL_BEGIN_WRITE] = {W, "", NO_ROW, "BEGIN IMMEDIATE"}, /* PostgreSQL: BEGIN */
    [SQL_BEGIN_READ] = {R, "", NO_ROW, "BEGIN"},            /* PostgreSQL: BEGIN READ ONLY, REPEATABLE READ */
    [SQL_COMMIT] = {W | R, "", NO_ROW, "COMMIT"},
    [SQL_ROLLBACK] = {W, "", NO_ROW, "ROLLBACK"},
    [SQL_SAVEPOINT] = {W, "", NO_ROW, "SAVEPOINT batch"},
    [SQL_RELEASE] = {W, "", NO_ROW, "RELEASE SAVEPOINT batch"},
    [SQL_ROLLBACK_TO] = {W, "", NO_ROW, "ROLLBACK TO SAVEPOINT batch"},

    /* ---------------------------------------------------------------- meta and counters */
    [SQL_META_GET] = {W | R, "t", ROW(META_GET), "SELECT value FROM meta WHERE name = $1"},
    [SQL_META_PUT] = {W, "tb", NO_ROW,
                      "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value "
                      "= excluded.value"},
    [SQL_MAX_ID] = {W, "", ROW(NUMBER),
                    "SELECT coalesce(max(top), 0) AS number FROM (SELECT max(id) AS top FROM platform "
                    "UNION ALL SELECT max(id) FROM party "
                    "UNION ALL SELECT max(id) FROM command) AS tops"},
    [SQL_MAX_OBJECT] = {W | R, "", ROW(NUMBER), "SELECT coalesce(max(sequence), 0) AS number FROM object"},
    [SQL_MAX_LOCATION] = {W, "", ROW(NUMBER), "SELECT coalesce(max(sequence), 0) AS number FROM location"},
    [SQL_MAX_DELIVERY] = {W | R, "", ROW(NUMBER), "SELECT coalesce(max(id), 0) AS number FROM delivery"},
    [SQL_MAX_PARTY_CHANGE] = {W | R, "", ROW(NUMBER),
                              "SELECT coalesce(max(last_updated), 0) AS number FROM party"},
    [SQL_COUNT_OBJECTS] = {W, "", ROW(COUNT_OBJECTS),
                           "SELECT kind, count(*) AS count FROM object GROUP BY kind"},
    [SQL_COUNT_LOCATIONS] = {W, "", ROW(NUMBER), "SELECT count(*) AS number FROM location"},
    [SQL_SUMMARY_PUT] = {W, "iiibb", NO_ROW,
                         "INSERT OR REPLACE INTO audit_summary (block, oldest, newest, bits, seal) "
                         "VALUES ($1, $2, $3, $4, $5)"},
    [SQL_SUMMARY_GET] = {R, "i", ROW(SUMMARY_GET),
                         "SELECT oldest, newest, bits, seal FROM audit_summary WHERE block = $1"},
    [SQL_SUMMARY_PRUNE] = {W, "", NO_ROW,
                           "DELETE FROM audit_summary WHERE block < (SELECT min(sequence) >> 10 FROM audit)"},
    [SQL_AUDIT_LAST_TIME] = {W, "", ROW(AUDIT_LAST_TIME),
                             "SELECT time FROM audit ORDER BY sequence DESC LIMIT 1"},
    [SQL_AUDIT_LAST] = {W, "", ROW(AUDIT_LAST),
                        "SELECT sequence, mac, time FROM audit ORDER BY sequence DESC LIMIT 1"},

    /* ---------------------------------------------------------------- registry, writing */
    [SQL_PLATFORM_FIND] = {W, "i", ROW(PLATFORM_FIND),
                           "SELECT revision, status, last_seen, length(token) AS token_length FROM platform "
                           "WHERE id = $1"},
    [SQL_PLATFORM_INSERT] =
        {W, "iiittbbiiitbiiiti", NO_ROW,
         "INSERT INTO platform (id, revision, status, credentials_url, versions_url, token, previous_token, "
         "previous_token_until, encoding, learned_raw, allowed_hosts, roles, last_seen, created, updated, "
         "proven, from_hub) "
         "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"},
    [SQL_PLATFORM_UPDATE] = {W, "iiittbbiiitbiiiti", NO_ROW,
                             "UPDATE platform SET revision = $2, status = $3, credentials_url = $4, "
                             "versions_url = $5, token = $6, "
                             "previous_token = $7, previous_token_until = $8, encoding = $9, learned_raw = "
                             "$10, allowed_hosts = $11, "
                             "roles = $12, last_seen = $13, created = $14, updated = $15, proven = $16, "
                             "from_hub = $17 WHERE id = $1"},
    [SQL_PLATFORM_SEEN] = {W, "iiiiiit", NO_ROW,
                           "UPDATE platform SET status = $2, last_seen = $3, updated = $4, revision = $5, "
                           "heard = CASE WHEN $6 > heard THEN $6 ELSE heard END, "
                           "last_error = CASE WHEN $7 = '' THEN last_error ELSE $7 END WHERE id = $1"},
    [SQL_PLATFORM_DELETE] = {W, "i", NO_ROW, "DELETE FROM platform WHERE id = $1"},
    [SQL_PARTY_FIND] = {W, "i", ROW(PARTY_FIND), "SELECT revision, last_updated FROM party WHERE id = $1"},
    [SQL_PARTY_INSERT] = {W, "iiitttittitiiiti", NO_ROW,
                          "INSERT INTO party (id, platform, revision, party_key, country_code, party_id, "
                          "roles, name, website, "
                          "suspended, suspend_reason, last_updated, created, validation, push, "
                          "forward_unknown_sessions) "
                          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"},
    [SQL_PARTY_UPDATE] =
        {W, "iiitttittitiiiti", NO_ROW,
         "UPDATE party SET platform = $2, revision = $3, party_key = $4, country_code = $5, party_id = $6, "
         "roles = $7, "
         "name = $8, website = $9, suspended = $10, suspend_reason = $11, last_updated = $12, created = $13, "
         "validation = $14, push = $15, forward_unknown_sessions = $16 WHERE id = $1"},
    [SQL_PARTY_TOUCH] = {W, "ii", NO_ROW,
                         "UPDATE party SET last_updated = $2, revision = revision + 1 WHERE platform = $1"},
    [SQL_PARTY_DELETE] = {W, "i", NO_ROW, "DELETE FROM party WHERE id = $1"},
    [SQL_PARTY_DELETE_RECEIVERS] = {W, "i", NO_ROW, "DELETE FROM receiver WHERE party = $1"},
    [SQL_PARTY_DELETE_RULES] = {W, "i", NO_ROW, "DELETE FROM rule WHERE emsp = $1 OR cpo = $1"},
    [SQL_TOKEN_PUT] =
        {W, "biitiiib", NO_ROW,
         "INSERT INTO token (hash, platform, kind, fingerprint, created, expires, used, content) "
         "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (hash) DO UPDATE SET platform = "
         "excluded.platform, "
         "kind = excluded.kind, fingerprint = excluded.fingerprint, created = excluded.created, "
         "expires = excluded.expires, used = excluded.used, content = excluded.content"},
    [SQL_TOKEN_USE] = {W, "bib", NO_ROW,
                       "UPDATE token SET used = CASE WHEN used = 0 THEN $2 ELSE used END, "
                       "content = CASE WHEN used = 0 THEN $3 ELSE content END WHERE hash = $1"},
    [SQL_TOKEN_DELETE] = {W, "b", NO_ROW, "DELETE FROM token WHERE hash = $1"},
    [SQL_TOKENS_DELETE] = {W, "iibi", NO_ROW,
                           "DELETE FROM token WHERE platform = $1 AND ($2 < 0 OR kind = $2) AND hash <> $3 "
                           "AND ($4 = 0 OR used = 0)"},
    [SQL_TOKENS_CLAMP_HUB] = {W, "ii", NO_ROW,
                              "UPDATE token SET expires = $1 + $2 WHERE kind = 1 AND expires > $1 + $2"},
    [SQL_TOKENS_CLAMP_INITIAL] = {W, "i", NO_ROW,
                                  "UPDATE token SET expires = CASE WHEN expires > created THEN $1 + expires "
                                  "- created ELSE expires END, "
                                  "created = $1 WHERE kind = 0 AND created > $1 + 60000"},
    [SQL_PLATFORMS_CLAMP] =
        {W, "ii", NO_ROW,
         "UPDATE platform SET previous_token_until = $1 + $2 WHERE previous_token_until > "
         "$1 + $2"},
    [SQL_COMMANDS_CLAMP] =
        {W, "ii", NO_ROW,
         "UPDATE command SET expires = min(expires, $1 + CASE WHEN expires - created BETWEEN 1 AND 87000000 "
         "THEN expires - created ELSE $2 END) "
         "WHERE state < 2 AND expires > $1 AND (created > $1 + 60000 OR expires > $1 + 87000000)"},
    [SQL_TOKENS_EXPIRE] =
        {W, "iibii", NO_ROW,
         "UPDATE token SET expires = $5 WHERE platform = $1 AND ($2 < 0 OR kind = $2) AND hash <> $3 "
         "AND ($4 = 0 OR used = 0) AND (expires = 0 OR expires > $5)"},
    [SQL_RECEIVER_PUT] =
        {W, "ittt", NO_ROW,
         "INSERT INTO receiver (party, module, url, source) VALUES ($1, $2, $3, $4) "
         "ON CONFLICT (party, module) DO UPDATE SET url = excluded.url, source = excluded.source, "
         "told = CASE WHEN receiver.url = excluded.url THEN receiver.told ELSE 0 END"},
    [SQL_RECEIVER_FIND] = {W, "it", ROW(RECEIVER_FIND),
                           "SELECT told FROM receiver WHERE party = $1 AND module = $2"},
    [SQL_RECEIVER_SET_ANNOUNCED] = {W, "iti", NO_ROW,
                                    "UPDATE receiver SET told = $3 WHERE party = $1 AND module = $2"},
    [SQL_RECEIVER_WITHDRAW] =
        {W, "it", NO_ROW, "DELETE FROM receiver WHERE party = $1 AND module = $2 AND source = 'discovered'"},
    [SQL_RECEIVER_DELETE] = {W, "it", NO_ROW, "DELETE FROM receiver WHERE party = $1 AND module = $2"},
    [SQL_RULE_PUT] = {W, "iiii", NO_ROW,
                      "INSERT INTO rule (emsp, cpo, state, since) VALUES ($1, $2, $3, $4) "
                      "ON CONFLICT (emsp, cpo) DO UPDATE SET state = excluded.state, since = excluded.since"},
    [SQL_LIMIT_PUT] = {W, "itii", NO_ROW,
                       "INSERT INTO rate_limit (party, module, requests, period_ms) VALUES ($1, $2, $3, $4) "
                       "ON CONFLICT (party, module) DO UPDATE SET requests = excluded.requests, "
                       "period_ms = excluded.period_ms"},
    [SQL_LIMIT_DELETE] = {W, "it", NO_ROW, "DELETE FROM rate_limit WHERE party = $1 AND module = $2"},
    [SQL_PARTY_DELETE_LIMITS] = {W, "i", NO_ROW, "DELETE FROM rate_limit WHERE party = $1"},
    [SQL_FINDING_COUNT] =
        {W, "tttttiiititi", NO_ROW,
         "INSERT INTO finding (party, module, object, field, rule, count, first, last, example, refused) "
         "SELECT $1, $2, $3, CASE WHEN $10 = 0 OR EXISTS (SELECT 1 FROM finding WHERE party = $1 "
         "AND module = $2 AND object = $3 AND field = $4 AND rule = $5) OR (SELECT count(*) FROM finding "
         "WHERE party = $1 AND rule = $5 AND field <> $11) < $10 THEN $4 ELSE $11 END, "
         "$5, $6, $7, $8, $9, $12 WHERE true ON CONFLICT (party, module, object, field, rule) "
         "DO UPDATE SET count = finding.count + excluded.count, "
         "refused = finding.refused + excluded.refused, "
         /* loops hand theirs over in any order */
         "first = CASE WHEN excluded.first < finding.first THEN excluded.first ELSE finding.first END, "
         "last = CASE WHEN excluded.last < finding.last THEN finding.last ELSE excluded.last END, "
         "example = CASE WHEN excluded.last < finding.last THEN finding.example ELSE excluded.example END"},
    [SQL_REFUSAL_COUNT] =
        {W, "tttiiii", NO_ROW,
         "INSERT INTO refusal (party, module, object, count, first, last) "
         "SELECT $1, $2, CASE WHEN EXISTS (SELECT 1 FROM refusal WHERE party = $1 AND module = $2 "
         "AND object = $3) OR (SELECT count(*) FROM refusal WHERE party = $1 AND module = $2) < $7 "
         "THEN $3 ELSE '' END, $4, $5, $6 WHERE true ON CONFLICT (party, module, object) "
         "DO UPDATE SET count = refusal.count + excluded.count, "
         "first = CASE WHEN excluded.first < refusal.first THEN excluded.first ELSE refusal.first END, "
         "last = CASE WHEN excluded.last < refusal.last THEN refusal.last ELSE excluded.last END"},
    [SQL_REFUSAL_FORGET] = {W, "tti", NO_ROW,
                            "DELETE FROM refusal WHERE party = $1 AND module = $2 AND last < $3"},

    /* ---------------------------------------------------------------- objects and locations, writing */
    [SQL_OBJECT_FIND] =
        {W, "itt", ROW(OBJECT_FIND),
         "SELECT sequence, revision, last_updated, arrival, last_delivery, size, counterparty, token_uid, "
         "digest, status, token_type FROM object WHERE kind = $1 AND id = $2 AND owner = $3"},
    [SQL_OBJECT_INSERT] = {W, "iittiiiiitttbbtt", NO_ROW,
                           "INSERT INTO object (sequence, kind, owner, id, revision, last_updated, arrival, "
                           "last_delivery, size, "
                           "counterparty, token_uid, status, digest, body, session, token_type) "
                           "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, "
                           "$16)"},
    [SQL_OBJECT_UPDATE] =
        {W, "iiiiiitbb", NO_ROW,
         "UPDATE object SET revision = $2, last_updated = $3, arrival = $4, last_delivery = $5, size = $6, "
         "status = $7, digest = $8, body = $9 WHERE sequence = $1"},
    /* Apart, since naming an indexed column makes SQLite write its index anew, changed or not. */
    [SQL_OBJECT_SET_PARTIES] = {W, "ittt", NO_ROW,
                                "UPDATE object SET counterparty = $2, token_uid = $3, token_type = $4 "
                                "WHERE sequence = $1"},
    [SQL_OBJECT_NAME] = {W, "i", ROW(OBJECT_NAME),
                         "SELECT " SPELLED("body", "id", "id") " AS name FROM object WHERE sequence = $1"},
    [SQL_OBJECT_SET_DELIVERY] = {W, "ii", NO_ROW, "UPDATE object SET last_delivery = $2 WHERE sequence = $1"},
    [SQL_OBJECT_DELETE] = {W, "i", NO_ROW, "DELETE FROM object WHERE sequence = $1"},
    [SQL_LOCATION_FIND] =
        {W, "tt", ROW(LOCATION_FIND),
         "SELECT sequence, revision, last_updated, arrival, size, evse_count, last_updated_text, digest "
         "FROM location WHERE id = $1 AND owner = $2"},
    [SQL_LOCATION_INSERT] =
        {W, "ittiiiiitb", NO_ROW,
         "INSERT INTO location (sequence, owner, id, revision, last_updated, arrival, size, evse_count, "
         "last_updated_text, digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"},
    [SQL_LOCATION_UPDATE] =
        {W, "iiiiiitb", NO_ROW,
         "UPDATE location SET revision = $2, last_updated = $3, arrival = $4, size = $5, evse_count = $6, "
         "last_updated_text = $7, digest = CASE WHEN length($8) = 0 THEN digest ELSE $8 END "
         "WHERE sequence = $1"},
    [SQL_LOCATION_TOUCH] = {W, "iiiiib", NO_ROW,
                            "UPDATE location SET revision = $2, arrival = $3, size = $4, evse_count = $5, "
                            "digest = CASE WHEN length($6) = 0 THEN digest ELSE $6 END "
                            "WHERE sequence = $1"},
    [SQL_LOCATION_DELETE] = {W, "i", NO_ROW, "DELETE FROM location WHERE sequence = $1"},
    [SQL_BODY_FIND] = {W, "i", ROW(BODY_FIND),
                       "SELECT body, updated_length FROM location_body WHERE sequence = $1"},
    [SQL_BODY_INSERT] =
        {W, "iiiiib", NO_ROW,
         "INSERT INTO location_body (sequence, children_at, children_form, updated_at, updated_length, body) "
         "VALUES ($1, $2, $3, $4, $5, $6)"},
    [SQL_BODY_UPDATE] = {W, "iiiiib", NO_ROW,
                         "UPDATE location_body SET children_at = $2, children_form = $3, updated_at = $4, "
                         "updated_length = $5, "
                         "body = $6 WHERE sequence = $1"},
    [SQL_BODY_DELETE] = {W, "i", NO_ROW, "DELETE FROM location_body WHERE sequence = $1"},
    [SQL_EVSE_FIND] =
        {W, "it", ROW(EVSE_FIND),
         "SELECT place, revision, last_updated, body, digest FROM evse WHERE location = $1 AND uid = $2"},
    [SQL_EVSE_LIST] =
        {W, "ii", ROW(EVSE_LIST),
         "SELECT place, uid, body, digest FROM evse WHERE place >= $1 AND place < $2 ORDER BY place"},
    [SQL_EVSE_LAST] = {W, "ii", ROW(EVSE_LAST),
                       "SELECT place FROM evse WHERE place >= $1 AND place < $2 ORDER BY place DESC LIMIT 1"},
    [SQL_EVSE_INSERT] = {W, "iitiibb", NO_ROW,
                         "INSERT INTO evse (place, location, uid, revision, last_updated, body, digest) "
                         "VALUES ($1, $2, $3, $4, $5, $6, $7)"},
    [SQL_EVSE_UPDATE] = {W, "iiibb", NO_ROW,
                         "UPDATE evse SET revision = $2, last_updated = $3, body = $4, digest = $5 "
                         "WHERE place = $1"},
    [SQL_EVSE_DELETE_ALL] = {W, "ii", NO_ROW, "DELETE FROM evse WHERE place >= $1 AND place < $2"},

    /* ---------------------------------------------------------------- deliveries, commands, audit, writing
     */
    [SQL_DELIVERY_INSERT] =
        {W, "iiiiiiittttttttttbttti", NO_ROW,
         "INSERT INTO delivery (id, state, kind, attempts, next_attempt, created, done, receiver, sender, "
         "module, method, owner, object, reason, url, correlation_id, last_error, body, evse, name, via, "
         "hold) "
         "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, "
         "$20, $21, $22)"},
    [SQL_DELIVERY_KEEP_VIA] =
        {W, "ii", NO_ROW,
         "UPDATE delivery SET via = coalesce((SELECT b.via FROM delivery b WHERE b.id = $2), '') "
         "WHERE id = $1"},
    [SQL_DELIVERY_STATE] = {W, "i", ROW(DELIVERY_STATE), "SELECT state FROM delivery WHERE id = $1"},
    [SQL_DELIVERY_SUPERSEDE] = {W, "ii", NO_ROW,
                                "UPDATE delivery SET state = 4, done = $2 WHERE id = $1 AND state IN (0, 2)"},
    [SQL_DELIVERY_SUPERSEDE_LANE] =
        {W, "ttttti", NO_ROW,
         "UPDATE delivery SET state = 4, done = $6 WHERE state IN (0, 2) AND kind < 2 AND receiver = $1 "
         "AND object = $2 AND owner = $3 AND module = $4 AND ($5 = '' OR evse = $5)"},
    [SQL_DELIVERY_AGAIN] = {W, "iii", NO_ROW,
                            "UPDATE delivery SET state = $2, hold = $3, reason = '', refused = 0, "
                            "attempts = 0, next_attempt = 1, "
                            "failed = 0, alone = 0, done = 0, active_from = -1 WHERE id = $1"},
    [SQL_DELIVERY_FINISH] =
        {W, "iitiitiittiiiii", NO_ROW,
         "UPDATE delivery SET state = iif($13, state, $2), reason = iif($13, reason, $3), "
         "hold = iif($13, hold, $14), refused = iif($13, refused, $15), "
         "next_attempt = iif($13, next_attempt, $5), done = iif($13, done, $7), "
         "attempts = $4, last_error = $6, active_from = $8, "
         "tries = CASE WHEN $9 = '' THEN tries ELSE $9 END, receipt = $10, "
         "failed = $11, alone = $12 WHERE id = $1"},
    [SQL_QUEUE_FIND] = {W, "t", ROW(QUEUE_FIND),
                        "SELECT fence, holder, lease_until, failures, paused_until, active_ms, suspects, "
                        "fresh_until FROM queue "
                        "WHERE receiver = $1"},
    [SQL_QUEUE_LEASE] =
        {W, "titi", NO_ROW,
         "INSERT INTO queue (receiver, fence, holder, lease_until, failures, paused_until, active_ms) "
         "VALUES ($1, $2, $3, $4, 0, 0, 0) ON CONFLICT (receiver) DO UPDATE SET fence = excluded.fence, "
         "holder = excluded.holder, lease_until = excluded.lease_until"},
    [SQL_QUEUE_UPDATE] =
        {W, "tiiiii", NO_ROW,
         "UPDATE queue SET failures = $2, paused_until = $3, active_ms = $4, suspects = $5, fresh_until = $6 "
         "WHERE receiver = $1"},
    [SQL_QUEUE_END_LEASES] = {W, "", NO_ROW, "UPDATE queue SET lease_until = 0 WHERE lease_until > 0"},
    [SQL_DELIVERY_RELEASE] =
        {W, "tit", NO_ROW,
         "UPDATE delivery SET state = 0, hold = 0, reason = '', next_attempt = 1 WHERE state = 2 "
         "AND receiver = $1 AND ($2 = 0 OR hold = $2) AND ($3 = '' OR module = $3)"},
    [SQL_DELIVERY_HOLD] =
        {W, "ttii", NO_ROW,
         "UPDATE delivery SET state = 2, hold = $3, reason = '', refused = 0, next_attempt = 0 "
         "WHERE id IN (SELECT id FROM delivery "
         "WHERE state = 0 AND receiver = $1 AND sender = $2 AND kind >= 0 LIMIT $4)"},
    [SQL_DELIVERY_HOLD_MODULE] =
        {W, "ttii", NO_ROW,
         "UPDATE delivery SET state = 2, hold = $3, reason = '', refused = 0, next_attempt = 0 "
         "WHERE id IN (SELECT id FROM delivery "
         "WHERE state = 0 AND receiver = $1 AND module = $2 AND kind >= 0 AND url = '' LIMIT $4)"},
    [SQL_COMMAND_INSERT] =
        {W, "iiiibttttttttbtitit", NO_ROW,
         "INSERT INTO command (id, state, created, expires, callback_hash, command, emsp, "
         "cpo, object, response_url, "
         "result, correlation_id, token_uid, result_body, token_type, valid_until, authorization_reference, "
         "accepted, name) VALUES ($1, $2, $3, $4, $5, $6, "
         "$7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"},
    [SQL_COMMAND_STATE] = {W, "i", ROW(COMMAND_STATE), "SELECT state, result FROM command WHERE id = $1"},
    [SQL_COMMAND_UPDATE] =
        {W, "iitbiti", NO_ROW,
         "UPDATE command SET state = $2, result = CASE WHEN $3 = '' THEN result ELSE $3 END, "
         "result_body = CASE WHEN length($4) = 0 THEN result_body ELSE $4 END, "
         "expires = CASE WHEN $5 = 0 THEN expires ELSE $5 END, "
         "callback_correlation_id = CASE WHEN $6 = '' THEN callback_correlation_id ELSE $6 END, "
         "accepted = CASE WHEN $7 = 0 THEN accepted ELSE 1 END WHERE id = $1"},
    [SQL_AUDIT_INSERT] =
        {W, "iiiittttttttttttb", NO_ROW,
         "INSERT INTO audit (sequence, kind, time, latency_ms, actor, action, party, module, method, sender, "
         "receiver, object, status, request_id, correlation_id, detail, mac) "
         "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"},
    [SQL_AUDIT_DELETE] = {W, "i", NO_ROW, "DELETE FROM audit WHERE sequence = $1"},
    [SQL_AUDIT_MAC] = {W, "i", ROW(AUDIT_MAC), "SELECT mac FROM audit WHERE sequence = $1"},
    [SQL_GAP_AT] = {W, "i", ROW(GAP), GAP_COLUMNS "WHERE first = $1"},
    [SQL_GAP_BEFORE] = {W | R, "i", ROW(GAP), GAP_COLUMNS "WHERE first <= $1 ORDER BY first DESC LIMIT 1"},
    [SQL_GAP_PUT] = {W, "iibb", NO_ROW,
                     "INSERT INTO audit_gap (first, last, mac, seal) VALUES ($1, $2, $3, $4) "
                     "ON CONFLICT (first) DO UPDATE SET last = excluded.last, mac = excluded.mac, "
                     "seal = excluded.seal"},
    [SQL_GAP_DELETE] = {W, "i", NO_ROW, "DELETE FROM audit_gap WHERE first = $1"},
    [SQL_DELIVERY_ENDED] =
        {W, "ii", ROW(DELIVERY_ENDED),
         "SELECT id, state, created, done FROM delivery WHERE id > $1 ORDER BY id LIMIT $2"},
    [SQL_DELIVERY_DELETE] = {W, "i", NO_ROW, "DELETE FROM delivery WHERE id = $1"},
    [SQL_SESSION_ENDED] = {W, "iii", ROW(OLD_OBJECT),
                           OLD_OBJECT("last_updated") "kind = 2 AND status = 'COMPLETED' "
                                                      "AND (last_updated, sequence) > ($1, $2) "
                                                      "ORDER BY last_updated, sequence LIMIT $3"},
    [SQL_CDR_OLD] = {W, "iii", ROW(OLD_OBJECT),
                     OLD_OBJECT("arrival") "kind = 3 AND (arrival, sequence) > ($1, $2) "
                                           "ORDER BY arrival, sequence LIMIT $3"},
    [SQL_CDR_WAITS] = {W, "tt", ROW(CDR_WAITS),
                       "SELECT id FROM delivery WHERE kind = 3 AND state IN (0, 2) AND object = $1 "
                       "AND owner = $2 LIMIT 1"},

    /* ---------------------------------------------------------------- registry, reading */
    [SQL_PLATFORM_COUNT] = {R, "", ROW(NUMBER), "SELECT count(*) AS number FROM platform"},
    [SQL_PLATFORM_ALL] = {R, "", ROW(PLATFORM_ALL),
                          "SELECT id, revision, status, credentials_url, versions_url, token, "
                          "previous_token, previous_token_until, "
                          "encoding, learned_raw, allowed_hosts, roles, last_seen, created, updated, "
                          "heard, last_error, proven, "
                          "from_hub FROM platform ORDER BY id"},
    [SQL_PARTY_COUNT] = {R, "", ROW(NUMBER), "SELECT count(*) AS number FROM party"},
    [SQL_PARTY_ALL] =
        {R, "", ROW(PARTY_ALL),
         "SELECT id, platform, revision, party_key, country_code, party_id, roles, name, website, suspended, "
         "suspend_reason, last_updated, created, validation, push, forward_unknown_sessions FROM party "
         "ORDER BY id"},
    [SQL_TOKEN_COUNT] = {R, "", ROW(NUMBER), "SELECT count(*) AS number FROM token"},
    [SQL_TOKEN_ALL] =
        {R, "", ROW(TOKEN_ALL),
         "SELECT hash, platform, kind, fingerprint, created, expires, used, content FROM token ORDER BY "
         "platform, created, hash"},
    [SQL_RECEIVER_COUNT] = {R, "", ROW(NUMBER), "SELECT count(*) AS number FROM receiver"},
    [SQL_RECEIVER_ALL] = {R, "", ROW(RECEIVER_ALL),
                          "SELECT party, module, url, source, told FROM receiver ORDER BY party, module"},
    [SQL_RULE_COUNT] = {R, "", ROW(NUMBER), "SELECT count(*) AS number FROM rule"},
    [SQL_RULE_ALL] = {R, "", ROW(RULE_ALL), "SELECT emsp, cpo, state, since FROM rule ORDER BY emsp, cpo"},
    [SQL_LIMIT_COUNT] = {R, "", ROW(NUMBER), "SELECT count(*) AS number FROM rate_limit"},
    [SQL_LIMIT_ALL] = {R, "", ROW(LIMIT_ALL),
                       "SELECT party, module, requests, period_ms FROM rate_limit ORDER BY party, module"},
    [SQL_FINDING_LIST] =
        {R, "tii", ROW(FINDING_LIST),
         "SELECT party, module, object, field, rule, count, first, last, example, refused FROM finding "
         "WHERE $1 = '' OR party = $1 ORDER BY party, module, object, field, rule "
         "LIMIT $2 OFFSET $3"},
    [SQL_REFUSAL_LIST] =
        {R, "tii", ROW(REFUSAL_LIST),
         "SELECT party, module, count(*) AS objects, sum(count) AS count, min(first) AS earliest, "
         "max(last) AS latest FROM refusal "
         "WHERE ($1 = '' OR party = $1) AND last >= $2 AND module IN ('sessions', 'cdrs') AND NOT EXISTS ("
         "SELECT 1 FROM object AS o WHERE o.kind = CASE refusal.module WHEN 'sessions' THEN 2 ELSE 3 END "
         "AND o.id = refusal.object AND o.owner = refusal.party AND o.arrival >= refusal.last) "
         "GROUP BY party, module ORDER BY party, module LIMIT $3"},

    /* ---------------------------------------------------------------- objects and locations, reading */
    [SQL_OBJECT_READ] = {R, "itt", ROW(OBJECT_READ),
                         "SELECT sequence, revision, last_updated, counterparty, token_uid, status, body "
                         "FROM object WHERE kind = $1 AND id = $2 AND owner = $3"},
    [SQL_OBJECT_BODY] = {R, "i", ROW(BODY), "SELECT body FROM object WHERE sequence = $1"},
    [SQL_LOCATION_READ] = {R, "tt", ROW(LOCATION), LOCATION_JOINED "WHERE l.id = $1 AND l.owner = $2"},
    [SQL_LOCATION_READ_AT] = {R, "i", ROW(LOCATION), LOCATION_JOINED "WHERE l.sequence = $1"},
    [SQL_EVSE_READ] = {R, "it", ROW(EVSE_READ),
                       "SELECT revision, last_updated, body FROM evse WHERE location = $1 AND uid = $2"},
    [SQL_EVSE_BODIES] = {R, "ii", ROW(BODY),
                         "SELECT body FROM evse WHERE place >= $1 AND place < $2 ORDER BY place"},
    [SQL_OBJECT_OWNERS] = {R, "it", ROW(OBJECT_OWNER),
                           "SELECT owner, counterparty, status FROM object WHERE kind = $1 AND id = $2 "
                           "ORDER BY owner"},
    [SQL_LOCATION_OWNERS] = {R, "t", ROW(LOCATION_OWNER),
                             "SELECT owner, sequence, evse_count FROM location WHERE id = $1 "
                             "ORDER BY owner"},
    [SQL_EVSE_IS_ALIVE] = {R, "it", ROW(FOUND),
                           "SELECT 1 AS found FROM evse WHERE location = $1 AND uid = $2 AND " EVSE_ALIVE},
    [SQL_EVSE_ANY_ALIVE] = {R, "ii", ROW(FOUND),
                            "SELECT 1 AS found FROM evse WHERE place >= $1 AND place < $2 AND " EVSE_ALIVE " "
                            "ORDER BY place LIMIT 1"},
    /* From eMSP to eMSP by seeking in the index of 0010: a token that is used for years has many uses. */
    [SQL_SESSION_TOKEN_USERS] = {R, "tti", ROW(TOKEN_USER),
                                 TOKEN_USERS("object", "counterparty", "kind = 2")},
    [SQL_COMMAND_TOKEN_USERS] = {R, "tti", ROW(TOKEN_USER),
                                 TOKEN_USERS("command", "emsp", "token_uid <> '' AND accepted = 1")},
    [SQL_COMMAND_STARTER] = {R, "tt", ROW(COMMAND_STARTER),
                             "SELECT coalesce(min(emsp), '') AS smallest, "
                             "coalesce(max(emsp), '') AS greatest FROM command "
                             "WHERE authorization_reference = $2 AND authorization_reference <> '' "
                             "AND cpo = $1 AND accepted = 1"},

    /* ---------------------------------------------------------------- pages */
    [SQL_OBJECT_COUNT] = {R, "itii", ROW(SLICE),
                          "SELECT count(*) AS count, max(sequence) AS last FROM (SELECT sequence FROM object "
                          "WHERE kind = $1 AND owner = $2 "
                          "AND sequence > $3 ORDER BY sequence LIMIT $4) AS slice"},
    [SQL_OBJECT_COUNT_FILTERED] =
        {R, "itiitiii", ROW(SLICE_FILTERED),
         "SELECT count(*) AS count, max(sequence) AS last, "
         "count(*) FILTER (WHERE ($5 = '' OR counterparty = $5) "
         "AND ($8 = 1 OR " IN_WINDOW(
             "$6",
             "$7") ")) AS matching FROM (SELECT sequence, last_updated, arrival, counterparty FROM object "
                   "WHERE kind = $1 AND owner = $2 AND sequence > $3 ORDER BY sequence LIMIT $4) AS slice"},
    [SQL_OBJECT_LANE] = {R, "itii", ROW(OBJECT_LANE),
                         "SELECT sequence, id, last_updated, arrival, size, counterparty FROM object WHERE "
                         "kind = $1 AND owner = $2 "
                         "AND sequence > $3 ORDER BY sequence LIMIT $4"},
    [SQL_TARIFF_SCAN] = {R, "ii", ROW(SCAN),
                         "SELECT sequence, owner, id, last_updated, arrival, size FROM object WHERE kind = 1 "
                         "AND sequence > $1 "
                         "ORDER BY sequence LIMIT $2"},
    [SQL_LOCATION_COUNT] =
        {R, "tii", ROW(SLICE),
         "SELECT count(*) AS count, max(sequence) AS last FROM (SELECT sequence FROM location "
         "WHERE owner = $1 AND sequence > $2 ORDER BY sequence LIMIT $3) AS slice"},
    [SQL_LOCATION_COUNT_FILTERED] =
        {R, "tiiiii", ROW(SLICE_FILTERED),
         "SELECT count(*) AS count, max(sequence) AS last, count(*) FILTER (WHERE $6 = 1 OR " IN_WINDOW(
             "$4", "$5") ") AS matching "
                         "FROM (SELECT sequence, last_updated, arrival FROM location WHERE owner = $1 AND "
                         "sequence > $2 ORDER BY sequence LIMIT $3) AS slice"},
    [SQL_LOCATION_LANE] =
        {R, "tii", ROW(LANE),
         "SELECT sequence, id, last_updated, arrival, size FROM location WHERE owner = $1 AND sequence > $2 "
         "ORDER BY sequence LIMIT $3"},
    [SQL_LOCATION_SCAN] =
        {R, "ii", ROW(SCAN),
         "SELECT sequence, owner, id, last_updated, arrival, size FROM location WHERE sequence > $1 "
         "ORDER BY sequence LIMIT $2"},

    /* ---------------------------------------------------------------- deliveries, commands, audit, reading
     */
    [SQL_DELIVERY_DUE] = {R, "ttii", ROW(DUE), DUE_COLUMNS "AND id > $3 ORDER BY id LIMIT $4"},
    [SQL_DELIVERY_DUE_NEWEST] = {R, "tti", ROW(DUE), DUE_COLUMNS "ORDER BY id DESC LIMIT $3"},
    /* "> 0" names the partial index; it stands last, since SQLite takes the first bound for the search */
    [SQL_DELIVERY_DUE_AGAIN] = {R, "ttiii", ROW(DUE),
                                DUE_COLUMNS
                                "AND next_attempt >= $3 AND next_attempt <= $4 AND next_attempt > 0 "
                                "ORDER BY next_attempt, id LIMIT $5"},
    [SQL_ALONE_COUNT] = {R, "tti", ROW(NUMBER),
                         "SELECT count(*) AS number FROM (SELECT id FROM delivery WHERE state = 0 "
                         "AND next_attempt > 0 "
                         "AND receiver = $1 AND module = $2 AND alone > 0 LIMIT $3) AS slice"},
    [SQL_DELIVERY_READ] = {R, "i", ROW(DELIVERY_READ),
                           DELIVERY_COLUMNS ", body, " EVSE_SPELLED
                                            " AS evse_name FROM delivery WHERE id = $1"},
    [SQL_DELIVERY_OLDER] = {R, "tttti", ROW(DELIVERY_OLDER),
                            "SELECT id, next_attempt FROM delivery WHERE state IN (0, 2) AND kind < 2 AND "
                            "receiver = $1 AND object = $2 AND url = $3 AND correlation_id = $4 AND id < $5 "
                            "AND state = 0 LIMIT 1"},
    [SQL_DELIVERY_SCAN] = {R, "ii", ROW(DELIVERY),
                           DELIVERY_COLUMNS " FROM delivery WHERE id > $1 ORDER BY id LIMIT $2"},
    [SQL_PENDING_QUEUE] = PARKED_QUEUE("0"),
    [SQL_PENDING_LIST] = PARKED_LIST("0"),
    [SQL_PENDING_COUNT] = PARKED_COUNT("0"),
    [SQL_HELD_QUEUE] = PARKED_QUEUE("2"),
    [SQL_HELD_LIST] = PARKED_LIST("2"),
    [SQL_HELD_COUNT] = PARKED_COUNT("2"),
    [SQL_DEAD_QUEUE] = PARKED_QUEUE("3"),
    [SQL_DEAD_LIST] = PARKED_LIST("3"),
    [SQL_DEAD_COUNT] = PARKED_COUNT("3"),
    [SQL_COMMAND_BY_HASH] = {R, "b", ROW(COMMAND), COMMAND_COLUMNS "WHERE callback_hash = $1"},
    [SQL_COMMAND_BY_ID] = {R, "i", ROW(COMMAND), COMMAND_COLUMNS "WHERE id = $1"},
    [SQL_COMMAND_OF_RESERVATION] =
        {R, "tttti", ROW(COMMAND),
         COMMAND_COLUMNS "WHERE command IN ('RESERVE_NOW', 'CANCEL_RESERVATION') AND object = $1 "
                         "AND ($2 = '' OR emsp = $2) AND ($3 = '' OR emsp <> $3) AND ($4 = '' OR cpo = $4) "
                         "ORDER BY id DESC LIMIT $5"},
    [SQL_COMMAND_DUE] = {R, "ii", ROW(COMMAND),
                         COMMAND_COLUMNS "WHERE state < 2 AND expires <= $1 ORDER BY expires, id LIMIT $2"},
    [SQL_COMMAND_NEWEST] = {R, "ii", ROW(COMMAND), COMMAND_COLUMNS "WHERE id < $1 ORDER BY id DESC LIMIT $2"},
    [SQL_AUDIT_RANGE] = {W | R, "ii", ROW(AUDIT),
                         AUDIT_COLUMNS "WHERE sequence > $1 ORDER BY sequence LIMIT $2"},
    [SQL_AUDIT_RANGE_BACK] = {R, "ii", ROW(AUDIT),
                              AUDIT_COLUMNS "WHERE sequence < $1 ORDER BY sequence DESC LIMIT $2"},
    [SQL_AUDIT_SEQUENCE] = {R, "", ROW(NUMBER), "SELECT coalesce(max(sequence), 0) AS number FROM audit"},
    [SQL_AUDIT_FIRST] = {R, "", ROW(NUMBER), "SELECT coalesce(min(sequence), 0) AS number FROM audit"},
    [SQL_AUDIT_OF_CORRELATION] = {R, "tiii", ROW(AUDIT),
                                  AUDIT_COLUMNS "WHERE " AUDIT_BLOCK " = $2 AND correlation_id = $1 "
                                                "AND sequence < $3 ORDER BY sequence DESC LIMIT $4"},
    [SQL_AUDIT_OF_OBJECT] = {R, "tiii", ROW(AUDIT),
                             AUDIT_COLUMNS "WHERE " AUDIT_BLOCK
                                           " = $2 AND upper(object) = $1 AND object <> '' "
                                           "AND sequence < $3 ORDER BY sequence DESC LIMIT $4"},
    [SQL_AUDIT_OF_REQUEST] = {R, "tiii", ROW(AUDIT),
                              AUDIT_COLUMNS "WHERE " AUDIT_BLOCK
                                            " = $2 AND request_id = $1 AND status >= '2' "
                                            "AND status < '5' AND sequence < $3 ORDER BY sequence DESC "
                                            "LIMIT $4"},
    [SQL_COMMAND_OF_CALLBACK] = {R, "ti", ROW(CALLBACK),
                                 "SELECT correlation_id FROM command WHERE callback_correlation_id = $1 "
                                 "AND callback_correlation_id <> '' ORDER BY id DESC LIMIT $2"},
    [SQL_GAP_RANGE] = {R, "ii", ROW(GAP), GAP_COLUMNS "WHERE first > $1 ORDER BY first LIMIT $2"},

    /* ---------------------------------------------------------------- periods: time, number, from, to, … */
    [SQL_RECEIPT_LIST] =
        {R, "iiii", ROW(RECEIPT),
         "SELECT d.created AS time, d.id AS number, d.sender, d.receiver, d.state, d.attempts, d.done, "
         "coalesce(o.arrival, d.created) AS received, "
         "CASE WHEN d.name = '' THEN d.object ELSE d.name END AS cdr, d.hold, d.reason, "
         "d.last_error, d.receipt, "
         "coalesce(" SPELLED("o.body", "session_id",
                             "o.session") ", '') AS session FROM delivery d LEFT JOIN object o ON o.kind = 3 "
                                          "AND o.id = d.object AND o.owner = d.owner WHERE d.kind = 3 "
                                          "AND (d.created, d.id) > ($1, $2) AND d.created < $3 ORDER BY "
                                          "d.created, d.id LIMIT $4"},
    [SQL_UNBILLED_LIST] =
        {R, "iiii", ROW(UNBILLED),
         "SELECT last_updated AS time, sequence AS number, owner AS sender, counterparty AS receiver, "
         "coalesce((SELECT name FROM delivery WHERE "
         "delivery.id = object.last_delivery AND name <> ''), " SPELLED(
             "body", "id",
             "id") ") AS session, CASE WHEN EXISTS (SELECT 1 FROM object c "
                   "WHERE c.kind = 3 AND c.owner = object.owner AND c.session = object.id) THEN 1 ELSE 0 END "
                   "AS billed FROM object WHERE kind = 2 AND status = 'COMPLETED' "
                   "AND (last_updated, sequence) > ($1, $2) AND last_updated < $3 "
                   "ORDER BY last_updated, sequence LIMIT $4"},
    [SQL_CONFLICT_LIST] = {R, "iiii", ROW(CONFLICT),
                           "SELECT time, sequence AS number, sender, receiver, action, object FROM audit "
                           "WHERE status = 'conflict' AND (time, sequence) > ($1, $2) AND time < $3 "
                           "ORDER BY time, sequence LIMIT $4"},
    [SQL_STORED_LIST] =
        {R, "tiii", ROW(STORED),
         "SELECT sequence, owner, id, last_updated, arrival, coalesce((SELECT state FROM delivery WHERE "
         "delivery.id = object.last_delivery), -1) AS state, body FROM object WHERE counterparty = $1 "
         "AND kind = $2 AND counterparty <> '' AND sequence > $3 ORDER BY sequence LIMIT $4"},
};
