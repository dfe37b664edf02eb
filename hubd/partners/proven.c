#include "hubd/partners/proven.h"

#include <stdlib.h>

#include "hubd/partners/registration.h"
#include "hubd/calls/outbound.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define PROVEN_MAGIC 0x52454143u

/* A proven host on its way into the store. */
struct proven {
    uint32_t magic;
    struct loop_task task;
    struct hub *hub;
    int64_t platform;
    struct registry_snapshot *snapshot; /* whose row is put again; held until it is stored */
    struct arena arena;
    struct str url;
    struct store_apply batch;
};

static void proven_free(struct proven *proven)
{
    proven->magic = 0;
    if (proven->snapshot != NULL)
        registry_release(proven->hub->control_view, proven->snapshot);
    arena_free(&proven->arena);
    free(proven);
}

static void proven_known(int result, void *context)
{
    (void)result; /* a snapshot that could not be read again follows with the next change */
    proven_free(MAGIC_CAST(struct proven, context, PROVEN_MAGIC));
}

static void proven_stored(struct store_apply *apply)
{
    struct proven *proven = MAGIC_CAST(struct proven, apply->context, PROVEN_MAGIC);
    registry_release(proven->hub->control_view, proven->snapshot);
    proven->snapshot = NULL;
    if (apply->result == OK)
        registry_refresh(proven->hub->registry, &proven->hub->control, proven_known, proven);
    else
        proven_free(proven); /* the next good answer says it again */
}

/* Only scheme, host and port are stored: a path may hold secrets. */
static struct str proven_origin(struct arena *arena, struct str url)
{
    struct url parsed;
    if (url_parse(arena, url, &parsed, NULL) != OK)
        return STR_NONE;
    bool bracket = str_find(parsed.host, ':') != SIZE_MAX;
    return arena_printf(arena, STR_FMT "://%s" STR_FMT "%s:%u", STR_ARG(parsed.scheme), bracket ? "[" : "",
                        STR_ARG(parsed.host), bracket ? "]" : "", parsed.port);
}

static void proven_audit(struct proven *proven, const struct registry_platform *platform)
{
    struct url parsed;
    struct store_op *op = store_batch_add(&proven->batch, STORE_APPEND_AUDIT);
    if (op == NULL || url_parse(&proven->arena, proven->url, &parsed, NULL) != OK)
        return;
    op->u.audit.kind = STORE_AUDIT_ADMIN;
    op->u.audit.actor = STR("hub");
    op->u.audit.action = STR("party.host");
    op->u.audit.party = platform->party_count == 0
                            ? STR("")
                            : arena_copy(&proven->arena, ocpi_party_key_str(&platform->parties[0]->key));
    op->u.audit.status = STR("ok");
    op->u.audit.latency_ms = -1;
    op->u.audit.detail = arena_printf(&proven->arena, "{\"host\":\"" STR_FMT "\"}", STR_ARG(parsed.host));
}

static void proven_store(struct loop_task *task)
{
    struct proven *proven = CONTAINER_OF(task, struct proven, task);
    struct hub *hub = proven->hub;
    proven->snapshot = registry_hold(hub->control_view);
    const struct registry_platform *platform = registry_find_platform(proven->snapshot, proven->platform);
    bool learned = platform != NULL && platform->token.data != NULL && proven->url.data != NULL &&
                   !atomic_load(&hub->draining) &&
                   !outbound_host_is_proven(&proven->arena, platform, proven->url);
    store_batch_init(&proven->batch, &proven->arena);
    struct store_op *put = learned ? store_batch_add(&proven->batch, STORE_PUT_PLATFORM) : NULL;
    if (put == NULL) {
        proven_free(proven);
        return;
    }
    put->u.platform = platform->row;
    put->u.platform.proven = registration_join_urls(&proven->arena, platform->row.proven, proven->url);
    proven_audit(proven, platform);
    proven->batch.callback = proven_stored;
    proven->batch.context = proven;
    store_apply(hub->control_store, &proven->batch);
}

void proven_note(struct hub *hub, struct arena *arena, const struct registry_platform *platform,
                 struct str url)
{
    if (!platform->unproven || outbound_host_is_proven(arena, platform, url) ||
        !outbound_host_is_registered(arena, platform, url))
        return;
    struct proven *proven = calloc(1, sizeof *proven);
    if (proven == NULL)
        return; /* the next good answer says it again */
    proven->magic = PROVEN_MAGIC;
    proven->hub = hub;
    proven->platform = platform->row.id;
    arena_init(&proven->arena, 0);
    proven->url = proven_origin(&proven->arena, url);
    proven->task.run = proven_store;
    loop_post(&hub->control, &proven->task);
}
