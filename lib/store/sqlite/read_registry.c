#include "lib/store/sqlite/internal.h"

/* The whole registry, in one moment: parties are few, so it takes one turn. */

typedef void fill_function(struct store_reader *reader, struct store_read *read, void *row);

static void fill_platform(struct store_reader *reader, struct store_read *read, void *row)
{
    const enum sql_id id = SQL_PLATFORM_ALL;
    const struct sql_connection *c = &reader->connection;
    *(struct store_platform *)row = (struct store_platform){
        .id = sql_integer(c, id, COL_PLATFORM_ALL_ID),
        .revision = sql_integer(c, id, COL_PLATFORM_ALL_REVISION),
        .status = (enum store_platform_status)sql_integer(c, id, COL_PLATFORM_ALL_STATUS),
        .credentials_url = read_string(reader, read, id, COL_PLATFORM_ALL_CREDENTIALS_URL),
        .versions_url = read_string(reader, read, id, COL_PLATFORM_ALL_VERSIONS_URL),
        .token = read_string(reader, read, id, COL_PLATFORM_ALL_TOKEN),
        .previous_token = read_string(reader, read, id, COL_PLATFORM_ALL_PREVIOUS_TOKEN),
        .previous_token_until = sql_integer(c, id, COL_PLATFORM_ALL_PREVIOUS_TOKEN_UNTIL),
        .encoding = (enum store_token_encoding)sql_integer(c, id, COL_PLATFORM_ALL_ENCODING),
        .learned_raw = sql_integer(c, id, COL_PLATFORM_ALL_LEARNED_RAW) != 0,
        .allowed_hosts = read_string(reader, read, id, COL_PLATFORM_ALL_ALLOWED_HOSTS),
        .roles = read_string(reader, read, id, COL_PLATFORM_ALL_ROLES),
        .last_seen = sql_integer(c, id, COL_PLATFORM_ALL_LAST_SEEN),
        .created = sql_integer(c, id, COL_PLATFORM_ALL_CREATED),
        .updated = sql_integer(c, id, COL_PLATFORM_ALL_UPDATED),
        .heard = sql_integer(c, id, COL_PLATFORM_ALL_HEARD),
        .last_error = read_string(reader, read, id, COL_PLATFORM_ALL_LAST_ERROR),
        .proven = read_string(reader, read, id, COL_PLATFORM_ALL_PROVEN),
        .from_hub = sql_integer(c, id, COL_PLATFORM_ALL_FROM_HUB) != 0,
    };
}

static void fill_party(struct store_reader *reader, struct store_read *read, void *row)
{
    const enum sql_id id = SQL_PARTY_ALL;
    const struct sql_connection *c = &reader->connection;
    *(struct store_party *)row = (struct store_party){
        .id = sql_integer(c, id, COL_PARTY_ALL_ID),
        .platform = sql_integer(c, id, COL_PARTY_ALL_PLATFORM),
        .revision = sql_integer(c, id, COL_PARTY_ALL_REVISION),
        .key = read_string(reader, read, id, COL_PARTY_ALL_PARTY_KEY),
        .country_code = read_string(reader, read, id, COL_PARTY_ALL_COUNTRY_CODE),
        .party_id = read_string(reader, read, id, COL_PARTY_ALL_PARTY_ID),
        .roles = (unsigned)sql_integer(c, id, COL_PARTY_ALL_ROLES),
        .name = read_string(reader, read, id, COL_PARTY_ALL_NAME),
        .website = read_string(reader, read, id, COL_PARTY_ALL_WEBSITE),
        .suspended = sql_integer(c, id, COL_PARTY_ALL_SUSPENDED) != 0,
        .suspend_reason = read_string(reader, read, id, COL_PARTY_ALL_SUSPEND_REASON),
        .last_updated = sql_integer(c, id, COL_PARTY_ALL_LAST_UPDATED),
        .created = sql_integer(c, id, COL_PARTY_ALL_CREATED),
        .validation = (enum store_validation)sql_integer(c, id, COL_PARTY_ALL_VALIDATION),
        .push = read_string(reader, read, id, COL_PARTY_ALL_PUSH),
        .forward_unknown_sessions = sql_integer(c, id, COL_PARTY_ALL_FORWARD_UNKNOWN_SESSIONS) != 0,
    };
}

