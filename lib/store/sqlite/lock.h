#ifndef LIB_STORE_SQLITE_LOCK_H
#define LIB_STORE_SQLITE_LOCK_H

#include "lib/base/error.h"

/*
 * Takes hub.lock in `directory` for this process and writes its pid into it. *lock is the file descriptor
 * that holds it until it is closed. ERR_EXISTS names the pid of the other hubd.
 */
int lock_take(const char *directory, int *lock, struct error *error);

#endif
