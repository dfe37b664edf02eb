/* Byte-preserving changes of stored objects; see patch.h. */
#include "lib/ocpi/patch.h"

#include <stdlib.h>

#include "lib/base/buffer.h"
#include "lib/base/timestamp.h"
#include "lib/json/writer.h"
#include "lib/ocpi/equal.h"
#include "lib/ocpi/index.h"

/* The new text of an object while it is written: bytes of the old one up to `from` are already copied or
 * replaced. */
struct splice {
    char *out;
    size_t length, capacity;
    const char *from, *end; /* what of the old text is still to come */
    bool failed;
};

static struct str span(const char *from, const char *to)
{
    return str_of(from, (size_t)(to - from));
}

static const char *end_of(struct str s)
{
    return s.data + s.length;
}

/* `more`: bytes that may be added to the old text. */
static void splice_begin(struct splice *splice, struct arena *arena, struct str old, size_t more)
{
    *splice = (struct splice){.capacity = old.length + more, .from = old.data, .end = end_of(old)};
    splice->out = arena_alloc(arena, splice->capacity + 1);
    splice->failed = splice->out == NULL;
}

static void splice_add(struct splice *splice, struct str text)
{
    if (splice->failed || text.length > splice->capacity - splice->length) {
        splice->failed = true;
        return;
    }
    if (text.length > 0)
        memcpy(splice->out + splice->length, text.data, text.length);
    splice->length += text.length;
}

static void splice_keep_until(struct splice *splice, const char *position)
{
    splice_add(splice, span(splice->from, position));
    splice->from = position;
}

static void splice_replace(struct splice *splice, struct str old, struct str new)
{
    splice_keep_until(splice, old.data);
    splice_add(splice, new);
    splice->from = end_of(old);
}

static struct str splice_end(struct splice *splice)
{
    splice_keep_until(splice, splice->end);
    return splice->failed ? STR_NONE : str_of(splice->out, splice->length);
}

/* The last member or element, NULL when there is none. */
static const struct json_value *last_child(const struct json_value *parent)
{
    const struct json_value *last = parent->child;
    while (last != NULL && last->next != NULL)
        last = last->next;
    return last;
}

/* Keeps everything up to where a further member or element goes, behind the last one, before any white space.
 */
static bool splice_keep_children(struct splice *splice, const struct json_value *parent)
{
    const struct json_value *last = last_child(parent);
    splice_keep_until(splice, last != NULL ? end_of(last->raw) : parent->raw.data + 1);
    return last != NULL;
}

static void splice_member(struct splice *splice, bool needs_comma, struct str raw_key, struct str raw)
{
    if (needs_comma)
        splice_add(splice, STR(","));
    splice_add(splice, raw_key);
    splice_add(splice, STR(":"));
    splice_add(splice, raw);
}

/* Whether a PATCH adds to this list instead of replacing it. */
static bool is_append(const struct ocpi_patch_options *options, const struct json_value *member)
{
    return options != NULL && options->append_list != NULL &&
           str_equal(member->key, str_from(options->append_list));
}

static bool is_empty_list(const struct json_value *value)
{
    return value->type == JSON_NULL || (value->type == JSON_ARRAY && value->child == NULL);
}

/* ---------------------------------------------------------------- elements that are there already */

struct digest {
    uint8_t bytes[OCPI_DIGEST_SIZE];
};

static int compare_moments(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static int compare_digests(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(struct digest));
}

static int64_t moment_of(const struct json_value *element, const struct ocpi_patch_options *options)
{
    int64_t moment;
    return timestamp_parse(json_get_text(element, options->moment), &moment) ? moment : INT64_MIN;
}

/* What of the stored list could be in the patch's. */
struct patch_member {
    struct digest *digests; /* sorted */
    size_t count;
};

/* Only elements of a moment that the patch has too are looked at as a whole. ERR_MEMORY. */
static int known_collect(struct arena *arena, const struct json_value *stored, const struct json_value *patch,
                         const struct ocpi_patch_options *options, struct patch_member *known)
{
    size_t count = 0;
    int64_t *moments = arena_alloc(arena, (patch->count + 1) * sizeof *moments);
    known->digests = arena_alloc(arena, (stored->count + 1) * sizeof *known->digests);
    known->count = 0;
    if (moments == NULL || known->digests == NULL)
        return ERR_MEMORY;
    for (const struct json_value *element = patch->child; element != NULL; element = element->next)
        moments[count++] = moment_of(element, options);
    qsort(moments, count, sizeof *moments, compare_moments);
    for (const struct json_value *element = stored->child; element != NULL; element = element->next) {
        int64_t moment = moment_of(element, options);
        if (bsearch(&moment, moments, count, sizeof *moments, compare_moments) != NULL)
            ocpi_digest(options->element, element, NULL, known->digests[known->count++].bytes);
    }
    qsort(known->digests, known->count, sizeof *known->digests, compare_digests);
    return OK;
}

static bool known_has(const struct patch_member *known, const struct json_value *element,
                      const struct ocpi_patch_options *options)
{
    struct digest digest;
    ocpi_digest(options->element, element, NULL, digest.bytes);
    return bsearch(&digest, known->digests, known->count, sizeof digest, compare_digests) != NULL;
}

/* The patch's elements that are not stored yet, behind the stored ones. */
static void splice_append(struct splice *splice, struct arena *arena, const struct json_value *stored,
                          const struct json_value *patch, const struct ocpi_patch_options *options)
{
    struct patch_member known = {NULL, 0};
    if (options->element != NULL && known_collect(arena, stored, patch, options, &known) != OK) {
        splice->failed = true;
        return;
    }
    splice_keep_children(splice, stored);
    if (known.count == 0) { /* all of them, as they stand there */
        splice_add(splice, STR(","));
        splice_add(splice, span(patch->child->raw.data, end_of(last_child(patch)->raw)));
        return;
    }
    for (const struct json_value *element = patch->child; element != NULL; element = element->next) {
        if (known_has(&known, element, options))
            continue;
        splice_add(splice, STR(","));
        splice_add(splice, element->raw);
    }
}

