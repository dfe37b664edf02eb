#include "man/roff.h"

#include <ctype.h>
#include <stdlib.h>

#define LINE_WIDTH 78
#define ELLIPSIS   0x2026

/* ---------------------------------------------------------------- letters */

/* The letter at the beginning of `text` and how many bytes it has; a byte that begins none is one itself. */
static size_t decode(struct str text, unsigned *letter)
{
    unsigned char first = (unsigned char)text.data[0];
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    if (length == 1 || length > text.length) {
        *letter = first;
        return 1;
    }
    *letter = first & (0x7fU >> length);
    for (size_t i = 1; i < length; i++)
        *letter = *letter << 6 | ((unsigned char)text.data[i] & 0x3fU);
    return length;
}

static void write_foreign(struct buffer *out, unsigned letter)
{
    if (letter == ELLIPSIS)
        buffer_append_text(out, "...");
    else
        buffer_printf(out, "\\[u%04X]", letter);
}

/* `path`: it may go on in the next line behind a slash. */
static void write_letters(struct buffer *out, struct str text, bool path)
{
    while (text.length > 0) {
        unsigned letter;
        size_t length = decode(text, &letter);
        if (letter == '\\')
            buffer_append_text(out, "\\e");
        else if (letter == '-')
            buffer_append_text(out, "\\-"); /* what is to be typed must be pasted as it is */
        else if (letter == '"')
            buffer_append_text(out, "\\(dq");
        else if (letter >= 0x80)
            write_foreign(out, letter);
        else
            buffer_append_byte(out, (char)letter);
        if (path && letter == '/')
            buffer_append_text(out, "\\:");
        text = str_skip(text, length);
    }
}

void roff_source(struct buffer *out, struct str line)
{
    while (line.length > 0) {
        unsigned letter;
        size_t length = decode(line, &letter);
        if (letter >= 0x80)
            write_foreign(out, letter);
        else
            buffer_append_byte(out, (char)letter);
        line = str_skip(line, length);
    }
    buffer_append_byte(out, '\n');
}

/* ---------------------------------------------------------------- paragraphs */

/* Whether a sentence ends with this word; "e.g." ends none. */
static bool ends_sentence(struct str word)
{
    while (word.length > 0 && strchr(")\"`", word.data[word.length - 1]) != NULL)
        word.length--;
    return word.length > 1 && strchr(".?!", word.data[word.length - 1]) != NULL &&
           !str_ends_with(word, STR("e.g.")) && !str_ends_with(word, STR("i.e."));
}

/* Whether it is something to be typed rather than a word of the language: no formatter may break that. */
static bool is_name(struct str word, bool bold)
{
    static const char marks[] = "_/`-";
    for (size_t i = 0; i < word.length && !bold; i++)
        bold = strchr(marks, word.data[i]) != NULL;
    return bold;
}

/* Backticks turn bold on and off. */
static void write_word(struct buffer *out, struct str word, bool *bold)
{
    struct str part;
    bool first = true;
    buffer_append_text(out, is_name(word, *bold) ? "\\%" : "");
    while (str_split(&word, '`', &part)) {
        if (!first) {
            *bold = !*bold;
            buffer_append_text(out, *bold ? "\\fB" : "\\fR");
        }
        write_letters(out, part, part.length > LINE_WIDTH / 2);
        first = false;
    }
}

static void write_paragraph(struct buffer *out, struct str rest)
{
    struct str word;
    bool bold = false, begun = false;
    size_t column = 0;
    while (str_split(&rest, ' ', &word)) {
        struct buffer text = {0};
        if (word.length == 0)
            continue;
        write_word(&text, word, &bold);
        if (begun && (column == 0 || column + 1 + text.length > LINE_WIDTH)) {
            buffer_append_byte(out, '\n');
            column = 0;
        }
        if (column > 0)
            buffer_append_byte(out, ' ');
        else if (strchr(".'", text.data[0]) != NULL)
            buffer_append_text(out, "\\&");
        buffer_append(out, buffer_str(&text));
        column = ends_sentence(word) ? 0 : column + 1 + text.length;
        begun = true;
        out->failed = out->failed || text.failed;
        buffer_free(&text);
    }
    buffer_append_byte(out, '\n');
}

void roff_text(struct buffer *out, const char *text)
{
    write_paragraph(out, str_from(text));
}

static void write_sentence(struct buffer *out, const char *text, bool capital)
{
    struct buffer whole = {0};
    buffer_append_text(&whole, text);
    if (!whole.failed && whole.length > 0) {
        if (capital)
            whole.data[0] = (char)toupper((unsigned char)whole.data[0]);
        if (strchr(".?!", whole.data[whole.length - 1]) == NULL)
            buffer_append_byte(&whole, '.');
    }
    out->failed = out->failed || whole.failed;
    write_paragraph(out, buffer_str(&whole));
    buffer_free(&whole);
}

void roff_sentence(struct buffer *out, const char *text)
{
    write_sentence(out, text, false);
}

void roff_whole_sentence(struct buffer *out, const char *text)
{
    write_sentence(out, text, true);
}

void roff_choices(struct buffer *out, const char *lead, const char *const *choices)
{
    struct buffer text = {0};
    buffer_append_text(&text, lead);
    for (size_t i = 0; choices[i] != NULL; i++)
        buffer_printf(&text, "%s `%s`", i > 0 ? "," : "", choices[i]);
    buffer_append_byte(&text, '.');
    out->failed = out->failed || text.failed;
    write_paragraph(out, buffer_str(&text));
    buffer_free(&text);
}

/* ---------------------------------------------------------------- arguments, literal lines */

void roff_argument(struct buffer *out, const char *text)
{
    /* macros that can be called have two letters, and so have a few of our words */
    bool macro = strlen(text) == 2 && isupper((unsigned char)text[0]);
    bool quoted = strchr(text, ' ') != NULL || text[0] == '\0';
    buffer_append_text(out, quoted ? " \"" : " ");
    buffer_append_text(out, macro ? "\\&" : "");
    write_letters(out, str_from(text), false);
    buffer_append_text(out, quoted ? "\"" : "");
}

void roff_item(struct buffer *out, const char *name, const char *kind)
{
    buffer_append_text(out, ".It Va");
    roff_argument(out, name);
    buffer_append_text(out, " Pq");
    roff_argument(out, kind);
    buffer_append_byte(out, '\n');
}

void roff_option(struct buffer *out, const char *name)
{
    buffer_append_text(out, " Fl \\-");
    write_letters(out, str_from(name), false);
}

void roff_literal(struct buffer *out, const char *text)
{
    if (text[0] == '.' || text[0] == '\'')
        buffer_append_text(out, "\\&");
    write_letters(out, str_from(text), false);
    buffer_append_byte(out, '\n');
}
