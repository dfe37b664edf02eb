#include "hubd/admin/declare/declare.h"

/* Compares two documents of declare_write. Both are sorted, so one pass finds what only one of them has. */

/* The members that name an entry of each kind, and its only other member (NULL: there are several). */
static const struct {
    const char *first, *second, *only;
} shapes[] = {[DECLARE_PARTY] = {"id", NULL, NULL},
              [DECLARE_RECEIVER] = {"party", "module", "url"},
              [DECLARE_RULE] = {"emsp", "cpo", "state"},
              [DECLARE_LIMIT] = {"party", "module", "rate"}};

struct pass {
    struct declare_differences *differences;
    struct arena *arena;
    const struct declare_list *named;
    enum declare_kind kind;
    size_t touched_named;
    bool failed;
};

static struct str id_of(const struct pass *pass, const struct json_value *entry)
{
    struct str first = json_get_text(entry, shapes[pass->kind].first);
    if (shapes[pass->kind].second == NULL)
        return first;
    struct str second = json_get_text(entry, shapes[pass->kind].second);
    return arena_printf(pass->arena, STR_FMT " " STR_FMT, STR_ARG(first), STR_ARG(second));
}

static void write_value(struct json_writer *writer, const char *key, const struct json_value *value)
{
    json_key(writer, key);
    if (value == NULL)
        json_null(writer);
    else
        json_raw(writer, value->raw);
}

static void compare_write_row(struct pass *pass, const char *change, struct str id, const char *field,
                              const struct json_value *before, const struct json_value *after)
{
    struct buffer *rows = pass->differences->rows;
    struct json_writer writer;
    if (++pass->differences->row_count > DECLARE_ROWS_MAX)
        return;
    if (rows->length > 0)
        buffer_append_byte(rows, ',');
    json_writer_init(&writer, rows);
    json_object_begin(&writer);
    json_field_text(&writer, "change", change);
    json_field_text(&writer, "kind", declare_kind_name(pass->kind));
    json_field_string(&writer, "id", id);
    json_key(&writer, "field");
    if (field != NULL)
        json_string(&writer, str_from(field));
    else
        json_null(&writer);
    write_value(&writer, "before", before);
    write_value(&writer, "after", after);
    json_field_boolean(&writer, "dry_run", pass->differences->dry_run);
    json_object_end(&writer);
}

static void touch(struct pass *pass, struct str id, size_t *counter)
{
    struct declare_touched *touched = arena_alloc(pass->arena, sizeof *touched);
    ++*counter;
    struct str key = declare_fold_id(pass->arena, pass->kind, id);
    pass->touched_named += declare_find(pass->named, key) != NULL ? 1 : 0;
    pass->failed = pass->failed || touched == NULL;
    if (touched == NULL)
        return;
    *touched = (struct declare_touched){pass->kind, id, key, pass->differences->touched};
    pass->differences->touched = touched;
}

static const struct json_value *member_of(const struct json_value *entry, const char *name)
{
    return name == NULL || entry == NULL ? entry : json_get(entry, name);
}

static void only_before(struct pass *pass, struct str id, const struct json_value *entry)
{
    const char *only = shapes[pass->kind].only;
    compare_write_row(pass, "removed", id, only, member_of(entry, only), NULL);
    touch(pass, id, &pass->differences->counts.removed);
}

static void only_after(struct pass *pass, struct str id, const struct json_value *entry)
{
    const char *only = shapes[pass->kind].only;
    compare_write_row(pass, "added", id, only, NULL, member_of(entry, only));
    touch(pass, id, &pass->differences->counts.added);
}

/* One function writes both documents, so equal members have equal bytes. */
static void on_both(struct pass *pass, struct str id, const struct json_value *before,
                    const struct json_value *after)
{
    if (str_equal(before->raw, after->raw))
        return;
    for (const struct json_value *new = after->child; new != NULL; new = new->next) {
        const struct json_value *old = json_get_raw(before, new->key);
        char name[32];
        if ((old == NULL || !str_equal(old->raw, new->raw)) && str_copy(new->key, name, sizeof name))
            compare_write_row(pass, "changed", id, name, old, new);
    }
    touch(pass, id, &pass->differences->counts.changed);
}

static void compare_lists(struct pass *pass, const struct json_value *before, const struct json_value *after)
{
    while ((before != NULL || after != NULL) && !pass->failed) {
        struct str old = before != NULL ? id_of(pass, before) : STR_NONE,
                   new = after != NULL ? id_of(pass, after) : STR_NONE;
        int order = before == NULL  ? 1
                    : after == NULL ? -1
                                    : declare_compare_ids(declare_fold_id(pass->arena, pass->kind, old),
                                                          declare_fold_id(pass->arena, pass->kind, new));
        if (order < 0)
            only_before(pass, old, before);
        else if (order > 0)
            only_after(pass, new, after);
        else
            on_both(pass, old, before, after);
        before = order <= 0 ? before->next : before;
        after = order >= 0 ? after->next : after;
    }
}

int declare_compare(struct declare_differences *differences, struct arena *arena,
                    const struct declare_document *document, struct str before, struct str after)
{
    const struct json_value *old, *new;
    struct error error = {0};
    bool failed = before.length == 0 || after.length == 0 ||
                  json_parse(arena, before, JSON_DEPTH_MAX, &old, &error) != OK ||
                  json_parse(arena, after, JSON_DEPTH_MAX, &new, &error) != OK;
    for (enum declare_kind kind = 0; kind < DECLARE_KINDS && !failed; kind++) {
        const struct declare_list *named = &document->lists[kind];
        struct pass pass = {.differences = differences, .arena = arena, .named = named, .kind = kind};
        const char *list = declare_list_name(kind);
        compare_lists(&pass, json_get(old, list)->child, json_get(new, list)->child);
        differences->counts.unchanged +=
            named->count - (pass.touched_named < named->count ? pass.touched_named : named->count);
        failed = pass.failed;
    }
    return failed || differences->rows->failed ? ERR_MEMORY : OK;
}
