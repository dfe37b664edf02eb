#ifndef HUBD_ADMIN_KNOWN_H
#define HUBD_ADMIN_KNOWN_H

#include "lib/ctl/server.h"

/*
 * For commands that show or change rows of a party. Rows outlive parties, so a party that is not registered may have
 * some; of one that never was, an empty answer would hide a typing error. Calls `then`, unless the parameter names a
 * party that has neither a registration nor any row: then the request is answered with that. A missing parameter
 * passes. `then` reads the parameter itself.
 */
void known_with_party(struct ctl_request *request, const char *parameter,
                      void (*then)(struct ctl_request *request));

#endif
