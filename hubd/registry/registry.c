#include "hubd/registry/internal.h"

#include <stdlib.h>

#include "lib/base/bug.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define REGISTRY_MAGIC 0x52454749u
#define VIEWS_MAX      64
/* A loop's count of its own requests on one snapshot. */
struct view_hold {
    struct view_hold *next; /* older */
    struct registry_snapshot *snapshot;
    unsigned requests;
};

struct registry_view {
    struct registry *registry;
    struct loop *loop;
    struct view_hold *holds; /* the current one first; older ones while requests use them */
    struct loop_task pass;
};

/* A caller of registry_refresh, who waits until every loop uses the new snapshot. */
struct registry_waiter {
    struct registry *registry;
    struct loop *loop;
    void (*done)(int result, void *context);
    void *context;
    int result;
    struct loop_task task;
    struct ring queue;
};

/* The states of all platforms or parties that ever were. The store reads rows in the same order each time, so
 * the list is kept in it, and the next state asked for is nearly always the one after the last. */
struct registry_nodes {
    struct registry_node *first;
    struct registry_node **at; /* where the one behind the last stands or belongs; NULL: `first` */
};

struct registry {
    uint32_t magic;
    struct loop *control;
    struct store *store;
    struct store_client *client;
    const uint8_t *seal_key;
    struct registry_nodes runtimes, party_runtimes;
    struct registry_view *views[VIEWS_MAX];
    unsigned view_count;
    _Atomic(struct registry_snapshot *) current;
    uint64_t number;
    _Atomic unsigned waiters; /* also those on their way to the control loop */
    struct ring waiting;      /* for the next refresh */
    struct ring passing;      /* for the one under way */
    bool busy;
    bool stale;                  /* the last refresh failed: the store may know more */
    _Atomic unsigned not_passed; /* loops that have not taken the snapshot published last */
    struct arena arena;
    struct store_registry_read read;
    struct loop_task passed;
    void (*hook)(void *context);
    void *hook_context;
};

static struct registry_node *registry_find_node(struct registry_nodes *nodes, struct registry_node **from,
                                                const struct registry_node *end, int64_t id)
{
    for (struct registry_node **at = from; *at != end; at = &(*at)->next) {
        if ((*at)->id == id) {
            nodes->at = &(*at)->next;
            return *at;
        }
    }
    return NULL;
}

/* Finds the state of that id, or makes one of `size` zero bytes (`*made`). NULL: no memory. */
static struct registry_node *registry_node_of(struct registry_nodes *nodes, int64_t id, size_t size,
                                              bool *made)
{
    struct registry_node **at = nodes->at != NULL ? nodes->at : &nodes->first;
    struct registry_node *node = registry_find_node(nodes, at, NULL, id);
    *made = false;
    if (node == NULL)
        node = registry_find_node(nodes, &nodes->first, *at, id);
    if (node != NULL || (node = calloc(1, size)) == NULL)
        return node;
    *made = true;
    node->id = id;
    node->next = *at;
    *at = node;
    nodes->at = &node->next;
    return node;
}

static void registry_free_nodes(struct registry_nodes *nodes)
{
    while (nodes->first != NULL) {
        struct registry_node *next = nodes->first->next;
        free(nodes->first);
        nodes->first = next;
    }
}

struct registry_runtime *registry_runtime_of(struct registry *registry, const struct store_platform *row)
{
    bool made;
    struct registry_node *node =
        registry_node_of(&registry->runtimes, row->id, sizeof(struct registry_runtime), &made);
    struct registry_runtime *runtime =
        node == NULL ? NULL : CONTAINER_OF(node, struct registry_runtime, node);
    if (made) {
        runtime->raw_token = row->learned_raw;
        runtime->last_answer_wall = row->last_seen;
        runtime->last_heard_wall = row->heard;
    }
    return runtime;
}

struct registry_party_runtime *registry_party_runtime_of(struct registry *registry, int64_t party)
{
    bool made;
    struct registry_node *node =
        registry_node_of(&registry->party_runtimes, party, sizeof(struct registry_party_runtime), &made);
    return node == NULL ? NULL : CONTAINER_OF(node, struct registry_party_runtime, node);
}

static void registry_drop(struct registry_snapshot *snapshot)
{
    if (atomic_fetch_sub(&snapshot->holders, 1) == 1)
        registry_snapshot_free(snapshot);
}

/* The publisher's own hold, then the atomic pointer. */
static void registry_publish(struct registry *registry, struct registry_snapshot *snapshot)
{
    snapshot->number = ++registry->number;
    snapshot->holders = 1 + registry->view_count;
    struct registry_snapshot *old = atomic_exchange(&registry->current, snapshot);
    if (old != NULL)
        registry_drop(old);
}

