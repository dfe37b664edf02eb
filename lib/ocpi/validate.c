/* One pass over a parsed body along the tables of objects_*.c; see validate.h. */
#include "lib/ocpi/validate.h"

#include "lib/base/timestamp.h"
#include "lib/ocpi/findings.h"
#include "lib/ocpi/forms.h"
#include "lib/ocpi/index.h"
#include "lib/ocpi/names.h"

struct validation {
    struct arena *arena;
    struct ocpi_findings *findings;
};

/* Where the pass is: a field of an object in the body. */
struct spot {
    const struct ocpi_object *object;
    const struct ocpi_field *field;
    const struct ocpi_place *place;
    bool relaxed; /* below a relaxed field: no field is essential */
    bool partial; /* a member of a PATCH body itself */
};

static void check_object(const struct validation *check, const struct ocpi_object *object,
                         const struct json_value *value, const struct ocpi_place *place, bool relaxed,
                         bool partial);

static void breach(const struct validation *check, const struct spot *at, enum ocpi_rule rule, bool essential,
                   const struct json_value *found)
{
    struct ocpi_breach what = {rule, essential, at->object, at->field, at->place, found};
    ocpi_findings_add(check->arena, check->findings, &what);
}

static bool is_last_updated(const struct ocpi_field *field)
{
    return str_equal(str_of(field->name, field->name_length), STR("last_updated"));
}

static bool is_essential(const struct spot *at)
{
    return (at->field->essential && !at->relaxed) || (at->partial && is_last_updated(at->field));
}

static void check_text(const struct validation *check, const struct spot *at, const struct json_value *value)
{
    const struct ocpi_field *field = at->field;
    struct str text = value->text;
    if (text.length == 0 && is_essential(at))
        breach(check, at, OCPI_RULE_EMPTY, true, value);
    if (field->decides && !at->relaxed && text.length > 0 && !ocpi_text_is_id(text)) {
        breach(check, at, OCPI_RULE_PADDING, true, value);
        return;
    }
    bool is_ascii = ocpi_text_is_ascii(text);
    if (!is_ascii && json_has_half_surrogate(text))
        breach(check, at, OCPI_RULE_SURROGATE, is_essential(at), value);
    else if (!is_ascii && (field->type == OCPI_TYPE_CISTRING || str_has_control(text)))
        breach(check, at, OCPI_RULE_CHARACTER, false, value);
    if (field->max != 0 && text.length > field->max && (is_ascii || ocpi_text_characters(text) > field->max))
        breach(check, at, OCPI_RULE_LENGTH, false, value);
    if (field->form != OCPI_FORM_FREE && !ocpi_text_has_form(text, field->form))
        breach(check, at, OCPI_RULE_FORMAT, false, value);
}

static void check_url(const struct validation *check, const struct spot *at, const struct json_value *value)
{
    enum { URL_CHARACTERS = 255 };
    if (value->text.length == 0 && is_essential(at))
        breach(check, at, OCPI_RULE_EMPTY, true, value);
    else if (!ocpi_text_is_url(value->text))
        breach(check, at, OCPI_RULE_URL, false, value);
    if (value->text.length > URL_CHARACTERS && ocpi_text_characters(value->text) > URL_CHARACTERS)
        breach(check, at, OCPI_RULE_LENGTH, false, value);
}

/* Offsets and long fractions occur in the field and are understood; what is no time at all is refused. */
static void check_datetime(const struct validation *check, const struct spot *at,
                           const struct json_value *value)
{
    int64_t wall_ms;
    if (timestamp_parse_ocpi(value->text, &wall_ms))
        return;
    breach(check, at, OCPI_RULE_DATETIME, !timestamp_parse(value->text, &wall_ms), value);
}

static void check_number(const struct validation *check, const struct spot *at,
                         const struct json_value *value)
{
    const struct ocpi_field *field = at->field;
    double number = value->number;
    /* Beyond 2^53 a double has no fraction. */
    if (field->type == OCPI_TYPE_INT && number > -0x1p53 && number < 0x1p53 &&
        (double)(int64_t)number != number)
        breach(check, at, OCPI_RULE_INTEGER, false, value);
    if (field->minimum != field->maximum && (number < field->minimum || number > field->maximum))
        breach(check, at, OCPI_RULE_RANGE, false, value);
}

