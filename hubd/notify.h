#ifndef HUBD_NOTIFY_H
#define HUBD_NOTIFY_H

/* Tells the service manager about the state ("READY=1"), as sd_notify(3) does; nothing happens where
 * NOTIFY_SOCKET is not set. */
void notify_service_manager(const char *state);

#endif
