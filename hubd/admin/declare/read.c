#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "hubd/admin/declare/declare.h"
#include "hubd/admin/refusal.h"
#include "lib/base/suggest.h"
#include "lib/ctl/params.h"

#define HOSTS_MAX 8 /* length of a chain of parties that are each on the platform of the next */

/* ---------------------------------------------------------------- problems */

void declare_problem(struct declare_problems *problems, const char *format, ...)
{
    char room[512];
    va_list arguments;
    va_start(arguments, format);
    struct str text = str_print(room, sizeof room, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < problems->count && i < DECLARE_PROBLEMS_MAX; i++)
        if (str_equal(problems->items[i], text))
            return; /* two verbs may look at one member */
    if (problems->count < DECLARE_PROBLEMS_MAX)
        problems->items[problems->count] = arena_copy(problems->arena, text);
    problems->count++;
}

bool declare_refuse(struct declare_problems *problems, struct refusal *refusal, enum ctl_code code,
                    const char *hint, const char *message)
{
    struct buffer text = {0};
    struct json_writer writer;
    size_t listed = problems->count < DECLARE_PROBLEMS_MAX ? problems->count : DECLARE_PROBLEMS_MAX;
    json_writer_init(&writer, &text);
    json_array_begin(&writer);
    for (size_t i = 0; i < listed; i++)
        json_string(&writer, problems->items[i]);
    if (listed < problems->count) {
        char rest[48];
        snprintf(rest, sizeof rest, "and %zu more", problems->count - listed);
        json_string(&writer, str_from(rest));
    }
    json_array_end(&writer);
    refusal_set(refusal, code, hint, "%s; nothing was changed", message);
    refusal->problems = text.failed ? STR_NONE : arena_copy(problems->arena, buffer_str(&text));
    buffer_free(&text);
    return false;
}

/* ---------------------------------------------------------------- the members */

/* A member of an entry and the parameter of the verb that checks its values. */
struct member {
    const char *name, *method, *key;
    bool required, list;
    bool empty; /* null and "" mean that there is none */
};

static const struct member party_members[] = {
    {.name = "id", .method = "party.add", .key = "id", .required = true},
    {.name = "roles", .method = "party.add", .key = "roles", .required = true, .list = true},
    {.name = "name", .method = "party.set", .key = "name", .empty = true},
    {.name = "website", .method = "party.set", .key = "website", .empty = true},
    {.name = "platform", .method = "party.set", .key = "id"},
    {.name = "token_encoding", .method = "party.set", .key = "token_encoding"},
    {.name = "from", .method = "party.set", .key = "from"},
    {.name = "allowed_hosts", .method = "party.set", .key = "allow_hosts", .list = true},
    {.name = "validation", .method = "party.set", .key = "validation"},
    {.name = "forward_unknown_sessions", .method = "party.set", .key = "forward_unknown_sessions"},
    {.name = "push", .method = "party.set", .key = "push", .list = true},
    {.name = "suspend_reason", .method = "party.suspend", .key = "reason", .empty = true},
    {.name = NULL}};
static const struct member receiver_members[] = {
    {.name = "party", .method = "receiver.set", .key = "id", .required = true},
    {.name = "module", .method = "receiver.set", .key = "module", .required = true},
    {.name = "url", .method = "receiver.set", .key = "url", .required = true},
    {.name = "custom", .method = "receiver.set", .key = "custom"},
    {.name = NULL}};
static const struct member rule_members[] = {
    {.name = "emsp", .method = "rule.enable", .key = "emsp", .required = true},
    {.name = "cpo", .method = "rule.enable", .key = "cpo", .required = true},
    {.name = "state", .required = true},
    {.name = NULL}};
static const struct member limit_members[] = {
    {.name = "party", .method = "limit.set", .key = "id", .required = true},
    {.name = "module", .method = "limit.set", .key = "module", .required = true},
    {.name = "rate", .method = "limit.set", .key = "rate", .required = true},
    {.name = NULL}};

static const struct member *const members_of[] = {[DECLARE_PARTY] = party_members,
                                                  [DECLARE_RECEIVER] = receiver_members,
                                                  [DECLARE_RULE] = rule_members,
                                                  [DECLARE_LIMIT] = limit_members};

