#include "lib/store/client.h"

#include <stdlib.h>

#include "lib/base/bug.h"
#include "lib/base/env.h"
#include "lib/base/magic.h"
#include "lib/store/read.h"

#define STORE_CLIENT_MAGIC 0x57c11e47u
/* A loop gives the reads waiting on it this much of each turn, and one of them no more than its share. */
#define TURN_US  1000
#define SLICE_US 800

static void client_on_wake(uv_async_t *handle);
static void client_on_turn(uv_idle_t *handle);

static struct store_client *client_of(void *data)
{
    return MAGIC_CAST(struct store_client, data, STORE_CLIENT_MAGIC);
}

struct store_client *store_client_new(struct store *store, uv_loop_t *loop, struct error *error)
{
    struct store_client *client = calloc(1, sizeof *client);
    if (!client || uv_mutex_init(&client->mutex)) {
        free(client);
        error_set(error, ERR_MEMORY, "no memory for a store client");
        return NULL;
    }
    client->magic = STORE_CLIENT_MAGIC;
    client->store = store;
    ring_init(&client->quick);
    ring_init(&client->turns);
    for (unsigned i = 0; i < CLIENT_LANES; i++) {
        ring_init(&client->lanes[i].turn);
        ring_init(&client->lanes[i].reads);
    }
    ring_init(&client->done);
    ring_init(&client->answered);
    ring_init(&client->touched);
    client->wake.data = client;
    client->turn.data = client;
    client->reader = reader_new(store, error);
    int code = client->reader ? uv_async_init(loop, &client->wake, client_on_wake) : 0;
    if (!client->reader || code) {
        if (code)
            error_set(error, ERR_IO, "the store's wake-up handle: %s", uv_strerror(code));
        reader_free(client->reader);
        uv_mutex_destroy(&client->mutex);
        free(client);
        return NULL;
    }
    uv_idle_init(loop, &client->turn);
    client->handles = 2;
    return client;
}

static void client_on_handle_closed(uv_handle_t *handle)
{
    struct store_client *client = client_of(handle->data);
    if (--client->handles > 0)
        return;
    uv_mutex_destroy(&client->mutex);
    client->magic = 0;
    free(client);
}

void store_client_free(struct store_client *client)
{
    if (!client)
        return;
    if (client->under_way > 0)
        BUG("store client %p is freed with %zu requests under way", (void *)client, client->under_way);
    client->closing = true;
    reader_free(client->reader);
    client->reader = NULL;
    uv_close((uv_handle_t *)&client->wake, client_on_handle_closed);
    uv_close((uv_handle_t *)&client->turn, client_on_handle_closed);
}

/* ---------------------------------------------------------------- writing */

void store_apply(struct store_client *client, struct store_apply *apply)
{
    client = client_of(client);
    client->under_way++;
    apply->client = client;
    apply->failed = NULL;
    ring_init(&apply->queue);
    if (apply->result != ERR_MEMORY) {
        apply->result = OK;
        apply->error = (struct error){0};
        if (store_submit(client->store, apply))
            return;
        apply->result = error_set(&apply->error, ERR_BUSY, "the write queue is full");
    } else {
        error_set(&apply->error, ERR_MEMORY, "no memory for the batch");
    }
    uv_mutex_lock(&client->mutex);
    ring_push(&client->done, &apply->queue);
    uv_mutex_unlock(&client->mutex);
    uv_async_send(&client->wake);
}

void client_collect(struct ring *touched, struct store_apply *apply)
{
    struct store_client *client = apply->client;
    if (ring_is_empty(&client->touched))
        ring_push(touched, &client->touched);
    ring_push(&client->answered, &apply->queue);
}

void client_send_all(struct ring *touched)
{
    for (struct ring *node; (node = ring_pop(touched)) != NULL;) {
        struct store_client *client = CONTAINER_OF(node, struct store_client, touched);
        uv_mutex_lock(&client->mutex);
        ring_append(&client->done, &client->answered);
        /* Inside the lock: once the loop has the answers it may free the client. */
        uv_async_send(&client->wake);
        uv_mutex_unlock(&client->mutex);
    }
}

