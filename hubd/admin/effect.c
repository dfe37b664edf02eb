#include "hubd/admin/effect.h"

#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "lib/base/magic.h"

#define EFFECT_READ_MAGIC 0x45465244u
#define QUEUED_PAGE       1000

struct effect_read {
    uint32_t magic;
    struct effect *effect;
    bool queued;
    struct store_owner_filter owner;
    struct store_page_read page;
    struct store_delivery_list list;
};

static void count_objects(struct effect_read *read, enum store_kind kind);
static void count_queued(struct effect_read *read, int64_t after);

static void effect_fail(struct effect *effect, const struct store_read *base)
{
    struct error error = base->error;
    int result = base->result;
    arena_free(&effect->arena);
    refusal_reply_error(effect->request, result, error.text);
}

static void effect_finish(struct effect *effect)
{
    arena_free(&effect->arena);
    effect->done(effect);
}

/* ---------------------------------------------------------------- queued deliveries */

static void on_queued(struct store_read *base)
{
    struct effect_read *read = MAGIC_CAST(struct effect_read, base->context, EFFECT_READ_MAGIC);
    struct effect *effect = read->effect;
    const struct store_delivery_list *list = &read->list;
    if (base->result != OK) {
        effect_fail(effect, base);
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct store_delivery *row = &list->rows[i];
        effect->queued += row->kind >= 0 && str_equal(row->receiver, effect->emsp) &&
                          str_equal(row->sender, effect->cpo); /* as STORE_HOLD_PENDING takes them */
    }
    if (list->count == QUEUED_PAGE)
        count_queued(read, list->rows[list->count - 1].id);
    else
        effect_finish(effect);
}

static void count_queued(struct effect_read *read, int64_t after)
{
    struct effect *effect = read->effect;
    arena_reset(&effect->arena);
    read->list = (struct store_delivery_list){
        .base = {.arena = &effect->arena, .callback = on_queued, .context = read},
        .state = STORE_DELIVERY_PENDING,
        .receiver = effect->emsp,
        .after = after,
        .limit = QUEUED_PAGE,
    };
    store_read_deliveries(admin_hub(effect->request)->control_store, &read->list);
}

/* ---------------------------------------------------------------- locations and tariffs */

static void on_objects(struct store_read *base)
{
    struct effect_read *read = MAGIC_CAST(struct effect_read, base->context, EFFECT_READ_MAGIC);
    struct effect *effect = read->effect;
    if (base->result != OK) {
        effect_fail(effect, base);
        return;
    }
    if (read->page.kind == STORE_LOCATION) {
        effect->locations = (int64_t)read->page.total;
        count_objects(read, STORE_TARIFF);
        return;
    }
    effect->tariffs = (int64_t)read->page.total;
    if (read->queued && effect->dry_run)
        count_queued(read, 0);
    else
        effect_finish(effect);
}

static void count_objects(struct effect_read *read, enum store_kind kind)
{
    struct effect *effect = read->effect;
    arena_reset(&effect->arena);
    read->owner = (struct store_owner_filter){effect->cpo, INT64_MIN};
    read->page = (struct store_page_read){
        .base = {.arena = &effect->arena, .callback = on_objects, .context = read},
        .kind = kind,
        .owners = &read->owner,
        .owner_count = 1,
        .date_from = INT64_MIN,
        .date_to = INT64_MAX,
        .limit = 1,
        .bytes_max = 1,
    };
    store_read_page(admin_hub(effect->request)->control_store, &read->page);
}

static bool find_keys(struct effect *effect, struct refusal *refusal)
{
    struct ctl_request *request = effect->request;
    struct registry_view *view = admin_hub(request)->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    struct lookup_pair pair;
    bool found =
        lookup_find_pair(snapshot, request->params, request->command, &request->arena, &pair, refusal);
    if (found) {
        effect->emsp = arena_copy(&request->arena, ocpi_party_key_str(&pair.emsp->key));
        effect->cpo = arena_copy(&request->arena, ocpi_party_key_str(&pair.cpo->key));
    }
    registry_release(view, snapshot);
    return found;
}

void effect_count(struct ctl_request *request, bool queued, void (*done)(struct effect *effect))
{
    struct effect *effect = arena_alloc(&request->arena, sizeof *effect);
    struct effect_read *read = arena_alloc(&request->arena, sizeof *read);
    struct refusal refusal = {0};
    if (effect == NULL || read == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    effect->request = request;
    effect->done = done;
    effect->dry_run = json_get_boolean(request->params, "dry_run", false);
    read->magic = EFFECT_READ_MAGIC;
    read->effect = effect;
    read->queued = queued;
    if (!find_keys(effect, &refusal)) {
        refusal_reply(request, &refusal);
        return;
    }
    arena_init(&effect->arena, 0);
    count_objects(read, STORE_LOCATION);
}
