#ifndef HUBD_NOTIFY_H
#define HUBD_NOTIFY_H

/* Sends `state` ("READY=1") to the service manager, as sd_notify(3) does. Does nothing when NOTIFY_SOCKET is
 * not set. */
void notify_service_manager(const char *state);

#endif
