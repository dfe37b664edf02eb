#ifndef HUBD_SERVICE_H
#define HUBD_SERVICE_H

#include "hubd/hub.h"
#include "hubd/options.h"

/*
 * Builds the hub from its settings, runs it until SIGTERM or SIGINT, takes it apart again. Returns the exit
 * code: 0, or 78 (EX_CONFIG) after one clear line on stderr. `options` are read again on SIGHUP.
 */
int service_run(struct hub *hub, const struct hubd_options *options);

#endif