static void check_enum(const struct validation *check, const struct spot *at, const struct json_value *value)
{
    const struct ocpi_enum *enumeration = at->field->enumeration;
    if (value->text.length == 0 && is_essential(at))
        breach(check, at, OCPI_RULE_EMPTY, true, value);
    else if (!enumeration->open && !ocpi_enum_has(enumeration, value->text))
        breach(check, at, OCPI_RULE_ENUM, is_essential(at), value);
}

/* One value: the field's, or an element of its list. */
static void check_value(const struct validation *check, const struct spot *at, const struct json_value *value)
{
    static const struct {
        enum json_type type;
        void (*run)(const struct validation *check, const struct spot *at, const struct json_value *value);
    } kinds[] = {
        [OCPI_TYPE_STRING] = {JSON_STRING, check_text},
        [OCPI_TYPE_CISTRING] = {JSON_STRING, check_text},
        [OCPI_TYPE_DATETIME] = {JSON_STRING, check_datetime},
        [OCPI_TYPE_URL] = {JSON_STRING, check_url},
        [OCPI_TYPE_NUMBER] = {JSON_NUMBER, check_number},
        [OCPI_TYPE_INT] = {JSON_NUMBER, check_number},
        [OCPI_TYPE_BOOLEAN] = {JSON_BOOLEAN, NULL},
        [OCPI_TYPE_ENUM] = {JSON_STRING, check_enum},
        [OCPI_TYPE_OBJECT] = {JSON_OBJECT, NULL},
    };
    const struct ocpi_field *field = at->field;
    if (field->type == OCPI_TYPE_ANY)
        return;
    if (value->type != kinds[field->type].type)
        breach(check, at, OCPI_RULE_TYPE, true, value);
    else if (field->type == OCPI_TYPE_OBJECT)
        check_object(check, field->object, value, at->place, at->relaxed || field->relaxed, false);
    else if (kinds[field->type].run != NULL)
        kinds[field->type].run(check, at, value);
}

static const struct json_value *member_text(const struct json_value *object, const struct ocpi_field *field)
{
    struct str name = str_of(field->name, field->name_length);
    for (const struct json_value *member = object->child; member != NULL; member = member->next)
        if (str_equal(member->key, name))
            return member->type == JSON_STRING ? member : NULL;
    return NULL;
}

static void report_duplicate(const struct validation *check, const struct spot *list,
                             const struct ocpi_entry *entry)
{
    const struct ocpi_object *object = list->field->object;
    struct ocpi_place element = {list->place, STR_NONE, entry->order};
    struct ocpi_place key = {&element, str_of(object->list_key->name, object->list_key->name_length), 0};
    struct spot at = {object, object->list_key, &key, false, false};
    breach(check, &at, OCPI_RULE_DUPLICATE, true, entry->value);
}

static int ids_collect(const struct validation *check, const struct spot *at, const struct json_value *list,
                       struct ocpi_index *ids)
{
    if (ocpi_index_init(ids, check->arena, list->count, OCPI_INDEX_BY_TEXT) != OK)
        return ERR_MEMORY;
    uint32_t order = 0;
    for (const struct json_value *element = list->child; element != NULL; element = element->next, order++) {
        const struct json_value *id =
            element->type == JSON_OBJECT ? member_text(element, at->field->object->list_key) : NULL;
        if (id != NULL)
            ocpi_index_add(ids, id, order);
    }
    return ocpi_index_sort(ids, check->arena);
}

/* Ids that occur twice in a list of objects, letters folded. */
static void check_unique(const struct validation *check, const struct spot *at, const struct json_value *list)
{
    struct ocpi_index ids;
    if (ids_collect(check, at, list, &ids) != OK) {
        breach(check, at, OCPI_RULE_DUPLICATE, true,
               list); /* no memory: not known to be unique, so not taken */
        return;
    }
    for (uint32_t i = 1; i < ids.count; i++) {
        uint32_t lowest = ids.starts != NULL ? i - 1 : 0; /* in a sorted index equals are neighbours */
        for (uint32_t j = i; j-- > lowest;) {
            if (str_equal_fold(ids.entries[i].value->text, ids.entries[j].value->text)) {
                report_duplicate(check, at, &ids.entries[i]);
                break;
            }
        }
    }
}

