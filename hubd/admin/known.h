#ifndef HUBD_ADMIN_KNOWN_H
#define HUBD_ADMIN_KNOWN_H

#include "lib/ctl/server.h"

/*
 * Calls `then` unless the parameter names a party that has neither a registration nor any row: then that is the
 * answer and the request ends. A missing parameter passes. `then` reads the parameter itself.
 */
void known_with_party(struct ctl_request *request, const char *parameter,
                      void (*then)(struct ctl_request *request));

#endif
