/* Where a partner's messages go after a discovery: filled, replaced, withdrawn
 * (hubd/partners/registration.h). */
#include "hubd/partners/registration.h"
#include "hubd/registry/interfaces.h"
#include "hubd/calls/outbound.h"
#include "hubd/registry/routing.h"

/* Rows that are held in the transaction of the exchange; further ones are held when their turn comes. */
#define HOLD_ROWS_MAX 10000

/* The URL that the discovery found for that key; of a module listed twice, the first. */
static struct str found_url(const struct registry_party *party, const struct discovery *discovery,
                            struct str key)
{
    for (size_t i = 0; i < discovery->endpoint_count; i++)
        if (discovery_offers(&discovery->endpoints[i], party->row.roles, key))
            return discovery->endpoints[i].url;
    return STR_NONE;
}

/*
 * The URL of a module that is only passed on: its RECEIVER interface, else its SENDER; STR_NONE: not listed.
 */
static struct str other_url(const struct discovery *discovery, struct str module)
{
    struct str url = STR_NONE;
    for (size_t i = 0; i < discovery->endpoint_count; i++) {
        const struct discovery_endpoint *endpoint = &discovery->endpoints[i];
        if (!str_equal(endpoint->module, module))
            continue;
        if (endpoint->receiver)
            return endpoint->url;
        if (url.data == NULL)
            url = endpoint->url;
    }
    return url;
}

static bool is_set(const struct store_receiver *receiver)
{
    return receiver != NULL && receiver->source == STORE_SOURCE_SET;
}

static void put_receiver(const struct registry_party *party, struct str key, struct str url,
                         struct store_apply *batch)
{
    struct store_op *put = store_batch_add(batch, STORE_PUT_RECEIVER);
    struct store_op *release = store_batch_add(batch, STORE_RELEASE_HELD);
    if (put == NULL || release == NULL)
        return;
    put->u.receiver = (struct store_receiver){
        .party = party->row.id, .module = key, .url = url, .source = STORE_SOURCE_DISCOVERED};
    release->u.release.receiver = ocpi_party_key_str(&party->key);
    release->u.release.reason = STORE_HOLD_NO_URL;
    release->u.release.module = key;
}

/* Puts the receiver into the batch when it is new. Returns 1 when it was. */
static size_t fill(const struct registry_party *party, struct str key, struct str url,
                   struct store_apply *batch)
{
    const struct store_receiver *kept = registry_receiver(party, key);
    if (url.data == NULL || is_set(kept) || (kept != NULL && str_equal(kept->url, url)))
        return 0;
    put_receiver(party, key, url, batch);
    return 1;
}

/*
 * Withdraws a receiver and holds its pending sessions and CDRs at once, also when nothing is sent because the
 * exchange has ended. Messages that are only offered (pushes of locations, HubClientInfo) are dropped when
 * their turn comes.
 */
static void withdraw_one(const struct registry_party *party, const struct store_receiver *receiver,
                         struct store_apply *batch)
{
    enum ocpi_module module = ocpi_module_find(receiver->module);
    bool kept = module == OCPI_MODULE_SESSIONS || module == OCPI_MODULE_CDRS;
    struct store_op *op = store_batch_add(batch, STORE_WITHDRAW_RECEIVER);
    struct store_op *hold = kept ? store_batch_add(batch, STORE_HOLD_MODULE) : NULL;
    if (op != NULL)
        op->u.receiver = *receiver;
    if (hold == NULL)
        return;
    hold->u.hold.receiver = ocpi_party_key_str(&party->key);
    hold->u.hold.module = receiver->module;
    hold->u.hold.reason = STORE_HOLD_NO_URL;
    hold->u.hold.limit = HOLD_ROWS_MAX;
}

/* Withdraws the discovered receivers that this discovery does not list. Returns how many. */
static size_t withdraw(const struct registry_party *party, const struct discovery *discovery,
                       struct store_apply *batch)
{
    size_t count = 0;
    for (size_t i = 0; i < party->receiver_count && !discovery->partial; i++) {
        const struct store_receiver *receiver = &party->receivers[i];
        if (is_set(receiver) || found_url(party, discovery, receiver->module).data != NULL ||
            other_url(discovery, receiver->module).data != NULL)
            continue;
        withdraw_one(party, receiver, batch);
        count++;
    }
    return count;
}

void registration_withdraw_all(const struct registry_party *party, struct store_apply *batch)
{
    for (size_t i = 0; i < party->receiver_count; i++)
        if (!is_set(&party->receivers[i]))
            withdraw_one(party, &party->receivers[i], batch);
}

