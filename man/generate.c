/*
 * Makes the man pages: generate FOLDER SOURCE…, into FOLDER/man1, man5 and so on. A source is a page with
 * its prose, in mdoc(7); a line "@PART [WORD]" in it stands for what the program's own tables say (parts.h), and
 * comments (.\") are left out.
 * "noun.1" is the page of every noun of hubctl, with @noun@ and @NOUN@ for its name. The file of that name in
 * man/nouns has what the noun has to say at "@prose"; there need not be one, so that a new noun has a page
 * although nobody has written it anything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/ctl/commands.h"
#include "man/parts.h"
#include "man/roff.h"

#define TEMPLATE "noun.1"
#define PROSE    ".mdoc"
#define COMMENT  ".\\\""

/* One run: what it was given, and the noun whose page is being made. */
struct run {
    const char *folder;
    char **sources;
    int source_count;
    const char *noun; /* "" for other pages */
    char noun_upper[32];
};

static bool complain(const char *path, unsigned line, const char *text, const char *word)
{
    if (line > 0)
        fprintf(stderr, "%s:%u: %s%s\n", path, line, text, word);
    else
        fprintf(stderr, "%s: %s%s\n", path, text, word);
    return false;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool read_file(const char *path, struct buffer *out)
{
    char bytes[4096];
    size_t count;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return complain(path, 0, strerror(errno), "");
    while ((count = fread(bytes, 1, sizeof bytes, file)) > 0)
        buffer_append(out, str_of(bytes, count));
    bool good = ferror(file) == 0 && !out->failed;
    fclose(file);
    return good || complain(path, 0, "cannot be read", "");
}

/* ---------------------------------------------------------------- one source */

static bool expand(const struct run *run, const char *path, struct buffer *out);

/* The line with the noun's name in the places kept for it. */
static void fill_in(const struct run *run, struct str line, struct buffer *out)
{
    const struct {
        struct str place;
        const char *name;
    } rows[] = {{STR("@noun@"), run->noun}, {STR("@NOUN@"), run->noun_upper}};
    while (line.length > 0) {
        size_t used = 0;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0] && used == 0; i++) {
            if (str_starts_with(line, rows[i].place)) {
                buffer_append_text(out, rows[i].name);
                used = rows[i].place.length;
            }
        }
        if (used == 0)
            buffer_append_byte(out, line.data[0]);
        line = str_skip(line, used > 0 ? used : 1);
    }
}

static bool write_prose(const struct run *run, struct buffer *out)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s" PROSE, run->noun);
    for (int i = 0; i < run->source_count; i++) {
        if (strcmp(base_name(run->sources[i]), wanted) == 0)
            return expand(run, run->sources[i], out);
    }
    return true;
}

static bool write_part(const struct run *run, const char *path, unsigned number, struct str line,
                       struct buffer *out)
{
    struct str name;
    char argument[64];
    str_split(&line, ' ', &name);
    if (str_equal(name, STR("prose")))
        return write_prose(run, out);
    str_copy(str_trim(line), argument, sizeof argument);
    for (const struct part *part = parts; part->name != NULL; part++) {
        if (str_equal(name, str_from(part->name)))
            return part->write(out, argument) ||
                   complain(path, number, "there is nothing of that name: ", argument);
    }
    str_copy(name, argument, sizeof argument);
    return complain(path, number, "man/parts.c has no part of that name: ", argument);
}

static bool expand(const struct run *run, const char *path, struct buffer *out)
{
    struct buffer text = {0};
    unsigned number = 0;
    bool good = read_file(path, &text);
    struct str rest = buffer_str(&text), line;
    if (str_ends_with(rest, STR("\n")))
        rest.length--;
    while (good && str_split(&rest, '\n', &line)) {
        struct buffer filled = {0};
        number++;
        fill_in(run, line, &filled);
        struct str whole = buffer_str(&filled);
        if (str_starts_with(whole, STR("@")))
            good = write_part(run, path, number, str_skip(whole, 1), out);
        else if (!str_starts_with(whole, STR(COMMENT)))
            roff_source(out, whole);
        out->failed = out->failed || filled.failed;
        buffer_free(&filled);
    }
    buffer_free(&text);
    return good;
}

/* ---------------------------------------------------------------- pages */

static bool write_page(const struct run *run, const char *source, const char *name)
{
    char path[4096];
    struct buffer page = {0};
    bool good = expand(run, source, &page);
    snprintf(path, sizeof path, "%s/man%s", run->folder, strrchr(name, '.') + 1);
    if (good && mkdir(path, 0777) != 0 && errno != EEXIST)
        good = complain(path, 0, strerror(errno), "");
    int length = snprintf(path, sizeof path, "%s/man%s/%s", run->folder, strrchr(name, '.') + 1, name);
    FILE *file = good && length > 0 && (size_t)length < sizeof path ? fopen(path, "we") : NULL;
    if (good && (file == NULL || page.failed))
        good = complain(path, 0, file == NULL ? strerror(errno) : "no memory", "");
    good = good && fwrite(page.data, 1, page.length, file) == page.length;
    if (file != NULL && fclose(file) != 0)
        good = complain(path, 0, strerror(errno), "");
    buffer_free(&page);
    return good;
}

static bool write_noun_pages(struct run *run, const char *source)
{
    for (size_t i = 0; i < ctl_command_count(); i++) {
        char name[64];
        const char *noun = ctl_command_at(i)->noun;
        if (strcmp(noun, run->noun) == 0)
            continue; /* a noun's rows stand together */
        run->noun = noun;
        str_copy_upper(str_from(noun), run->noun_upper, sizeof run->noun_upper);
        snprintf(name, sizeof name, "hubctl-%s.1", noun);
        if (!write_page(run, source, name))
            return false;
    }
    run->noun = "";
    run->noun_upper[0] = '\0';
    return true;
}

/* Prose is read where its noun's page is made; here only whether there is such a noun. */
static bool check_prose(const char *source, const char *name)
{
    char noun[32];
    str_copy(str_of(name, strlen(name) - strlen(PROSE)), noun, sizeof noun);
    return ctl_command_of_noun(noun) != NULL || complain(source, 0, "hubctl has no noun ", noun);
}

int main(int argc, char **argv)
{
    struct run run = {
        .noun = "", .folder = argc > 1 ? argv[1] : "", .sources = argv + 2, .source_count = argc - 2};
    bool good = argc > 2;
    if (!good)
        fprintf(stderr, "usage: %s FOLDER SOURCE ...\n", base_name(argv[0]));
    for (int i = 0; i < run.source_count && good; i++) {
        const char *source = run.sources[i], *name = base_name(source);
        if (str_ends_with(str_from(name), STR(PROSE)))
            good = check_prose(source, name);
        else if (strcmp(name, TEMPLATE) == 0)
            good = write_noun_pages(&run, source);
        else
            good = write_page(&run, source, name);
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
