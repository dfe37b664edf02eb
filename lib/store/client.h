#ifndef LIB_STORE_CLIENT_H
#define LIB_STORE_CLIENT_H

#include "lib/store/store.h"

/*
 * A loop's access to the store, independent of the engine. The writer's answers arrive through a queue and a uv_async;
 * reads run in slices of the loop's time. The engine implements the functions in the last part of this header.
 */
struct store_reader;

#define CLIENT_LANES 64

struct store_client {
    uint32_t magic;
    struct store *store;
    uv_async_t wake; /* the writer has answered */
    uv_idle_t turn;  /* reads are waiting */
    int handles;     /* open ones */
    bool closing;
    size_t under_way; /* requests whose callback is still to come */
    struct store_reader *reader;
    struct ring quick; /* reads; loop thread only */
    /* Those of callers whose numbers are alike (mod CLIENT_LANES), oldest first; lanes with any take turns.
     */
    struct client_lane {
        struct ring turn;
        struct ring reads;
    } lanes[CLIENT_LANES];
    struct ring turns; /* of lanes */
    uv_mutex_t mutex;  /* guards `done` */
    struct ring done;
    struct ring answered, touched; /* writer thread only, see client_collect */
};

void client_read(struct store_client *client, struct store_read *read, int type);

/*
 * Writer thread: collects an answer (apply->result is set) for its client and lists the client in `touched` …
 */
void client_collect(struct ring *touched, struct store_apply *apply);
/* … and sends to every client what was collected. After this the clients may be gone. */
void client_send_all(struct ring *touched);

/* ---------------------------------------------------------------- of the engine */

/* The read-only connection of one client; NULL with a sentence on failure. */
struct store_reader *reader_new(struct store *store, struct error *error);
void reader_free(struct store_reader *reader);
/* Works on a read until it is done (true, read->result is set) or env_monotonic_us is `end` (false: call
 * again). Until reader_end_turn all that is read is of one moment, not before the first call. */
bool reader_run(struct store_reader *reader, struct store_read *read, int64_t end);
void reader_end_turn(struct store_reader *reader);
/* Queues a batch for the writer; false when there is no room. */
bool store_submit(struct store *store, struct store_apply *apply);

#endif
