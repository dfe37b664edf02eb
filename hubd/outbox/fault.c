#include "hubd/outbox/fault.h"

#include <stddef.h>

#include "lib/ocpi/status.h"

/* Statuses of class 4 that do not say that the message is wrong; all others of it do. */
static const struct {
    int http;
    bool final; /* of a URL that is one message's own: it is forgotten, and will not come back */
} doubtful[] = {{401, false}, {403, false}, {404, true}, {405, true},
                {408, false}, {425, false}, {429, false}};

/*
 * It may be either's: what happened to others decides. With Retry-After a receiver speaks of itself, so that
 * others that were under way beside it prove nothing; those since it failed the last time do.
 */
static enum fault fault_of_either(const struct fault_answer *answer, const struct fault_case *known)
{
    bool beside = answer->asked_ms == 0 && answer->http != 429 && known->passed_beside;
    return known->alone || beside || known->passed_since ? FAULT_MESSAGE : FAULT_RECEIVER;
}

static enum fault fault_of_client_error(const struct fault_answer *answer, const struct fault_case *known)
{
    for (size_t i = 0; i < sizeof doubtful / sizeof doubtful[0]; i++)
        if (answer->http == doubtful[i].http && !(known->alone && doubtful[i].final))
            return fault_of_either(answer, known);
    return FAULT_REFUSED;
}

bool fault_is_unknown(const struct fault_answer *answer)
{
    return answer->http == 404 ||
           (answer->http / 100 == 2 && answer->envelope && answer->status_code == OCPI_UNKNOWN_LOCATION);
}

bool fault_may_be_messages(const struct fault_answer *answer)
{
    static const int own[] = {401, 403, 408, 425, 429, 502, 503, 504};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (answer->http == own[i])
            return false;
    return answer->http != 0 && answer->asked_ms == 0;
}

enum fault fault_judge(const struct fault_answer *answer, const struct fault_case *known)
{
    if (answer->own)
        return FAULT_HUB;
    if (answer->impossible)
        return FAULT_UNSENDABLE;
    if (answer->http == 0 && !answer->sent) /* no name, no connection: not this message's, whoever passed */
        return known->alone ? FAULT_MESSAGE : FAULT_RECEIVER;
    if (answer->gone_is_right && fault_is_unknown(answer))
        return FAULT_NONE;
    if (answer->http / 100 == 2 && (answer->empty || (answer->envelope && answer->status_code / 1000 == 1)))
        return FAULT_NONE;
    if (answer->http / 100 == 2 && answer->envelope && answer->status_code / 1000 == 2)
        return FAULT_REFUSED;
    if (answer->http == 508) /* it went round, and does so again whenever it is sent (RFC 5842 section 7.2) */
        return FAULT_REFUSED;
    return answer->http / 100 == 4 ? fault_of_client_error(answer, known) : fault_of_either(answer, known);
}
