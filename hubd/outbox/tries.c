#include "hubd/outbox/tries.h"

#include "lib/base/buffer.h"
#include "lib/base/utf8.h"

/* ---------------------------------------------------------------- writing */

static void try_write_text(struct buffer *out, struct str text)
{
    size_t room = OUTBOX_TRY_TEXT;
    while (text.length > 0) {
        size_t size = utf8_character(text);
        bool good = size > 1 || (size == 1 && (unsigned char)text.data[0] >= ' ' && text.data[0] != 0x7f);
        if (size == 0)
            size = 1;
        if (size > room)
            return;
        if (good)
            buffer_append(out, str_of(text.data, size));
        else
            buffer_append_byte(out, ' ');
        room -= good ? size : 1;
        text = str_skip(text, size);
    }
}

static size_t count_lines(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += text.data[i] == '\n';
    return count;
}

/* Cuts `count` lines off `*rest`. */
static struct str cut_lines(struct str *rest, size_t count)
{
    struct str whole = *rest;
    while (count-- > 0)
        *rest = str_skip(*rest, str_find(*rest, '\n') + 1);
    return str_of(whole.data, whole.length - rest->length);
}

struct str outbox_tries_add(struct arena *arena, struct str tries, const struct outbox_try *try)
{
    struct buffer out = {0};
    size_t count = count_lines(tries);
    if (count >= OUTBOX_TRIES_FIRST + OUTBOX_TRIES_LAST) {
        buffer_append(&out, cut_lines(&tries, OUTBOX_TRIES_FIRST));
        cut_lines(&tries, count + 1 - OUTBOX_TRIES_FIRST - OUTBOX_TRIES_LAST);
    }
    buffer_append(&out, tries);
    buffer_printf(&out, "%lld %d %d %lld ", (long long)try->time, try->http, try->status_code,
                  (long long)try->latency_ms);
    try_write_text(&out, try->text);
    buffer_append_byte(&out, '\n');
    struct str copy = out.failed ? STR_NONE : arena_copy(arena, buffer_str(&out));
    buffer_free(&out);
    return copy;
}

/* ---------------------------------------------------------------- reading */

static bool parse_line(struct str line, struct outbox_try *try)
{
    int64_t numbers[4];
    struct str part;
    for (size_t i = 0; i < 4; i++)
        if (!str_split(&line, ' ', &part) || !str_to_int64(part, &numbers[i]))
            return false;
    *try = (struct outbox_try){
        .time = numbers[0],
        .http = (int)numbers[1],
        .status_code = (int)numbers[2],
        .latency_ms = numbers[3],
        .text = line,
    };
    return true;
}

bool outbox_tries_next(struct str *rest, struct outbox_try *try)
{
    struct str line;
    while (str_split(rest, '\n', &line))
        if (parse_line(line, try))
            return true;
    return false;
}
