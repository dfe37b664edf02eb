#include "hubd/calls/secret.h"

#include "lib/base/buffer.h"
#include "lib/base/crypto.h"

#define SHIFTS    3 /* where a byte may stand in a group of Base64 */
#define FORMS_MAX (2 + 2 * SHIFTS)

/* ---------------------------------------------------------------- folding */

/* A text in the form in which it is compared: decoded, in one case and one Base64 alphabet. */
struct folded {
    char *bytes;
    uint32_t *at; /* where each byte, and the end, stands in the text; NULL: not asked for */
    size_t length;
};

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    char small = (char)(byte | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

/* The byte of two hexadecimal digits, -1: they are none. */
static int hex_byte(struct str text)
{
    int high = text.length < 2 ? -1 : hex_digit(text.data[0]);
    int low = high < 0 ? -1 : hex_digit(text.data[1]);
    return low < 0 ? -1 : high * 16 + low;
}

/* The first byte, decoded; *size: how many bytes encode it. */
static char decode(struct str text, size_t *size)
{
    size_t digits = 0;
    if (text.data[0] == '%') { /* encoded twice and more: %252B */
        for (digits = 1; hex_byte(str_skip(text, digits)) == '%'; digits += 2)
            ;
    } else if (str_starts_with(text, STR("\\u00"))) {
        digits = 4;
    } else if (str_starts_with(text, STR("\\/"))) {
        *size = 2;
        return '/';
    }
    int byte = digits == 0 ? -1 : hex_byte(str_skip(text, digits));
    *size = byte < 0 ? 1 : digits + 2;
    return byte < 0 ? text.data[0] : (char)byte;
}

static char fold_byte(char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return (char)(byte | 0x20);
    return byte == '-' ? '+' : byte == '_' ? '/' : byte;
}

static bool fold(struct arena *arena, struct str text, struct folded *out, bool places)
{
    *out = (struct folded){.bytes = arena_alloc_raw(arena, text.length + 1)};
    if (places)
        out->at = arena_alloc_raw(arena, (text.length + 1) * sizeof *out->at);
    if (out->bytes == NULL || (places && out->at == NULL))
        return false;
    for (size_t i = 0, size; i < text.length; i += size) {
        if (places)
            out->at[out->length] = (uint32_t)i;
        out->bytes[out->length++] = fold_byte(decode(str_skip(text, i), &size));
    }
    if (places)
        out->at[out->length] = (uint32_t)text.length;
    return true;
}

/* ---------------------------------------------------------------- forms */

struct forms {
    struct folded rows[FORMS_MAX];
    unsigned count;
};

static void add_form(struct arena *arena, struct forms *forms, struct str form)
{
    if (form.length > 0 && fold(arena, form, &forms->rows[forms->count], false))
        forms->count++;
}

/* The Base64 of the token at each of the three positions in a group: only the digits that depend on nothing
 * else. */
static void add_base64(struct arena *arena, struct forms *forms, struct str text)
{
    static const size_t before[SHIFTS] = {0, 2, 3}, behind[SHIFTS] = {0, 3, 2};
    for (size_t shift = 0; shift < SHIFTS; shift++) {
        struct str shifted = arena_printf(arena, "%.*s" STR_FMT, (int)shift, "--", STR_ARG(text));
        struct str coded = base64_encode(arena, shifted);
        size_t cut = behind[shifted.length % 3];
        if (coded.length >= before[shift] + cut + SECRET_PART)
            add_form(arena, forms, str_of(coded.data + before[shift], coded.length - before[shift] - cut));
    }
}

static void find_forms(struct arena *arena, struct str token, struct forms *forms)
{
    char *hex = arena_alloc_raw(arena, 2 * token.length + 1);
    forms->count = 0;
    add_form(arena, forms, token);
    if (hex != NULL)
        add_form(arena, forms, str_from(hex_encode((const uint8_t *)token.data, token.length, hex)));
    add_base64(arena, forms, token);
    add_base64(arena, forms, base64_encode(arena, token));
}

/* ---------------------------------------------------------------- words */

/* Marks in `marks` the bytes of the text that are a part of the form. */
static bool mark(const struct folded *text, const struct folded *form, char *marks)
{
    size_t part = form->length < SECRET_PART ? form->length : SECRET_PART;
    bool found = false;
    for (size_t i = 0; i + part <= text->length; i++) {
        if (memmem(form->bytes, form->length, text->bytes + i, part) == NULL)
            continue;
        memset(marks + text->at[i], 1, text->at[i + part] - text->at[i]);
        found = true;
    }
    return found;
}

/* A mark for each byte that must be hidden; NULL: none. */
static char *find_marks(struct arena *arena, const struct str *tokens, size_t count, struct str text,
                        bool *failed)
{
    struct folded folded;
    struct forms forms;
    bool found = false;
    char *marks = arena_alloc(arena, text.length + 1);
    *failed = marks == NULL || !fold(arena, text, &folded, true);
    for (size_t i = 0; i < count && !*failed; i++) {
        if (tokens[i].length < SECRET_MIN)
            continue;
        find_forms(arena, tokens[i], &forms);
        for (unsigned j = 0; j < forms.count; j++)
            found = mark(&folded, &forms.rows[j], marks) || found;
    }
    return found ? marks : NULL;
}

/* Whether the character may belong to the same token as the one beside it. */
static bool is_of_word(char byte)
{
    static const char ends[] = "\"'<>(){}[],;&";
    return byte > ' ' && byte <= '~' && memchr(ends, byte, sizeof ends - 1) == NULL;
}

/* Extends the marks to whole words. */
static void spread(struct str text, char *marks)
{
    for (size_t i = 1; i < text.length; i++)
        marks[i] |= (char)(marks[i - 1] && is_of_word(text.data[i]));
    for (size_t i = text.length - 1; i > 0; i--)
        marks[i - 1] |= (char)(marks[i] && is_of_word(text.data[i - 1]));
}

struct str secret_hide(struct arena *arena, const struct str *tokens, size_t count, struct str text)
{
    bool failed = false;
    char *marks = text.length == 0 ? NULL : find_marks(arena, tokens, count, text, &failed);
    struct buffer out = {0};
    if (marks == NULL)
        return failed ? STR("...") : text;
    spread(text, marks);
    for (size_t i = 0; i < text.length; i++)
        if (!marks[i])
            buffer_append_byte(&out, text.data[i]);
        else if (i == 0 || !marks[i - 1])
            buffer_append(&out, STR("..."));
    struct str copy = out.failed ? STR_NONE : arena_copy(arena, buffer_str(&out));
    buffer_free(&out);
    return copy.data == NULL ? STR("...") : copy;
}

bool secret_is_in(struct arena *arena, const struct str *tokens, size_t count, struct str text)
{
    bool failed = false;
    return text.length > 0 && (find_marks(arena, tokens, count, text, &failed) != NULL || failed);
}
