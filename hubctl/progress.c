#include "hubctl/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hubctl/diagnose.h"
#include "hubctl/terminal.h"
#include "hubctl/value.h"
#include "lib/base/env.h"

#define REDRAW_MS 100
#define BAR_WIDTH 20

static bool silent, shown;
static int64_t drawn_ms;

static bool can_draw(void)
{
    const char *term = getenv("TERM");
    return !silent && isatty(STDERR_FILENO) != 0 && term != NULL && strcmp(term, "dumb") != 0;
}

/* "[########            ]  40% " when the whole is known. */
static void write_bar(struct buffer *out, int64_t done, int64_t total)
{
    if (total <= 0)
        return;
    done = done < 0 ? 0 : done > total ? total : done;
    int percent = (int)((double)done * 100 / (double)total);
    buffer_append_byte(out, '[');
    for (int i = 0; i < BAR_WIDTH; i++)
        buffer_append_byte(out, i * 100 < percent * BAR_WIDTH ? '#' : ' ');
    buffer_printf(out, "] %3d%% ", percent);
}

static void draw(struct str message, int64_t done, int64_t total)
{
    struct buffer line = {0};
    char clean[400];
    size_t width = terminal_width_of(STDERR_FILENO);
    write_bar(&line, done, total);
    buffer_append_text(&line, diagnose_clean(message, clean, sizeof clean));
    struct str text = buffer_str(&line);
    while (text.length > 0 && value_width(text) >= width) { /* a line that wraps cannot be drawn over */
        do
            text.length--;
        while (text.length > 0 && ((unsigned char)text.data[text.length] & 0xc0) == 0x80);
    }
    fprintf(stderr, "\r\033[K" STR_FMT, STR_ARG(text));
    fflush(stderr);
    buffer_free(&line);
    shown = true;
}

void progress_show(const struct json_value *report)
{
    int64_t done = 0, total = 0;
    if (!json_get_int64(report, "done", &done) || !json_get_int64(report, "total", &total))
        total = 0;
    progress_report(json_get_text(report, "message"), done, total);
}

void progress_report(struct str message, int64_t done, int64_t total)
{
    int64_t now = env_monotonic_ms();
    if (message.length == 0)
        return;
    terminal_set_last_words(message);
    if (!can_draw() || (shown && now - drawn_ms < REDRAW_MS))
        return;
    drawn_ms = now;
    draw(message, done, total);
}

void progress_clear(void)
{
    if (!shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    shown = false;
}

void progress_silence(void)
{
    progress_clear();
    silent = true;
}
