#ifndef LIB_STORE_INBOX_H
#define LIB_STORE_INBOX_H

#include <stdatomic.h>

#include "lib/store/store.h"

/*
 * The queue before the writer thread: batches, which get an answer, and audit rows, which get none ("lazy"). Bounded and
 * thread safe. Batches belong to their callers. Lazy rows belong to the inbox until inbox_free_lazy.
 */
struct store_lazy {
    struct ring queue;
    size_t size; /* bytes, for the bound */
    struct store_audit row;
};

struct store_inbox {
    uv_mutex_t mutex;
    uv_cond_t wake;
    struct ring batches, lazy;
    unsigned batch_max;
    atomic_uint waiting;           /* batches in the queue */
    size_t lazy_count, lazy_bytes; /* until they are durable, not only until they are taken */
    bool stopping;
};

enum inbox_event {
    INBOX_WORK,  /* batches or lazy rows were handed out */
    INBOX_QUIET, /* nothing came for the time asked */
    INBOX_STOP   /* inbox_stop was called and everything is handed out */
};

/* 0 or ERR_MEMORY. */
int inbox_init(struct store_inbox *inbox, unsigned batch_max);
/* Frees lazy rows that are still there. */
void inbox_destroy(struct store_inbox *inbox);
/* False when it is full. */
bool inbox_push(struct store_inbox *inbox, struct store_apply *apply);
/* Copies the row. 0, ERR_BUSY, ERR_MEMORY. */
int inbox_push_lazy(struct store_inbox *inbox, const struct store_audit *row);
/*
 * Waits for work and moves at most `max` batches and all lazy rows to the ends of the two queues. Lazy rows
 * alone are handed out after lazy_ms; INBOX_QUIET comes after quiet_ms without work (0: never).
 */
enum inbox_event inbox_take(struct store_inbox *inbox, struct ring *batches, unsigned max, struct ring *lazy,
                            unsigned lazy_ms, unsigned quiet_ms);
/* Durable now (or lost at the end): frees the rows of the queue and gives their room back. */
void inbox_free_lazy(struct store_inbox *inbox, struct ring *lazy);
void inbox_stop(struct store_inbox *inbox);
/* Three quarters full or more. */
bool inbox_is_crowded(const struct store_inbox *inbox);

#endif