static const char *const rule_states[] = {"on", "off", "drain", NULL};
static const struct ctl_param rule_state = {.name = "state", .type = CTL_CHOICE, .choices = rule_states};

static const struct ctl_param *param_of(const struct member *member)
{
    return member->method == NULL
               ? &rule_state
               : ctl_param_by_key(ctl_command_by_method(str_from(member->method)), str_from(member->key));
}

/* A name from the document as a part of a JSON pointer: escaped (RFC 6901) and cut. */
static struct str escaped(struct arena *arena, struct str name)
{
    struct buffer text = {0};
    for (size_t i = 0; i < name.length && i < 40; i++) {
        if (name.data[i] == '~' || name.data[i] == '/')
            buffer_append_text(&text, name.data[i] == '~' ? "~0" : "~1");
        else
            buffer_append_byte(&text, name.data[i]);
    }
    struct str copy = arena_copy(arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

struct declare_reader {
    struct declare_document *document;
    struct declare_problems *problems;
    struct arena *arena;
    const struct json_value *entry; /* whose members are being looked at */
};

static void unknown_member(struct declare_reader *reader, const char *place, struct str name,
                           struct suggest *suggest)
{
    struct str shown = escaped(reader->arena, name);
    const char *best = suggest_best(suggest);
    declare_problem(reader->problems, "%s/" STR_FMT ": no such member%s%s%s", place, STR_ARG(shown),
                    best != NULL ? "; did you mean " : "", best != NULL ? best : "", best != NULL ? "?" : "");
}

static void check_value(struct declare_reader *reader, const struct member *member, const char *place,
                        const struct json_value *value)
{
    struct error error = {0};
    bool none = value->type == JSON_NULL || (value->type == JSON_STRING && value->text.length == 0);
    if (member->empty && none)
        return;
    if (ctl_value_check(param_of(member), value, reader->entry, &error) != OK)
        declare_problem(reader->problems, "%s/%s: %s", place, member->name, error.text);
}

static void check_member(struct declare_reader *reader, const struct member *member, const char *place,
                         const struct json_value *value)
{
    struct error error = {0};
    size_t index = 0;
    if (!member->list) {
        check_value(reader, member, place, value);
        return;
    }
    if (value->type != JSON_ARRAY) {
        declare_problem(reader->problems, "%s/%s: must be an array", place, member->name);
        return;
    }
    if (member->required && value->count == 0)
        declare_problem(reader->problems, "%s/%s: must not be empty", place, member->name);
    for (const struct json_value *item = value->child; item != NULL; item = item->next, index++) {
        if (ctl_value_check(param_of(member), item, reader->entry, &error) != OK)
            declare_problem(reader->problems, "%s/%s/%zu: %s", place, member->name, index, error.text);
    }
}

/* Whether all members of an entry are good, each by itself. */
static bool check_members(struct declare_reader *reader, const struct member *members, const char *place,
                          const struct json_value *entry)
{
    size_t before = reader->problems->count;
    unsigned seen = 0;
    reader->entry = entry;
    if (entry->type != JSON_OBJECT) {
        declare_problem(reader->problems, "%s: must be an object", place);
        return false;
    }
    for (const struct json_value *value = entry->child; value != NULL; value = value->next) {
        struct suggest suggest;
        const struct member *member = members;
        suggest_begin(&suggest, value->key);
        for (; member->name != NULL && !str_equal(value->key, str_from(member->name)); member++)
            suggest_offer(&suggest, member->name);
        unsigned bit = 1u << (member - members);
        if (member->name == NULL)
            unknown_member(reader, place, value->key, &suggest);
        else if (seen & bit)
            declare_problem(reader->problems, "%s/%s: is there twice", place, member->name);
        else
            check_member(reader, member, place, value);
        seen |= member->name == NULL ? 0 : bit;
    }
    for (const struct member *member = members; member->name != NULL; member++)
        if (member->required && (seen & (1u << (member - members))) == 0)
            declare_problem(reader->problems, "%s/%s: is missing", place, member->name);
    return reader->problems->count == before;
}

/* ---------------------------------------------------------------- ids */

struct str declare_fold_party(struct arena *arena, struct str text)
{
    struct ocpi_party_key key;
    unsigned role;
    if (!ocpi_party_key_parse(text, &key, NULL, NULL, &role))
        return STR_NONE;
    return role == 0 ? arena_copy(arena, ocpi_party_key_str(&key))
                     : arena_printf(arena, "%s:%s", key.text, ocpi_role_name(role));
}

struct str declare_fold_id(struct arena *arena, enum declare_kind kind, struct str id)
{
    struct str first = id, rest = str_skip(id, str_find(id, ' '));
    first.length -= rest.length;
    rest = str_trim(rest);
    struct str subject = declare_fold_party(arena, first),
               other = kind == DECLARE_RULE ? declare_fold_party(arena, rest) : rest;
    if (subject.length == 0) /* "default" */
        subject = first;
    return rest.length == 0 ? subject
                            : arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(subject), STR_ARG(other));
}

static struct str lower(struct arena *arena, struct str text)
{
    char *copy = arena_copy_text(arena, text);
    for (size_t i = 0; copy != NULL && i < text.length; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] + ('a' - 'A'));
    return copy == NULL ? STR_NONE : str_of(copy, text.length);
}

