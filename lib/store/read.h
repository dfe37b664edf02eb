#ifndef LIB_STORE_READ_H
#define LIB_STORE_READ_H

#include "lib/store/store.h"

/*
 * The reads of store.h, history.h and verify.h: X(NAME, name, struct that it takes). Each becomes a number for
 * store_read.type, a function store_read_… that hands it to the client, and the engine's function read_… with
 * its place in the table of them.
 */

/* clang-format off */

#define STORE_READS(X)                                                                                       \
    X(REGISTRY, registry, store_registry_read)                                                               \
    X(OBJECT, object, store_object_read)                                                                     \
    X(OWNERS, owners, store_owners_read)                                                                     \
    X(PAGE, page, store_page_read)                                                                           \
    X(BODIES, bodies, store_bodies_read)                                                                     \
    X(WAITING, waiting, store_waiting_read)                                                                  \
    X(DUE, due, store_due_read)                                                                              \
    X(DELIVERY, delivery, store_delivery_read)                                                               \
    X(DELIVERIES, deliveries, store_delivery_list)                                                           \
    X(QUEUES, queues, store_queues_read)                                                                     \
    X(COMMAND, command, store_command_read)                                                                  \
    X(COMMANDS, commands, store_command_list)                                                                \
    X(AUDIT, audit, store_audit_read)                                                                        \
    X(VERIFY, verify, store_verify_read)                                                                     \
    X(TRACE, trace, store_trace_read)                                                                        \
    X(TOTALS, totals, store_totals_read)                                                                     \
    X(TOKEN_USERS, token_users, store_token_users_read)                                                      \
    X(STARTER, starter, store_starter_read)                                                                  \
    X(FINDINGS, findings, store_findings_read)                                                               \
    X(REFUSALS, refusals, store_refusals_read)                                                               \
    X(RECEIPTS, receipts, store_receipts_read)                                                               \
    X(UNBILLED, unbilled, store_unbilled_read)                                                               \
    X(CONFLICTS, conflicts, store_conflicts_read)                                                            \
    X(STORED, stored, store_stored_read)

/* clang-format on */

#define READ_TYPE(NAME, name, type) READ_##NAME,
enum read_type { STORE_READS(READ_TYPE) READ_TYPE_COUNT };
#undef READ_TYPE

#endif
