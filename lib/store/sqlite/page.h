#ifndef LIB_STORE_SQLITE_PAGE_H
#define LIB_STORE_SQLITE_PAGE_H

#include "lib/store/sqlite/internal.h"

/*
 * Reading a page, in turns. Two ways lead to the items in the order of their sequence:
 *   merge: a lane per owner reads ahead along (owner, sequence), the lane with the smallest sequence gives
 * the next item; scan: all rows of the kind by sequence, owners looked up in a table. For many owners, where
 * a kind has such an order. The total comes from counts that are kept per owner and only added to; with dates
 * from a pass over all rows.
 */
struct page_row {
    int64_t sequence;
    size_t size;
    struct str id;
};

struct page_lane {
    const struct store_owner_filter *filter;
    bool whole;       /* every row matches the dates */
    bool ended;       /* nothing behind `position` */
    int64_t position; /* the last sequence read */
    struct page_row *rows;
    size_t count, at; /* rows read ahead */
    char *text;       /* memory of their ids */
    size_t text_size, text_used;
};

enum page_phase { PAGE_TOTAL, PAGE_SCAN, PAGE_MERGE };

struct page {
    struct store_page_read *read;
    enum page_phase phase;
    bool dated;
    unsigned limit;
    uint64_t skip; /* still to be left out */
    size_t bytes;
    struct page_lane *lanes;
    /* total */
    bool counting;    /* the scan counts too */
    size_t counted;   /* lanes whose count is in */
    int64_t position; /* of the count of a lane, or of the scan */
    int64_t changed;  /* the kind's counter when the counting began */
    uint64_t total;
    /* scan: lanes by owner */
    uint32_t *table;
    size_t table_size;
    uint64_t scanned;
    /* merge: a heap of lanes by their next sequence; `filled` lanes have read ahead once */
    size_t *heap;
    size_t heap_count, filled;
    size_t ahead; /* rows that a lane reads ahead */
};

/* All of these: 1 done, 0 another turn, negative a failure. */
int page_total(struct store_reader *reader, struct page *page);
int page_scan(struct store_reader *reader, struct page *page);
int page_merge(struct store_reader *reader, struct page *page);

bool page_matches(const struct page *page, const struct page_lane *lane, int64_t last_updated,
                  int64_t arrival);
/* Offers the next matching row. False: the page ends before it. */
bool page_take(struct page *page, const struct page_lane *lane, int64_t sequence, struct str id, size_t size);
/* A scan that finds too little goes on as a merge behind page->position. 0 or ERR_MEMORY. */
int page_begin_scan(struct page *page);
int page_begin_merge(struct page *page, int64_t after);

/* Of an owner, all rows or those with a counterparty; kept by the reader and only added to. As above. */
int page_count_owner(struct store_reader *reader, enum store_kind kind, struct str owner,
                     struct str counterparty, int64_t *count);
/* Totals of pages with dates hold until anything of the kind changes. */
bool page_count_recall(struct store_reader *reader, const struct store_page_read *read, uint64_t *total);
/* `changed`: the kind's counter when the counting began. */
void page_count_remember(struct store_reader *reader, const struct store_page_read *read, uint64_t total,
                         int64_t changed);

/* Counts the next rows of an owner behind *position, all or those that match, and moves it. */
struct count_slice {
    enum store_kind kind;
    struct str owner, counterparty;
    bool dated;
    int64_t from, to;
};
/* 1: the end was reached, 0: there may be more, negative: failed. Adds to *count. */
int page_count_next(struct store_reader *reader, const struct count_slice *slice, int64_t *position,
                    int64_t *count, int64_t rows);

#endif