static void fill_token(struct store_reader *reader, struct store_read *read, void *row)
{
    const enum sql_id id = SQL_TOKEN_ALL;
    const struct sql_connection *c = &reader->connection;
    struct store_token *token = row;
    struct str hash = sql_string(c, id, COL_TOKEN_ALL_HASH);
    *token = (struct store_token){
        .platform = sql_integer(c, id, COL_TOKEN_ALL_PLATFORM),
        .kind = (enum store_token_kind)sql_integer(c, id, COL_TOKEN_ALL_KIND),
        .fingerprint = read_string(reader, read, id, COL_TOKEN_ALL_FINGERPRINT),
        .created = sql_integer(c, id, COL_TOKEN_ALL_CREATED),
        .expires = sql_integer(c, id, COL_TOKEN_ALL_EXPIRES),
        .used = sql_integer(c, id, COL_TOKEN_ALL_USED),
        .content = read_string(reader, read, id, COL_TOKEN_ALL_CONTENT),
    };
    if (hash.length == sizeof token->hash)
        memcpy(token->hash, hash.data, hash.length);
}

static void fill_receiver(struct store_reader *reader, struct store_read *read, void *row)
{
    const enum sql_id id = SQL_RECEIVER_ALL;
    *(struct store_receiver *)row = (struct store_receiver){
        .party = sql_integer(&reader->connection, id, COL_RECEIVER_ALL_PARTY),
        .module = read_string(reader, read, id, COL_RECEIVER_ALL_MODULE),
        .url = read_string(reader, read, id, COL_RECEIVER_ALL_URL),
        .source = str_equal(sql_string(&reader->connection, id, COL_RECEIVER_ALL_SOURCE), STR("set"))
                      ? STORE_SOURCE_SET
                      : STORE_SOURCE_DISCOVERED,
        .announced = sql_integer(&reader->connection, id, COL_RECEIVER_ALL_TOLD),
    };
}

static void fill_rule(struct store_reader *reader, struct store_read *read, void *row)
{
    const enum sql_id id = SQL_RULE_ALL;
    const struct sql_connection *c = &reader->connection;
    (void)read;
    *(struct store_rule *)row = (struct store_rule){
        .emsp = sql_integer(c, id, COL_RULE_ALL_EMSP),
        .cpo = sql_integer(c, id, COL_RULE_ALL_CPO),
        .state = (enum store_rule_state)sql_integer(c, id, COL_RULE_ALL_STATE),
        .since = sql_integer(c, id, COL_RULE_ALL_SINCE),
    };
}

static void fill_limit(struct store_reader *reader, struct store_read *read, void *row)
{
    const enum sql_id id = SQL_LIMIT_ALL;
    const struct sql_connection *c = &reader->connection;
    *(struct store_limit *)row = (struct store_limit){
        .party = sql_integer(c, id, COL_LIMIT_ALL_PARTY),
        .module = read_string(reader, read, id, COL_LIMIT_ALL_MODULE),
        .requests = sql_integer(c, id, COL_LIMIT_ALL_REQUESTS),
        .period_ms = sql_integer(c, id, COL_LIMIT_ALL_PERIOD_MS),
    };
}

/* Databases of the first schema have no such row: there nothing was removed that anybody must hear of. */
int read_party_changed(struct sql_connection *c, int64_t *changed)
{
    int result = sql_number(c, SQL_MAX_PARTY_CHANGE, changed);
    if (!result)
        result = sql_first(c, SQL_META_GET, SQL_VALUES(sql_t(STR(META_PARTY_CHANGED))));
    if (result <= 0)
        return result;
    int64_t noted;
    struct str value = sql_string(c, SQL_META_GET, COL_META_GET_VALUE);
    if (value.length == sizeof noted) {
        memcpy(&noted, value.data, sizeof noted);
        *changed = noted > *changed ? noted : *changed;
    }
    sql_end(c, SQL_META_GET);
    return OK;
}

/* Fills an array with all rows of a table; the count is of the same moment. */
static int read_table(struct store_reader *reader, struct store_read *read, enum sql_id count_id,
                      enum sql_id rows_id, size_t size, fill_function *fill, void **rows, size_t *count)
{
    struct sql_connection *c = &reader->connection;
    int64_t total = 0;
    *count = 0;
    int result = sql_number(c, count_id, &total);
    if (result)
        return result;
    char *at = *rows = read_alloc(read, (size_t)total + 1, size);
    if (!at)
        return ERR_MEMORY;
    result = sql_first(c, rows_id, SQL_NO_VALUES);
    for (; result > 0 && *count < (size_t)total; result = sql_next(c, rows_id), ++*count, at += size)
        fill(reader, read, at);
    sql_end(c, rows_id);
    return result < 0 ? result : read->result;
}

