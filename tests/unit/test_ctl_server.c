/* The admin socket's server: one loop and its clients in one thread, so that every order of events is the
 * test's own. */
#include "tests/unit/ctl_server_harness.h"

/* ---------------------------------------------------------------- requests */

static void test_answers(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"party.add\",\"params\":{\"id\":\"IN-ABC\",\"roles\":["
         "\"CPO\"]}}\n",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":3,\"message\":\"party IN-ABC: "
         "there\",\"data\":{\"code\":\"conflict\",\"hint\":\"hubctl party "
         "list\"}}}"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"party.show\"}\n",
         "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":-32602"},
        {"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"party.shw\"}\n",
         "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32601"},
        {"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"rpc\"}\n",
         "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32601"},
        {"{\"id\":3,\"method\":\"status\"}\n", "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32600"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"status\"}\n",
         "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"status\"}\n",
         "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600"},
        {"[]\n", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600"},
        {"no json\n", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700"},
        {"\n \n{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"party.show\",\"params\":{\"id\":\"IN-ABC\"}}\n",
         "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{ \"id\":\"IN-ABC\",\"uid\":"},
    };
    int client = connect_client();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *answer = ask(client, rows[i][0]);
        if (strncmp(answer, rows[i][1], strlen(rows[i][1])) != 0)
            fail_msg("%sgave:     %s\nexpected: %s", rows[i][0], answer, rows[i][1]);
    }
    close(client);
}

