#include "lib/store/sqlite/page.h"

/* A lane per owner; the lane with the smallest sequence gives the next item. */

/* Rows that a lane with a filter looks at in one go. */
#define FILTERED_CHUNK 500
#define AHEAD_MAX      250

int page_begin_merge(struct page *page, int64_t after)
{
    size_t owners = page->read->owner_count;
    uint64_t wanted = (page->limit + 1 + page->skip) * 2 / (owners ? owners : 1);
    if (owners == 1)
        wanted /= 2;
    page->ahead = wanted < 4 ? 4 : wanted > AHEAD_MAX ? AHEAD_MAX : (size_t)wanted;
    page->heap = read_alloc(&page->read->base, owners + 1, sizeof *page->heap);
    if (!page->heap)
        return ERR_MEMORY;
    page->heap_count = page->filled = 0;
    for (size_t i = 0; i < owners; i++)
        page->lanes[i].position = after;
    page->phase = PAGE_MERGE;
    return OK;
}

/* ---------------------------------------------------------------- lanes */

/* Copies an id into the lane's memory, which is used again for the next rows. */
static struct str keep_id(struct page *page, struct page_lane *lane, struct str id)
{
    if (lane->text_size - lane->text_used < id.length) {
        lane->text_size = (page->ahead * 24 + id.length) * (lane->text ? 2 : 1);
        lane->text = read_alloc(&page->read->base, lane->text_size, 1);
        lane->text_used = 0;
        if (!lane->text) {
            lane->text_size = 0;
            return STR_NONE;
        }
    }
    char *at = lane->text + lane->text_used;
    memcpy(at, id.data, id.length);
    lane->text_used += id.length;
    return str_of(at, id.length);
}

static int start_lane(struct sql_connection *c, enum sql_id id, const struct page *page,
                      const struct page_lane *lane, int64_t rows)
{
    if (id == SQL_LOCATION_LANE)
        return sql_first(c, id, SQL_VALUES(sql_t(lane->filter->owner), sql_i(lane->position), sql_i(rows)));
    return sql_first(
        c, id,
        SQL_VALUES(sql_i(page->read->kind), sql_t(lane->filter->owner), sql_i(lane->position), sql_i(rows)));
}

/* Reads ahead from lane->position. The lane may stay empty without having ended: nothing matched so far. */
static int fill_lane(struct store_reader *reader, struct page *page, struct page_lane *lane)
{
    struct sql_connection *c = &reader->connection;
    bool objects = page->read->kind != STORE_LOCATION;
    enum sql_id id = objects ? SQL_OBJECT_LANE : SQL_LOCATION_LANE;
    struct str counterparty = objects ? page->read->counterparty : STR_NONE;
    int64_t rows = lane->whole && counterparty.length == 0 ? (int64_t)page->ahead : FILTERED_CHUNK, seen = 0;
    if (!lane->rows)
        lane->rows = read_alloc(&page->read->base, page->ahead, sizeof *lane->rows);
    if (!lane->rows)
        return ERR_MEMORY;
    lane->count = lane->at = lane->text_used = 0;
    int result = start_lane(c, id, page, lane, rows);
    for (; result > 0 && lane->count < page->ahead; result = sql_next(c, id)) {
        seen++;
        lane->position = sql_integer(c, id, COL_LANE_SEQUENCE);
        if (!page_matches(page, lane, sql_integer(c, id, COL_LANE_LAST_UPDATED),
                          sql_integer(c, id, COL_LANE_ARRIVAL)) ||
            (counterparty.length > 0 &&
             !str_equal(sql_string(c, id, COL_OBJECT_LANE_COUNTERPARTY), counterparty)))
            continue;
        lane->rows[lane->count++] =
            (struct page_row){lane->position, (size_t)sql_integer(c, id, COL_LANE_SIZE),
                              keep_id(page, lane, sql_string(c, id, COL_LANE_ID))};
    }
    sql_end(c, id);
    lane->ended = result == 0 && seen < rows;
    return result < 0 ? result : page->read->base.result;
}