void registration_write_withdrawn(struct json_writer *writer, const struct registry_platform *platform,
                                  const struct store_apply *batch)
{
    bool any = false;
    for (const struct store_op *op = batch->first; op != NULL; op = op->next) {
        if (op->type != STORE_WITHDRAW_RECEIVER)
            continue;
        if (!any) {
            json_key(writer, "withdrawn");
            json_array_begin(writer);
        }
        any = true;
        for (size_t i = 0; i < platform->party_count; i++)
            if (platform->parties[i]->row.id == op->u.receiver.party)
                json_string(writer, arena_printf(batch->arena, STR_FMT " " STR_FMT,
                                                 STR_ARG(platform->parties[i]->row.key),
                                                 STR_ARG(op->u.receiver.module)));
    }
    if (any)
        json_array_end(writer);
}

/* Whether an earlier endpoint has the same module: then it was looked at already. */
static bool listed_before(const struct discovery *discovery, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (str_equal(discovery->endpoints[i].module, discovery->endpoints[index].module))
            return true;
    return false;
}

size_t registration_put_receivers(const struct registry_platform *platform, const struct discovery *discovery,
                                  struct store_apply *batch)
{
    size_t count = 0;
    struct str key;
    for (size_t p = 0; p < platform->party_count; p++) {
        const struct registry_party *party = platform->parties[p];
        for (unsigned i = 0; (key = interfaces_key_at(i)).data != NULL; i++)
            count += fill(party, key, found_url(party, discovery, key), batch);
        for (size_t i = 0; i < discovery->endpoint_count; i++) {
            struct str module = discovery->endpoints[i].module;
            if (interfaces_is_other(module) && !listed_before(discovery, i))
                count += fill(party, module, other_url(discovery, module), batch);
        }
        count += withdraw(party, discovery, batch);
    }
    return count;
}

/* ---------------------------------------------------------------- what is missing */

static struct str add_missing(struct arena *arena, struct str text, const struct registry_party *party,
                              struct str module, bool first_of_party)
{
    if (!first_of_party)
        return arena_printf(arena, STR_FMT ", " STR_FMT, STR_ARG(text), STR_ARG(module));
    return arena_printf(arena, STR_FMT "%s" STR_FMT ": " STR_FMT, STR_ARG(text), text.length > 0 ? "; " : "",
                        STR_ARG(party->row.key), STR_ARG(module));
}

/* The roles of the party that the partner claims. */
static unsigned claimed_roles(const struct registry_party *party, const struct json_value *credentials)
{
    unsigned roles = credentials == NULL ? party->row.roles : 0;
    const struct json_value *list = json_get(credentials, "roles");
    for (const struct json_value *role = list == NULL ? NULL : list->child; role != NULL; role = role->next) {
        struct ocpi_party_key key;
        if (ocpi_party_key_make(json_get_text(role, "country_code"), json_get_text(role, "party_id"), &key) &&
            ocpi_party_key_equal(&key, &party->key))
            roles |= ocpi_role_from(json_get_text(role, "role")) & party->row.roles;
    }
    return roles;
}

struct str registration_find_missing(struct arena *arena, const struct registry_platform *platform,
                                     const struct json_value *credentials, const struct discovery *discovery)
{
    const struct interfaces_row *need;
    struct str text = STR_NONE;
    for (size_t p = 0; p < platform->party_count; p++) {
        const struct registry_party *party = platform->parties[p];
        unsigned roles = claimed_roles(party, credentials);
        bool first = true;
        for (size_t i = 0; (need = interfaces_need_at(roles, i)) != NULL; i++) {
            struct str module = str_from(ocpi_module_name(need->module));
            if (is_set(registry_receiver(party, module)) || found_url(party, discovery, module).data != NULL)
                continue;
            text = add_missing(arena, text, party, module, first);
            first = false;
        }
    }
    return text;
}

/* ---------------------------------------------------------------- hosts */

static bool lists_host(const struct discovery *discovery, struct str url)
{
    for (size_t i = 0; i < discovery->endpoint_count; i++)
        if (outbound_same_host(discovery->arena, discovery->endpoints[i].url, url))
            return true;
    return false;
}

static bool has_word(struct str words, struct str wanted)
{
    struct str word;
    while (str_split(&words, ' ', &word))
        if (str_equal(word, wanted))
            return true;
    return false;
}

struct str registration_join_urls(struct arena *arena, struct str one, struct str other)
{
    struct str url;
    while (str_split(&other, ' ', &url))
        if (url.length > 0 && !has_word(one, url))
            one =
                one.length == 0 ? url : arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(one), STR_ARG(url));
    return one;
}

struct str registration_proven(struct str before, const struct discovery *discovery)
{
    struct str proven = discovery->proven, url;
    while (str_split(&before, ' ', &url))
        if (url.length > 0 && !outbound_has_host(discovery->arena, proven, url) && lists_host(discovery, url))
            proven = registration_join_urls(discovery->arena, proven, url);
    return proven;
}
