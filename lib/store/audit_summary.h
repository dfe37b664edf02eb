#ifndef LIB_STORE_AUDIT_SUMMARY_H
#define LIB_STORE_AUDIT_SUMMARY_H

#include "lib/store/audit_row.h"

/*
 * A summary of a block of audit rows, so that a search for a rare party, action or time skips blocks without matches. It
 * has the oldest and newest time and a Bloom filter (8192 bits, 3 for each value; with 500 values in a block, one in 200
 * absent values seems to be there). A block is the rows with the same sequence >> AUDIT_SUMMARY_SHIFT.
 */
#define AUDIT_SUMMARY_SHIFT 10
#define AUDIT_SUMMARY_BYTES 1024

struct audit_summary {
    int64_t block;
    int64_t oldest, newest;
    uint8_t bits[AUDIT_SUMMARY_BYTES];
};

static inline int64_t audit_summary_of(int64_t sequence)
{
    return sequence >> AUDIT_SUMMARY_SHIFT;
}
static inline int64_t audit_summary_first(int64_t block)
{
    return (int64_t)((uint64_t)block << AUDIT_SUMMARY_SHIFT);
}

/* Begins the summary of a block without rows. */
void audit_summary_begin(struct audit_summary *summary, int64_t block);
void audit_summary_add(struct audit_summary *summary, const struct store_audit *row);
/* Whether the block may contain a row that matches the filter of `wanted`. */
bool audit_summary_may_have(const struct audit_summary *summary, const struct store_audit_read *wanted);
/* HMAC-SHA256(key, "audit summary" || block, oldest, newest as 8 bytes big endian || bits). */
void audit_summary_seal(const struct audit_summary *summary, struct hmac *hmac, uint8_t seal[SHA256_SIZE]);

#endif
