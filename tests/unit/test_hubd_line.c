/* Lines: who may change an object when, on loops of several threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hubd/request/line.h"
#include "lib/base/magic.h"

static struct lines *lines;

static int setup(void **state)
{
    (void)state;
    lines = lines_new();
    return lines == NULL;
}

static int teardown(void **state)
{
    (void)state;
    lines_free(lines);
    return 0;
}

/* ---------------------------------------------------------------- on one loop */

struct visitor {
    struct line_place place;
    char name;
};

static char turns[32];

static void note_turn(struct line_place *place)
{
    turns[strlen(turns)] = CONTAINER_OF(place, struct visitor, place)->name;
}

static struct visitor visitor(struct loop *loop, char name)
{
    return (struct visitor){.place = {.turn = note_turn, .loop = loop}, .name = name};
}

/* What has been posted to the loop. */
static void run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_NOWAIT);
}

static void test_order(void **state)
{
    struct loop loop;
    (void)state;
    assert_int_equal(loop_init(&loop, 0), 0);
    memset(turns, 0, sizeof turns);
    struct visitor a = visitor(&loop, 'a'), b = visitor(&loop, 'b'), c = visitor(&loop, 'c'),
                   d = visitor(&loop, 'd'), e = visitor(&loop, 'e'), f = visitor(&loop, 'f');
    /* two that share go at once; one that wants it alone waits for both, and whoever comes later waits for it
     */
    assert_int_equal(line_enter(lines, 7, &a.place, LINE_SHARED), 1);
    assert_int_equal(line_enter(lines, 7, &b.place, LINE_SHARED), 1);
    assert_int_equal(line_enter(lines, 7, &c.place, LINE_ALONE), 0);
    assert_int_equal(line_enter(lines, 7, &d.place, LINE_SHARED), 0);
    assert_int_equal(line_enter(lines, 7, &e.place, LINE_SHARED), 0);
    assert_int_equal(line_enter(lines, 7, &f.place, LINE_ALONE), 0);
    /* another line, also of the same bucket, does not care */
    struct visitor other = visitor(&loop, 'o');
    assert_int_equal(line_enter(lines, 7 + 4096, &other.place, LINE_ALONE), 1);
    line_leave(lines, &other.place);
    line_leave(lines, &b.place);
    run(&loop);
    assert_string_equal(turns, "");
    line_leave(lines, &a.place);
    assert_string_equal(turns, ""); /* never from inside the call */
    run(&loop);
    assert_string_equal(turns, "c");
    line_leave(lines, &c.place);
    run(&loop);
    assert_string_equal(turns, "cde");
    line_leave(lines, &d.place);
    line_leave(lines, &e.place);
    line_leave(lines, &e.place); /* in no line: nothing */
    run(&loop);
    assert_string_equal(turns, "cdef");
    line_leave(lines, &f.place);
    assert_int_equal(line_enter(lines, 7, &a.place, LINE_ALONE), 1);
    line_leave(lines, &a.place);
    loop_close(&loop);
    uv_run(&loop.uv, UV_RUN_DEFAULT);
    loop_free(&loop);
}

/* ---------------------------------------------------------------- on several */

#define THREADS  4
#define VISITORS 64
#define ROUNDS   200

static struct {
    atomic_int alone, shared, done;
    atomic_bool broken;
    long counter; /* only changed by who is alone: the sanitizers watch it, too */
} object;

struct walker {
    struct line_place place;
    enum line_mode mode;
    int rounds;
};

struct runner {
    struct loop loop;
    uv_thread_t thread;
    struct walker walkers[VISITORS];
};

static void walker_enter(struct walker *walker);

static void walker_turn(struct line_place *place)
{
    struct walker *walker = CONTAINER_OF(place, struct walker, place);
    if (walker->mode == LINE_ALONE) {
        if (atomic_fetch_add(&object.alone, 1) != 0 || atomic_load(&object.shared) != 0)
            atomic_store(&object.broken, true);
        object.counter++;
        atomic_fetch_sub(&object.alone, 1);
    } else {
        atomic_fetch_add(&object.shared, 1);
        if (atomic_load(&object.alone) != 0)
            atomic_store(&object.broken, true);
        atomic_fetch_sub(&object.shared, 1);
    }
    line_leave(lines, place);
    if (--walker->rounds > 0)
        walker_enter(walker);
    else
        atomic_fetch_add(&object.done, 1);
}

static void walker_enter(struct walker *walker)
{
    if (line_enter(lines, 42, &walker->place, walker->mode) > 0)
        walker_turn(&walker->place);
}

static void runner_main(void *argument)
{
    struct runner *runner = argument;
    for (unsigned i = 0; i < VISITORS; i++)
        walker_enter(&runner->walkers[i]);
    while (atomic_load(&object.done) < THREADS * VISITORS)
        uv_run(&runner->loop.uv, UV_RUN_NOWAIT);
}

/* Nobody is alone beside another, nobody is forgotten. */
static void test_threads(void **state)
{
    static struct runner runners[THREADS];
    long wanted = 0;
    (void)state;
    for (unsigned t = 0; t < THREADS; t++) {
        assert_int_equal(loop_init(&runners[t].loop, t), 0);
        for (unsigned i = 0; i < VISITORS; i++) {
            struct walker *walker = &runners[t].walkers[i];
            walker->place.turn = walker_turn;
            walker->place.loop = &runners[t].loop;
            walker->mode = i % 3 == 0 ? LINE_SHARED : LINE_ALONE;
            walker->rounds = ROUNDS;
            wanted += walker->mode == LINE_ALONE ? ROUNDS : 0;
        }
    }
    for (unsigned t = 0; t < THREADS; t++)
        assert_int_equal(uv_thread_create(&runners[t].thread, runner_main, &runners[t]), 0);
    for (unsigned t = 0; t < THREADS; t++)
        uv_thread_join(&runners[t].thread);
    assert_false(object.broken);
    assert_int_equal(object.counter, wanted);
    for (unsigned t = 0; t < THREADS; t++) {
        loop_close(&runners[t].loop);
        uv_run(&runners[t].loop.uv, UV_RUN_DEFAULT);
        loop_free(&runners[t].loop);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
