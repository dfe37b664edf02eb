#include "lib/store/audit_row.h"

void audit_row_texts(const struct store_audit *row, struct str texts[AUDIT_TEXTS])
{
    texts[0] = row->actor;
    texts[1] = row->action;
    texts[2] = row->party;
    texts[3] = row->module;
    texts[4] = row->method;
    texts[5] = row->sender;
    texts[6] = row->receiver;
    texts[7] = row->object;
    texts[8] = row->status;
    texts[9] = row->request_id;
    texts[10] = row->correlation_id;
    texts[11] = row->detail;
}

void audit_row_set_texts(struct store_audit *row, const struct str texts[AUDIT_TEXTS])
{
    row->actor = texts[0];
    row->action = texts[1];
    row->party = texts[2];
    row->module = texts[3];
    row->method = texts[4];
    row->sender = texts[5];
    row->receiver = texts[6];
    row->object = texts[7];
    row->status = texts[8];
    row->request_id = texts[9];
    row->correlation_id = texts[10];
    row->detail = texts[11];
}

size_t audit_row_bytes(const struct store_audit *row)
{
    struct str texts[AUDIT_TEXTS];
    audit_row_texts(row, texts);
    size_t size = 0;
    for (int i = 0; i < AUDIT_TEXTS; i++)
        size += texts[i].length;
    return size;
}

void audit_row_copy(struct store_audit *to, const struct store_audit *from, char *memory)
{
    struct str texts[AUDIT_TEXTS];
    audit_row_texts(from, texts);
    for (int i = 0; i < AUDIT_TEXTS; i++) {
        if (texts[i].length)
            memcpy(memory, texts[i].data, texts[i].length);
        texts[i].data = memory;
        memory += texts[i].length;
    }
    *to = *from;
    audit_row_set_texts(to, texts);
}

static void put_number(uint8_t *out, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(number >> (8 * (size - 1 - i)));
}

static uint64_t get_number(const uint8_t *in, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | in[i];
    return number;
}

/* mac || canonical row of that sequence; false when there is no memory. */
static bool write_canonical(struct buffer *out, const struct audit_chain *chain,
                            const struct store_audit *row)
{
    struct str texts[AUDIT_TEXTS];
    audit_row_texts(row, texts);
    size_t size = SHA256_SIZE + 4 * 8;
    for (int i = 0; i < AUDIT_TEXTS; i++)
        size += 4 + texts[i].length;
    buffer_clear(out);
    if (!buffer_reserve(out, size))
        return false;
    uint8_t *at = (uint8_t *)out->data;
    memcpy(at, chain->mac, SHA256_SIZE);
    at += SHA256_SIZE;
    const int64_t numbers[4] = {chain->sequence + 1, row->kind, row->time, row->latency_ms};
    for (int i = 0; i < 4; i++, at += 8)
        put_number(at, (uint64_t)numbers[i], 8);
    for (int i = 0; i < AUDIT_TEXTS; i++) {
        put_number(at, texts[i].length, 4);
        at += 4;
        if (texts[i].length)
            memcpy(at, texts[i].data, texts[i].length);
        at += texts[i].length;
    }
    out->length = size;
    return true;
}

int audit_chain_add(struct audit_chain *chain, struct hmac *hmac, struct buffer *scratch,
                    const struct store_audit *row)
{
    if (!write_canonical(scratch, chain, row))
        return ERR_MEMORY;
    hmac_begin(hmac);
    hmac_update(hmac, scratch->data, scratch->length);
    hmac_end(hmac, chain->mac);
    chain->sequence++;
    return OK;
}

static void head_mac(const uint8_t *head, struct hmac *hmac, uint8_t out[SHA256_SIZE])
{
    hmac_begin(hmac);
    hmac_update(hmac, "audit head", 10);
    hmac_update(hmac, head, 8 + SHA256_SIZE);
    hmac_end(hmac, out);
}

void audit_head_write(const struct audit_chain *chain, struct hmac *hmac, uint8_t out[AUDIT_HEAD_SIZE])
{
    put_number(out, (uint64_t)chain->sequence, 8);
    memcpy(out + 8, chain->mac, SHA256_SIZE);
    head_mac(out, hmac, out + 8 + SHA256_SIZE);
}

void audit_gap_seal(const struct audit_gap *gap, struct hmac *hmac, uint8_t seal[SHA256_SIZE])
{
    uint8_t ends[16];
    put_number(ends, (uint64_t)gap->first, 8);
    put_number(ends + 8, (uint64_t)gap->end.sequence, 8);
    hmac_begin(hmac);
    hmac_update(hmac, "audit gap", 9);
    hmac_update(hmac, ends, sizeof ends);
    hmac_update(hmac, gap->end.mac, SHA256_SIZE);
    hmac_end(hmac, seal);
}

bool audit_gap_is_sealed(const struct audit_gap *gap, struct hmac *hmac, struct str seal)
{
    uint8_t own[SHA256_SIZE];
    audit_gap_seal(gap, hmac, own);
    return seal.length == SHA256_SIZE && crypto_equal(own, seal.data, SHA256_SIZE);
}

bool audit_head_read(struct audit_chain *chain, struct hmac *hmac, struct str head)
{
    uint8_t mac[SHA256_SIZE];
    if (head.length != AUDIT_HEAD_SIZE)
        return false;
    const uint8_t *data = (const uint8_t *)head.data;
    head_mac(data, hmac, mac);
    if (!crypto_equal(mac, data + 8 + SHA256_SIZE, SHA256_SIZE))
        return false;
    chain->sequence = (int64_t)get_number(data, 8);
    memcpy(chain->mac, data + 8, SHA256_SIZE);
    return true;
}