/* ---------------------------------------------------------------- the heap */

static int64_t next_sequence(const struct page *page, size_t slot)
{
    const struct page_lane *lane = &page->lanes[page->heap[slot]];
    return lane->rows[lane->at].sequence;
}

static void heap_swap(struct page *page, size_t a, size_t b)
{
    size_t lane = page->heap[a];
    page->heap[a] = page->heap[b];
    page->heap[b] = lane;
}

static void heap_sink(struct page *page)
{
    for (size_t at = 0;;) {
        size_t child = 2 * at + 1;
        if (child >= page->heap_count)
            return;
        if (child + 1 < page->heap_count && next_sequence(page, child + 1) < next_sequence(page, child))
            child++;
        if (next_sequence(page, at) <= next_sequence(page, child))
            return;
        heap_swap(page, at, child);
        at = child;
    }
}

static void heap_rise(struct page *page)
{
    for (size_t at = page->heap_count - 1; at > 0; at = (at - 1) / 2) {
        if (next_sequence(page, (at - 1) / 2) <= next_sequence(page, at))
            return;
        heap_swap(page, at, (at - 1) / 2);
    }
}

/* ---------------------------------------------------------------- the merge */

/* Every lane reads ahead before the first item is known: 1 all have, 0 another turn. */
static int fill_all(struct store_reader *reader, struct page *page)
{
    while (page->filled < page->read->owner_count) {
        struct page_lane *lane = &page->lanes[page->filled];
        int result = fill_lane(reader, page, lane);
        if (result)
            return result;
        if (lane->count > 0) {
            page->heap[page->heap_count++] = page->filled;
            heap_rise(page);
        }
        if (lane->count > 0 || lane->ended)
            page->filled++;
        if (reader_is_late(reader))
            return 0;
    }
    return 1;
}

/* Skips rows of the only lane along its index, without reading them. 1: done, 0: another turn. */
static int skip_lane(struct store_reader *reader, struct page *page)
{
    struct page_lane *lane = &page->lanes[0];
    struct count_slice slice = {.kind = page->read->kind, .owner = lane->filter->owner};
    while (page->skip > 0) {
        int64_t rows = page->skip < 4000 ? (int64_t)page->skip : 4000, count = 0;
        int result = page_count_next(reader, &slice, &lane->position, &count, rows);
        if (result < 0)
            return result;
        page->skip -= (uint64_t)count;
        if (result > 0)
            page->skip = 0; /* past the end: nothing is left behind `position` */
        if (page->skip > 0 && reader_is_late(reader))
            return 0;
    }
    return 1;
}

/* The top lane has given its last row: reads the next ones, or takes the lane off the heap. 1: the heap is in
 * order again, 0: another turn. */
static int refill_top(struct store_reader *reader, struct page *page)
{
    struct page_lane *lane = &page->lanes[page->heap[0]];
    while (lane->at == lane->count && !lane->ended) {
        if (reader_is_late(reader))
            return 0;
        int result = fill_lane(reader, page, lane);
        if (result)
            return result;
    }
    if (lane->at == lane->count)
        page->heap[0] = page->heap[--page->heap_count];
    heap_sink(page);
    return 1;
}

int page_merge(struct store_reader *reader, struct page *page)
{
    int result = 1;
    bool jump = page->skip > 0 && page->filled == 0 && page->read->owner_count == 1 && page->lanes[0].whole &&
                page->read->counterparty.length == 0;
    if (jump)
        result = skip_lane(reader, page);
    if (result == 1)
        result = fill_all(reader, page);
    while (result == 1 && page->heap_count > 0) {
        struct page_lane *lane = &page->lanes[page->heap[0]];
        if (lane->at < lane->count) {
            const struct page_row *row = &lane->rows[lane->at];
            if (!page_take(page, lane, row->sequence, row->id, row->size))
                return page->read->base.result ? page->read->base.result : 1;
            lane->at++;
        }
        if (lane->at == lane->count)
            result = refill_top(reader, page);
        else
            heap_sink(page);
    }
    return result;
}
