#include "lib/store/rows.h"

#include <assert.h>
#include <stddef.h>

static const char *const hold_names[] = {
#define HOLD_NAME(identifier, number, name) [number] = name,
    STORE_HOLD_REASONS(HOLD_NAME)
#undef HOLD_NAME
};
static_assert(sizeof hold_names / sizeof hold_names[0] == STORE_HOLD_COUNT, "numbers without a gap");

const char *store_source_name(enum store_receiver_source source)
{
    return source == STORE_SOURCE_SET ? "set" : "discovered";
}

const char *store_hold_name(enum store_hold_reason hold)
{
    return (size_t)hold < STORE_HOLD_COUNT ? hold_names[hold] : "";
}
