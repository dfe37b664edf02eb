#include <stdio.h>
#include <stdlib.h>

#include "hubd/admin/declare/declare.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/render.h"
#include "hubd/admin/verbs.h"
#include "lib/base/crypto.h"

#define INLINE_MAX  100 /* characters of a value that is written on one line */
#define DIGEST_SIZE 8   /* bytes of a document's digest */

static const struct {
    const char *name, *list;
} kinds[] = {[DECLARE_PARTY] = {"party", "parties"},
             [DECLARE_RECEIVER] = {"receiver", "receivers"},
             [DECLARE_RULE] = {"rule", "rules"},
             [DECLARE_LIMIT] = {"limit", "limits"}};

const char *declare_kind_name(enum declare_kind kind)
{
    return kinds[kind].name;
}

const char *declare_list_name(enum declare_kind kind)
{
    return kinds[kind].list;
}

/* ---------------------------------------------------------------- entries */

/* The entries of one list with what they are sorted by: folded ids. */
struct declare_lines {
    struct arena *arena;
    enum declare_kind kind;
    struct line {
        struct str id, text;
    } * items;
    size_t count, room;
    bool failed;
};

static void add_line(struct declare_lines *lines, struct str id, const struct buffer *text)
{
    if (lines->count == lines->room) {
        size_t room = lines->room == 0 ? 64 : lines->room * 2;
        struct line *items = arena_alloc_raw(lines->arena, room * sizeof *items);
        if (items == NULL) {
            lines->failed = true;
            return;
        }
        if (lines->count > 0)
            memcpy(items, lines->items, lines->count * sizeof *items);
        lines->items = items;
        lines->room = room;
    }
    struct str copy = arena_copy(lines->arena, buffer_str(text));
    lines->failed = lines->failed || text->failed || copy.data == NULL || id.data == NULL;
    lines->items[lines->count++] = (struct line){declare_fold_id(lines->arena, lines->kind, id), copy};
}

static int compare_lines(const void *a, const void *b)
{
    const struct line *one = a, *other = b;
    return declare_compare_ids(one->id, other->id);
}

static void write_list(struct json_writer *writer, struct declare_lines *lines)
{
    if (!lines->failed && lines->count > 1)
        qsort(lines->items, lines->count, sizeof *lines->items, compare_lines);
    json_key(writer, declare_list_name(lines->kind));
    json_array_begin(writer);
    for (size_t i = 0; !lines->failed && i < lines->count; i++)
        json_raw(writer, lines->items[i].text);
    json_array_end(writer);
    writer->out->failed = writer->out->failed || lines->failed;
}

/* Members of a platform are written only in the entry of its first party. */
static void write_party(struct json_writer *writer, const struct registry_snapshot *names,
                        const struct registry_party *party, struct str id, struct arena *arena)
{
    struct str host = render_platform_id(names, party->platform, arena);
    json_object_begin(writer);
    json_field_string(writer, "id", id);
    render_roles(writer, party->row.roles);
    render_text(writer, "name", party->row.name);
    render_text(writer, "website", party->row.website);
    if (!str_equal_fold(host, id)) {
        json_field_string(writer, "platform", host);
    } else {
        json_field_text(writer, "token_encoding", party_encoding_name(party->platform->row.encoding));
        json_field_text(writer, "from", party_sender_name(party->platform->row.from_hub));
        render_words(writer, "allowed_hosts", party->platform->row.allowed_hosts);
    }
    json_field_text(writer, "validation", party_validation_name(party->row.validation));
    json_field_boolean(writer, "forward_unknown_sessions", party->row.forward_unknown_sessions);
    render_words(writer, "push", party->row.push);
    render_text(writer, "suspend_reason", party->row.suspended ? party->row.suspend_reason : STR_NONE);
    json_object_end(writer);
}

/* ---------------------------------------------------------------- the lists */

struct declare_source {
    struct arena *arena;
    const struct registry_snapshot *snapshot, *names;
    struct str *ids; /* of the parties as they are registered, by their place in the snapshot */
    struct buffer text;
    struct json_writer writer;
};

static struct json_writer *begin_entry(struct declare_source *source)
{
    buffer_clear(&source->text);
    json_writer_init(&source->writer, &source->text);
    return &source->writer;
}

