#include "lib/store/sqlite/page.h"

/* All rows of a kind in the order of their sequence. */

#define CHUNK 250

static uint32_t *table_slot(const struct page *page, struct str owner)
{
    size_t at = (size_t)str_hash(owner) & (page->table_size - 1);
    while (page->table[at] && !str_equal(page->lanes[page->table[at] - 1].filter->owner, owner))
        at = (at + 1) & (page->table_size - 1);
    return &page->table[at];
}

int page_begin_scan(struct page *page)
{
    size_t owners = page->read->owner_count;
    for (page->table_size = 16; page->table_size < owners * 2;)
        page->table_size *= 2;
    page->table = read_alloc(&page->read->base, page->table_size, sizeof *page->table);
    if (!page->table)
        return ERR_MEMORY;
    for (size_t i = 0; i < owners; i++)
        *table_slot(page, page->lanes[i].filter->owner) = (uint32_t)i + 1;
    page->position = page->counting ? 0 : page->read->after;
    page->phase = PAGE_SCAN;
    return OK;
}

/* Counts or takes the current row. True while the page wants more rows. */
static bool scan_row(struct store_reader *reader, struct page *page, enum sql_id id)
{
    const struct sql_connection *c = &reader->connection;
    uint32_t slot = *table_slot(page, sql_string(c, id, COL_SCAN_OWNER));
    page->position = sql_integer(c, id, COL_SCAN_SEQUENCE);
    page->scanned++;
    if (!slot)
        return true;
    const struct page_lane *lane = &page->lanes[slot - 1];
    if (!page_matches(page, lane, sql_integer(c, id, COL_SCAN_LAST_UPDATED),
                      sql_integer(c, id, COL_SCAN_ARRIVAL)))
        return true;
    page->total++;
    if (page->position <= page->read->after || page->read->more)
        return true;
    bool taken = page_take(page, lane, page->position, sql_string(c, id, COL_SCAN_ID),
                           (size_t)sql_integer(c, id, COL_SCAN_SIZE));
    return taken || page->counting;
}

/* The scan finds too few rows of the wanted owners: reading owner by owner is faster. */
static bool finds_too_little(const struct page *page)
{
    return !page->counting &&
           page->scanned > 16 * (uint64_t)page->read->owner_count + 8 * (uint64_t)page->limit &&
           page->skip == 0;
}

int page_scan(struct store_reader *reader, struct page *page)
{
    struct sql_connection *c = &reader->connection;
    enum sql_id id = page->read->kind == STORE_LOCATION ? SQL_LOCATION_SCAN : SQL_TARIFF_SCAN;
    for (;;) {
        int seen = 0;
        bool wants = true;
        int result = sql_first(c, id, SQL_VALUES(sql_i(page->position), sql_i(CHUNK)));
        for (; result > 0 && wants; seen++) {
            wants = scan_row(reader, page, id);
            result = sql_next(c, id);
        }
        sql_end(c, id);
        if (result < 0)
            return result;
        if (page->read->base.result)
            return page->read->base.result;
        if (!wants || seen < CHUNK)
            break;
        if (finds_too_little(page)) {
            result = page_begin_merge(page, page->position);
            return result ? result : 0;
        }
        if (reader_is_late(reader))
            return 0;
    }
    if (page->counting)
        page->read->total = page->total;
    return 1;
}
