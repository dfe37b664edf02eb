/* Noting what validation met, and saying it; see findings.h and validate.h. */
#include "lib/ocpi/findings.h"

#include "lib/base/buffer.h"
#include "lib/ocpi/forms.h"

enum { SHOWN_CHARACTERS = 40, KEY_BYTES = 64 };

const char *ocpi_rule_name(enum ocpi_rule rule)
{
    static const char *const names[OCPI_RULE_COUNT] = {
        [OCPI_RULE_TYPE] = "type",           [OCPI_RULE_MISSING] = "missing",
        [OCPI_RULE_EMPTY] = "empty",         [OCPI_RULE_LENGTH] = "length",
        [OCPI_RULE_ENUM] = "enum",           [OCPI_RULE_DATETIME] = "datetime",
        [OCPI_RULE_CHARACTER] = "character", [OCPI_RULE_URL] = "url",
        [OCPI_RULE_INTEGER] = "integer",     [OCPI_RULE_DUPLICATE] = "duplicate",
        [OCPI_RULE_UNKNOWN] = "unknown",     [OCPI_RULE_FORMAT] = "format",
        [OCPI_RULE_RANGE] = "range",
    };
    return names[rule];
}

/* The name of an unknown member as a step of a JSON pointer: escaped, cut, harmless on a terminal. */
static struct str unknown_key(struct arena *arena, struct str key)
{
    char text[2 * KEY_BYTES + 1];
    size_t length = 0, i = 0;
    for (; i < key.length; i++) {
        unsigned char c = (unsigned char)key.data[i];
        if (i >= KEY_BYTES - 4 && (c & 0xc0) != 0x80)
            break; /* cut between characters, which have at most four bytes */
        if (c == '~' || c == '/') {
            text[length++] = '~';
            text[length++] = c == '~' ? '0' : '1';
        } else {
            text[length++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
        }
    }
    return arena_printf(arena, STR_FMT "%s", STR_ARG(str_of(text, length)), i < key.length ? "…" : "");
}

static struct str pointer_text(struct arena *arena, const struct ocpi_place *place, struct str last)
{
    if (place->up == NULL)
        return STR("");
    struct str before = pointer_text(arena, place->up, STR_NONE);
    if (place->key.data == NULL && last.data == NULL)
        return arena_printf(arena, STR_FMT "/%zu", STR_ARG(before), place->index);
    struct str key = last.data != NULL ? last : place->key;
    return arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(before), STR_ARG(key));
}

/* Bytes of the first `characters` of a raw JSON string, escapes kept whole. */
static size_t raw_cut(struct str raw, size_t characters)
{
    size_t i = 1; /* behind the quote */
    while (i < raw.length && characters-- > 0) {
        i += raw.data[i] == '\\' ? (raw.data[i + 1] == 'u' ? 6 : 2) : 1;
        while (i < raw.length && ((unsigned char)raw.data[i] & 0xc0) == 0x80)
            i++;
    }
    return i;
}

/* What stands there, as written but short. */
static struct str shown(struct arena *arena, const struct json_value *found)
{
    if (found == NULL)
        return STR("nothing");
    switch (found->type) {
    case JSON_NULL:
        return STR("null");
    case JSON_BOOLEAN:
        return found->boolean ? STR("true") : STR("false");
    case JSON_NUMBER:
        if (found->raw.length <= SHOWN_CHARACTERS)
            return found->raw;
        return arena_printf(arena, "%.*s…", SHOWN_CHARACTERS, found->raw.data);
    case JSON_STRING: {
        size_t cut = raw_cut(found->raw, SHOWN_CHARACTERS);
        if (cut + 1 >= found->raw.length)
            return found->raw;
        return arena_printf(arena, "%.*s…\"", (int)cut, found->raw.data);
    }
    case JSON_ARRAY:
        return STR("a list");
    case JSON_OBJECT:
        return STR("an object");
    }
    return STR("");
}

struct str ocpi_value_text(struct arena *arena, const struct json_value *value)
{
    return shown(arena, value);
}

/* What the table asks for at this place. */
static const char *expected(const struct ocpi_breach *breach)
{
    if (breach->field == NULL)
        return breach->object->name;
    bool is_list = breach->field->card == OCPI_CARD_ANY || breach->field->card == OCPI_CARD_SOME;
    if (is_list && breach->place->key.data != NULL)
        return "list";
    switch (breach->field->type) {
    case OCPI_TYPE_STRING:
    case OCPI_TYPE_CISTRING:
    case OCPI_TYPE_DATETIME:
    case OCPI_TYPE_URL:
    case OCPI_TYPE_ENUM:
        return "string";
    case OCPI_TYPE_NUMBER:
    case OCPI_TYPE_INT:
        return "number";
    case OCPI_TYPE_BOOLEAN:
        return "boolean";
    case OCPI_TYPE_ANY:
        return "value";
    case OCPI_TYPE_OBJECT:
        return breach->field->object->name;
    }
    return "value";
}

static const char *article(const char *noun)
{
    return strchr("AEIOaeio", noun[0]) != NULL || strncmp(noun, "EV", 2) == 0 ? "an" : "a";
}

