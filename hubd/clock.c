#include "hubd/clock.h"

#include <stdlib.h>

#include "lib/base/bug.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/base/timestamp.h"

#define CLOCK_MAGIC   0x434c4f43u
#define LOOK_MS       1000
#define KEEP_MS       60000 /* age at which the mark in the database is renewed */
#define JUMP_MS       2000  /* smaller steps are normal corrections */
#define HOUR_MS       3600000
#define JUMP_SHOWN_MS HOUR_MS /* how long status shows a jump */

struct clock_watch {
    uint32_t magic;
    struct hub *hub;
    struct clock clock;
    uv_timer_t timer;
    struct arena arena; /* of the batch under way */
    struct store_apply batch;
    bool busy, clamp_wanted, clamping, stopping;
    int64_t kept;         /* steady, when the mark was written; 0: not yet */
    int64_t jump, jumped; /* the last one, ms, and when (steady); 0: none since the start */
};

/* ---------------------------------------------------------------- what is said */

static void log_distrust(const struct clock_watch *watch)
{
    int64_t steady = env_monotonic_ms();
    char wall[TIMESTAMP_SIZE], own[TIMESTAMP_SIZE], off[DURATION_WORDS_SIZE], left[DURATION_WORDS_SIZE];
    log_warn_bounded("the wall clock is not to be trusted: it says %s, by the hub's own time it is %s (%s "
                     "off). Nothing is "
                     "deleted for its age and tokens end by the hub's time until the clock is set right or "
                     "has run evenly for %s more",
                     timestamp_format(steady + watch->clock.wall_offset, wall),
                     timestamp_format(clock_time(&watch->clock, steady), own),
                     duration_words(clock_ahead(&watch->clock), false, off),
                     duration_words(clock_until_confirmed(&watch->clock, steady), false, left));
}

static void clock_log_event(const struct clock_watch *watch, enum clock_event event)
{
    switch (event) {
    case CLOCK_EVEN:
        return;
    case CLOCK_JUMPED:
        log_distrust(watch);
        return;
    case CLOCK_RETURNED:
        log_warn_bounded("the wall clock is right again");
        return;
    case CLOCK_CONFIRMED:
        log_warn_bounded("the wall clock has run evenly for a day: the hub's time is set by it");
        return;
    }
}

/* Notes a jump of the wall clock. One that changes nothing in the hub's trust is only logged: it shows in the
 * times of audit rows. */
static void clock_note_jump(struct clock_watch *watch, enum clock_event event, int64_t jump, int64_t steady)
{
    char words[DURATION_WORDS_SIZE];
    if (jump <= JUMP_MS && jump >= -JUMP_MS)
        return;
    watch->jump = jump;
    watch->jumped = steady;
    if (event == CLOCK_EVEN)
        log_warn_bounded("the wall clock jumped %s by %s", jump < 0 ? "back" : "ahead",
                         duration_words(jump, false, words));
}

bool clock_is_distrusted(const struct hub *hub)
{
    return hub->clock->clock.untrusted;
}

struct str clock_trouble(const struct hub *hub, struct arena *arena)
{
    const struct clock_watch *watch = hub->clock;
    const struct clock *clock = &watch->clock;
    int64_t steady = env_monotonic_ms(), ahead = clock_ahead(clock);
    int64_t left = clock_until_confirmed(clock, steady);
    char off[DURATION_WORDS_SIZE], rest[DURATION_WORDS_SIZE];
    if (clock->untrusted)
        return arena_printf(
            arena, "the wall clock is %s %s the hub's time: nothing is deleted for its age for %s",
            duration_words(ahead - ahead % 1000, false, off), ahead < 0 ? "behind" : "ahead of",
            duration_words((left / HOUR_MS + 1) * HOUR_MS, false, rest));
    if (watch->jump != 0 && steady - watch->jumped < JUMP_SHOWN_MS)
        return arena_printf(arena, "the wall clock jumped %s by %s in the last hour",
                            watch->jump < 0 ? "back" : "ahead", duration_words(watch->jump, false, off));
    return STR_NONE;
}

/* ---------------------------------------------------------------- what is kept */

static void clock_refreshed(int result, void *context)
{
    (void)context;
    if (result != OK)
        log_error_bounded("clock: the registry cannot be read again");
}

