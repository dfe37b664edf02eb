#include "lib/store/audit_summary.h"

#define BITS_OF_A_VALUE 3

void audit_summary_begin(struct audit_summary *summary, int64_t block)
{
    *summary = (struct audit_summary){.block = block, .oldest = INT64_MAX, .newest = INT64_MIN};
}

/* FNV-1a, mixed so that all bits depend on all of the value; `kind` keeps parties and actions apart. */
static uint64_t hash(char kind, struct str value)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)(unsigned char)kind;
    for (size_t i = 0; i < value.length; i++)
        h = (h ^ (unsigned char)value.data[i]) * UINT64_C(0x100000001b3);
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    return h ^ (h >> 33);
}

static unsigned bit_of(uint64_t h, int i)
{
    return (unsigned)(h >> (20 * i)) % (AUDIT_SUMMARY_BYTES * 8);
}

static void add(struct audit_summary *summary, char kind, struct str value)
{
    uint64_t h = hash(kind, value);
    for (int i = 0; i < BITS_OF_A_VALUE && value.length > 0; i++)
        summary->bits[bit_of(h, i) / 8] |= (uint8_t)(1u << bit_of(h, i) % 8);
}

static bool has(const struct audit_summary *summary, char kind, struct str value)
{
    uint64_t h = hash(kind, value);
    for (int i = 0; i < BITS_OF_A_VALUE; i++)
        if ((summary->bits[bit_of(h, i) / 8] & 1u << bit_of(h, i) % 8) == 0)
            return false;
    return true;
}

void audit_summary_add(struct audit_summary *summary, const struct store_audit *row)
{
    add(summary, 'p', row->party);
    add(summary, 'p', row->sender);
    add(summary, 'p', row->receiver);
    add(summary, 'a', row->action);
    summary->oldest = row->time < summary->oldest ? row->time : summary->oldest;
    summary->newest = row->time > summary->newest ? row->time : summary->newest;
}

bool audit_summary_may_have(const struct audit_summary *summary, const struct store_audit_read *wanted)
{
    if (summary->newest < wanted->since || summary->oldest >= wanted->until)
        return false;
    if (wanted->party.length > 0 && !has(summary, 'p', wanted->party))
        return false;
    bool exact = wanted->action.length > 0 && !str_ends_with(wanted->action, STR("*"));
    return !exact || has(summary, 'a', wanted->action);
}

static void update_number(struct hmac *hmac, int64_t number)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
    hmac_update(hmac, bytes, sizeof bytes);
}

void audit_summary_seal(const struct audit_summary *summary, struct hmac *hmac, uint8_t seal[SHA256_SIZE])
{
    static const char purpose[] = "audit summary";
    hmac_begin(hmac);
    hmac_update(hmac, purpose, sizeof purpose - 1);
    update_number(hmac, summary->block);
    update_number(hmac, summary->oldest);
    update_number(hmac, summary->newest);
    hmac_update(hmac, summary->bits, sizeof summary->bits);
    hmac_end(hmac, seal);
}
