#include "hubd/traffic.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "hubd/hub.h"
#include "lib/base/env.h"
#include "lib/base/error.h"
#include "lib/base/magic.h"

#define CACHE_LINE 64
#define MINUTE_MS  60000
/* Buckets of latency: two per doubling, from 2^SHIFT microseconds to two minutes; the last one takes the
 * rest. */
#define SHIFT   6
#define BUCKETS 44
/* The samples of TRAFFIC_MINUTES, and one more at which the first minute begins. */
#define SAMPLES (TRAFFIC_MINUTES * MINUTE_MS / TRAFFIC_SAMPLE_MS + 2)

/* Requests have a row for each module, in the order of their numbers; deliveries have those behind. */
enum traffic_delivery_row {
    OUT_SESSIONS = OCPI_MODULE_COUNT,
    OUT_CDRS,
    OUT_COMMANDS,
    OUT_LOCATIONS,
    OUT_TARIFFS,
    OUT_HUBCLIENTINFO,
    OUT_OTHERS,
    ROWS
};
static_assert(ROWS <= 32, "sets of rows are bits");

static const struct traffic_row rows[ROWS] = {
#define REQUEST_ROW(identifier, name) [OCPI_MODULE_##identifier] = {false, OCPI_MODULE_##identifier},
    OCPI_MODULES(REQUEST_ROW)
#undef REQUEST_ROW
        [OUT_SESSIONS] = {true, OCPI_MODULE_SESSIONS},
    [OUT_CDRS] = {true, OCPI_MODULE_CDRS},
    [OUT_COMMANDS] = {true, OCPI_MODULE_COMMANDS},
    [OUT_LOCATIONS] = {true, OCPI_MODULE_LOCATIONS},
    [OUT_TARIFFS] = {true, OCPI_MODULE_TARIFFS},
    [OUT_HUBCLIENTINFO] = {true, OCPI_MODULE_HUBCLIENTINFO},
    [OUT_OTHERS] = {true, OCPI_MODULE_OTHER},
};
static_assert(OUT_OTHERS + 1 == ROWS, "the last row is the one of all others");

static const uint8_t delivery_rows[] = {
    [OCPI_MODULE_LOCATIONS] = OUT_LOCATIONS,
    [OCPI_MODULE_TARIFFS] = OUT_TARIFFS,
    [OCPI_MODULE_SESSIONS] = OUT_SESSIONS,
    [OCPI_MODULE_CDRS] = OUT_CDRS,
    [OCPI_MODULE_TOKENS] = OUT_OTHERS,
    [OCPI_MODULE_COMMANDS] = OUT_COMMANDS,
    [OCPI_MODULE_CHARGINGPROFILES] = OUT_OTHERS,
    [OCPI_MODULE_HUBCLIENTINFO] = OUT_HUBCLIENTINFO,
    [OCPI_MODULE_CREDENTIALS] = OUT_OTHERS,
    [OCPI_MODULE_VERSIONS] = OUT_OTHERS,
    [OCPI_MODULE_OTHER] = OUT_OTHERS,
};
static_assert(sizeof delivery_rows == OCPI_MODULE_COUNT, "a row for each module");

/* One thread writes and another reads: relaxed loads and stores, which are never torn. */
struct counter {
    _Atomic uint64_t requests, failed;
    _Atomic uint32_t latency[BUCKETS];
};

struct traffic_counts {
    _Alignas(CACHE_LINE) struct counter rows[ROWS];
};

/* The difference of two samples, also when the counter wrapped in between. */
struct sample {
    int64_t at; /* monotonic ms */
    struct sampled {
        uint32_t requests, failed, latency[BUCKETS];
    } rows[ROWS];
};

#define TRAFFIC_MAGIC 0x54524146u
struct traffic {
    uint32_t magic;
    uv_timer_t timer;
    struct traffic_counts *loops;
    unsigned loop_count;
    size_t newest, sample_count; /* in `samples`, a ring */
    struct sample samples[SAMPLES];
};

size_t traffic_row_count(void)
{
    return ROWS;
}

const struct traffic_row *traffic_row(size_t index)
{
    return &rows[index];
}

const char *traffic_direction(const struct traffic_row *row)
{
    return row->out ? "out" : "in";
}

