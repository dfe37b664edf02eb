#include "hubctl/difference.h"

void difference_write(struct buffer *out, const struct json_value *row, const struct style *style)
{
    static const struct {
        const char *change, *sign;
    } signs[] = {{"added", "+"}, {"changed", "~"}, {"removed", "-"}};
    const char *const words[] = {"kind", "id", "field"};
    const struct json_value *before = json_get(row, "before"), *after = json_get(row, "after");
    struct buffer text = {0};
    size_t kind = 0;
    bool whole = json_get(row, "field") == NULL;
    while (kind < 2 && !str_equal(json_get_text(row, "change"), str_from(signs[kind].change)))
        kind++;
    buffer_append_text(&text, signs[kind].sign);
    for (size_t i = 0; i < (whole ? 2 : 3); i++) {
        buffer_append_byte(&text, ' ');
        value_write(&text, json_get(row, words[i]), CTL_COLUMN_ID, style);
    }
    if (!whole && (before != NULL || kind == 1)) {
        buffer_append_byte(&text, ' ');
        value_write(&text, before, CTL_COLUMN_TEXT, style);
    }
    if (!whole && (after != NULL || kind == 1)) {
        buffer_append_text(&text, kind == 1 ? " -> " : " ");
        value_write(&text, after, CTL_COLUMN_TEXT, style);
    }
    value_paint_as(out, buffer_str(&text), signs[kind].change, style);
    buffer_append_byte(out, '\n');
    buffer_free(&text);
}
