#ifndef HUBD_MESSAGES_BROADCAST_H
#define HUBD_MESSAGES_BROADCAST_H

#include "hubd/request/request.h"

/*
 * Broadcast push (OCPI 2.2.1, Transport: Broadcast Push): the request goes to every connected party of `role`
 * that has a rule with the caller and the module's receiver. The caller is answered at once; errors of
 * receivers are not its matter, nothing is repeated. FROM is the hub when OCPI-to named it, else the caller
 * (open routing); each leg has an X-Request-ID of its own, the X-Correlation-ID of all is the caller's, and
 * leaves a row in the audit. Ends the request.
 */
void broadcast(struct request *request, unsigned role);

#endif