/* ---------------------------------------------------------------- member by member */

/* One stored member meets the patch's member of that name. */
static void patch_member(struct splice *splice, struct arena *arena, const struct json_value *stored,
                         const struct json_value *patch, const struct ocpi_patch_options *options)
{
    if (is_append(options, patch) && is_empty_list(patch))
        return;
    if (!is_append(options, patch) || is_empty_list(stored) || stored->type != JSON_ARRAY ||
        patch->type != JSON_ARRAY) {
        splice_replace(splice, stored->raw, patch->raw);
        return;
    }
    splice_append(splice, arena, stored, patch, options);
}

/* The patch's members that no stored member had the name of. */
static void patch_additions(struct splice *splice, const struct json_value *stored,
                            const struct json_value *patch, struct ocpi_index *index,
                            const struct ocpi_patch_options *options)
{
    bool needs_comma = splice_keep_children(splice, stored);
    for (const struct json_value *member = patch->child; member != NULL; member = member->next) {
        const struct ocpi_entry *entry = ocpi_index_find(index, member->key);
        /* A key twice in the patch: the first counts, as everywhere else in the hub. */
        if (entry == NULL || entry->used || entry->value != member ||
            (is_append(options, member) && is_empty_list(member)))
            continue;
        splice_member(splice, needs_comma, member->raw_key, member->raw);
        needs_comma = true;
    }
}

struct str ocpi_patch_apply(struct arena *arena, const struct json_value *stored,
                            const struct json_value *patch, const struct ocpi_patch_options *options)
{
    struct ocpi_index index;
    if (ocpi_index_init(&index, arena, patch->count, OCPI_INDEX_BY_KEY) != OK)
        return STR_NONE;
    for (const struct json_value *member = patch->child; member != NULL; member = member->next)
        if (options == NULL || !options->only_list || is_append(options, member))
            ocpi_index_add(&index, member, index.count);
    if (ocpi_index_sort(&index, arena) != OK)
        return STR_NONE;

    /* Each byte of the patch goes in at most once; the comma of a first addition is the one more. */
    struct splice splice;
    splice_begin(&splice, arena, stored->raw, patch->raw.length + 1);
    for (const struct json_value *member = stored->child; member != NULL; member = member->next) {
        struct ocpi_entry *entry = ocpi_index_find(&index, member->key);
        if (entry == NULL || entry->used)
            continue;
        entry->used = true;
        patch_member(&splice, arena, member, entry->value, options);
    }
    patch_additions(&splice, stored, patch, &index, options);
    return splice_end(&splice);
}

/* A member's name as JSON; data == NULL when there is no memory. */
static struct str raw_key_make(struct arena *arena, struct str key)
{
    struct buffer text;
    struct json_writer writer;
    buffer_init(&text, 0);
    json_writer_init(&writer, &text);
    json_string(&writer, key);
    struct str raw_key = text.failed ? STR_NONE : arena_copy(arena, buffer_str(&text));
    buffer_free(&text);
    return raw_key;
}

/* Sets a member to the text before, `raw` and the text behind it: brackets when a list is made around it. */
static struct str member_set(struct arena *arena, const struct json_value *object, struct str key,
                             struct str before, struct str raw, struct str behind)
{
    const struct json_value *old = json_get_raw(object, key);
    struct str raw_key = old == NULL ? raw_key_make(arena, key) : STR("");
    if (raw_key.data == NULL)
        return STR_NONE;
    struct splice splice;
    splice_begin(&splice, arena, object->raw,
                 raw_key.length + before.length + raw.length + behind.length + 2);
    if (old != NULL)
        splice_replace(&splice, old->raw, before);
    else
        splice_member(&splice, splice_keep_children(&splice, object), raw_key, before);
    splice_add(&splice, raw);
    splice_add(&splice, behind);
    return splice_end(&splice);
}

struct str ocpi_member_set(struct arena *arena, const struct json_value *object, struct str key,
                           struct str raw)
{
    return member_set(arena, object, key, STR_NONE, raw, STR_NONE);
}

struct str ocpi_list_set(struct arena *arena, const struct json_value *object, const char *list,
                         const char *id_key, struct str id, struct str raw, bool *created)
{
    const struct json_value *old = ocpi_list_find(object, list, id_key, id);
    const struct json_value *elements = json_get(object, list);
    *created = old == NULL;
    if (elements == NULL || elements->type != JSON_ARRAY || elements->child == NULL)
        return member_set(arena, object, str_from(list), STR("["), raw, STR("]"));
    struct splice splice;
    splice_begin(&splice, arena, object->raw, raw.length + 1);
    if (old != NULL) {
        splice_replace(&splice, old->raw, raw);
    } else {
        splice_keep_children(&splice, elements);
        splice_add(&splice, STR(","));
        splice_add(&splice, raw);
    }
    return splice_end(&splice);
}

const struct json_value *ocpi_list_find(const struct json_value *object, const char *list, const char *id_key,
                                        struct str id)
{
    const struct json_value *elements = json_get(object, list);
    if (elements == NULL || elements->type != JSON_ARRAY)
        return NULL;
    for (const struct json_value *element = elements->child; element != NULL; element = element->next) {
        struct str text = json_get_text(element, id_key);
        if (text.data != NULL && str_equal_fold(text, id))
            return element;
    }
    return NULL;
}
