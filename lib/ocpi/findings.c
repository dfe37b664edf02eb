/* Noting what validation met, and saying it; see findings.h and validate.h. */
#include "lib/ocpi/findings.h"

#include "lib/base/buffer.h"
#include "lib/ocpi/forms.h"

enum { SHOWN_CHARACTERS = 40, KEY_BYTES = OCPI_FIELD_BYTES / 2 };

const char *ocpi_rule_name(enum ocpi_rule rule)
{
    static const char *const names[OCPI_RULE_COUNT] = {
        [OCPI_RULE_TYPE] = "type",           [OCPI_RULE_MISSING] = "missing",
        [OCPI_RULE_EMPTY] = "empty",         [OCPI_RULE_LENGTH] = "length",
        [OCPI_RULE_ENUM] = "enum",           [OCPI_RULE_DATETIME] = "datetime",
        [OCPI_RULE_CHARACTER] = "character", [OCPI_RULE_URL] = "url",
        [OCPI_RULE_INTEGER] = "integer",     [OCPI_RULE_DUPLICATE] = "duplicate",
        [OCPI_RULE_UNKNOWN] = "unknown",     [OCPI_RULE_FORMAT] = "format",
        [OCPI_RULE_RANGE] = "range",         [OCPI_RULE_SURROGATE] = "surrogate",
        [OCPI_RULE_SPELLING] = "spelling",   [OCPI_RULE_PADDING] = "padding",
    };
    return names[rule];
}

/* All keys on the way are of the tables: below an unknown field nothing is looked at. */
static struct str pointer_text(struct arena *arena, const struct ocpi_place *place)
{
    if (place->up == NULL)
        return STR("");
    struct str before = pointer_text(arena, place->up);
    if (place->key.data == NULL)
        return arena_printf(arena, STR_FMT "/%zu", STR_ARG(before), place->index);
    return arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(before), STR_ARG(place->key));
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
    case OCPI_RULE_SURROGATE:
        return arena_printf(arena, "holds half of a surrogate pair, which is no character: " STR_FMT,
                            STR_ARG(found));
    case OCPI_RULE_URL:
        return arena_printf(arena, "not an absolute http(s) URL: " STR_FMT, STR_ARG(found));
    case OCPI_RULE_INTEGER:
        return arena_printf(arena, "not an integer: " STR_FMT, STR_ARG(found));
    case OCPI_RULE_DUPLICATE:
        if (breach->found == NULL)
            return STR("given twice");
        return arena_printf(arena, "given to an earlier element too: " STR_FMT, STR_ARG(found));
    case OCPI_RULE_UNKNOWN: /* never told */
        break;
    case OCPI_RULE_SPELLING:
        return arena_printf(arena, "some readers take it for %s: only that spelling, and once", field->name);
    case OCPI_RULE_PADDING:
        return arena_printf(arena,
                            "no plain id (printable ASCII, without a space or slash at an end): " STR_FMT,
                            STR_ARG(found));
    case OCPI_RULE_FORMAT:
        return arena_printf(arena, "not %s: " STR_FMT, ocpi_form_text(field->form), STR_ARG(found));
    case OCPI_RULE_RANGE:
        return arena_printf(arena, "not from %d to %d: " STR_FMT, field->minimum, field->maximum,
                            STR_ARG(found));
    }
    return STR_NONE;
}

/* A free place behind all that weigh as much or more, pushing the last out when full; NULL when it would be
 * the last itself. */
static struct ocpi_finding *slot(struct ocpi_findings *findings, bool essential)
{
    unsigned at = findings->kept;
    while (essential && at > 0 && !findings->list[at - 1].essential)
        at--;
    if (at == OCPI_FINDINGS_MAX)
        return NULL;
    if (findings->kept < OCPI_FINDINGS_MAX)
        findings->kept++;
    memmove(&findings->list[at + 1], &findings->list[at],
            (findings->kept - 1 - at) * sizeof findings->list[0]);
    return &findings->list[at];
}

