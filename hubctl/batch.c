#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hubctl/diagnose.h"
#include "hubctl/file.h"
#include "hubctl/progress.h"
#include "hubctl/run.h"
#include "hubctl/terminal.h"

/*
 * batch: first every line is parsed, then every line is run, on one connection. A line that does not parse is
 * found before anything is done.
 */
#define BATCH_MAX (16 * 1024 * 1024)
#define WORDS_MAX 256

struct batch {
    const struct invocation *invocation;
    const char *name; /* of the file, for complaints */
    struct str text;
    bool keep_going;
    size_t commands; /* in all */
    size_t run, failed;
    enum ctl_exit code; /* of the first line that failed */
};

/* ---------------------------------------------------------------- words, as a shell splits them */

struct batch_words {
    struct arena *arena;
    char *items[WORDS_MAX + 2]; /* items[0] stands for the program; NULL behind the last */
    int count;
    const char *problem; /* NULL: none */
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* One word from `*at` on into `out`. Quotes and backslashes mean what they mean in sh(1). */
static void take_word(struct batch_words *words, struct str line, size_t *at, char *out)
{
    char quote = '\0';
    size_t length = 0;
    for (; *at < line.length && (quote != '\0' || !is_blank(line.data[*at])); ++*at) {
        char byte = line.data[*at];
        char next = *at + 1 < line.length ? line.data[*at + 1] : '\0';
        bool escapes = byte == '\\' && (quote == '\0' || (quote == '"' && (next == '"' || next == '\\')));
        if (escapes && *at + 1 == line.length) {
            words->problem = "a backslash at the end of the line";
            return;
        }
        if (escapes)
            out[length++] = line.data[++*at];
        else if (byte == quote)
            quote = '\0';
        else if (quote == '\0' && (byte == '"' || byte == '\''))
            quote = byte;
        else
            out[length++] = byte;
    }
    out[length] = '\0';
    if (quote != '\0')
        words->problem = quote == '"' ? "a \" without its end" : "a ' without its end";
}

static void split_line(struct batch_words *words, struct arena *arena, struct str line)
{
    static char program[] = "hubctl";
    size_t at = 0;
    *words = (struct batch_words){.arena = arena, .items = {program}, .count = 1};
    if (line.length > 0 && memchr(line.data, '\0', line.length) != NULL)
        words->problem = "a NUL byte";
    while (words->problem == NULL) {
        while (at < line.length && is_blank(line.data[at]))
            at++;
        if (at == line.length || line.data[at] == '#')
            break;
        char *word = arena_alloc_raw(arena, line.length - at + 1);
        if (word == NULL || words->count > WORDS_MAX) {
            words->problem = word == NULL ? "no memory" : "too many words";
            break;
        }
        words->items[words->count++] = word;
        take_word(words, line, &at, word);
    }
}

/* ---------------------------------------------------------------- what may stand in a line */

/* Nobody answers a question between two lines, and stdin may be where the lines come from. */
static enum ctl_exit check_line(const struct invocation *invocation)
{
    const struct ctl_command *command = invocation->command;
    if (invocation->options.help || invocation->options.version) {
        complain("-h and -V are no commands of a batch");
        return CTL_EXIT_USAGE;
    }
    if (command == NULL) {
        complain("%s: which command?", invocation->noun != NULL ? invocation->noun : "hubctl");
        return invocation_usage(invocation);
    }
    bool endless = (command->flags & CTL_STREAMS) != 0 && invocation_text(invocation, "follow", 0) != NULL;
    if (endless || strcmp(command->method, "batch") == 0) {
        complain("%s%s%s cannot stand in a batch", command->noun, command->verb != NULL ? " " : "",
                 endless ? "tail --follow" : "");
        return CTL_EXIT_USAGE;
    }
    for (size_t i = 0; i < invocation->given_count; i++) {
        const struct ctl_param *param = invocation->given[i].param;
        bool file = param->type == CTL_SECRET_FILE || param->type == CTL_JSON_FILE || param->type == CTL_JSON;
        if (file && strcmp(invocation->given[i].text, "-") == 0) {
            complain("%s%s -: a line of a batch cannot read stdin; write a file's name",
                     param->positional ? "" : "--", param->name);
            return CTL_EXIT_USAGE;
        }
    }
    if ((command->flags & CTL_DANGEROUS) != 0 && invocation_text(invocation, "confirm", 0) == NULL) {
        complain("%s %s needs its --confirm in a batch", command->noun, command->verb);
        return invocation_usage(invocation);
    }
    return CTL_EXIT_DONE;
}

/* ---------------------------------------------------------------- lines */

/* Runs the parsed line, or only parses it. */
static enum ctl_exit do_command(struct batch *batch, struct batch_words *words, bool run)
{
    struct invocation *line = malloc(sizeof *line); /* large, and a batch is no deep recursion */
    if (line == NULL) {
        complain("no memory");
        return CTL_EXIT_REFUSED;
    }
    enum ctl_exit code =
        invocation_parse_line(line, words->count, words->items, &batch->invocation->options, check_line);
    if (code == CTL_EXIT_DONE && run)
        code = run_command(line);
    invocation_free(line);
    free(line);
    return code;
}

static enum ctl_exit do_line(struct batch *batch, struct str text, bool run)
{
    struct arena arena;
    struct batch_words words;
    enum ctl_exit code = CTL_EXIT_DONE;
    if (str_ends_with(text, STR("\r")))
        text.length--;
    arena_init(&arena, 0);
    split_line(&words, &arena, text);
    if (words.problem != NULL) {
        complain("%s", words.problem);
        code = CTL_EXIT_USAGE;
    } else if (words.count > 1) {
        batch->commands += run ? 0 : 1;
        batch->run += run ? 1 : 0;
        code = do_command(batch, &words, run);
    }
    arena_free(&arena);
    return code;
}

static void show_progress(const struct batch *batch)
{
    char text[64];
    snprintf(text, sizeof text, "%zu of %zu lines run", batch->run, batch->commands);
    if (isatty(STDOUT_FILENO) != 0) /* where the lines themselves are seen */
        terminal_set_last_words(str_from(text));
    else
        progress_report(str_from(text), (int64_t)batch->run, (int64_t)batch->commands);
}

/* All lines; when they are run, until one fails. */
static void do_lines(struct batch *batch, bool run)
{
    struct str rest = batch->text, line;
    for (size_t number = 1; str_split(&rest, '\n', &line); number++) {
        diagnose_set_place(batch->name, number);
        enum ctl_exit code = do_line(batch, line, run);
        batch->failed += code != CTL_EXIT_DONE ? 1 : 0;
        if (code != CTL_EXIT_DONE && batch->code == CTL_EXIT_DONE)
            batch->code = code;
        if (run && code != CTL_EXIT_DONE && !batch->keep_going)
            break;
        if (run && !terminal_flush()) /* nobody takes the answers any more */
            break;
        if (run)
            show_progress(batch);
    }
    diagnose_set_place(NULL, 0);
}

static void say_how_it_went(const struct batch *batch)
{
    progress_clear();
    if (isatty(STDERR_FILENO) == 0 || batch->invocation->options.quiet)
        return;
    fprintf(stderr, "%zu line%s, %zu failed", batch->run, batch->run == 1 ? "" : "s", batch->failed);
    if (batch->run < batch->commands)
        fprintf(stderr, ", %zu not run", batch->commands - batch->run);
    fputc('\n', stderr);
}

enum ctl_exit run_batch(const struct invocation *invocation)
{
    const char *path = invocation_text(invocation, "file", 0);
    struct buffer text = {0};
    struct batch batch = {.invocation = invocation,
                          .name = strcmp(path, "-") == 0 ? "stdin" : path,
                          .keep_going = invocation_text(invocation, "keep-going", 0) != NULL};
    if (!file_read(path, batch.name, BATCH_MAX, &text)) {
        batch.code = CTL_EXIT_USAGE;
        goto out;
    }
    batch.text = buffer_str(&text);
    do_lines(&batch, false);
    if (batch.code != CTL_EXIT_DONE) {
        complain("%s: %zu line%s with mistakes; nothing was run", batch.name, batch.failed,
                 batch.failed == 1 ? "" : "s");
        goto out;
    }
    client_keep(true);
    do_lines(&batch, true);
    client_keep(false);
    say_how_it_went(&batch);
out:
    buffer_free(&text);
    return batch.code;
}
