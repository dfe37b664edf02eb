#ifndef HUBD_TRAFFIC_H
#define HUBD_TRAFFIC_H

#include "lib/ocpi/modules.h"

/*
 * Counts requests of partners and deliveries to partners per module, how many failed and how long they took
 * (hub-audit(5), DESCRIPTION: GETs served from the store are counted and leave no row). Each loop counts in a
 * block of its own, so that counting needs no lock and no memory that another loop writes. The control loop
 * adds the blocks up and keeps the sums of every TRAFFIC_SAMPLE_MS: the figures of the last minutes are
 * differences of these.
 */
struct hub;
struct traffic;
struct traffic_counts; /* one loop's */

#define TRAFFIC_MINUTES   15
#define TRAFFIC_SAMPLE_MS 10000

/* The rows that are counted: index 0 … traffic_row_count() - 1, requests first. */
struct traffic_row {
    bool out;                /* tries of deliveries to partners; else requests of partners */
    enum ocpi_module module; /* OTHER: modules without a row, and unknown paths */
};
size_t traffic_row_count(void);
const struct traffic_row *traffic_row(size_t index);
/* "in" "out", for people. */
const char *traffic_direction(const struct traffic_row *row);
/* The module's name; "others" for OTHER. Static. */
const char *traffic_module(const struct traffic_row *row);

/* `loops`: how many there are, the control loop counted. NULL: no memory. */
struct traffic *traffic_new(unsigned loops);
void traffic_free(struct traffic *traffic);
/* The block of that loop (0, 1, …); only its thread may count in it. Lives as long as `traffic`. */
struct traffic_counts *traffic_counts_of(struct traffic *traffic, unsigned loop);
/* Counts one; a module without a row counts as "others". `latency_us` < 0: unknown. */
void traffic_count_request(struct traffic_counts *counts, enum ocpi_module module, bool failed,
                           int64_t latency_us);
void traffic_count_delivery(struct traffic_counts *counts, enum ocpi_module module, bool failed,
                            int64_t latency_us);

/* Keeps the sums as they are now. Call it every TRAFFIC_SAMPLE_MS, on the control loop. */
void traffic_sample(struct traffic *traffic);

struct traffic_figures {
    uint64_t requests, failed; /* since hubd was started */
    /* per minute, the oldest first: the last 15 minutes, or those since the start when it was later */
    uint32_t minutes[TRAFFIC_MINUTES];
    uint32_t recent, recent_failed;
    double per_minute_1, per_minute_5, per_minute_15; /* average of the last 1, 5, 15 minutes */
    int64_t p50_us, p95_us;                           /* percentiles, within 25 %; -1: no request */
};
/* The figures of a set of rows together (bit 1 << index). Control loop. */
void traffic_read(struct traffic *traffic, uint32_t rows, struct traffic_figures *figures);

/* Starts the timer of traffic_sample on the control loop. 0 or a negative error_code. */
int traffic_start(struct hub *hub);
void traffic_stop(struct hub *hub);

#endif
