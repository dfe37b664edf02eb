#ifndef LIB_STORE_READ_H
#define LIB_STORE_READ_H

#include "lib/store/store.h"

/* The reads of store.h as numbers in store_read.type, so that an engine serves them from one table. */
enum read_type {
    READ_REGISTRY,
    READ_OBJECT,
    READ_OWNERS,
    READ_PAGE,
    READ_BODIES,
    READ_WAITING,
    READ_DUE,
    READ_DELIVERY,
    READ_DELIVERIES,
    READ_QUEUES,
    READ_COMMAND,
    READ_COMMANDS,
    READ_AUDIT,
    READ_VERIFY,
    READ_TRACE,
    READ_TOTALS,
    READ_TOKEN_USERS,
    READ_FINDINGS,
    READ_REFUSALS,
    READ_RECEIPTS,
    READ_UNBILLED,
    READ_CONFLICTS,
    READ_STORED,
    READ_TYPE_COUNT
};

#endif
