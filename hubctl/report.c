#include "hubctl/report.h"

#include <stdio.h>
#include <string.h>

#include "hubctl/moment.h"
#include "lib/base/timestamp.h"
#include "lib/base/utf8.h"

#define RESULT_WIDTH 7  /* "skipped" */
#define WIDE_ENOUGH  24 /* columns for what was found, beside the check's name; else it stands below */
#define INDENT       4

static const struct json_value *first_check(const struct json_value *report)
{
    const struct json_value *checks = json_get(report, "checks");
    return checks != NULL ? checks->child : NULL;
}

static int64_t number(const struct json_value *report, const char *key)
{
    int64_t count = 0;
    (void)json_get_int64(report, key, &count);
    return count;
}

static bool is_result(const struct json_value *check, const char *result)
{
    return str_equal(json_get_text(check, "result"), str_from(result));
}

static size_t count_result(const struct json_value *report, const char *result)
{
    size_t count = 0;
    for (const struct json_value *check = first_check(report); check != NULL; check = check->next)
        count += is_result(check, result) ? 1 : 0;
    return count;
}

/* "2 failed, 1 warning, 14 ok, 3 skipped". */
static void write_summary(struct buffer *out, const struct json_value *report)
{
    int64_t warned = number(report, "warned"), skipped = number(report, "skipped");
    buffer_printf(out, "%lld failed, %lld warning%s, %zu ok", (long long)number(report, "failed"),
                  (long long)warned, warned == 1 ? "" : "s", count_result(report, "ok"));
    if (skipped > 0)
        buffer_printf(out, ", %lld skipped", (long long)skipped);
}

/* ---------------------------------------------------------------- for a terminal */

/* hubd's sentences have times in UTC; here they read as all times on this terminal. */
static void write_localized(struct buffer *out, struct str text, const struct style *style)
{
    char local[MOMENT_SIZE];
    struct str word;
    for (bool first = true; str_split(&text, ' ', &word); first = false) {
        int64_t time;
        struct str stamp = word;
        while (stamp.length > 0 && strchr(",;.)", stamp.data[stamp.length - 1]) != NULL)
            stamp.length--;
        buffer_append_text(out, first ? "" : " ");
        if (timestamp_parse(stamp, &time))
            buffer_append_text(out, moment_format(time, style->utc, local));
        else
            buffer_append(out, stamp);
        buffer_append(out, str_skip(word, stamp.length));
    }
}

static void report_write_text(struct buffer *out, const struct json_value *value, size_t at, size_t indent,
                              const struct style *style)
{
    struct buffer plain = {0}, text = {0};
    value_write(&plain, value, CTL_COLUMN_TEXT, style);
    write_localized(&text, buffer_str(&plain), style);
    buffer_free(&plain);
    value_wrap(out, buffer_str(&text), at, indent, style->width);
    buffer_free(&text);
}

static void write_check(struct buffer *out, const struct json_value *check, size_t name_width,
                        const struct style *style)
{
    struct str name = json_get_text(check, "check"), result = json_get_text(check, "result");
    size_t column = RESULT_WIDTH + 2 + name_width + 2;
    value_paint(out, result, CTL_COLUMN_STATUS, style);
    buffer_printf(out, "%*s  " STR_FMT,
                  result.length < RESULT_WIDTH ? (int)(RESULT_WIDTH - result.length) : 0, "", STR_ARG(name));
    if (column + WIDE_ENOUGH <= style->width) {
        buffer_printf(out, "%*s", (int)(column - RESULT_WIDTH - 2 - name.length), "");
    } else {
        column = INDENT;
        buffer_printf(out, "\n%*s", INDENT, "");
    }
    report_write_text(out, json_get(check, "detail"), column, column, style);
    if (json_get(check, "remedy") == NULL)
        return;
    column = column == INDENT ? INDENT : RESULT_WIDTH + 2;
    buffer_printf(out, "%*s> ", (int)column, "");
    report_write_text(out, json_get(check, "remedy"), column + 2, column + 2, style);
}