const char *traffic_module(const struct traffic_row *row)
{
    return row->module == OCPI_MODULE_OTHER ? "others" : ocpi_module_name(row->module);
}

/* ---------------------------------------------------------------- counting */

static unsigned find_bucket(int64_t latency_us)
{
    if (latency_us < 1 << SHIFT)
        return 0;
    unsigned power = 63 - (unsigned)__builtin_clzll((unsigned long long)latency_us);
    unsigned upper = (unsigned)(latency_us >> (power - 1)) & 1;
    unsigned bucket = (power - SHIFT) * 2 + upper + 1;
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/* The latency in the middle of a bucket. */
static int64_t bucket_latency(unsigned bucket)
{
    if (bucket == 0)
        return (1 << SHIFT) * 3 / 4;
    int64_t quarter = (INT64_C(1) << (SHIFT + (bucket - 1) / 2)) / 4;
    return quarter * ((bucket - 1) % 2 == 0 ? 5 : 7);
}

#define ADD_ONE(counter)                                                                                     \
    atomic_store_explicit((counter), atomic_load_explicit((counter), memory_order_relaxed) + 1,              \
                          memory_order_relaxed)

static void count(struct counter *counter, bool failed, int64_t latency_us)
{
    ADD_ONE(&counter->requests);
    if (failed)
        ADD_ONE(&counter->failed);
    if (latency_us >= 0)
        ADD_ONE(&counter->latency[find_bucket(latency_us)]);
}

void traffic_count_request(struct traffic_counts *counts, enum ocpi_module module, bool failed,
                           int64_t latency_us)
{
    count(&counts->rows[module], failed, latency_us);
}

void traffic_count_delivery(struct traffic_counts *counts, enum ocpi_module module, bool failed,
                            int64_t latency_us)
{
    count(&counts->rows[delivery_rows[module]], failed, latency_us);
}

/* ---------------------------------------------------------------- samples */

static void add_up(const struct traffic *traffic, struct sample *sum)
{
    memset(sum, 0, sizeof *sum);
    sum->at = env_monotonic_ms();
    for (unsigned loop = 0; loop < traffic->loop_count; loop++) {
        for (size_t i = 0; i < ROWS; i++) {
            struct counter *counter = &traffic->loops[loop].rows[i];
            struct sampled *row = &sum->rows[i];
            row->requests += (uint32_t)atomic_load_explicit(&counter->requests, memory_order_relaxed);
            row->failed += (uint32_t)atomic_load_explicit(&counter->failed, memory_order_relaxed);
            for (unsigned bucket = 0; bucket < BUCKETS; bucket++)
                row->latency[bucket] += atomic_load_explicit(&counter->latency[bucket], memory_order_relaxed);
        }
    }
}

void traffic_sample(struct traffic *traffic)
{
    traffic->newest = (traffic->newest + 1) % SAMPLES;
    traffic->sample_count += traffic->sample_count < SAMPLES;
    add_up(traffic, &traffic->samples[traffic->newest]);
}

/* The newest sample that is at least so old; the oldest one when none is. */
static const struct sample *sample_at(const struct traffic *traffic, int64_t at)
{
    size_t i = traffic->newest;
    for (size_t left = traffic->sample_count; left > 1 && traffic->samples[i].at > at; left--)
        i = (i + SAMPLES - 1) % SAMPLES;
    return &traffic->samples[i];
}

/* ---------------------------------------------------------------- reading */

static uint32_t requests_between(const struct sample *from, const struct sample *to, uint32_t set)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < ROWS; i++)
        sum += (set & 1u << i) != 0 ? to->rows[i].requests - from->rows[i].requests : 0;
    return sum;
}

static double rate_over(const struct traffic *traffic, const struct sample *now, unsigned minutes,
                        uint32_t set)
{
    const struct sample *from = sample_at(traffic, now->at - (int64_t)minutes * MINUTE_MS);
    int64_t passed = now->at - from->at;
    /* one request in the first second is not sixty in a minute */
    return (double)requests_between(from, now, set) * MINUTE_MS /
           (double)(passed < MINUTE_MS ? MINUTE_MS : passed);
}

