#ifndef HUBD_SERVICE_H
#define HUBD_SERVICE_H

#include "hubd/hub.h"
#include "hubd/options.h"

/*
 * Builds the hub from its settings, runs it until SIGTERM or SIGINT, and frees it. Returns the exit code: 0,
 * or EXIT_CONFIG after one line on stderr that says why. `options` must live as long: SIGHUP reads the
 * settings again.
 */
int service_run(struct hub *hub, const struct hubd_options *options);

#endif
