/* How a reservation stands, by what the hub has of the commands about it. */
#include "hubd/messages/recipient.h"

static bool says(const struct store_command *row, const char *result)
{
    return str_equal(row->result, str_from(result));
}

/* What one command tells of the reservation; RECIPIENT_NEVER: nothing, an older one counts. */
static enum recipient_standing command_standing(const struct store_command *row, int64_t now)
{
    bool reserves = str_equal(row->command, STR("RESERVE_NOW"));
    if (!reserves) /* the response only says that the CPO will try */
        return row->state == STORE_COMMAND_ENDED && says(row, "ACCEPTED") ? RECIPIENT_OVER : RECIPIENT_NEVER;
    if (says(row, "CANCELED_RESERVATION"))
        return RECIPIENT_OVER;
    bool silent = row->state == STORE_COMMAND_SENT || says(row, "TIMEOUT");
    if (!silent && !(row->accepted && says(row, "ACCEPTED")))
        return RECIPIENT_NEVER;
    if (row->valid_until != 0 && row->valid_until <= now)
        return row->accepted ? RECIPIENT_OVER : RECIPIENT_NEVER;
    return row->accepted ? RECIPIENT_HELD : RECIPIENT_UNCERTAIN;
}

enum recipient_standing recipient_reservation_standing(const struct store_command *rows, size_t count,
                                                       struct str emsp, struct str cpo, int64_t now)
{
    enum recipient_standing standing = RECIPIENT_NEVER;
    for (size_t i = 0; i < count; i++) {
        if (!str_equal(rows[i].emsp, emsp) || !str_equal(rows[i].cpo, cpo))
            continue;
        enum recipient_standing newer = command_standing(&rows[i], now);
        if (newer == RECIPIENT_HELD ||
            newer == RECIPIENT_OVER) /* an uncertain newer one changes nothing for sure */
            return newer == RECIPIENT_OVER && standing == RECIPIENT_UNCERTAIN ? RECIPIENT_UNCERTAIN : newer;
        if (newer == RECIPIENT_UNCERTAIN)
            standing = RECIPIENT_UNCERTAIN;
    }
    return standing;
}
