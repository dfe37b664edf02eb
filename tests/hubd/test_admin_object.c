/* object list and show (hubctl-object(1)) while memory is short: the whole answer or an error, never a part of it. */
#include "tests/hubd/objects.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "hubd/admin/internal.h"

#define ROOM_STEP 16
#define ROOM_MAX  ((size_t)64 * 1024)

static struct admin admin = {.magic = ADMIN_MAGIC};
static struct budget budget;
static size_t room; /* bytes of the only block that a request may have from its handler's call on */

/* Fills up what the request has; its memory stays charged, so that all is given back in the end. */
static void shorten(struct ctl_request *request)
{
    struct arena *arena = &request->arena;
    size_t used = arena_size(arena);
    budget_init(&budget, used);
    budget_add(&budget, used);
    arena_charge(arena, &budget);
    while (arena_copy(arena, STR("")).data != NULL)
        ;
    budget.maximum = used + room;
    arena->next_size = room;
}

static void list_in_short(struct ctl_request *request)
{
    shorten(request);
    admin_object_list(request);
}

static void show_in_short(struct ctl_request *request)
{
    shorten(request);
    admin_object_show(request);
}

static const struct ctl_handler handlers[] = {{"object.list", list_in_short}, {"object.show", show_in_short}};

/* ---------------------------------------------------------------- a hub, its socket and its client */

struct scene {
    struct bench *bench;
    struct ctl_server *server;
    int client;
};

static int setup(void **state)
{
    static struct scene scene;
    struct error error;
    struct bench *bench = scene.bench = bench_open(BENCH_REQUESTS, NULL);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/admin.sock", bench->store.directory);
    admin.hub = &bench->hub;
    struct ctl_server_options options = {.path = address.sun_path,
                                         .handlers = handlers,
                                         .handler_count = sizeof handlers / sizeof handlers[0],
                                         .partial = true,
                                         .context = &admin};
    assert_int_equal(ctl_server_start(&bench->hub.control.uv, &options, &scene.server, &error), OK);
    scene.client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(scene.client, (struct sockaddr *)&address, sizeof address), 0);
    bench_add_pair(bench);
    for (int i = 0; i < 2; i++) {
        const char *id = text(&bench->store, "A%d", i).data;
        const char *tariff = object_tariff(bench, id, "2030-01-01T00:00:00Z");
        assert_answer(bench_request(bench, "IN-CPO", "PUT",
                                    text(&bench->store, "/ocpi/2.2.1/tariffs/IN/CPO/%s", id).data, tariff),
                      201, 1000);
    }
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    close(scene->client);
    ctl_server_stop(scene->server, NULL, NULL);
    bench_settle(scene->bench);
    bench_close(scene->bench);
    return 0;
}

/* ---------------------------------------------------------------- however little there is */

static struct str ask(struct scene *scene, const char *method, const char *params)
{
    static char answer[16384];
    struct str request =
        text(&scene->bench->store, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}\n", method,
             params);
    assert_int_equal(send(scene->client, request.data, request.length, MSG_NOSIGNAL), request.length);
    bench_settle(scene->bench);
    ssize_t got = recv(scene->client, answer, sizeof answer, MSG_DONTWAIT);
    assert_true(got > 0);
    assert_int_equal(atomic_load(&budget.used), 0);
    return str_of(answer, (size_t)got);
}

/* With more room each time: errors until there is enough, then the answer with all of its parts. */
static void assert_whole_or_error(struct scene *scene, const char *method, const char *params,
                                  const char *const parts[3])
{
    struct str answer = STR("");
    size_t errors = 0;
    for (room = ROOM_STEP * 4; room < ROOM_MAX; room += ROOM_STEP) {
        answer = ask(scene, method, params);
        if (bench_has(answer, "\"result\""))
            break;
        assert_true(bench_has(answer, "no memory"));
        errors++;
    }
    assert_true(errors > 0);
    for (size_t i = 0; i < 3; i++)
        if (!bench_has(answer, parts[i]))
            fail_msg("with %zu bytes, without %s: " STR_FMT, room, parts[i], STR_ARG(answer));
}

static void list_of_an_id(void **state)
{
    static const char *const parts[] = {"\"rows\":[{", "\"IN-CPO\"", "\"A0\""};
    assert_whole_or_error(*state, "object.list", "{\"module\":\"tariff\",\"id\":\"a0\"}", parts);
    assert_whole_or_error(*state, "object.list", "{\"module\":\"tariff\",\"id\":\"a0\",\"party\":\"IN-CPO\"}",
                          parts);
}

static void page_of_a_list(void **state)
{
    static const char *const parts[] = {"\"rows\":[{", "\"A0\"", "\"next\":\""};
    assert_whole_or_error(*state, "object.list", "{\"module\":\"tariff\",\"limit\":1}", parts);
    assert_whole_or_error(*state, "object.list", "{\"module\":\"tariff\",\"limit\":1,\"party\":\"IN-CPO\"}",
                          parts);
}

static void show(void **state)
{
    static const char *const parts[] = {"\"IN-CPO\"", "\"A0\"", "price_components"};
    assert_whole_or_error(*state, "object.show",
                          "{\"module\":\"tariff\",\"id\":\"IN-CPO\",\"object\":\"a0\"}", parts);
}

#define OBJECT_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OBJECT_TEST(list_of_an_id),
        OBJECT_TEST(page_of_a_list),
        OBJECT_TEST(show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
