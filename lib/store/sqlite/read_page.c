#include "lib/store/sqlite/page.h"

#define LIMIT_MAX   1000
#define COUNT_CHUNK 1000
/* From so many owners on a scan is tried first, where the kind can be scanned. */
#define SCAN_OWNERS 16

bool page_matches(const struct page *page, const struct page_lane *lane, int64_t last_updated,
                  int64_t arrival)
{
    const struct store_page_read *r = page->read;
    return lane->whole || (last_updated >= r->date_from && last_updated < r->date_to) ||
           (arrival >= r->date_from && arrival < r->date_to);
}

bool page_take(struct page *page, const struct page_lane *lane, int64_t sequence, struct str id, size_t size)
{
    struct store_page_read *r = page->read;
    if (page->skip > 0) {
        page->skip--;
        return true;
    }
    if (r->item_count == page->limit || (r->item_count > 0 && page->bytes + size + 1 > r->bytes_max)) {
        r->more = true;
        return false;
    }
    struct str copy = arena_copy(r->base.arena, id);
    if (!copy.data) {
        read_alloc(&r->base, SIZE_MAX, 2); /* says that there is no memory */
        return false;
    }
    r->items[r->item_count++] = (struct store_page_item){sequence, lane->filter->owner, copy, size};
    page->bytes += size + 1;
    return true;
}

/* ---------------------------------------------------------------- the total */

static int count_dated(struct store_reader *reader, struct page *page, const struct page_lane *lane)
{
    const struct store_page_read *r = page->read;
    struct count_slice slice = {
        .kind = r->kind,
        .owner = lane->filter->owner,
        .counterparty = r->kind == STORE_LOCATION ? STR_NONE : r->counterparty,
        .dated = true,
        .from = r->date_from,
        .to = r->date_to,
    };
    for (;;) {
        int64_t count = 0;
        int result = page_count_next(reader, &slice, &page->position, &count, COUNT_CHUNK);
        page->total += (uint64_t)count;
        if (result != 0)
            return result;
        if (reader_is_late(reader))
            return 0;
    }
}

int page_total(struct store_reader *reader, struct page *page)
{
    const struct store_page_read *r = page->read;
    struct str counterparty = r->kind == STORE_LOCATION ? STR_NONE : r->counterparty;
    for (; page->counted < r->owner_count; page->counted++, page->position = 0) {
        const struct page_lane *lane = &page->lanes[page->counted];
        int64_t count = 0;
        int result = lane->whole
                         ? page_count_owner(reader, r->kind, lane->filter->owner, counterparty, &count)
                         : count_dated(reader, page, lane);
        if (result <= 0)
            return result;
        page->total += (uint64_t)count;
        if (page->counted % 16 == 15 && reader_is_late(reader)) {
            page->counted++;
            page->position = 0;
            return 0;
        }
    }
    return 1;
}

/* ---------------------------------------------------------------- the page */

static struct page *page_new(struct store_page_read *r)
{
    struct page *page = read_alloc(&r->base, 1, sizeof *page);
    if (!page)
        return NULL;
    r->base.state = page;
    page->read = r;
    page->limit = r->limit < LIMIT_MAX ? r->limit : LIMIT_MAX;
    page->skip = r->skip;
    page->dated = r->date_from != INT64_MIN || r->date_to != INT64_MAX;
    page->lanes = read_alloc(&r->base, r->owner_count + 1, sizeof *page->lanes);
    r->items = read_alloc(&r->base, page->limit + 1, sizeof *r->items);
    r->item_count = 0;
    r->total = 0;
    r->more = false;
    if (!page->lanes || !r->items)
        return NULL;
    for (size_t i = 0; i < r->owner_count; i++) {
        int64_t since = r->owners[i].visible_since;
        page->lanes[i].filter = &r->owners[i];
        page->lanes[i].whole =
            !page->dated || (since != INT64_MIN && since >= r->date_from && since < r->date_to);
    }
    return page;
}

/* After the total, or before it when the scan gives it. */
static int begin_items(struct page *page)
{
    const struct store_page_read *r = page->read;
    bool scannable = (r->kind == STORE_LOCATION || r->kind == STORE_TARIFF) && r->owner_count >= SCAN_OWNERS;
    return scannable ? page_begin_scan(page) : page_begin_merge(page, r->after);
}

static int begin_page(struct store_reader *reader, struct page *page)
{
    struct store_page_read *r = page->read;
    page->changed = reader->changed[r->kind];
    bool scannable = (r->kind == STORE_LOCATION || r->kind == STORE_TARIFF) && r->owner_count >= SCAN_OWNERS;
    if (page->dated && page_count_recall(reader, r, &r->total))
        return begin_items(page);
    page->counting = page->dated && scannable;
    if (page->counting)
        return begin_items(page);
    page->phase = PAGE_TOTAL;
    return OK;
}

static int continue_page(struct store_reader *reader, struct page *page)
{
    int result = 1;
    if (page->phase == PAGE_TOTAL) {
        result = page_total(reader, page);
        if (result == 1) {
            page->read->total = page->total;
            if (page->dated)
                page_count_remember(reader, page->read, page->total, page->changed);
            result = begin_items(page) ? ERR_MEMORY : 1;
        }
    }
    if (result == 1 && page->phase == PAGE_SCAN) {
        result = page_scan(reader, page);
        if (result == 1 && page->counting)
            page_count_remember(reader, page->read, page->total, page->changed);
        return result;
    }
    return result == 1 ? page_merge(reader, page) : result;
}

bool read_page(struct store_reader *reader, struct store_read *read)
{
    struct store_page_read *r = CONTAINER_OF(read, struct store_page_read, base);
    struct page *page = read->state;
    int result = OK;
    if (!page) {
        page = page_new(r);
        r->horizon = reader->horizon;
        if (!page)
            return read_fail(reader, read, ERR_MEMORY);
        result = begin_page(reader, page);
    }
    if (!result)
        result = continue_page(reader, page);
    if (result < 0)
        return read_fail(reader, read, result);
    return result == 1 ? read_done(read, OK) : false;
}