static void write_parties(struct declare_source *source, struct json_writer *writer)
{
    struct declare_lines lines = {.arena = source->arena, .kind = DECLARE_PARTY};
    for (size_t i = 0; i < source->snapshot->party_count; i++) {
        write_party(begin_entry(source), source->names, &source->snapshot->parties[i], source->ids[i],
                    source->arena);
        add_line(&lines, source->ids[i], &source->text);
    }
    write_list(writer, &lines);
}

/* Only receivers that the account team set: discovery finds the others again. */
static void write_receivers(struct declare_source *source, struct json_writer *writer)
{
    struct declare_lines lines = {.arena = source->arena, .kind = DECLARE_RECEIVER};
    for (size_t i = 0; i < source->snapshot->party_count; i++) {
        const struct registry_party *party = &source->snapshot->parties[i];
        for (size_t j = 0; j < party->receiver_count; j++) {
            const struct store_receiver *receiver = &party->receivers[j];
            if (receiver->source != STORE_SOURCE_SET)
                continue;
            struct json_writer *entry = begin_entry(source);
            json_object_begin(entry);
            json_field_string(entry, "party", source->ids[i]);
            json_field_string(entry, "module", receiver->module);
            json_field_string(entry, "url", receiver->url);
            if (receiver_is_custom(receiver->module))
                json_field_boolean(entry, "custom", true);
            json_object_end(entry);
            add_line(&lines,
                     arena_printf(source->arena, STR_FMT " " STR_FMT, STR_ARG(source->ids[i]),
                                  STR_ARG(receiver->module)),
                     &source->text);
        }
    }
    write_list(writer, &lines);
}

/* Name of a party of a rule. */
static struct str name_of(const struct declare_source *source, int64_t id)
{
    const struct registry_party *party = registry_find_party_id(source->snapshot, id);
    return party != NULL ? source->ids[party - source->snapshot->parties] : STR_NONE;
}

static void write_rules(struct declare_source *source, struct json_writer *writer)
{
    struct declare_lines lines = {.arena = source->arena, .kind = DECLARE_RULE};
    for (size_t i = 0; i < source->snapshot->rule_count; i++) {
        const struct store_rule *rule = &source->snapshot->rules[i];
        struct str emsp = name_of(source, rule->emsp), cpo = name_of(source, rule->cpo);
        if (rule->state == STORE_RULE_OFF || emsp.length == 0 || cpo.length == 0)
            continue;
        struct json_writer *entry = begin_entry(source);
        json_object_begin(entry);
        json_field_string(entry, "emsp", emsp);
        json_field_string(entry, "cpo", cpo);
        json_field_text(entry, "state", render_rule_state(rule->state));
        json_object_end(entry);
        add_line(&lines, arena_printf(source->arena, STR_FMT " " STR_FMT, STR_ARG(emsp), STR_ARG(cpo)),
                 &source->text);
    }
    write_list(writer, &lines);
}

static void add_limit(struct declare_source *source, struct declare_lines *lines, struct str id,
                      enum limit_kind kind, const struct store_limit *row)
{
    char text[RATE_SIZE];
    struct rate rate = {.requests = row->requests, .period_ms = row->period_ms};
    struct json_writer *entry = begin_entry(source);
    json_object_begin(entry);
    json_field_string(entry, "party", id);
    json_field_text(entry, "module", limit_name(kind));
    json_field_text(entry, "rate", rate_format(rate, text));
    json_object_end(entry);
    add_line(lines, arena_printf(source->arena, STR_FMT " %s", STR_ARG(id), limit_name(kind)), &source->text);
}

static void write_limits(struct declare_source *source, struct json_writer *writer)
{
    struct declare_lines lines = {.arena = source->arena, .kind = DECLARE_LIMIT};
    const struct registry_snapshot *snapshot = source->snapshot;
    for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_KIND_COUNT; kind++) {
        if (snapshot->limits[kind] != NULL)
            add_limit(source, &lines, STR(CTL_DEFAULT), kind, snapshot->limits[kind]);
        for (size_t i = 0; i < snapshot->party_count; i++)
            if (lookup_has_own_limit(&snapshot->parties[i], kind))
                add_limit(source, &lines, source->ids[i], kind, snapshot->parties[i].limits[kind]);
    }
    write_list(writer, &lines);
}

