/*
 * ChargingProfiles (OCPI 2.2.1, ChargingProfiles module): the hub stores none of it. The eMSP's GET, PUT and
 * DELETE go to the CPO whose session it is, with a response_url of the hub's own; the CPO's PUT of an
 * ActiveChargingProfile goes to the eMSP of the session.
 */
#include "hubd/modules/modules.h"
#include "hubd/messages/relay.h"
#include "hubd/messages/recipient.h"

static void profile_found(struct recipient_search *search, struct registry_party *party)
{
    struct request *request = search->request;
    struct relay *relay = relay_new(request, party);
    if (relay == NULL)
        return;
    relay->sender = search->role == OCPI_ROLE_EMSP;
    relay->object = search->id;
    relay->timeout_ms = request->worker->conf.command_forward_timeout;
    relay->answer = relay->sender ? NULL : &ocpi_charging_profile_response;
    relay_start(relay);
}

/* No such session of this eMSP: the ChargingProfileResponse that OCPI has for it. */
static void profile_unknown(struct recipient_search *search)
{
    request_answer(search->request, REPLY_OK, STR("no such session of this eMSP"),
                   STR("{\"result\":\"UNKNOWN_SESSION\",\"timeout\":0}"));
}

static void profile_search(struct request *request, unsigned role)
{
    request->object = request->params[0];
    struct recipient_search *search =
        recipient_search_new(request, role, RECIPIENT_BY_SESSION, request->params[0], profile_found);
    if (search == NULL)
        return;
    search->unknown = role == OCPI_ROLE_CPO ? profile_unknown : NULL;
    recipient_search_start(search);
}

/* Of a GET or DELETE the response_url is in the query; without it the result would have nowhere to go. */
static void profile_by_query(struct request *request)
{
    struct str rest = request->exchange->query, name, value;
    while (http_query_next(&rest, &name, &value))
        if (str_equal(name, STR("response_url"))) {
            profile_search(request, OCPI_ROLE_CPO);
            return;
        }
    request_answer(request, REPLY_INVALID, STR("query response_url: missing"), STR_NONE);
}

void chargingprofiles_get(struct request *request)
{
    profile_by_query(request);
}

void chargingprofiles_delete(struct request *request)
{
    profile_by_query(request);
}

/* SetChargingProfile has a response_url, ActiveChargingProfile has none: that tells the two PUTs of one path
 * apart where the caller has both roles. */
void chargingprofiles_put(struct request *request)
{
    bool has_url = json_get_text(request->body, "response_url").data != NULL;
    bool may_set = (request->party->row.roles & (OCPI_ROLE_EMSP | OCPI_ROLE_SCSP)) != 0;
    bool may_tell = (request->party->row.roles & OCPI_ROLE_CPO) != 0;
    if (may_set && has_url)
        profile_search(request, OCPI_ROLE_CPO);
    else if (may_tell)
        profile_search(request, OCPI_ROLE_EMSP);
    else
        request_answer(request, REPLY_INVALID, STR("/response_url: missing"), STR_NONE);
}
