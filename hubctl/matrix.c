#include "hubctl/matrix.h"

#include <string.h>

#define GROUP         5  /* columns between two gaps, for the eye */
#define ROWS_MOST     20 /* under one heading, so that the ids are never off the screen */
#define WIDTH_UNKNOWN 80

/* What is drawn: CPOs from `first` up to `end`. */
struct block {
    size_t first, end;
    size_t margin; /* columns that the eMSPs' ids take */
    bool upright;
    size_t height; /* lines of the heading */
    size_t prefix; /* letters that all CPOs' ids begin with: upright ones leave them to the margin */
    size_t rows;   /* under one heading */
};

/* What is drawn from. */
struct matrix {
    const struct json_value *cpos;
    const struct json_value *const *rows;
    size_t count; /* rows */
};

static size_t longest_cpo(const struct matrix *grid)
{
    size_t length = 0;
    for (const struct json_value *cpo = grid->cpos->child; cpo != NULL; cpo = cpo->next)
        length = cpo->text.length > length ? cpo->text.length : length;
    return length;
}

static size_t longest_emsp(const struct matrix *grid)
{
    size_t length = 0;
    for (size_t i = 0; i < grid->count; i++) {
        size_t own = json_get_text(grid->rows[i], "emsp").length;
        length = own > length ? own : length;
    }
    return length;
}

/* "IN-": what is in front of the last '-' in all of them. */
static size_t common_prefix(const struct json_value *cpos)
{
    struct str first = cpos->child->text;
    size_t length = first.length;
    while (length > 0 && first.data[length - 1] != '-')
        length--;
    for (const struct json_value *cpo = cpos->child; cpo != NULL; cpo = cpo->next) {
        if (!str_starts_with(cpo->text, str_of(first.data, length)))
            return 0;
    }
    return length;
}

/* So many in each of as few equal parts as there must be when none is larger than `most`. */
static size_t equal_parts(size_t count, size_t most)
{
    size_t parts = (count + most - 1) / most;
    return (count + parts - 1) / parts;
}

/* Columns in front of column `index` of a block with upright ids; also the width of so many. */
static size_t upright_width(size_t index)
{
    return 2 * index + (index > 0 ? (index - 1) / GROUP : 0);
}

/* Chooses horizontal ids when all columns fit side by side, else vertical ones, and gives each block about as
 * many columns as the others. */
static struct block first_block(const struct matrix *grid, size_t width)
{
    const struct json_value *cpos = grid->cpos;
    struct block block = {.margin = longest_emsp(grid),
                          .height = 1,
                          .end = cpos->count,
                          .rows = equal_parts(grid->count, ROWS_MOST)};
    size_t level = block.margin, fitting = 1;
    for (const struct json_value *cpo = cpos->child; cpo != NULL; cpo = cpo->next)
        level += cpo->text.length + 1;
    if (level <= width)
        return block;
    block.upright = true;
    block.prefix = common_prefix(cpos);
    block.height = longest_cpo(grid) - block.prefix;
    while (fitting < cpos->count && block.margin + upright_width(fitting + 1) <= width)
        fitting++;
    block.end = equal_parts(cpos->count, fitting);
    return block;
}

static const struct json_value *item_at(const struct json_value *list, size_t index)
{
    const struct json_value *item = list->child;
    while (item != NULL && index-- > 0)
        item = item->next;
    return item;
}

/* In front of column `index` of the block: a gap after each group of upright ones. */
static void write_gap(struct buffer *out, const struct block *block, size_t index)
{
    size_t place = index - block->first;
    buffer_append_text(out, block->upright && place > 0 && place % GROUP == 0 ? "  " : " ");
}