static void clock_applied(struct store_apply *apply)
{
    struct clock_watch *watch = MAGIC_CAST(struct clock_watch, apply->context, CLOCK_MAGIC);
    const struct store_op *clamp = watch->clamping ? apply->first->next : NULL;
    struct hub *hub = watch->hub;
    if (apply->result != OK)
        log_error_bounded("clock: the time cannot be stored: %s", apply->error.text);
    if (apply->result != OK || clamp == NULL)
        watch->clamp_wanted = watch->clamp_wanted || watch->clamping;
    else if (clamp->u.clamp.changed) {
        log_warn("deadlines that a wrong clock had put too far ahead were pulled in");
        registry_refresh(hub->registry, &hub->control, clock_refreshed, watch);
    }
    watch->busy = watch->clamping = false;
    arena_free(&watch->arena);
}

static void clock_keep(struct clock_watch *watch, int64_t steady)
{
    struct hub *hub = watch->hub;
    arena_init(&watch->arena, 0);
    store_batch_init(&watch->batch, &watch->arena);
    struct store_op *put = store_batch_add(&watch->batch, STORE_PUT_CLOCK);
    struct store_op *clamp =
        watch->clamp_wanted ? store_batch_add(&watch->batch, STORE_CLAMP_DEADLINES) : NULL;
    if (put != NULL)
        put->u.clock = clock_mark(&watch->clock, steady);
    if (clamp != NULL) {
        clamp->u.clamp.now = clock_time(&watch->clock, steady);
        clamp->u.clamp.overlap = hub->conf.token_overlap;
        clamp->u.clamp.command = hub->conf.command_timeout;
    }
    watch->busy = true;
    watch->kept = steady;
    watch->clamping = clamp != NULL;
    watch->clamp_wanted = watch->clamp_wanted && clamp == NULL;
    watch->batch.callback = clock_applied;
    watch->batch.context = watch;
    store_apply(hub->control_store, &watch->batch);
}

/* ---------------------------------------------------------------- looking */

static void clock_tick(uv_timer_t *timer)
{
    struct clock_watch *watch = MAGIC_CAST(struct clock_watch, timer->data, CLOCK_MAGIC);
    struct hub *hub = watch->hub;
    int64_t steady = env_monotonic_ms(), offset = watch->clock.wall_offset;
    enum clock_event event = clock_look(&watch->clock, env_wall_ms(), steady);
    atomic_store(&hub->kept_offset, watch->clock.offset);
    clock_log_event(watch, event);
    clock_note_jump(watch, event, watch->clock.wall_offset - offset, steady);
    watch->clamp_wanted = watch->clamp_wanted || event == CLOCK_RETURNED || event == CLOCK_CONFIRMED;
    log_tell_held();
    if (!watch->busy && !watch->stopping &&
        (event != CLOCK_EVEN || watch->kept == 0 || watch->clamp_wanted || steady - watch->kept >= KEEP_MS))
        clock_keep(watch, steady);
}

/* ---------------------------------------------------------------- life */

void clock_open(struct hub *hub)
{
    struct clock_watch *watch = must_alloc(sizeof *watch, "the watch over the clock");
    struct clock_mark mark;
    int64_t wall = env_wall_ms(), steady = env_monotonic_ms();
    watch->magic = CLOCK_MAGIC;
    watch->hub = hub;
    watch->clamp_wanted = true;
    hub->clock = watch;
    bool known = store_clock(hub->store, &mark);
    clock_log_event(watch, clock_begin(&watch->clock, known ? &mark : NULL, wall, steady));
    hub->started_wall = wall;
    hub->started_steady = steady;
    hub->steady_offset = watch->clock.offset;
    atomic_store(&hub->kept_offset, watch->clock.offset);
}

int clock_start(struct hub *hub)
{
    struct clock_watch *watch = hub->clock;
    if (uv_timer_init(&hub->control.uv, &watch->timer) != 0)
        return ERR_IO;
    watch->timer.data = watch;
    return uv_timer_start(&watch->timer, clock_tick, 0, LOOK_MS) == 0 ? OK : ERR_IO;
}

void clock_stop(struct hub *hub)
{
    hub->clock->stopping = true;
    uv_close((uv_handle_t *)&hub->clock->timer, NULL);
}

void clock_free(struct hub *hub)
{
    struct clock_watch *watch = hub->clock;
    if (watch == NULL)
        return;
    if (watch->busy)
        arena_free(&watch->arena);
    watch->magic = 0;
    free(watch);
    hub->clock = NULL;
}