static void test_split_at_every_byte(void **state)
{
    (void)state;
    static const char text[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"party.show\",\"params\":{\"id\":\"IN-ABC\"}}\n"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"party.show\",\"params\":{\"id\":\"IN-XYZ\"}}\n";
    size_t length = sizeof text - 1;
    for (size_t cut = 1; cut < length; cut++) {
        int client = connect_client();
        send_text(client, text, cut);
        turn();
        turn();
        send_text(client, text + cut, length - cut);
        assert_non_null(strstr(read_line(client), "\"id\":1,\"result\":{ \"id\":\"IN-ABC\""));
        assert_non_null(strstr(read_line(client), "\"id\":2,\"result\":{ \"id\":\"IN-XYZ\""));
        close(client);
    }
}

static void test_answers_may_come_later_and_out_of_order(void **state)
{
    (void)state;
    int client = connect_client();
    const char *answer = ask(
        client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n"
                "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"party.show\",\"params\":{\"id\":\"IN-ABC\"}}\n");
    assert_non_null(strstr(answer, "\"id\":2"));
    assert_non_null(pending);
    reply_text(pending, "{\"late\":true}");
    assert_string_equal(read_line(client), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"late\":true}}");
    close(client);
}

static void test_the_client_goes_before_the_answer(void **state)
{
    (void)state;
    int client = connect_client();
    send_text(client, later, sizeof later - 1);
    for (int i = 0; i < TURNS_MAX && pending == NULL; i++)
        turn();
    close(client);
    for (int i = 0; i < 20; i++)
        turn();
    reply_text(pending, "{}");
    client = connect_client();
    assert_non_null(strstr(ask(client, "[]\n"), "-32600")); /* the server lives */
    close(client);
}

static void test_half_closed_client_gets_its_answer(void **state)
{
    (void)state;
    int client = connect_client();
    send_text(client, later, sizeof later - 1);
    shutdown(client, SHUT_WR);
    for (int i = 0; i < TURNS_MAX && pending == NULL; i++)
        turn();
    for (int i = 0; i < 20; i++)
        turn();
    reply_text(pending, "{}");
    assert_string_equal(read_line(client), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    assert_string_equal(read_line(client), "");
    close(client);
}

static void test_a_line_too_long_ends_the_connection(void **state)
{
    (void)state;
    int client = connect_client();
    char *text = malloc(CTL_REQUEST_MAX + 100000);
    memset(text, ' ', CTL_REQUEST_MAX + 100000);
    send_text(client, text, CTL_REQUEST_MAX + 100000);
    free(text);
    assert_non_null(strstr(read_line(client), "a message of more than 16 MiB"));
    assert_string_equal(read_line(client), "");
    close(client);
}

static void test_requests_in_flight_are_bounded(void **state)
{
    (void)state;
    static char text[40 * 80];
    size_t length = 0;
    int client = connect_client();
    for (int i = 0; i < 40; i++)
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"status\"}\n", i);
    send_text(client, text, length);
    for (int i = 0; i < 50; i++)
        turn();
    assert_int_equal(waiting_count, 16);
    for (size_t answered = 0; answered < 40; answered++) {
        assert_true(answered < waiting_count);
        reply_text(waiting[answered], "{}");
        assert_true(waiting_count - answered <= 17);
    }
    assert_int_equal(waiting_count, 40);
    for (int i = 0; i < 40; i++)
        read_line(client);
    close(client);
}

/* A request with so many spaces in it that few of them may be there at a time. */
static void send_large(int client)
{
    size_t spaces = 200000;
    char *text = malloc(spaces + sizeof later);
    memset(text, ' ', spaces);
    memcpy(text + spaces, later, sizeof later - 1);
    send_text(client, text, spaces + sizeof later - 1);
    free(text);
    for (int i = 0; i < 20; i++)
        turn();
}

static void test_large_requests_are_bounded_until_their_answer(void **state)
{
    (void)state;
    int clients[4], fifth = connect_client();
    for (size_t i = 0; i < 4; i++) {
        clients[i] = connect_client();
        send_large(clients[i]);
        assert_int_equal(waiting_count, i + 1);
    }
    send_text(clients[0], later, sizeof later - 1); /* waits for the large one before it */
    send_large(fifth);
    assert_non_null(strstr(read_line(fifth), "too many large documents"));
    assert_string_equal(read_line(fifth), "");
    close(fifth);
    assert_int_equal(waiting_count, 4);
    reply_text(waiting[0], "{}");
    assert_int_equal(waiting_count, 5);
    fifth = connect_client();
    send_large(fifth);
    assert_int_equal(waiting_count, 6);
    for (size_t i = 1; i < 6; i++)
        reply_text(waiting[i], "{}");
    for (size_t i = 0; i < 4; i++) {
        assert_non_null(strstr(read_line(clients[i]), "result"));
        close(clients[i]);
    }
    close(fifth);
}

/* ---------------------------------------------------------------- streams */

static void test_a_slow_reader_stops_the_stream_and_loses_nothing(void **state)
{
    (void)state;
    int client = connect_client();
    send_text(client, tail, sizeof tail - 1);
    for (int i = 0; i < 200; i++)
        turn();
    assert_true(stream.blocked);
    int held_back = stream.sent; /* some hundred kilobytes, not everything */
    assert_true(held_back > 500 && held_back < STREAM_ROWS / 2);
    for (int i = 0; i < 200; i++)
        turn();
    assert_int_equal(stream.sent, held_back);
    /* Others are served meanwhile. */
    int other = connect_client();
    assert_non_null(strstr(ask(other, "[]\n"), "-32600"));
    close(other);
    static char bytes[65536];
    struct ctl_lines lines;
    struct str line;
    int next = 0;
    ctl_lines_init(&lines, 4096);
    for (int i = 0; i < TURNS_MAX && next <= STREAM_ROWS; i++) {
        turn();
        ssize_t count = recv(client, bytes, sizeof bytes, 0);
        if (count > 0)
            assert_int_equal(ctl_lines_feed(&lines, str_of(bytes, (size_t)count)), OK);
        while (ctl_lines_next(&lines, &line) == OK) {
            char expected[96];
            if (next == STREAM_ROWS) {
                assert_true(str_equal(line, STR("{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}")));
            } else {
                snprintf(expected, sizeof expected,
                         "{\"jsonrpc\":\"2.0\",\"method\":\"audit.tail\",\"params\":{\"n\":%d,", next);
                assert_true(str_starts_with(line, str_from(expected)));
            }
            next++;
        }
    }
    assert_int_equal(next, STREAM_ROWS + 1);
    assert_true(stream.drains > 5);
    assert_int_equal(stream.closes, 0);
    ctl_lines_free(&lines);
    close(client);
}

static void test_a_stream_is_told_that_its_client_has_gone(void **state)
{
    (void)state;
    int client = connect_client();
    send_text(client, tail, sizeof tail - 1);
    for (int i = 0; i < 200 && !stream.blocked; i++)
        turn();
    close(client);
    for (int i = 0; i < TURNS_MAX && stream.closes == 0; i++)
        turn();
    assert_int_equal(stream.closes, 1);
}

static void test_stop_hangs_up_on_streams(void **state)
{
    (void)state;
    int client = connect_client();
    send_text(client, tail, sizeof tail - 1);
    for (int i = 0; i < 200 && !stream.blocked; i++)
        turn();
    stop_server();
    assert_int_equal(stream.closes, 1);
    close(client);
}

static void test_stop_waits_for_requests_under_way(void **state)
{
    (void)state;
    int client = connect_client();
    send_text(client, later, sizeof later - 1);
    for (int i = 0; i < TURNS_MAX && pending == NULL; i++)
        turn();
    ctl_server_stop(server, on_stopped, &stopped);
    for (int i = 0; i < 50; i++)
        turn();
    assert_false(stopped);
    assert_true(pending->closed);
    reply_text(pending, "{}");
    for (int i = 0; i < 50 && !stopped; i++)
        turn();
    assert_true(stopped);
    close(client);
}

/* ---------------------------------------------------------------- the file */

static void test_modes(void **state)
{
    (void)state;
    struct stat status;
    char sub[120];
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    assert_int_equal(status.st_mode & 07777, 0660);
    snprintf(sub, sizeof sub, "%s/sub", directory);
    assert_int_equal(stat(sub, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0750);
}

static void test_a_live_socket_is_left_alone(void **state)
{
    (void)state;
    struct error error;
    struct ctl_server *second;
    assert_int_equal(start_at(path, &second, &error), ERR_EXISTS);
    assert_non_null(strstr(error.text, "another hubd"));
    assert_null(second);
    int client = connect_client();
    assert_non_null(strstr(ask(client, "[]\n"), "-32600"));
    close(client);
}

static void test_a_dead_socket_is_removed(void **state)
{
    (void)state;
    struct error error;
    struct ctl_server *second;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char dead[100];
    snprintf(dead, sizeof dead, "%s/sub/dead.sock", directory);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", dead);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    close(listener); /* as after kill -9: the file stays */
    assert_int_equal(start_at(dead, &second, &error), OK);
    bool second_stopped = false;
    ctl_server_stop(second, on_stopped, &second_stopped);
    for (int i = 0; i < 50 && !second_stopped; i++)
        turn();
    assert_true(second_stopped);
    assert_int_equal(access(dead, F_OK), -1);
}

static void test_something_else_in_the_way(void **state)
{
    (void)state;
    struct error error;
    struct ctl_server *second;
    char file[120];
    snprintf(file, sizeof file, "%s/sub/file", directory);
    fclose(fopen(file, "w"));
    assert_int_equal(start_at(file, &second, &error), ERR_REFUSED);
    assert_non_null(strstr(error.text, "is in the way and no socket"));
    assert_int_equal(access(file, F_OK), 0);
    unlink(file);
    assert_int_equal(start_at("/nonexistent/deep/admin.sock", &second, &error), ERR_IO);
    char longer[200];
    memset(longer, 'x', sizeof longer);
    longer[0] = '/';
    longer[199] = '\0';
    assert_int_equal(start_at(longer, &second, &error), ERR_INVALID);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as hubd does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_split_at_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers_may_come_later_and_out_of_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_client_goes_before_the_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_closed_client_gets_its_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_line_too_long_ends_the_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(test_requests_in_flight_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_requests_are_bounded_until_their_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_slow_reader_stops_the_stream_and_loses_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_stream_is_told_that_its_client_has_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_hangs_up_on_streams, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_waits_for_requests_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_live_socket_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_dead_socket_is_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_something_else_in_the_way, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