/* ---------------------------------------------------------------- views */

static void view_take(struct registry_view *view, struct registry_snapshot *snapshot)
{
    struct view_hold *hold = view->holds;
    if (hold == NULL || hold->requests > 0) {
        hold = must_alloc(sizeof *hold, "a hold on the registry");
        hold->next = view->holds;
        view->holds = hold;
    } else {
        registry_drop(hold->snapshot);
    }
    hold->snapshot = snapshot;
}

static void registry_all_passed(struct loop_task *task);

static void view_pass(struct loop_task *task)
{
    struct registry_view *view = CONTAINER_OF(task, struct registry_view, pass);
    struct registry *registry = view->registry;
    view_take(view, atomic_load(&registry->current));
    if (atomic_fetch_sub(&registry->not_passed, 1) == 1) {
        registry->passed.run = registry_all_passed;
        loop_post(registry->control, &registry->passed);
    }
}

struct registry_view *registry_add_view(struct registry *registry, struct loop *loop)
{
    if (registry->view_count == VIEWS_MAX)
        return NULL;
    struct registry_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->registry = registry;
    view->loop = loop;
    view->pass.run = view_pass;
    registry->views[registry->view_count++] = view;
    struct registry_snapshot *current = atomic_load(&registry->current);
    atomic_fetch_add(&current->holders, 1);
    view_take(view, current);
    return view;
}

struct registry_snapshot *registry_hold(struct registry_view *view)
{
    view->holds->requests++;
    return view->holds->snapshot;
}

static struct view_hold **view_find(struct registry_view *view, const struct registry_snapshot *snapshot)
{
    struct view_hold **link = &view->holds;
    while (*link != NULL && (*link)->snapshot != snapshot)
        link = &(*link)->next;
    if (*link == NULL)
        BUG("registry snapshot %llu is let go that was never held", (unsigned long long)snapshot->number);
    return link;
}

struct registry_snapshot *registry_hold_again(struct registry_view *view, struct registry_snapshot *snapshot)
{
    (*view_find(view, snapshot))->requests++;
    return snapshot;
}

void registry_release(struct registry_view *view, struct registry_snapshot *snapshot)
{
    struct view_hold **link = view_find(view, snapshot);
    struct view_hold *hold = *link;
    if (--hold->requests > 0 || hold == view->holds)
        return;
    *link = hold->next;
    free(hold);
    registry_drop(snapshot);
}

/* ---------------------------------------------------------------- refresh */

static void waiter_answer(struct loop_task *task)
{
    struct registry_waiter *waiter = CONTAINER_OF(task, struct registry_waiter, task);
    struct registry *registry = waiter->registry;
    waiter->done(waiter->result, waiter->context);
    free(waiter);
    atomic_fetch_sub(&registry->waiters, 1);
}

static void registry_start_refresh(struct registry *registry);

static void registry_finish_refresh(struct registry *registry, int result)
{
    struct ring *node;
    while ((node = ring_pop(&registry->passing)) != NULL) {
        struct registry_waiter *waiter = CONTAINER_OF(node, struct registry_waiter, queue);
        waiter->result = result;
        waiter->task.run = waiter_answer;
        loop_post(waiter->loop, &waiter->task);
    }
    registry->busy = false;
    if (!ring_is_empty(&registry->waiting))
        registry_start_refresh(registry);
}

static void registry_all_passed(struct loop_task *task)
{
    struct registry *registry = CONTAINER_OF(task, struct registry, passed);
    if (registry->hook != NULL)
        registry->hook(registry->hook_context);
    registry_finish_refresh(registry, OK);
}

static void registry_was_read(struct store_read *base)
{
    struct registry *registry = MAGIC_CAST(struct registry, base->context, REGISTRY_MAGIC);
    struct registry_snapshot *snapshot = NULL;
    int result = base->result;
    if (result == OK) {
        snapshot = registry_snapshot_build(registry, registry->seal_key, &registry->arena, &registry->read);
        if (snapshot == NULL)
            result = ERR_MEMORY;
    }
    if (result != OK) {
        log_error_bounded("registry: cannot be read again: %s", base->error.text);
        registry->stale = true;
        arena_free(&registry->arena);
        registry_finish_refresh(registry, result);
        return;
    }
    registry->stale = false;
    atomic_store(&registry->not_passed, registry->view_count);
    registry_publish(registry, snapshot);
    for (unsigned i = 0; i < registry->view_count; i++)
        loop_post(registry->views[i]->loop, &registry->views[i]->pass);
}

