/*
 * The admin protocol's lines and parameters (lib/ctl), and the settings file (lib/conf): lines come out of a
 * stream the same in any pieces; settings that are taken print as a file that is taken, and prints the same.
 * The first byte is the size of the pieces.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "lib/conf/conf.h"
#include "lib/ctl/params.h"
#include "lib/ctl/protocol.h"
#include "tests/fuzz/fuzz.h"

#define LINE_MAX_BYTES 4096

/* The complete lines, each with its line feed; what is one too long ends them. */
static int read_lines(struct str stream, size_t step, struct buffer *out)
{
    struct ctl_lines lines;
    struct str line;
    int result = 0;
    ctl_lines_init(&lines, LINE_MAX_BYTES);
    for (size_t at = 0; at < stream.length && result != ERR_TOO_LARGE; at += step) {
        size_t length = stream.length - at < step ? stream.length - at : step;
        FUZZ_HOLD(ctl_lines_feed(&lines, str_of(stream.data + at, length)) == 0);
        while ((result = ctl_lines_next(&lines, &line)) == 0) {
            buffer_append(out, line);
            buffer_append_byte(out, '\n');
        }
    }
    ctl_lines_free(&lines);
    return result;
}

static void check_lines(struct str stream, size_t step)
{
    struct buffer whole;
    struct buffer pieces;
    buffer_init(&whole, SIZE_MAX);
    buffer_init(&pieces, SIZE_MAX);
    int result = read_lines(stream, stream.length + 1, &whole);
    FUZZ_HOLD(read_lines(stream, step, &pieces) == result);
    FUZZ_HOLD(str_equal(buffer_str(&whole), buffer_str(&pieces)));
    buffer_free(&whole);
    buffer_free(&pieces);
}

static void check_params(struct str text)
{
    struct arena arena;
    struct error error;
    const struct json_value *params;
    arena_init(&arena, 0);
    if (json_parse(&arena, text, JSON_DEPTH_MAX, &params, &error) == 0) {
        for (size_t i = 0; i < ctl_command_count(); i++)
            ctl_params_check(ctl_command_at(i), params, &error);
    }
    arena_free(&arena);
}

static int load(struct conf *conf, struct str text)
{
    static char *nothing[] = {NULL};
    struct buffer problems;
    char path[64];
    int file = memfd_create("settings", 0);
    FUZZ_HOLD(file >= 0 && write(file, text.data, text.length) == (ssize_t)text.length);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    buffer_init(&problems, SIZE_MAX);
    int result = conf_load(conf, path, nothing, NULL, 0, &problems);
    FUZZ_HOLD((result == 0) == (problems.length == 0));
    buffer_free(&problems);
    close(file);
    return result;
}

static void check_settings(struct str text)
{
    static struct conf conf;
    static struct conf again;
    struct buffer printed;
    struct buffer reprinted;
    if (load(&conf, text) != 0)
        return;
    buffer_init(&printed, SIZE_MAX);
    buffer_init(&reprinted, SIZE_MAX);
    conf_print(&conf, &printed);
    FUZZ_HOLD(load(&again, buffer_str(&printed)) == 0);
    conf_print(&again, &reprinted);
    FUZZ_HOLD(str_equal(buffer_str(&printed), buffer_str(&reprinted)));
    buffer_free(&printed);
    buffer_free(&reprinted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct str text = str_of((const char *)data + 1, size - 1);
    check_lines(text, data[0] % 16u + 1);
    check_params(text);
    check_settings(text);
    return 0;
}
