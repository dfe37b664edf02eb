/*
 * hubctl's side of the admin protocol (hubctl/client.c): what hubd says is the same messages in any pieces, and
 * what hubctl prints of them is JSON that no terminal obeys. The first byte is the size of the pieces.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "hubctl/client.h"
#include "hubctl/value.h"
#include "tests/fuzz/fuzz.h"

#define PIECES_MAX 64 /* they wait in the socket together */

/* A socket on which each of the pieces waits as a message, and behind them the end. */
static int say(struct str bytes, size_t step)
{
    int pair[2];
    FUZZ_HOLD(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    for (size_t at = 0; at < bytes.length; at += step) {
        size_t length = bytes.length - at < step ? bytes.length - at : step;
        FUZZ_HOLD(send(pair[1], bytes.data + at, length, MSG_NOSIGNAL) == (ssize_t)length);
    }
    close(pair[1]);
    return pair[0];
}

static void check_printed(struct arena *arena, const struct json_value *value, bool people)
{
    struct style style = {.people = people};
    const struct json_value *again;
    struct error error;
    struct buffer out;
    buffer_init(&out, 0);
    value_write_json(&out, value->raw, &style);
    FUZZ_HOLD(json_parse(arena, buffer_str(&out), JSON_DEPTH_MAX, &again, &error) == OK);
    FUZZ_HOLD(again->type == value->type && str_equal(again->text, value->text));
    FUZZ_HOLD(!people || str_find(buffer_str(&out), '\x1b') == SIZE_MAX);
    FUZZ_HOLD(!people || str_find(buffer_str(&out), '\x7f') == SIZE_MAX);
    buffer_free(&out);
}

/* A line for each message up to the end of the connection, or to what is no message. */
static void listen_to(struct str bytes, size_t step, struct buffer *heard)
{
    struct client client = {.socket = say(bytes, step), .path = "hubd.sock", .waiting = 3};
    const struct json_value *value;
    enum client_event event;
    struct arena arena;
    arena_init(&arena, 0);
    ctl_lines_init(&client.lines, CTL_ANSWER_MAX);
    do {
        arena_reset(&arena);
        event = client_next(&client, &arena, 0, &value);
        buffer_printf(heard, "%d ", (int)event);
        if (event <= CLIENT_NOTIFICATION) {
            buffer_append(heard, value->raw);
            check_printed(&arena, value, false);
            check_printed(&arena, value, true);
        }
        buffer_append_byte(heard, '\n');
    } while (event <= CLIENT_NOTIFICATION);
    FUZZ_HOLD(event == CLIENT_CLOSED || event == CLIENT_GARBAGE);
    client_close(&client);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer whole;
    struct buffer pieces;
    if (size < 2)
        return 0;
    struct str bytes = str_of((const char *)data + 1, size - 1);
    size_t least = bytes.length / PIECES_MAX + 1;
    size_t step = data[0] % 16u + 1;
    buffer_init(&whole, 0);
    buffer_init(&pieces, 0);
    listen_to(bytes, bytes.length, &whole);
    listen_to(bytes, step < least ? least : step, &pieces);
    FUZZ_HOLD(str_equal(buffer_str(&whole), buffer_str(&pieces)));
    buffer_free(&whole);
    buffer_free(&pieces);
    return 0;
}
