#ifndef HUBD_WORKER_H
#define HUBD_WORKER_H

#include "hubd/hub.h"

/* A loop that serves partners: its HTTP server, its client for real-time calls, its store connection. */

/* Builds the worker, on the main thread. 0 or a negative error_code with `error`. */
int worker_init(struct worker *worker, struct hub *hub, unsigned index, struct error *error);
/* Starts its thread. 0 or a negative error_code with `error`. */
int worker_start(struct worker *worker, struct error *error);
/*
 * Lets the worker take no new request and finish those it has: within `deadline_ms`, or `handlers_ms` for a
 * request whose handler still waits for an answer. Then it sets worker->idle and waits for worker_finish.
 * Thread safe.
 */
void worker_drain(struct worker *worker, int64_t deadline_ms, int64_t handlers_ms);
/* Ends both times of worker_drain now. Call it once, between worker_drain and worker_finish. Thread safe. */
void worker_hurry(struct worker *worker);
/* Closes the loop of an idle worker; its thread then ends and sets worker->ended. Thread safe. */
void worker_finish(struct worker *worker);
/* Waits for the thread and frees it. */
void worker_join(struct worker *worker);
/* Fills `limits` from the settings. */
void worker_limits(struct hub *hub, const struct conf *conf, struct http_limits *limits);
/* Gives every worker a copy of the settings that were read again, and every client `policy`, whose ownership
 * passes to the hub. Logs when all have them. Control loop. */
void worker_reload(struct hub *hub, struct url_policy *policy);
/* Fills `options` for an HTTP client that calls partners. */
void worker_client_options(struct hub *hub, struct http_client_options *options);

#endif
