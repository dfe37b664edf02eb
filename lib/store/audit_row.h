#ifndef LIB_STORE_AUDIT_ROW_H
#define LIB_STORE_AUDIT_ROW_H

#include "lib/base/crypto.h"
#include "lib/store/store.h"

/*
 * Copies an audit row, and computes its place in the HMAC chain.
 *
 *   mac(n) = HMAC-SHA256(key, mac(n - 1) || canonical(n)), mac(0) = 32 zero bytes
 *   canonical = sequence, kind, time, latency_ms as 8 bytes big endian, then each text in the order of
 * AUDIT_TEXTS: its length as 4 bytes big endian and its bytes.
 *
 * The head (sequence and mac of the last row) is stored separately with a MAC of its own, so that rows missing at the
 * end are noticed.
 */
#define AUDIT_TEXTS     12
#define AUDIT_HEAD_SIZE (8 + 2 * SHA256_SIZE)

struct audit_chain {
    int64_t sequence; /* of the last row */
    uint8_t mac[SHA256_SIZE];
};

/*
 * A run of rows that retention has deleted (hub-audit(5), RETENTION), from `first` to `end`. The mac of `end` lets the
 * row after the gap verify. A gap is stored with a seal:
 *
 *   seal = HMAC-SHA256(key, "audit gap" || first || last as 8 bytes big endian || mac(last))
 *
 * so that nobody can delete rows and claim that retention did it. Adjacent gaps are merged.
 */
struct audit_gap {
    int64_t first;
    struct audit_chain end;
};

/* The texts of a row in their order: actor, action, party, module, method, sender, receiver, object, status,
 * request_id, correlation_id, detail. */
void audit_row_texts(const struct store_audit *row, struct str texts[AUDIT_TEXTS]);
void audit_row_set_texts(struct store_audit *row, const struct str texts[AUDIT_TEXTS]);
/* Bytes that the texts take. */
size_t audit_row_bytes(const struct store_audit *row);
/* Copies a row, its texts into `memory` of audit_row_bytes bytes. */
void audit_row_copy(struct store_audit *to, const struct store_audit *from, char *memory);

/* Moves the chain on by one row (row->time must be final). `scratch` is reused; ERR_MEMORY leaves the chain
 * as it was. */
int audit_chain_add(struct audit_chain *chain, struct hmac *hmac, struct buffer *scratch,
                    const struct store_audit *row);
/* Writes and reads the stored head. audit_head_read: false when its MAC is wrong. */
void audit_head_write(const struct audit_chain *chain, struct hmac *hmac, uint8_t out[AUDIT_HEAD_SIZE]);
bool audit_head_read(struct audit_chain *chain, struct hmac *hmac, struct str head);
/* The seal of a gap, and whether `seal` is it. */
void audit_gap_seal(const struct audit_gap *gap, struct hmac *hmac, uint8_t seal[SHA256_SIZE]);
bool audit_gap_is_sealed(const struct audit_gap *gap, struct hmac *hmac, struct str seal);

#endif