static void client_on_wake(uv_async_t *handle)
{
    struct store_client *client = client_of(handle->data);
    struct ring done;
    ring_init(&done);
    uv_mutex_lock(&client->mutex);
    ring_append(&done, &client->done);
    uv_mutex_unlock(&client->mutex);
    for (struct ring *node; (node = ring_pop(&done)) != NULL;) {
        struct store_apply *apply = CONTAINER_OF(node, struct store_apply, queue);
        client->under_way--;
        apply->callback(apply);
    }
}

/* ---------------------------------------------------------------- reading */

/* What finds a few short rows by an index, and what somebody waits for before a message can go anywhere. */
static bool is_quick(int type)
{
    static const bool quick[READ_TYPE_COUNT] = {
        [READ_REGISTRY] = true, [READ_OWNERS] = true,      [READ_WAITING] = true, [READ_DUE] = true,
        [READ_COMMAND] = true,  [READ_TOKEN_USERS] = true, [READ_STARTER] = true};
    return quick[type];
}

static void wait_in_lane(struct store_client *client, struct store_read *read)
{
    struct client_lane *lane = &client->lanes[(uint64_t)read->caller % CLIENT_LANES];
    if (ring_is_empty(&lane->reads))
        ring_push(&client->turns, &lane->turn);
    ring_push(&lane->reads, &read->queue);
}

static void enqueue(struct store_client *client, struct store_read *read)
{
    if (is_quick(read->type))
        ring_push(&client->quick, &read->queue);
    else
        wait_in_lane(client, read);
}

/* The read whose caller's turn it is, NULL: none waits. The lane that it was in goes behind the others. */
static struct ring *next_in_lanes(struct store_client *client)
{
    struct ring *turn = ring_pop(&client->turns);
    if (turn == NULL)
        return NULL;
    struct client_lane *lane = CONTAINER_OF(turn, struct client_lane, turn);
    struct ring *node = ring_pop(&lane->reads);
    if (!ring_is_empty(&lane->reads))
        ring_push(&client->turns, turn);
    return node;
}

void client_read(struct store_client *client, struct store_read *read, int type)
{
    client = client_of(client);
    client->under_way++;
    read->type = type;
    read->state = NULL;
    read->result = OK;
    read->error = (struct error){0};
    enqueue(client, read);
    uv_idle_start(&client->turn, client_on_turn);
}

/* Works on a read; done, it goes to `ended`, else to the end of its queue. Returns the time. */
static int64_t run_read(struct store_client *client, struct ring *node, int64_t now, struct ring *ended)
{
    struct store_read *read = CONTAINER_OF(node, struct store_read, queue);
    int refused = read->state == NULL && read->wanted != NULL ? read->wanted(read) : OK;
    if (refused != OK)
        read->result = refused;
    if (refused != OK || reader_run(client->reader, read, now + SLICE_US))
        ring_push(ended, node);
    else
        enqueue(client, read);
    return env_monotonic_us();
}

static void client_on_turn(uv_idle_t *handle)
{
    struct store_client *client = client_of(handle->data);
    int64_t now = env_monotonic_us();
    const int64_t end = now + TURN_US;
    struct ring *node, ended;
    ring_init(&ended);
    while (now < end && (node = ring_pop(&client->quick)) != NULL)
        now = run_read(client, node, now, &ended);
    /* One at least: look-ups that fill the turn do not keep all else out. */
    for (bool any = false; (!any || now < end) && (node = next_in_lanes(client)) != NULL; any = true)
        now = run_read(client, node, now, &ended);
    reader_end_turn(client->reader);
    if (ring_is_empty(&client->quick) && ring_is_empty(&client->turns))
        uv_idle_stop(&client->turn);
    /* Last: what a callback asks for is read in another turn, so that it sees what the callback knew of. */
    while ((node = ring_pop(&ended)) != NULL) {
        struct store_read *read = CONTAINER_OF(node, struct store_read, queue);
        client->under_way--;
        read->callback(read);
    }
}

size_t store_client_under_way(const struct store_client *client)
{
    return client->under_way;
}
