#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <ftw.h>
#include <stdatomic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/env.h"
#include "lib/store/store.h"

/*
 * A store in a folder of its own with one client on a loop, and calls that wait for their answer. The
 * contract tests know only store.h and this; another engine gets its suite by another fixture_open.
 */
struct fixture {
    char directory[64];
    struct store_options options;
    uint8_t audit_key[32], key_check[32];
    uv_loop_t loop;
    struct store *store;
    struct store_client *client;
    struct arena arena;
};

/* ---------------------------------------------------------------- the clock */

static _Atomic int64_t
    fixture_wall; /* 0: the real clock. The store's thread reads it while a test moves it */

static inline int64_t fixture_wall_ms(void)
{
    return fixture_wall;
}
static inline int64_t fixture_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
static inline void fixture_random(void *out, size_t size)
{
    memset(out, 7, size);
}
/* The wall clock is the test's from here on; before the store is opened. */
static inline void fixture_own_clock(int64_t wall)
{
    static const struct env_ops ops = {fixture_wall_ms, fixture_monotonic_us, fixture_random};
    fixture_wall = wall;
    env_replace(&ops);
}

/* ---------------------------------------------------------------- open and close */

static inline void fixture_open(struct fixture *f)
{
    struct error error = {0};
    int result = store_open(&f->options, &f->store, &error);
    if (result)
        fail_msg("store_open: %s", error.text);
    f->client = store_client_new(f->store, &f->loop, &error);
    if (!f->client)
        fail_msg("store_client_new: %s", error.text);
}

static inline void fixture_close(struct fixture *f)
{
    store_client_free(f->client);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    store_close(f->store);
    f->store = NULL;
    f->client = NULL;
}

static inline void fixture_reopen(struct fixture *f)
{
    fixture_close(f);
    fixture_open(f);
}

static inline void fixture_make(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    snprintf(f->directory, sizeof f->directory, "/tmp/hub-store-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    memset(f->audit_key, 'a', sizeof f->audit_key);
    memset(f->key_check, 'k', sizeof f->key_check);
    f->options = (struct store_options){
        .directory = f->directory,
        .audit_key = f->audit_key,
        .key_check = f->key_check,
    };
    uv_loop_init(&f->loop);
    arena_init(&f->arena, 0);
}

static inline int fixture_remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void fixture_remove(struct fixture *f)
{
    assert_int_equal(uv_loop_close(&f->loop), 0);
    arena_free(&f->arena);
    nftw(f->directory, fixture_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* cmocka's setup and teardown of one test. */
static inline int fixture_setup(void **state)
{
    struct fixture *f = malloc(sizeof *f);
    if (!f)
        return -1;
    fixture_make(f);
    fixture_open(f);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    fixture_remove(f);
    free(f);
    return 0;
}

#define STORE_TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

/* ---------------------------------------------------------------- calls that wait */

static inline void fixture_applied(struct store_apply *apply)
{
    *(bool *)apply->context = true;
}

static inline struct store_apply *new_batch(struct fixture *f)
{
    struct store_apply *apply = arena_alloc(&f->arena, sizeof *apply);
    assert_non_null(apply);
    store_batch_init(apply, &f->arena);
    return apply;
}

static inline struct store_op *add_op(struct store_apply *apply, enum store_op_type type)
{
    struct store_op *op = store_batch_add(apply, type);
    assert_non_null(op);
    return op;
}

static inline int run_batch(struct fixture *f, struct store_apply *apply)
{
    bool done = false;
    apply->callback = fixture_applied;
    apply->context = &done;
    store_apply(f->client, apply);
    assert_false(done); /* never from inside the call */
    while (!done)
        uv_run(&f->loop, UV_RUN_ONCE);
    if (apply->result)
        assert_true(apply->error.text[0] != 0);
    return apply->result;
}

static inline void fixture_was_read(struct store_read *read)
{
    *(bool *)read->context = true;
}

static inline void begin_read(struct fixture *f, struct store_read *read, bool *done)
{
    *done = false;
    read->arena = &f->arena;
    read->callback = fixture_was_read;
    read->context = done;
}

static inline void wait_read(struct fixture *f, const bool *done)
{
    assert_false(*done);
    while (!*done)
        uv_run(&f->loop, UV_RUN_ONCE);
}

/* RUN_READ(f, store_read_page, &page): the result code. */
#define RUN_READ(f, function, request)                                                                       \
    __extension__({                                                                                          \
        bool read_is_done;                                                                                   \
        begin_read(f, &(request)->base, &read_is_done);                                                      \
        function((f)->client, request);                                                                      \
        wait_read(f, &read_is_done);                                                                         \
        (request)->base.result;                                                                              \
    })

/* ---------------------------------------------------------------- shorthands */

#define assert_str(actual, expected)                                                                         \
    do {                                                                                                     \
        struct str actual_str = (actual);                                                                    \
        struct str expected_str = str_from(expected);                                                        \
        if (!str_equal(actual_str, expected_str))                                                            \
            fail_msg("is \"" STR_FMT "\", expected \"%s\"", STR_ARG(actual_str), expected);                  \
    } while (0)

static inline struct str text(struct fixture *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline struct str text(struct fixture *f, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    struct str copy = arena_copy(&f->arena, str_from(line));
    assert_non_null(copy.data);
    return copy;
}

/* An object op; the digest is made of the body. */
static inline struct store_object_put *add_object(struct store_apply *apply, enum store_kind kind,
                                                  const char *owner, const char *id, const char *body,
                                                  int64_t last_updated)
{
    struct store_object_put *p = &add_op(apply, STORE_PUT_OBJECT)->u.object;
    p->kind = kind;
    p->owner = str_from(owner);
    p->id = str_from(id);
    p->body = str_from(body);
    p->last_updated = last_updated;
    uint64_t hash = str_hash(p->body);
    memcpy(p->digest, &hash, sizeof hash);
    return p;
}

static inline int put_object(struct fixture *f, enum store_kind kind, const char *owner, const char *id,
                             const char *body, int64_t last_updated)
{
    struct store_apply *apply = new_batch(f);
    add_object(apply, kind, owner, id, body, last_updated);
    return run_batch(f, apply);
}

static inline struct store_object_read get_object(struct fixture *f, enum store_kind kind, const char *owner,
                                                  const char *id)
{
    struct store_object_read read = {.kind = kind, .owner = str_from(owner), .id = str_from(id)};
    RUN_READ(f, store_read_object, &read);
    return read;
}

static inline struct store_audit *add_audit(struct store_apply *apply, const char *action, const char *party)
{
    struct store_audit *row = &add_op(apply, STORE_APPEND_AUDIT)->u.audit;
    row->kind = STORE_AUDIT_PUSH;
    row->action = str_from(action);
    row->party = str_from(party);
    row->actor = STR("hub");
    row->latency_ms = -1;
    return row;
}

static inline struct store_registry_read registry(struct fixture *f)
{
    struct store_registry_read read = {0};
    assert_int_equal(RUN_READ(f, store_read_registry, &read), OK);
    return read;
}

#endif
