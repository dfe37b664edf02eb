#ifndef HUBD_TRAFFIC_H
#define HUBD_TRAFFIC_H

#include "lib/ocpi/modules.h"

/*
 * How much goes over the hub: requests of partners and deliveries to them, per module, with how many failed
 * and how long they took (hub-audit(5), DESCRIPTION: GETs served from the store are counted and leave no row). Each loop
 * counts in a block of its own, without a lock and without memory that another loop writes; the control loop
 * adds the blocks up and keeps a sample of the sums every few seconds, from which it tells the last minutes.
 */
struct hub;
struct traffic;
struct traffic_counts; /* one loop's */

#define TRAFFIC_MINUTES   15
#define TRAFFIC_SAMPLE_MS 10000

/* The rows that are counted: index 0 … traffic_row_count() - 1, requests first. */
struct traffic_row {
    bool out;           /* tries of deliveries to partners; else requests of partners */
    const char *module; /* "others": what has no row of its own, paths that are none of the hub's too */
};
size_t traffic_row_count(void);
const struct traffic_row *traffic_row(size_t index);
/* "in" "out", for people. */
const char *traffic_direction(const struct traffic_row *row);

/* For so many loops, the control loop among them. NULL: no memory. */
struct traffic *traffic_new(unsigned loops);
void traffic_free(struct traffic *traffic);
/* The block of loop 0, 1, …: only that loop's thread counts in it. */
struct traffic_counts *traffic_counts_of(struct traffic *traffic, unsigned loop);
/* A module without a row of its own counts as "others". `latency_us` negative: not known. */
void traffic_count_request(struct traffic_counts *counts, enum ocpi_module module, bool failed,
                           int64_t latency_us);
void traffic_count_delivery(struct traffic_counts *counts, enum ocpi_module module, bool failed,
                            int64_t latency_us);

/* Control loop: keeps what the sums are by now; to be called every TRAFFIC_SAMPLE_MS. */
void traffic_sample(struct traffic *traffic);

struct traffic_figures {
    uint64_t requests, failed; /* since hubd was started */
    /* of the last 15 minutes, or since the start when that was later; the oldest minute first */
    uint32_t minutes[TRAFFIC_MINUTES];
    uint32_t recent, recent_failed;
    double per_minute_1, per_minute_5, per_minute_15; /* in a minute, on average of the last so many */
    int64_t p50_us, p95_us; /* half, and 95 %, took no longer; within 25 %; -1: there was nothing */
};
/* Control loop. Of the rows of a set (bit 1 << index) together. */
void traffic_read(struct traffic *traffic, uint32_t rows, struct traffic_figures *figures);

/* The timer of traffic_sample on the control loop. 0 or a negative error_code. */
int traffic_start(struct hub *hub);
void traffic_stop(struct hub *hub);

#endif
