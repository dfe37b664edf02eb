#ifndef HUBD_WORKER_H
#define HUBD_WORKER_H

#include "hubd/hub.h"

/* A loop that serves partners: its HTTP server, its client for real-time calls, its store connection. */

/* Prepares the worker (on the main thread). */
int worker_init(struct worker *worker, struct hub *hub, unsigned index, struct error *error);
/* Starts its thread. */
int worker_start(struct worker *worker, struct error *error);
/* Thread safe: finish what is in flight, at most `deadline_ms`, or `handlers_ms` where an answer is waited
 * for; then worker->idle is true and the loop waits for worker_finish. */
void worker_drain(struct worker *worker, int64_t deadline_ms, int64_t handlers_ms);
/* Thread safe; once, between worker_drain and worker_finish: the time of both is over now. */
void worker_hurry(struct worker *worker);
/* Thread safe, once it is idle: its loop closes and its thread ends (worker->ended). */
void worker_finish(struct worker *worker);
/* Waits for the thread and frees it. */
void worker_join(struct worker *worker);
/* The HTTP limits of the settings. */
void worker_limits(struct hub *hub, const struct conf *conf, struct http_limits *limits);
/* Control loop: gives every worker the settings that were read again, and every client `policy`, which it
 * takes over; when all have them the log says so. */
void worker_reload(struct hub *hub, struct url_policy *policy);
/* Options of an HTTP client for partners. */
void worker_client_options(struct hub *hub, struct http_client_options *options);

#endif
