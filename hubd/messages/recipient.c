#include "hubd/messages/recipient.h"

bool recipient_admit(struct request *request, const struct registry_party *target,
                     const struct store_rule *rule)
{
    request->receiver = request_party_key(target); /* also of what is refused */
    switch (routing_find_obstacle(target, rule)) {
    case ROUTING_SUSPENDED:
        request_answerf(request, REPLY_NOT_CONNECTED, "%s is suspended", target->id);
        return false;
    case ROUTING_UNROUTED:
        request_answerf(request, REPLY_NOT_ROUTED, "NOT_ROUTED: no active rule between %s and %s",
                        request->party->id, target->id);
        return false;
    case ROUTING_FREE:
        break;
    }
    return true;
}