struct str declare_write(struct arena *arena, const struct registry_snapshot *snapshot,
                         const struct registry_snapshot *names)
{
    struct declare_source source = {.arena = arena, .snapshot = snapshot, .names = names};
    struct buffer out = {0};
    struct json_writer writer;
    struct str copy = STR_NONE;
    source.ids = arena_alloc_raw(arena, (snapshot->party_count + 1) * sizeof *source.ids);
    if (source.ids == NULL)
        return STR_NONE;
    for (size_t i = 0; i < snapshot->party_count; i++)
        source.ids[i] = render_party_id(names, &snapshot->parties[i], arena);
    json_writer_init(&writer, &out);
    json_object_begin(&writer);
    write_parties(&source, &writer);
    write_receivers(&source, &writer);
    write_rules(&source, &writer);
    write_limits(&source, &writer);
    json_object_end(&writer);
    if (!out.failed)
        copy = arena_copy(arena, buffer_str(&out));
    buffer_free(&source.text);
    buffer_free(&out);
    return copy;
}

/* ---------------------------------------------------------------- the revision */

static const char *digest_of(struct str document, char out[2 * DIGEST_SIZE + 1])
{
    uint8_t hash[SHA256_SIZE];
    crypto_sha256(document, hash);
    return hex_encode(hash, DIGEST_SIZE, out);
}

struct str declare_revision(struct arena *arena, int64_t sequence, struct str document)
{
    char digest[2 * DIGEST_SIZE + 1];
    return arena_printf(arena, "%lld-%s", (long long)sequence, digest_of(document, digest));
}

bool declare_revision_read(struct str revision, int64_t *sequence)
{
    uint8_t digest[DIGEST_SIZE];
    size_t dash = str_find(revision, '-');
    return dash != SIZE_MAX && str_to_int64(str_of(revision.data, dash), sequence) && *sequence >= 0 &&
           revision.length == dash + 1 + 2 * sizeof digest &&
           hex_decode(str_skip(revision, dash + 1), digest, sizeof digest);
}

bool declare_revision_is_of(struct str revision, struct str document)
{
    char digest[2 * DIGEST_SIZE + 1];
    return str_ends_with(revision, str_from(digest_of(document, digest)));
}

/* ---------------------------------------------------------------- for people */

static void pretty_inline(struct buffer *out, const struct json_value *value)
{
    bool object = value->type == JSON_OBJECT;
    if (!object && value->type != JSON_ARRAY) {
        buffer_append(out, value->raw);
        return;
    }
    buffer_append_byte(out, object ? '{' : '[');
    for (const struct json_value *item = value->child; item != NULL; item = item->next) {
        if (object)
            buffer_printf(out, STR_FMT ": ", STR_ARG(item->raw_key));
        pretty_inline(out, item);
        buffer_append_text(out, item->next != NULL ? ", " : "");
    }
    buffer_append_byte(out, object ? '}' : ']');
}

/* One line for what is short and no list of the document itself; else a line per member. */
static void pretty(struct buffer *out, const struct json_value *value, unsigned depth)
{
    bool object = value->type == JSON_OBJECT;
    if ((!object && value->type != JSON_ARRAY) || value->child == NULL ||
        (depth > 1 && value->raw.length <= INLINE_MAX)) {
        pretty_inline(out, value);
        return;
    }
    buffer_append_byte(out, object ? '{' : '[');
    for (const struct json_value *item = value->child; item != NULL; item = item->next) {
        buffer_printf(out, "\n%*s", (int)(2 * (depth + 1)), "");
        if (object)
            buffer_printf(out, STR_FMT ": ", STR_ARG(item->raw_key));
        pretty(out, item, depth + 1);
        buffer_append_text(out, item->next != NULL ? "," : "");
    }
    buffer_printf(out, "\n%*s%c", (int)(2 * depth), "", object ? '}' : ']');
}

struct str declare_pretty(struct arena *arena, struct str document, struct str revision)
{
    const struct json_value *tree;
    struct buffer out = {0};
    struct str copy = STR_NONE, whole = arena_printf(arena,
                                                     "{\"schema\":\"" DECLARE_SCHEMA
                                                     "\",\"revision\":\"" STR_FMT "\"," STR_FMT,
                                                     STR_ARG(revision), STR_ARG(str_skip(document, 1)));
    if (whole.data == NULL || json_parse(arena, whole, JSON_DEPTH_MAX, &tree, NULL) != OK)
        return STR_NONE;
    pretty(&out, tree, 0);
    buffer_append_byte(&out, '\n');
    if (!out.failed)
        copy = arena_copy(arena, buffer_str(&out));
    buffer_free(&out);
    return copy;
}
