/* A start that fails leaves nothing behind: what a room has allocated is the hub's, which frees it. The loop's timers and
 * malloc(3) fail when the test says so. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "hubd/messages/commands.h"
#include "hubd/options.h"
#include "hubd/partners/health.h"
#include "hubd/retention.h"
#include "tests/unit/death.h"

/* Takes the place of libuv's. */
int uv_timer_init(uv_loop_t *loop, uv_timer_t *timer)
{
    (void)loop;
    (void)timer;
    return UV_ENOMEM;
}

static void test_a_room_without_a_timer_is_freed(void **state)
{
    (void)state;
    static struct hub hub;
    assert_int_equal(commands_start(&hub), ERR_IO);
    assert_non_null(hub.commands);
    commands_free(&hub);
    assert_null(hub.commands);
    assert_int_equal(health_start(&hub), ERR_IO);
    assert_non_null(hub.health);
    health_free(&hub);
    assert_null(hub.health);
    assert_int_equal(retention_start(&hub), ERR_IO);
    assert_non_null(hub.retention);
    retention_free(&hub);
    assert_null(hub.retention);
}

/* Without a page more from the kernel, and with all that the heap has left taken. */
static void read_options_without_memory(void)
{
    static char *argv[] = {"hubd", "--check", NULL};
    static void *volatile taken; /* a compiler may leave out memory that nobody uses */
    struct hubd_options options;
    setrlimit(RLIMIT_AS, &(struct rlimit){0, 0});
    for (size_t size = 65536; size > 0; size /= 2)
        while ((taken = malloc(size)) != NULL)
            ;
    options_read(&options, 2, argv);
    _exit(options.action == OPTIONS_WRONG ? 3 : 4);
}

static void test_options_without_memory_are_refused(void **state)
{
    (void)state;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* their malloc takes memory of its own */
    assert_int_equal(death_run(read_options_without_memory), 0);
    assert_int_equal(death_code, 3);
    assert_string_equal(death_said, "hubd: no memory\n");
#else
    (void)read_options_without_memory;
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_room_without_a_timer_is_freed),
        cmocka_unit_test(test_options_without_memory_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