static int64_t percentile(const uint64_t *latency, uint64_t total, unsigned percent)
{
    uint64_t seen = 0, wanted = (total * percent + 99) / 100;
    for (unsigned bucket = 0; bucket < BUCKETS && total > 0; bucket++) {
        seen += latency[bucket];
        if (seen >= wanted)
            return bucket_latency(bucket);
    }
    return -1;
}

static void read_latency(const struct sample *from, const struct sample *now, uint32_t set,
                         struct traffic_figures *figures)
{
    uint64_t latency[BUCKETS] = {0}, total = 0;
    for (size_t i = 0; i < ROWS; i++) {
        for (unsigned bucket = 0; bucket < BUCKETS && (set & 1u << i) != 0; bucket++)
            latency[bucket] += now->rows[i].latency[bucket] - from->rows[i].latency[bucket];
    }
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++)
        total += latency[bucket];
    figures->p50_us = percentile(latency, total, 50);
    figures->p95_us = percentile(latency, total, 95);
}

void traffic_read(struct traffic *traffic, uint32_t set, struct traffic_figures *figures)
{
    struct sample now;
    add_up(traffic, &now);
    memset(figures, 0, sizeof *figures);
    for (size_t i = 0; i < ROWS; i++) {
        for (unsigned loop = 0; loop < traffic->loop_count && (set & 1u << i) != 0; loop++) {
            struct counter *counter = &traffic->loops[loop].rows[i];
            figures->requests += atomic_load_explicit(&counter->requests, memory_order_relaxed);
            figures->failed += atomic_load_explicit(&counter->failed, memory_order_relaxed);
        }
    }
    const struct sample *first = sample_at(traffic, now.at - (int64_t)TRAFFIC_MINUTES * MINUTE_MS);
    const struct sample *from = first;
    for (unsigned minute = 0; minute < TRAFFIC_MINUTES; minute++) {
        int64_t end = now.at - (int64_t)(TRAFFIC_MINUTES - 1 - minute) * MINUTE_MS;
        const struct sample *to = minute == TRAFFIC_MINUTES - 1 ? &now : sample_at(traffic, end);
        figures->minutes[minute] = requests_between(from, to, set);
        figures->recent += figures->minutes[minute];
        from = to;
    }
    for (size_t i = 0; i < ROWS; i++)
        figures->recent_failed += (set & 1u << i) != 0 ? now.rows[i].failed - first->rows[i].failed : 0;
    figures->per_minute_1 = rate_over(traffic, &now, 1, set);
    figures->per_minute_5 = rate_over(traffic, &now, 5, set);
    figures->per_minute_15 = rate_over(traffic, &now, 15, set);
    read_latency(first, &now, set, figures);
}

/* ---------------------------------------------------------------- life */

struct traffic *traffic_new(unsigned loops)
{
    struct traffic *traffic = calloc(1, sizeof *traffic);
    if (traffic == NULL)
        return NULL;
    size_t size = loops * sizeof *traffic->loops;
    traffic->magic = TRAFFIC_MAGIC;
    traffic->loop_count = loops;
    traffic->loops = aligned_alloc(CACHE_LINE, size);
    if (traffic->loops == NULL) {
        traffic_free(traffic);
        return NULL;
    }
    memset(traffic->loops, 0, size);
    traffic_sample(traffic);
    return traffic;
}

void traffic_free(struct traffic *traffic)
{
    if (traffic == NULL)
        return;
    free(traffic->loops);
    traffic->magic = 0;
    free(traffic);
}

struct traffic_counts *traffic_counts_of(struct traffic *traffic, unsigned loop)
{
    return &traffic->loops[loop];
}

static void traffic_tick(uv_timer_t *timer)
{
    traffic_sample(MAGIC_CAST(struct traffic, timer->data, TRAFFIC_MAGIC));
}

int traffic_start(struct hub *hub)
{
    uv_timer_t *timer = &hub->traffic->timer;
    timer->data = hub->traffic;
    if (uv_timer_init(&hub->control.uv, timer) != 0)
        return ERR_IO;
    return uv_timer_start(timer, traffic_tick, TRAFFIC_SAMPLE_MS, TRAFFIC_SAMPLE_MS) == 0 ? OK : ERR_IO;
}

void traffic_stop(struct hub *hub)
{
    uv_close((uv_handle_t *)&hub->traffic->timer, NULL);
}
