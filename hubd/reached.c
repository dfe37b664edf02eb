#include "hubd/reached.h"

#include <stdlib.h>

#include "hubd/exchange.h"
#include "hubd/outbound.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define REACHED_MAGIC UINT32_C(0x52454143)

/* What was learned, on its way into the store. */
struct reached {
    uint32_t magic;
    struct loop_task task;
    struct hub *hub;
    int64_t platform;
    struct registry_snapshot *snapshot; /* whose row is put again; held until it is stored */
    struct arena arena;
    struct str url;
    struct store_apply batch;
};

static void reached_free(struct reached *reached)
{
    reached->magic = 0;
    if (reached->snapshot != NULL)
        registry_release(reached->hub->control_view, reached->snapshot);
    arena_free(&reached->arena);
    free(reached);
}

static void reached_known(int result, void *context)
{
    (void)result; /* a snapshot that could not be read again follows with the next change */
    reached_free(MAGIC_CAST(struct reached, context, REACHED_MAGIC));
}

static void reached_stored(struct store_apply *apply)
{
    struct reached *reached = MAGIC_CAST(struct reached, apply->context, REACHED_MAGIC);
    registry_release(reached->hub->control_view, reached->snapshot);
    reached->snapshot = NULL;
    if (apply->result == OK)
        registry_refresh(reached->hub->registry, &reached->hub->control, reached_known, reached);
    else
        reached_free(reached); /* the next good answer says it again */
}

/* Scheme, host and port are enough: a path of it is nobody's business. */
static struct str reached_origin(struct arena *arena, struct str url)
{
    struct url parsed;
    if (url_parse(arena, url, &parsed, NULL) != OK)
        return STR_NONE;
    bool bracket = str_find(parsed.host, ':') != SIZE_MAX;
    return arena_printf(arena, STR_FMT "://%s" STR_FMT "%s:%u", STR_ARG(parsed.scheme), bracket ? "[" : "",
                        STR_ARG(parsed.host), bracket ? "]" : "", parsed.port);
}

static void reached_audit(struct reached *reached, const struct registry_platform *platform)
{
    struct url parsed;
    struct store_op *op = store_batch_add(&reached->batch, STORE_APPEND_AUDIT);
    if (op == NULL || url_parse(&reached->arena, reached->url, &parsed, NULL) != OK)
        return;
    op->u.audit.kind = STORE_AUDIT_ADMIN;
    op->u.audit.actor = STR("hub");
    op->u.audit.action = STR("party.host");
    op->u.audit.party = platform->party_count == 0
                            ? STR("")
                            : arena_copy(&reached->arena, ocpi_party_key_str(&platform->parties[0]->key));
    op->u.audit.status = STR("ok");
    op->u.audit.latency_ms = -1;
    op->u.audit.detail = arena_printf(&reached->arena, "{\"host\":\"" STR_FMT "\"}", STR_ARG(parsed.host));
}

static void reached_store(struct loop_task *task)
{
    struct reached *reached = CONTAINER_OF(task, struct reached, task);
    struct hub *hub = reached->hub;
    reached->snapshot = registry_hold(hub->control_view);
    const struct registry_platform *platform = registry_find_platform(reached->snapshot, reached->platform);
    bool learned = platform != NULL && platform->token.data != NULL && reached->url.data != NULL &&
                   !atomic_load(&hub->draining) &&
                   !outbound_host_is_proven(&reached->arena, platform, reached->url);
    store_batch_init(&reached->batch, &reached->arena);
    struct store_op *put = learned ? store_batch_add(&reached->batch, STORE_PUT_PLATFORM) : NULL;
    if (put == NULL) {
        reached_free(reached);
        return;
    }
    put->u.platform = platform->row;
    put->u.platform.reached = exchange_join_urls(&reached->arena, platform->row.reached, reached->url);
    reached_audit(reached, platform);
    reached->batch.callback = reached_stored;
    reached->batch.context = reached;
    store_apply(hub->control_store, &reached->batch);
}

void reached_note(struct hub *hub, struct arena *arena, const struct registry_platform *platform,
                  struct str url)
{
    if (!platform->unproven || outbound_host_is_proven(arena, platform, url) ||
        !outbound_host_is_registered(arena, platform, url))
        return;
    struct reached *reached = calloc(1, sizeof *reached);
    if (reached == NULL)
        return; /* the next good answer says it again */
    reached->magic = REACHED_MAGIC;
    reached->hub = hub;
    reached->platform = platform->row.id;
    arena_init(&reached->arena, 0);
    reached->url = reached_origin(&reached->arena, url);
    reached->task.run = reached_store;
    loop_post(&hub->control, &reached->task);
}
