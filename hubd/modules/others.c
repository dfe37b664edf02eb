/* Modules that the hub does not know: passed on to the party that OCPI-to names
 * (hub-ocpi(7), ROUTING). */
#include "hubd/modules/modules.h"
#include "hubd/messages/relay.h"

void others_relay(struct request *request)
{
    if (request_is_directed(request))
        relay_directed(request);
    else
        request_answer(request, REPLY_UNKNOWN, STR("no such path"), STR_NONE);
}
