/* How a reservation stands, by what the hub has of the commands about it. */
#include "hubd/route.h"

static bool says(const struct store_command *row, const char *result)
{
    return str_equal(row->result, str_from(result));
}

/* What one command tells of the reservation; ROUTE_NEVER: nothing, an older one counts. */
static enum route_standing command_standing(const struct store_command *row, int64_t now)
{
    bool reserves = str_equal(row->command, STR("RESERVE_NOW"));
    if (!reserves) /* the response only says that the CPO will try */
        return row->state == STORE_COMMAND_ENDED && says(row, "ACCEPTED") ? ROUTE_OVER : ROUTE_NEVER;
    if (says(row, "CANCELED_RESERVATION"))
        return ROUTE_OVER;
    bool silent = row->state == STORE_COMMAND_SENT || says(row, "TIMEOUT");
    if (!silent && !(row->accepted && says(row, "ACCEPTED")))
        return ROUTE_NEVER;
    if (row->valid_until != 0 && row->valid_until <= now)
        return row->accepted ? ROUTE_OVER : ROUTE_NEVER;
    return row->accepted ? ROUTE_HELD : ROUTE_UNCERTAIN;
}

enum route_standing route_reservation_standing(const struct store_command *rows, size_t count,
                                               struct str emsp, struct str cpo, int64_t now)
{
    enum route_standing standing = ROUTE_NEVER;
    for (size_t i = 0; i < count; i++) {
        if (!str_equal(rows[i].emsp, emsp) || !str_equal(rows[i].cpo, cpo))
            continue;
        enum route_standing told = command_standing(&rows[i], now);
        if (told == ROUTE_HELD || told == ROUTE_OVER) /* an uncertain newer one changes nothing for sure */
            return told == ROUTE_OVER && standing == ROUTE_UNCERTAIN ? ROUTE_UNCERTAIN : told;
        if (told == ROUTE_UNCERTAIN)
            standing = ROUTE_UNCERTAIN;
    }
    return standing;
}