static void registry_start_refresh(struct registry *registry)
{
    registry->busy = true;
    ring_append(&registry->passing, &registry->waiting);
    arena_init(&registry->arena, 65536);
    memset(&registry->read, 0, sizeof registry->read);
    registry->read.base.arena = &registry->arena;
    registry->read.base.callback = registry_was_read;
    registry->read.base.context = registry;
    store_read_registry(registry->client, &registry->read);
}

static void registry_enqueue(struct loop_task *task)
{
    struct registry_waiter *waiter = CONTAINER_OF(task, struct registry_waiter, task);
    struct registry *registry = waiter->registry;
    ring_push(&registry->waiting, &waiter->queue);
    if (!registry->busy)
        registry_start_refresh(registry);
}

void registry_refresh(struct registry *registry, struct loop *loop, void (*done)(int result, void *context),
                      void *context)
{
    struct registry_waiter *waiter = must_alloc(sizeof *waiter, "one who waits for the registry");
    waiter->registry = registry;
    waiter->loop = loop;
    waiter->done = done;
    waiter->context = context;
    waiter->task.run = registry_enqueue;
    atomic_fetch_add(&registry->waiters, 1);
    loop_post(registry->control, &waiter->task);
}

/* ---------------------------------------------------------------- life */

static void registry_first_read(struct store_read *base)
{
    bool *finished = base->context;
    *finished = true;
}

int registry_open(struct loop *control, struct store *store, struct store_client *client,
                  const uint8_t *seal_key, struct registry **out, struct error *error)
{
    struct registry *registry = calloc(1, sizeof *registry);
    if (registry == NULL)
        return error_set(error, ERR_MEMORY, "no memory for the registry");
    registry->magic = REGISTRY_MAGIC;
    registry->control = control;
    registry->store = store;
    registry->client = client;
    registry->seal_key = seal_key;
    ring_init(&registry->waiting);
    ring_init(&registry->passing);
    bool finished = false;
    arena_init(&registry->arena, 65536);
    registry->read.base.arena = &registry->arena;
    registry->read.base.callback = registry_first_read;
    registry->read.base.context = &finished;
    store_read_registry(client, &registry->read);
    while (!finished)
        uv_run(&control->uv, UV_RUN_ONCE);
    int result = registry->read.base.result;
    struct registry_snapshot *snapshot = NULL;
    if (result != OK)
        error_set(error, result, "the registry cannot be read: %s", registry->read.base.error.text);
    else if ((snapshot = registry_snapshot_build(registry, seal_key, &registry->arena, &registry->read)) ==
             NULL)
        result = error_set(error, ERR_MEMORY, "no memory for the registry");
    if (snapshot == NULL) {
        arena_free(&registry->arena);
        free(registry);
        return result;
    }
    registry_publish(registry, snapshot);
    *out = registry;
    return OK;
}

void registry_set_hook(struct registry *registry, void (*hook)(void *context), void *context)
{
    registry->hook = hook;
    registry->hook_context = context;
}

static void registry_refresh_retried(int result, void *context)
{
    (void)result;
    (void)context;
}

void registry_retry_refresh(struct registry *registry)
{
    if (registry->stale && !registry->busy)
        registry_refresh(registry, registry->control, registry_refresh_retried, NULL);
}

bool registry_is_idle(struct registry *registry)
{
    return !registry->busy && atomic_load(&registry->waiters) == 0;
}

void registry_close(struct registry *registry)
{
    for (unsigned i = 0; i < registry->view_count; i++) {
        struct registry_view *view = registry->views[i];
        while (view->holds != NULL) {
            struct view_hold *next = view->holds->next;
            registry_drop(view->holds->snapshot);
            free(view->holds);
            view->holds = next;
        }
        free(view);
    }
    registry_drop(atomic_load(&registry->current));
    registry_free_nodes(&registry->runtimes);
    registry_free_nodes(&registry->party_runtimes);
    registry->magic = 0;
    free(registry);
}

struct str registry_seal_token(struct registry *registry, struct arena *arena, int64_t platform,
                               struct str token)
{
    char context[48];
    char *sealed = arena_alloc(arena, token.length + SEAL_OVERHEAD);
    if (sealed == NULL ||
        crypto_seal(registry->seal_key, registry_seal_context(context, sizeof context, platform), token,
                    (uint8_t *)sealed) != 0)
        return STR_NONE;
    return str_of(sealed, token.length + SEAL_OVERHEAD);
}
