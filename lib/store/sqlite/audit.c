#include "lib/store/sqlite/audit.h"

#include "lib/store/sqlite/internal.h"

/* The texts stand side by side, in the order of audit_row_texts. */
_Static_assert(COL_AUDIT_MAC - COL_AUDIT_ACTOR == AUDIT_TEXTS, "columns of the audit's texts");

struct store_audit audit_view(const struct sql_connection *c, enum sql_id id)
{
    struct str texts[AUDIT_TEXTS];
    struct store_audit row = {
        .kind = (enum store_audit_kind)sql_integer(c, id, COL_AUDIT_KIND),
        .time = sql_integer(c, id, COL_AUDIT_TIME),
        .latency_ms = sql_integer(c, id, COL_AUDIT_LATENCY_MS),
    };
    for (int i = 0; i < AUDIT_TEXTS; i++)
        texts[i] = sql_string(c, id, (enum sql_column)(COL_AUDIT_ACTOR + i));
    audit_row_set_texts(&row, texts);
    return row;
}

struct str audit_view_mac(const struct sql_connection *c, enum sql_id id)
{
    return sql_string(c, id, COL_AUDIT_MAC);
}

bool audit_take(struct store_read *read, int64_t sequence, const struct store_audit *view,
                struct store_audit_row *out)
{
    char *memory = read_alloc(read, audit_row_bytes(view) + 1, 1);
    if (!memory)
        return false;
    out->sequence = sequence;
    audit_row_copy(&out->row, view, memory);
    return true;
}

bool audit_gap_view(const struct sql_connection *c, enum sql_id id, struct hmac *hmac, struct audit_gap *gap)
{
    struct str mac = sql_string(c, id, COL_GAP_MAC);
    *gap = (struct audit_gap){.first = sql_integer(c, id, COL_GAP_FIRST),
                              .end = {.sequence = sql_integer(c, id, COL_GAP_LAST)}};
    if (mac.length != SHA256_SIZE || gap->end.sequence < gap->first)
        return false;
    memcpy(gap->end.mac, mac.data, SHA256_SIZE);
    return audit_gap_is_sealed(gap, hmac, sql_string(c, id, COL_GAP_SEAL));
}