bool read_registry(struct store_reader *reader, struct store_read *read)
{
    struct store_registry_read *r = CONTAINER_OF(read, struct store_registry_read, base);
    const struct {
        enum sql_id count_id, rows_id;
        size_t size;
        fill_function *fill;
        void **rows;
        size_t *count;
    } tables[] = {
        {SQL_PLATFORM_COUNT, SQL_PLATFORM_ALL, sizeof *r->platforms, fill_platform, (void **)&r->platforms,
         &r->platform_count},
        {SQL_PARTY_COUNT, SQL_PARTY_ALL, sizeof *r->parties, fill_party, (void **)&r->parties,
         &r->party_count},
        {SQL_TOKEN_COUNT, SQL_TOKEN_ALL, sizeof *r->tokens, fill_token, (void **)&r->tokens, &r->token_count},
        {SQL_RECEIVER_COUNT, SQL_RECEIVER_ALL, sizeof *r->receivers, fill_receiver, (void **)&r->receivers,
         &r->receiver_count},
        {SQL_RULE_COUNT, SQL_RULE_ALL, sizeof *r->rules, fill_rule, (void **)&r->rules, &r->rule_count},
        {SQL_LIMIT_COUNT, SQL_LIMIT_ALL, sizeof *r->limits, fill_limit, (void **)&r->limits, &r->limit_count},
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        int result = read_table(reader, read, tables[i].count_id, tables[i].rows_id, tables[i].size,
                                tables[i].fill, tables[i].rows, tables[i].count);
        if (result)
            return read_fail(reader, read, result);
    }
    r->horizon = reader->horizon;
    r->registry_changes = reader->registry_changes;
    int result = read_party_changed(&reader->connection, &r->changed);
    return result ? read_fail(reader, read, result) : read_done(read, OK);
}

/* ---------------------------------------------------------------- findings */

bool read_findings(struct store_reader *reader, struct store_read *read)
{
    struct store_findings_read *r = CONTAINER_OF(read, struct store_findings_read, base);
    struct sql_connection *c = &reader->connection;
    const enum sql_id id = SQL_FINDING_LIST;
    unsigned limit = r->limit < 1000 ? r->limit : 1000;
    r->count = 0;
    r->rows = read_alloc(read, limit + 1, sizeof *r->rows);
    if (!r->rows)
        return true;
    int result = sql_first(c, id, SQL_VALUES(sql_t(r->party), sql_i(limit), sql_i((int64_t)r->skip)));
    for (; result > 0 && r->count < limit; result = sql_next(c, id)) {
        r->rows[r->count++] = (struct store_finding){
            .party = read_string(reader, read, id, COL_FINDING_LIST_PARTY),
            .module = read_string(reader, read, id, COL_FINDING_LIST_MODULE),
            .object = read_string(reader, read, id, COL_FINDING_LIST_OBJECT),
            .field = read_string(reader, read, id, COL_FINDING_LIST_FIELD),
            .rule = read_string(reader, read, id, COL_FINDING_LIST_RULE),
            .count = sql_integer(c, id, COL_FINDING_LIST_COUNT),
            .first = sql_integer(c, id, COL_FINDING_LIST_FIRST),
            .last = sql_integer(c, id, COL_FINDING_LIST_LAST),
            .example = read_string(reader, read, id, COL_FINDING_LIST_EXAMPLE),
            .refused = sql_integer(c, id, COL_FINDING_LIST_REFUSED),
        };
    }
    sql_end(c, id);
    return result < 0 ? read_fail(reader, read, result) : read_done(read, OK);
}

bool read_refusals(struct store_reader *reader, struct store_read *read)
{
    struct store_refusals_read *r = CONTAINER_OF(read, struct store_refusals_read, base);
    struct sql_connection *c = &reader->connection;
    const enum sql_id id = SQL_REFUSAL_LIST;
    r->count = 0;
    r->rows = read_alloc(read, STORE_REFUSALS_MAX, sizeof *r->rows);
    if (!r->rows)
        return true;
    int result = sql_first(c, id, SQL_VALUES(sql_t(r->party), sql_i(r->since), sql_i(STORE_REFUSALS_MAX)));
    for (; result > 0; result = sql_next(c, id)) {
        r->rows[r->count++] = (struct store_refusal){
            .party = read_string(reader, read, id, COL_REFUSAL_LIST_PARTY),
            .module = read_string(reader, read, id, COL_REFUSAL_LIST_MODULE),
            .objects = sql_integer(c, id, COL_REFUSAL_LIST_OBJECTS),
            .count = sql_integer(c, id, COL_REFUSAL_LIST_COUNT),
            .first = sql_integer(c, id, COL_REFUSAL_LIST_EARLIEST),
            .last = sql_integer(c, id, COL_REFUSAL_LIST_LATEST),
        };
    }
    sql_end(c, id);
    return result < 0 ? read_fail(reader, read, result) : read_done(read, OK);
}
