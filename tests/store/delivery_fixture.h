/* Deliveries in the tests of the store: put, read, ended. */
#ifndef HUB_TESTS_STORE_DELIVERY_FIXTURE_H
#define HUB_TESTS_STORE_DELIVERY_FIXTURE_H

#include "tests/store/fixture.h"

static inline struct store_delivery *add_delivery(struct store_apply *apply, const char *receiver, int kind,
                                                  const char *object, bool coalesce)
{
    struct store_op *op = add_op(apply, STORE_PUT_DELIVERY);
    op->u.delivery.coalesce = coalesce;
    op->u.delivery.row = (struct store_delivery){
        .state = STORE_DELIVERY_PENDING,
        .receiver = str_from(receiver),
        .sender = STR("IN-CPO"),
        .module = kind < 0 ? STR("commands") : STR("sessions"),
        .method = STR("PUT"),
        .kind = kind,
        .owner = STR("IN-CPO"),
        .object = str_from(object),
        .correlation_id = STR("corr"),
        .created = 123,
        .active_from = -1,
    };
    return &op->u.delivery.row;
}

static inline int64_t deliver(struct fixture *f, const char *receiver, int kind, const char *object,
                              bool coalesce)
{
    struct store_apply *apply = new_batch(f);
    struct store_delivery *row = add_delivery(apply, receiver, kind, object, coalesce);
    row->body = kind < 0 ? STR("{\"inline\":1}") : STR_NONE;
    assert_int_equal(run_batch(f, apply), OK);
    return row->id;
}

static inline struct store_delivery get(struct fixture *f, int64_t id)
{
    struct store_delivery_read read = {.id = id};
    assert_int_equal(RUN_READ(f, store_read_delivery, &read), OK);
    return read.row;
}

static inline int finish(struct fixture *f, int64_t id, enum store_delivery_state state)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_FINISH_DELIVERY);
    op->u.finish.id = id;
    op->u.finish.state = state;
    op->u.finish.attempts = 3;
    op->u.finish.next_attempt = 777;
    op->u.finish.last_error = STR("HTTP 500");
    op->u.finish.done = 888;
    return run_batch(f, apply);
}

/* Holds the oldest delivery of sessions that waits for IN-MSP, as if its receiver had no URL any more. */
static inline void hold_one_session(struct fixture *f)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_HOLD_MODULE);
    op->u.hold.receiver = STR("IN-MSP");
    op->u.hold.module = STR("sessions");
    op->u.hold.reason = STORE_HOLD_NO_URL;
    op->u.hold.limit = 1;
    assert_int_equal(run_batch(f, apply), OK);
}

#endif