static void write_heading(struct buffer *out, const struct json_value *cpos, const struct block *block)
{
    for (size_t line = 0; line < block->height; line++) {
        const struct json_value *cpo = item_at(cpos, block->first);
        struct str prefix = str_of(cpos->child->text.data, line == 0 ? block->prefix : 0);
        if (prefix.length > block->margin)
            prefix.length = block->margin;
        buffer_printf(out, "%*s" STR_FMT, (int)(block->margin - prefix.length), "", STR_ARG(prefix));
        for (size_t i = block->first; i < block->end && cpo != NULL; i++, cpo = cpo->next) {
            struct str id = str_skip(cpo->text, block->prefix);
            size_t above = block->height > id.length ? block->height - id.length : 0;
            write_gap(out, block, i);
            if (!block->upright)
                buffer_append(out, id);
            else
                buffer_append_byte(out, line < above ? ' ' : id.data[line - above]);
        }
        buffer_append_byte(out, '\n');
    }
}

static void write_state(struct buffer *out, struct str state, bool color)
{
    static const struct {
        const char *state, *sign, *color;
    } rows[] = {{"on", "x", "\033[32m"}, {"drain", "d", "\033[33m"}, {"off", ".", ""}};
    const char *sign = "?", *paint = ""; /* a newer hubd may know others */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (str_equal(state, str_from(rows[i].state))) {
            sign = rows[i].sign;
            paint = rows[i].color;
        }
    }
    bool painted = color && paint[0] != '\0';
    buffer_printf(out, "%s%s%s", painted ? paint : "", sign, painted ? "\033[0m" : "");
}

/* The state towards `cpo`; `*rule` goes along with the CPOs, which are mostly in the same order. */
static struct str state_of(const struct json_value *rules, const struct json_value **rule, struct str cpo)
{
    const struct json_value *found = *rule;
    if (found != NULL && str_equal(found->key, cpo))
        *rule = found->next;
    else
        found = json_get_raw(rules, cpo);
    return found != NULL ? found->text : STR("off");
}

static void matrix_write_row(struct buffer *out, const struct json_value *row, const struct json_value *cpos,
                             const struct block *block, bool color)
{
    struct str emsp = json_get_text(row, "emsp");
    const struct json_value *cpo = item_at(cpos, block->first);
    const struct json_value *rules = json_get(row, "rules");
    const struct json_value *rule = rules != NULL ? item_at(rules, block->first) : NULL;
    buffer_printf(out, STR_FMT "%*s", STR_ARG(emsp), (int)(block->margin - emsp.length), "");
    for (size_t i = block->first; i < block->end && cpo != NULL; i++, cpo = cpo->next) {
        write_gap(out, block, i);
        buffer_printf(out, "%*s", !block->upright && cpo->text.length > 0 ? (int)cpo->text.length - 1 : 0,
                      "");
        write_state(out, state_of(rules, &rule, cpo->text), color);
    }
    buffer_append_byte(out, '\n');
}

static void write_block(struct buffer *out, const struct matrix *grid, const struct block *block, bool color)
{
    for (size_t i = 0; i < grid->count; i++) {
        if (i % block->rows == 0) {
            buffer_append_text(out, i > 0 ? "\n" : "");
            write_heading(out, grid->cpos, block);
        }
        matrix_write_row(out, grid->rows[i], grid->cpos, block, color);
    }
}

char *matrix_render(const struct json_value *cpos, const struct json_value *const *rows, size_t count,
                    const struct style *style)
{
    const struct matrix grid = {cpos, rows, count};
    struct buffer out = {0};
    if (cpos == NULL || cpos->count == 0 || count == 0)
        return NULL;
    struct block block = first_block(&grid, style->width > 0 ? style->width : WIDTH_UNKNOWN);
    size_t step = block.end;
    for (; block.first < cpos->count; block.first = block.end, block.end += step) {
        block.end = block.end < cpos->count ? block.end : cpos->count;
        write_block(&out, &grid, &block, style->color);
        buffer_append_text(&out, "\n");
    }
    buffer_printf(&out, "%zu %s down, %zu %s across;%sx on, d draining, . off\n", count,
                  count == 1 ? "eMSP" : "eMSPs", (size_t)cpos->count, cpos->count == 1 ? "CPO" : "CPOs",
                  style->width > 0 && style->width < 60 ? "\n" : " ");
    char *text = out.failed ? NULL : strndup(out.data, out.length);
    buffer_free(&out);
    return text;
}