/* What is wrong, without the place. */
static struct str complaint(struct arena *arena, const struct ocpi_breach *breach)
{
    const struct ocpi_field *field = breach->field;
    struct str found = shown(arena, breach->found);
    switch (breach->rule) {
    case OCPI_RULE_TYPE:
        return arena_printf(arena, "not %s %s: " STR_FMT, article(expected(breach)), expected(breach),
                            STR_ARG(found));
    case OCPI_RULE_MISSING:
        return breach->found == NULL ? STR("required, but missing") : STR("required, but null");
    case OCPI_RULE_EMPTY:
        return STR("required, but empty");
    case OCPI_RULE_LENGTH:
        return arena_printf(arena, "longer than %u characters: " STR_FMT, field->max, STR_ARG(found));
    case OCPI_RULE_ENUM:
        return arena_printf(arena, "not %s %s: " STR_FMT, article(field->enumeration->name),
                            field->enumeration->name, STR_ARG(found));
    case OCPI_RULE_DATETIME:
        return arena_printf(arena, "not a DateTime%s: " STR_FMT,
                            breach->essential ? "" : " in OCPI's form (UTC, at most 25 characters)",
                            STR_ARG(found));
    case OCPI_RULE_CHARACTER:
        return arena_printf(arena, "holds %s character: " STR_FMT,
                            field->type == OCPI_TYPE_CISTRING ? "a non-ASCII or control" : "a control",
                            STR_ARG(found));
    case OCPI_RULE_URL:
        return arena_printf(arena, "not an absolute http(s) URL: " STR_FMT, STR_ARG(found));
    case OCPI_RULE_INTEGER:
        return arena_printf(arena, "not an integer: " STR_FMT, STR_ARG(found));
    case OCPI_RULE_DUPLICATE:
        if (breach->found == NULL)
            return STR("given twice");
        return arena_printf(arena, "given to an earlier element too: " STR_FMT, STR_ARG(found));
    case OCPI_RULE_UNKNOWN:
        return arena_printf(arena, "not a field of %s", breach->object->name);
    case OCPI_RULE_FORMAT:
        return arena_printf(arena, "not %s: " STR_FMT, ocpi_form_text(field->form), STR_ARG(found));
    case OCPI_RULE_RANGE:
        return arena_printf(arena, "not from %d to %d: " STR_FMT, field->minimum, field->maximum,
                            STR_ARG(found));
    }
    return STR_NONE;
}

enum rank { RANK_ESSENTIAL, RANK_FINDING, RANK_UNKNOWN };

static enum rank rank_of(bool essential, enum ocpi_rule rule)
{
    if (essential)
        return RANK_ESSENTIAL;
    return rule == OCPI_RULE_UNKNOWN ? RANK_UNKNOWN : RANK_FINDING;
}

static void count(struct ocpi_findings *findings, enum rank rank)
{
    switch (rank) {
    case RANK_ESSENTIAL:
        findings->essential_count++;
        break;
    case RANK_FINDING:
        findings->finding_count++;
        break;
    case RANK_UNKNOWN:
        findings->unknown_count++;
        break;
    }
}

/* A free place behind all of the same or a higher rank, pushing the last out when full; NULL when it would be
 * the last itself. */
static struct ocpi_finding *slot(struct ocpi_findings *findings, enum rank rank)
{
    unsigned at = findings->kept;
    while (at > 0 && rank_of(findings->list[at - 1].essential, findings->list[at - 1].rule) > rank)
        at--;
    if (at == OCPI_FINDINGS_MAX)
        return NULL;
    if (findings->kept < OCPI_FINDINGS_MAX)
        findings->kept++;
    memmove(&findings->list[at + 1], &findings->list[at],
            (findings->kept - 1 - at) * sizeof(findings->list[0]));
    return &findings->list[at];
}

void ocpi_findings_add(struct arena *arena, struct ocpi_findings *findings, const struct ocpi_breach *breach)
{
    enum rank rank = rank_of(breach->essential, breach->rule);
    count(findings, rank);
    struct ocpi_finding *finding = slot(findings, rank);
    if (finding == NULL)
        return;
    struct str key = STR_NONE;
    finding->field = breach->field != NULL ? breach->field->name : "";
    if (breach->rule == OCPI_RULE_UNKNOWN) {
        key = unknown_key(arena, breach->place->key);
        if (key.data != NULL)
            finding->field = key.data;
    }
    finding->rule = breach->rule;
    finding->essential = breach->essential;
    finding->object = breach->object->name;
    finding->pointer = pointer_text(arena, breach->place, key);
    struct str place = finding->pointer.length > 0 ? finding->pointer : STR("the body");
    struct str what = complaint(arena, breach);
    finding->message = arena_printf(arena, STR_FMT ": " STR_FMT, STR_ARG(place), STR_ARG(what));
}

bool ocpi_findings_refuse(const struct ocpi_findings *findings, bool strict)
{
    return findings->essential_count > 0 || (strict && findings->finding_count > 0);
}

struct str ocpi_findings_text(struct arena *arena, const struct ocpi_findings *findings)
{
    struct buffer text;
    buffer_init(&text, 0);
    for (unsigned i = 0; i < findings->kept; i++) {
        if (findings->list[i].rule == OCPI_RULE_UNKNOWN)
            continue;
        if (text.length > 0)
            buffer_append(&text, STR("; "));
        buffer_append(&text, findings->list[i].message);
    }
    struct str joined = text.failed ? STR_NONE : arena_copy(arena, buffer_str(&text));
    buffer_free(&text);
    return joined;
}