static void check_list(const struct validation *check, const struct spot *at, const struct json_value *list)
{
    if (list->type != JSON_ARRAY) {
        breach(check, at, OCPI_RULE_TYPE, true, list);
        return;
    }
    if (list->child == NULL && at->field->card == OCPI_CARD_SOME)
        breach(check, at, OCPI_RULE_EMPTY, is_essential(at), list);
    struct ocpi_place place = {at->place, STR_NONE, 0};
    struct spot element_at = *at;
    element_at.place = &place;
    for (const struct json_value *element = list->child; element != NULL;
         element = element->next, place.index++)
        check_value(check, &element_at, element);
    if (list->count > 1 && at->field->type == OCPI_TYPE_OBJECT && at->field->object->list_key != NULL)
        check_unique(check, at, list);
}

static void check_field(const struct validation *check, const struct spot *at, const struct json_value *value)
{
    enum ocpi_card card = at->field->card;
    if (value->type == JSON_NULL) {
        if (card == OCPI_CARD_ONE || card == OCPI_CARD_SOME)
            breach(check, at, OCPI_RULE_MISSING, is_essential(at), value);
    } else if (card == OCPI_CARD_ANY || card == OCPI_CARD_SOME) {
        check_list(check, at, value);
    } else {
        check_value(check, at, value);
    }
}

/* The single field that some reader takes a member of that name for, NULL for none. */
static const struct ocpi_field *single_like(const struct ocpi_object *object, struct str name)
{
    for (unsigned i = 0; i < object->field_count; i++) {
        const struct ocpi_field *field = &object->fields[i];
        if (field->single && ocpi_name_is_like(name, str_of(field->name, field->name_length)))
            return field;
    }
    return NULL;
}

/* `object_at`: the object itself, and its place. */
static void check_absent(const struct validation *check, const struct spot *object_at, uint64_t seen)
{
    for (unsigned i = 0; i < object_at->object->field_count; i++) {
        const struct ocpi_field *field = &object_at->object->fields[i];
        if ((seen >> i & 1) != 0 || field->card == OCPI_CARD_OPTIONAL || field->card == OCPI_CARD_ANY)
            continue;
        if (object_at->partial && !is_last_updated(field))
            continue;
        struct ocpi_place place = {object_at->place, str_of(field->name, field->name_length), 0};
        struct spot at = {object_at->object, field, &place, object_at->relaxed, object_at->partial};
        breach(check, &at, OCPI_RULE_MISSING, is_essential(&at), NULL);
    }
}

static void check_object(const struct validation *check, const struct ocpi_object *object,
                         const struct json_value *value, const struct ocpi_place *place, bool relaxed,
                         bool partial)
{
    uint64_t seen = 0;
    unsigned cursor = 0;
    struct ocpi_place member_place = {place, STR_NONE, 0};
    struct spot at = {object, NULL, &member_place, relaxed, partial};
    for (const struct json_value *member = value->child; member != NULL; member = member->next) {
        member_place.key = member->key;
        at.field = ocpi_field_find(object, member->key, cursor);
        if (at.field == NULL) {
            at.field = relaxed ? NULL : single_like(object, member->key);
            breach(check, &at, at.field == NULL ? OCPI_RULE_UNKNOWN : OCPI_RULE_SPELLING, at.field != NULL,
                   member);
            continue;
        }
        unsigned number = (unsigned)(at.field - object->fields);
        cursor = number + 1;
        /* The hub reads the first, another parser may read the last: two readings of what routing or money
         * rest on are none. */
        if ((seen >> number & 1) != 0)
            breach(check, &at, OCPI_RULE_DUPLICATE, is_essential(&at) || (at.field->single && !relaxed),
                   NULL);
        seen |= (uint64_t)1 << number;
        check_field(check, &at, member);
    }
    at.place = place;
    check_absent(check, &at, seen);
}

void ocpi_validate(struct arena *arena, const struct ocpi_object *object, const struct json_value *value,
                   bool partial, struct ocpi_findings *findings)
{
    struct validation check = {arena, findings};
    struct ocpi_place whole = {NULL, STR_NONE, 0};
    memset(findings, 0, sizeof *findings);
    if (value == NULL || value->type != JSON_OBJECT) {
        struct spot at = {object, NULL, &whole, false, false};
        breach(&check, &at, OCPI_RULE_TYPE, true, value);
        return;
    }
    check_object(&check, object, value, &whole, false, partial);
}
