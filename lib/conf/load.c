#include "lib/conf/conf.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/bug.h"
#include "lib/base/suggest.h"
#include "lib/conf/value.h"

#define DEFAULT_FILE       "/etc/hubd/hubd.conf"
#define ENVIRONMENT_PREFIX "HUBD_"
#define SETTINGS_MAX       96

/* One reading of all sources. `line` is what a setting was first given in within the current source (0: not
 * yet). */
struct loader {
    struct conf *conf;
    struct buffer *problems;
    size_t problem_count;
    unsigned line[SETTINGS_MAX];
    /* the file */
    FILE *file;
    const char *path;
    unsigned line_number;
};

enum source { SOURCE_FILE, SOURCE_ENVIRONMENT, SOURCE_COMMAND_LINE };

static void problem(struct loader *loader, const char *where, const char *what, const char *text)
{
    loader->problem_count++;
    buffer_printf(loader->problems, "%s%s: %s\n", where, what, text);
}

/* "hubd.conf:12: " or nothing. */
static const char *place(const struct loader *loader, enum source source, char out[320])
{
    out[0] = '\0';
    if (source == SOURCE_FILE)
        snprintf(out, 320, "%s:%u: ", loader->path, loader->line_number);
    return out;
}

static void unknown(struct loader *loader, const char *where, const char *shown, struct str name)
{
    struct suggest suggest;
    suggest_begin(&suggest, name);
    for (size_t i = 0; i < conf_setting_count; i++)
        suggest_offer(&suggest, conf_settings[i].name);
    char text[160];
    if (suggest_best(&suggest) != NULL)
        snprintf(text, sizeof text, "no such setting; did you mean %s?", suggest_best(&suggest));
    else
        snprintf(text, sizeof text, "no such setting; hubd --print-config lists all");
    problem(loader, where, shown, text);
}

static void assign(struct loader *loader, enum source source, const struct conf_setting *setting,
                   const char *shown, const char *value)
{
    char where[320], text[sizeof(struct error) + 96];
    struct error error = {0};
    unsigned *first = &loader->line[setting - conf_settings];
    bool again = *first != 0;
    if (again && source == SOURCE_FILE && setting->type != CONF_LIST) {
        error_set(&error, ERR_INVALID, "already set in line %u; remove one of them", *first);
    } else {
        *first = loader->line_number;
        conf_value_set(loader->conf, setting, value, again, &error);
    }
    if (error.code == OK)
        return;
    snprintf(text, sizeof text, "\"%.80s\": %s", value, error.text);
    problem(loader, place(loader, source, where), shown, text);
}

static void next_source(struct loader *loader)
{
    memset(loader->line, 0, sizeof loader->line);
    loader->line_number = 1; /* sources without lines: only "was given before" counts */
}

/* ---------------------------------------------------------------- the file */

/*
 * inih calls neither its handler with a line number nor tells of lines without '=', joins indented lines to
 * the one before and cuts long ones; so the reader counts and looks first, and hands over only what is a
 * setting.
 */
static void skip_rest_of_line(FILE *file)
{
    int byte;
    while ((byte = getc(file)) != EOF && byte != '\n')
        ;
}

