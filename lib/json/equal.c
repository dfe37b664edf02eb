#include "lib/json/decimal.h"
#include "lib/json/reader.h"

#include <stdlib.h>

#define MEMBERS_ON_STACK 32

/* A member and its place, which keeps members of one name in their order. */
struct place {
    const struct json_value *member;
    uint32_t index;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    struct str x = a->member->key, y = b->member->key;
    size_t shorter = x.length < y.length ? x.length : y.length;
    int order = shorter == 0 ? 0 : memcmp(x.data, y.data, shorter);
    if (order == 0)
        order = (x.length > y.length) - (x.length < y.length);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

/* The first from `member` on that is not named `ignored`. */
static const struct json_value *counted(const struct json_value *member, const char *ignored)
{
    while (member != NULL && ignored != NULL && str_equal(member->key, str_from(ignored)))
        member = member->next;
    return member;
}

static uint32_t sort_members(const struct json_value *member, const char *ignored, struct place *places)
{
    uint32_t count = 0;
    for (member = counted(member, ignored); member != NULL; member = counted(member->next, ignored)) {
        places[count] = (struct place){member, count};
        count++;
    }
    qsort(places, count, sizeof(*places), compare_places);
    return count;
}

/* Members from `a` and `b` on, at most `maximum` each, in any order. */
static bool sorted_equal(const struct json_value *a, const struct json_value *b, size_t maximum,
                         const char *ignored)
{
    struct place on_stack[2 * MEMBERS_ON_STACK], *places = on_stack;
    if (maximum > MEMBERS_ON_STACK)
        places = calloc(maximum, 2 * sizeof(*places));
    if (places == NULL)
        return false;
    uint32_t count = sort_members(a, ignored, places);
    bool equal = sort_members(b, ignored, places + maximum) == count;
    for (uint32_t i = 0; equal && i < count; i++) {
        const struct json_value *x = places[i].member, *y = places[maximum + i].member;
        equal = str_equal(x->key, y->key) && json_equal(x, y, NULL);
    }
    if (places != on_stack)
        free(places);
    return equal;
}

static bool objects_equal(const struct json_value *a, const struct json_value *b, const char *ignored)
{
    const struct json_value *x = counted(a->child, ignored), *y = counted(b->child, ignored);
    /* Nearly always the order is the same too. */
    while (x != NULL && y != NULL && str_equal(x->key, y->key)) {
        if (!json_equal(x, y, NULL))
            return false;
        x = counted(x->next, ignored);
        y = counted(y->next, ignored);
    }
    if (x == NULL || y == NULL)
        return x == y;
    return sorted_equal(x, y, a->count > b->count ? a->count : b->count, ignored);
}

static bool arrays_equal(const struct json_value *a, const struct json_value *b)
{
    if (a->count != b->count)
        return false;
    const struct json_value *x = a->child, *y = b->child;
    for (; x != NULL && y != NULL; x = x->next, y = y->next)
        if (!json_equal(x, y, NULL))
            return false;
    return x == y;
}

bool json_equal(const struct json_value *a, const struct json_value *b, const char *ignored)
{
    if (a == NULL || b == NULL)
        return a == b;
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case JSON_NULL:
        return true;
    case JSON_BOOLEAN:
        return a->boolean == b->boolean;
    case JSON_NUMBER:
        return str_equal(a->raw, b->raw) ||
               json_decimal_equal(json_decimal_of(a->raw), json_decimal_of(b->raw));
    case JSON_STRING:
        return str_equal(a->text, b->text);
    case JSON_ARRAY:
        return arrays_equal(a, b);
    case JSON_OBJECT:
        return objects_equal(a, b, ignored);
    }
    return false;
}