static void keep(struct arena *arena, struct ocpi_findings *findings, const struct ocpi_breach *breach)
{
    struct ocpi_finding *finding = slot(findings, breach->essential);
    if (finding == NULL)
        return;
    finding->rule = breach->rule;
    finding->essential = breach->essential;
    finding->pointer = pointer_text(arena, breach->place);
    struct str place = finding->pointer.length > 0 ? finding->pointer : STR("the body");
    struct str what = complaint(arena, breach);
    finding->message = arena_printf(arena, STR_FMT ": " STR_FMT, STR_ARG(place), STR_ARG(what));
}

/* ---------------------------------------------------------------- counting */

/* The name of an unknown field as a step of a JSON pointer: escaped, cut, harmless on a terminal. */
static struct str unknown_name(struct arena *arena, struct str key)
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

/* The count of that field and rule, NULL when there is none yet. */
static struct ocpi_count *find_count(const struct ocpi_findings *findings, const struct ocpi_breach *breach,
                                     struct str key)
{
    struct ocpi_count *count = findings->counts;
    while (count != NULL && !(count->rule == breach->rule && count->object == breach->object->name &&
                              (count->key.data == key.data || str_equal(count->key, key))))
        count = count->next;
    return count;
}

static struct ocpi_count *add_count(struct arena *arena, struct ocpi_findings *findings,
                                    const struct ocpi_breach *breach, struct str key)
{
    struct ocpi_count *count = arena_alloc(arena, sizeof *count);
    if (count == NULL)
        return NULL;
    count->object = breach->object->name;
    count->field = breach->rule == OCPI_RULE_UNKNOWN ? unknown_name(arena, key) : key;
    count->rule = breach->rule;
    count->key = key;
    count->next = findings->counts;
    findings->counts = count;
    return count;
}

/* Takes room for one more name of its kind; false when there is none. */
static bool take_room(struct ocpi_findings *findings, enum ocpi_rule rule)
{
    bool unknown = rule == OCPI_RULE_UNKNOWN;
    unsigned *kinds = unknown ? &findings->unknown_kinds : &findings->known_kinds;
    if (*kinds == (unknown ? OCPI_UNKNOWN_MAX : OCPI_COUNTS_MAX))
        return false;
    ++*kinds;
    return true;
}

/* The name that is counted: as it is in the body, in the table, or of the body as a whole none. */
static struct str count_key(const struct ocpi_breach *breach)
{
    if (breach->rule == OCPI_RULE_UNKNOWN)
        return breach->place->key;
    return breach->field == NULL ? STR("") : str_of(breach->field->name, breach->field->name_length);
}

static void count_field(struct arena *arena, struct ocpi_findings *findings, const struct ocpi_breach *breach)
{
    struct str key = count_key(breach);
    struct ocpi_count *count = find_count(findings, breach, key);
    if (count == NULL && !take_room(findings, breach->rule)) {
        key = STR(OCPI_FIELD_OTHERS);
        count = find_count(findings, breach, key);
    }
    if (count == NULL)
        count = add_count(arena, findings, breach, key);
    if (count == NULL)
        return;
    count->count++;
    count->essential += breach->essential ? 1 : 0;
}

void ocpi_findings_add(struct arena *arena, struct ocpi_findings *findings, const struct ocpi_breach *breach)
{
    if (breach->essential)
        findings->essential_count++;
    else if (breach->rule == OCPI_RULE_UNKNOWN)
        findings->unknown_count++;
    else
        findings->finding_count++;
    if (breach->rule != OCPI_RULE_UNKNOWN)
        keep(arena, findings, breach);
    count_field(arena, findings, breach);
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
        if (text.length > 0)
            buffer_append(&text, STR("; "));
        buffer_append(&text, findings->list[i].message);
    }
    struct str joined = text.failed ? STR_NONE : arena_copy(arena, buffer_str(&text));
    buffer_free(&text);
    return joined;
}