static struct str id_of(struct arena *arena, enum declare_kind kind, const struct json_value *entry)
{
    static const char *const first[] = {"id", "party", "emsp", "party"};
    struct str subject = declare_fold_party(arena, json_get_text(entry, first[kind])), other = STR_NONE;
    if (kind == DECLARE_LIMIT && str_equal_fold(json_get_text(entry, "party"), STR(CTL_DEFAULT)))
        subject = STR(CTL_DEFAULT);
    if (kind == DECLARE_RECEIVER || kind == DECLARE_LIMIT)
        other = lower(arena, json_get_text(entry, "module"));
    else if (kind == DECLARE_RULE)
        other = declare_fold_party(arena, json_get_text(entry, "cpo"));
    return kind == DECLARE_PARTY ? subject
                                 : arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(subject), STR_ARG(other));
}

int declare_compare_ids(struct str a, struct str b)
{
    size_t length = a.length < b.length ? a.length : b.length;
    int order = length > 0 ? memcmp(a.data, b.data, length) : 0;
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_entries(const void *a, const void *b)
{
    const struct declare_entry *const *one = a, *const *other = b;
    int order = declare_compare_ids((*one)->id, (*other)->id);
    return order != 0 ? order : ((*one)->index > (*other)->index) - ((*one)->index < (*other)->index);
}

/* The first entry with that id or a greater one. */
static size_t lower_bound(const struct declare_list *list, struct str id)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (declare_compare_ids(list->sorted[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct declare_entry *declare_find(const struct declare_list *list, struct str id)
{
    size_t place = lower_bound(list, id);
    return place < list->count && str_equal(list->sorted[place]->id, id) ? list->sorted[place] : NULL;
}

/* The entry of a party, which one place may write with its role and another without. */
static const struct declare_entry *find_host(const struct declare_list *list, struct str id)
{
    size_t colon = str_find(id, ':'), place = lower_bound(list, id);
    const struct declare_entry *entry = declare_find(list, id);
    if (entry == NULL && colon != SIZE_MAX)
        return declare_find(list, str_of(id.data, colon));
    if (entry == NULL && place < list->count && str_starts_with(list->sorted[place]->id, id))
        return list->sorted[place];
    return entry;
}

bool declare_sort(struct declare_list *list, enum declare_kind kind, struct declare_problems *problems)
{
    list->sorted = arena_alloc(problems->arena, (list->count + 1) * sizeof *list->sorted);
    if (list->sorted == NULL)
        return false;
    for (size_t i = 0; i < list->count; i++)
        list->sorted[i] = &list->entries[i];
    if (list->count > 1)
        qsort(list->sorted, list->count, sizeof *list->sorted, compare_entries);
    for (size_t i = 1; i < list->count; i++) {
        const struct declare_entry *one = list->sorted[i - 1], *other = list->sorted[i];
        bool same =
            str_equal(one->id, other->id) || (kind == DECLARE_PARTY && str_starts_with(other->id, one->id) &&
                                              other->id.data[one->id.length] == ':');
        if (same)
            declare_problem(problems, "/%s/%zu: " STR_FMT " is /%s/%zu already", declare_list_name(kind),
                            other->index, STR_ARG(other->id), declare_list_name(kind), one->index);
    }
    return true;
}

/* ---------------------------------------------------------------- lists */

static bool read_list(struct declare_reader *reader, enum declare_kind kind, const struct json_value *value)
{
    struct declare_list *list = &reader->document->lists[kind];
    size_t index = 0;
    if (value->type != JSON_ARRAY) {
        declare_problem(reader->problems, "/%s: must be an array", declare_list_name(kind));
        return true;
    }
    list->given = true;
    list->entries = arena_alloc(reader->arena, (value->count + 1) * sizeof *list->entries);
    if (list->entries == NULL)
        return false;
    for (const struct json_value *item = value->child; item != NULL; item = item->next, index++) {
        char place[48];
        snprintf(place, sizeof place, "/%s/%zu", declare_list_name(kind), index);
        if (check_members(reader, members_of[kind], place, item))
            list->entries[list->count++] =
                (struct declare_entry){.value = item, .index = index, .id = id_of(reader->arena, kind, item)};
    }
    return declare_sort(list, kind, reader->problems);
}

/* A party is added after the one whose platform it shares, so this follows each to the party with a platform of its
 * own. */
static void find_hosts(struct declare_reader *reader)
{
    struct declare_list *list = &reader->document->lists[DECLARE_PARTY];
    for (size_t i = 0; i < list->count; i++) {
        const struct declare_entry *at = &list->entries[i], *next = at;
        unsigned steps = 0;
        for (; next != NULL && steps <= HOSTS_MAX; steps++) {
            at = next;
            struct str host = declare_fold_party(reader->arena, json_get_text(at->value, "platform"));
            next = host.length == 0 || str_equal(host, at->id) ? NULL : find_host(list, host);
        }
        if (steps > HOSTS_MAX)
            declare_problem(
                reader->problems,
                "/parties/%zu/platform: leads from party to party; name one with a platform of its "
                "own",
                list->entries[i].index);
        else if (at != &list->entries[i])
            list->entries[i].host = at;
    }
}

static void read_text(struct declare_reader *reader, const struct json_value *value)
{
    struct declare_document *document = reader->document;
    int64_t sequence;
    if (str_equal(value->key, STR("schema"))) {
        if (!str_equal(value->text, STR(DECLARE_SCHEMA)))
            declare_problem(reader->problems,
                            "/schema: hubd " HUB_VERSION " reads \"" DECLARE_SCHEMA "\" only");
    } else if (value->type != JSON_NULL) {
        document->revision = value->text;
        if (!declare_revision_read(value->text, &sequence))
            declare_problem(
                reader->problems,
                "/revision: is none that `export` writes; without it the document applies as it is");
    }
}

bool declare_read(struct declare_document *document, const struct json_value *value,
                  struct declare_problems *problems)
{
    static const char *const names[] = {"schema", "revision"};
    struct declare_reader reader = {.document = document, .problems = problems, .arena = problems->arena};
    unsigned seen = 0;
    bool good = true;
    for (const struct json_value *member = value->child; member != NULL && good; member = member->next) {
        struct suggest suggest;
        unsigned place = 0;
        suggest_begin(&suggest, member->key);
        for (; place < DECLARE_KINDS + 2; place++) {
            const char *name =
                place < DECLARE_KINDS ? declare_list_name(place) : names[place - DECLARE_KINDS];
            suggest_offer(&suggest, name);
            if (str_equal(member->key, str_from(name)))
                break;
        }
        if (place == DECLARE_KINDS + 2)
            unknown_member(&reader, "", member->key, &suggest);
        else if (seen & (1u << place))
            declare_problem(problems, "/" STR_FMT ": is there twice", STR_ARG(member->key));
        else if (place >= DECLARE_KINDS)
            read_text(&reader, member);
        else
            good = read_list(&reader, (enum declare_kind)place, member);
        seen |= 1u << place;
    }
    find_hosts(&reader);
    if (!good)
        declare_problem(problems, "no memory");
    return problems->count == 0;
}