void report_write(struct buffer *out, const struct json_value *report, const struct style *style)
{
    size_t name_width = 0;
    for (const struct json_value *check = first_check(report); check != NULL; check = check->next) {
        size_t own = json_get_text(check, "check").length;
        name_width = own > name_width ? own : name_width;
    }
    for (const struct json_value *check = first_check(report); check != NULL; check = check->next)
        write_check(out, check, name_width, style);
    struct buffer summary = {0};
    buffer_printf(&summary, STR_FMT ": ", STR_ARG(json_get_text(report, "id")));
    write_summary(&summary, report);
    buffer_append_byte(out, '\n');
    value_wrap(out, buffer_str(&summary), 0, 0, style->width);
    buffer_free(&summary);
}

/* ---------------------------------------------------------------- for a mail */

/* Text in which nothing is Markdown; partners' texts are in it. */
static void write_plain(struct buffer *out, struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        uint32_t code;
        size_t hidden = utf8_hidden(str_skip(text, i), &code);
        if (hidden > 0 || byte < ' ' || byte == 0x7f) {
            i += hidden > 0 ? hidden - 1 : 0;
            buffer_append_byte(out, ' ');
            continue;
        }
        if (strchr("\\`*_[]<>|#~", byte) != NULL)
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, text.data[i]);
    }
}

static void write_heading(struct buffer *out, const struct json_value *report)
{
    struct str name = json_get_text(report, "name"), hub = json_get_text(report, "hub");
    char local[MOMENT_SIZE];
    int64_t time;
    buffer_printf(out, "# OCPI check of " STR_FMT, STR_ARG(json_get_text(report, "id")));
    if (name.length > 0) {
        buffer_append_text(out, " (");
        write_plain(out, name);
        buffer_append_text(out, ")");
    }
    buffer_append_text(out, "\n\nMade by ");
    write_plain(out, hub.length > 0 ? hub : STR("the hub"));
    if (timestamp_parse(json_get_text(report, "time"), &time))
        buffer_printf(out, " on %s", moment_format(time, true, local));
    buffer_printf(out, ". Our calls carry `X-Correlation-ID: " STR_FMT "`.\n\n**",
                  STR_ARG(json_get_text(report, "correlation_id")));
    write_summary(out, report);
    buffer_append_text(out, ".**\n\n");
}

static void write_rows(struct buffer *out, const struct json_value *report)
{
    buffer_append_text(out, "| Result | Check | What was found |\n|---|---|---|\n");
    for (const struct json_value *check = first_check(report); check != NULL; check = check->next) {
        const char *mark = is_result(check, "fail") || is_result(check, "warn") ? "**" : "";
        buffer_printf(out, "| %s" STR_FMT "%s | `" STR_FMT "` | ", mark,
                      STR_ARG(json_get_text(check, "result")), mark, STR_ARG(json_get_text(check, "check")));
        write_plain(out, json_get_text(check, "detail"));
        buffer_append_text(out, " |\n");
    }
}

static void write_changes(struct buffer *out, const struct json_value *report)
{
    static const char *const order[] = {"fail", "warn"};
    size_t count = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        for (const struct json_value *check = first_check(report); check != NULL; check = check->next) {
            struct str partner = json_get_text(check, "partner");
            if (!is_result(check, order[i]) || partner.length == 0)
                continue;
            buffer_append_text(out, count == 0 ? "\n## What to change on your side\n\n" : "");
            buffer_printf(out, "%zu. **%s** `" STR_FMT "`: please ", ++count, order[i],
                          STR_ARG(json_get_text(check, "check")));
            buffer_printf(out, STR_FMT ".\n", STR_ARG(partner)); /* hubd's own words, not the partner's */
        }
    if (count == 0)
        buffer_append_text(out, "\nThere is nothing to change on your side.\n");
}

void report_write_markdown(struct buffer *out, const struct json_value *report)
{
    write_heading(out, report);
    write_rows(out, report);
    write_changes(out, report);
}