static char *read_line(char *out, int size, void *context)
{
    struct loader *loader = context;
    char where[320];
    if (fgets(out, size, loader->file) == NULL)
        return NULL;
    loader->line_number++;
    size_t length = strlen(out);
    if (length == (size_t)size - 1 && out[length - 1] != '\n') {
        skip_rest_of_line(loader->file);
        problem(loader, place(loader, SOURCE_FILE, where), "line",
                "too long; lists may be given in several lines");
        out[0] = '\0';
        return out;
    }
    size_t from = loader->line_number == 1 && strncmp(out, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    from += strspn(out + from, " \t");
    memmove(out, out + from, length - from + 1);
    if (strchr("\r\n;#[", out[0]) == NULL && strchr(out, '=') == NULL) {
        out[strcspn(out, "\r\n")] = '\0';
        problem(loader, place(loader, SOURCE_FILE, where), out, "no value; write name = value");
        out[0] = '\0';
    }
    return out;
}

static int take_pair(void *context, const char *section, const char *name, const char *value)
{
    struct loader *loader = context;
    char where[320];
    place(loader, SOURCE_FILE, where);
    const struct conf_setting *setting = conf_setting_find(str_from(name), false);
    if (section[0] != '\0')
        problem(loader, where, name, "stands in a [section]; there are none, remove its line");
    else if (setting == NULL)
        unknown(loader, where, name, str_from(name));
    else
        assign(loader, SOURCE_FILE, setting, name, value);
    return 1;
}

static void load_file(struct loader *loader, const char *path)
{
    bool must_exist = path != NULL;
    loader->path = must_exist ? path : DEFAULT_FILE;
    loader->file = fopen(loader->path, "re");
    if (loader->file == NULL) {
        if (must_exist || errno != ENOENT)
            problem(loader, "", loader->path,
                    errno == ENOENT ? "no such file; -c names it" : strerror(errno));
        return;
    }
    next_source(loader);
    loader->line_number = 0;
    ini_parse_stream(read_line, loader, take_pair, loader);
    if (ferror(loader->file))
        problem(loader, "", loader->path, "cannot be read");
    fclose(loader->file);
}

/* ---------------------------------------------------------------- environment and command line */

/* Other programs may own HUBD_ variables too (a path, a test's switch): only what is clearly a slip of the
 * pen is a problem. */
static void unknown_variable(struct loader *loader, const char *shown, struct str name)
{
    struct suggest suggest;
    suggest_begin(&suggest, name);
    for (size_t i = 0; i < conf_setting_count; i++)
        suggest_offer(&suggest, conf_settings[i].name);
    const char *best = suggest_best(&suggest);
    if (best != NULL && suggest.distance <= 2 && name.length > 4 && !str_starts_with(str_from(best), name))
        unknown(loader, "", shown, name);
}

static void load_environment(struct loader *loader, char *const *environment)
{
    next_source(loader);
    for (; environment != NULL && *environment != NULL; environment++) {
        struct str entry = str_from(*environment);
        size_t equals = str_find(entry, '=');
        if (!str_starts_with(entry, STR(ENVIRONMENT_PREFIX)) || equals == SIZE_MAX)
            continue;
        char shown[64], name[64];
        if (!str_copy(str_of(entry.data, equals), shown, sizeof shown))
            continue;
        size_t prefix = sizeof(ENVIRONMENT_PREFIX) - 1, length = equals - prefix;
        for (size_t i = 0; i <= length; i++) {
            char letter = shown[prefix + i];
            name[i] = letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
        }
        const struct conf_setting *setting = conf_setting_find(str_from(name), false);
        if (setting != NULL)
            assign(loader, SOURCE_ENVIRONMENT, setting, shown, *environment + equals + 1);
        else
            unknown_variable(loader, shown, str_from(name));
    }
}

static void load_overrides(struct loader *loader, const char *const *overrides, size_t count)
{
    next_source(loader);
    for (size_t i = 0; i < count; i++) {
        struct str entry = str_from(overrides[i]);
        size_t equals = str_find(entry, '=');
        struct str name = str_of(entry.data, equals == SIZE_MAX ? entry.length : equals);
        char shown[80];
        snprintf(shown, sizeof shown, "--%.60s", overrides[i]);
        shown[2 + (name.length < 60 ? name.length : 60)] = '\0';
        const struct conf_setting *setting = conf_setting_find(name, true);
        if (setting == NULL)
            unknown(loader, "", shown, name);
        else if (equals == SIZE_MAX)
            problem(loader, "", shown, "no value; write --name=value");
        else
            assign(loader, SOURCE_COMMAND_LINE, setting, shown, entry.data + equals + 1);
    }
}

/* ---------------------------------------------------------------- what two settings must agree on */

static void check_together(struct loader *loader)
{
    const struct conf *conf = loader->conf;
    if (conf->listen.count == 0 && loader->problem_count == 0) /* else it is one of those */
        problem(loader, "", "listen", "none given; write host:port, e.g. 127.0.0.1:8080");
    if (conf->retry_initial > conf->retry_max)
        problem(loader, "", "retry_initial", "longer than retry_max; make it shorter");
    struct error error;
    if (conf_compute(loader->conf, &error) != OK)
        problem(loader, "", "defaults", error.text);
    struct error too_long = {0};
    const struct conf_setting *socket = conf_setting_find(STR("admin_socket"), false);
    if (!socket->check(conf->admin_socket, &too_long) && loader->problem_count == 0)
        problem(loader, "", "admin_socket", too_long.text);
}

int conf_load(struct conf *conf, const char *path, char *const *environment, const char *const *overrides,
              size_t override_count, struct buffer *problems)
{
    struct loader loader = {.conf = conf, .problems = problems};
    if (conf_setting_count > SETTINGS_MAX)
        BUG("%zu settings, room for %d", conf_setting_count, SETTINGS_MAX);
    conf_defaults(conf);
    load_file(&loader, path);
    load_environment(&loader, environment);
    load_overrides(&loader, overrides, override_count);
    check_together(&loader);
    return loader.problem_count == 0 ? OK : ERR_INVALID;
}
