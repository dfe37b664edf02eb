#include "hubd/admin/known.h"

#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "lib/base/magic.h"

/* A party that is not registered may have left rows in one of these places; they are looked through in this order. */
enum known_place { PLACE_AUDIT, PLACE_DELIVERIES, PLACE_FINDINGS, PLACE_COUNT };

#define KNOWN_MAGIC 0x4b4e4f57u
struct known_look_up {
    uint32_t magic;
    struct ctl_request *request;
    struct str key;
    const char *id; /* for people */
    void (*then)(struct ctl_request *request);
    enum known_place place;
    struct store_audit_read audit;
    struct store_delivery_list deliveries;
    struct store_findings_read findings;
};

/* ---------------------------------------------------------------- the places */

static void known_on_read(struct store_read *base);

static struct store_read base_of(struct known_look_up *known)
{
    return (struct store_read){.arena = &known->request->arena, .callback = known_on_read, .context = known};
}

/* One read looks at a bounded number of rows, so there may be several of the audit. */
static void read_audit(struct known_look_up *known, struct store_client *store)
{
    known->audit = (struct store_audit_read){
        .base = base_of(known),
        .after = known->audit.scanned,
        .backwards = true,
        .since = INT64_MIN,
        .until = INT64_MAX,
        .party = known->key,
        .limit = 1,
    };
    store_read_audit(store, &known->audit);
}

static void read_deliveries(struct known_look_up *known, struct store_client *store)
{
    known->deliveries =
        (struct store_delivery_list){.base = base_of(known), .state = -2, .receiver = known->key, .limit = 1};
    store_read_deliveries(store, &known->deliveries);
}

static void read_findings(struct known_look_up *known, struct store_client *store)
{
    known->findings = (struct store_findings_read){.base = base_of(known), .party = known->key, .limit = 1};
    store_read_findings(store, &known->findings);
}

static void (*const places[])(struct known_look_up *known, struct store_client *store) = {
    [PLACE_AUDIT] = read_audit, [PLACE_DELIVERIES] = read_deliveries, [PLACE_FINDINGS] = read_findings};

/* ---------------------------------------------------------------- one after the other */

/* Looks into the place at hand; behind the last one the party is unknown. */
static void look(struct known_look_up *known)
{
    if (known->place < PLACE_COUNT && !known->request->closed) {
        places[known->place](known, admin_hub(known->request)->control_store);
        return;
    }
    struct str text = arena_printf(&known->request->arena, "party %s: no such party", known->id);
    ctl_fail(known->request, CTL_NOT_FOUND, text.data != NULL ? text.data : "no memory", "hubctl party list");
}

/* The command runs when there is a row, and when the store could not say so. */
static void known_on_read(struct store_read *base)
{
    struct known_look_up *known = MAGIC_CAST(struct known_look_up, base->context, KNOWN_MAGIC);
    const struct store_audit_read *audit = &known->audit;
    size_t found = audit->count + known->deliveries.count + known->findings.count;
    bool more = known->place == PLACE_AUDIT && audit->scanned != audit->after;
    if (!known->request->closed && (base->result != OK || found > 0)) {
        known->then(known->request);
        return;
    }
    known->place += more ? 0 : 1;
    look(known);
}

static bool is_registered(const struct hub *hub, const struct ocpi_party_key *key)
{
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    size_t count = registry_count_parties(snapshot, key);
    registry_release(hub->control_view, snapshot);
    return count > 0;
}

void known_with_party(struct ctl_request *request, const char *parameter,
                      void (*then)(struct ctl_request *request))
{
    struct known_look_up *known = arena_alloc(&request->arena, sizeof *known);
    struct ocpi_party_key key;
    if (known == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    if (!lookup_key_param(request, parameter, &known->key))
        return;
    if (known->key.length == 0 || !ocpi_party_key_parse(known->key, &key, NULL, NULL, &(unsigned){0}) ||
        is_registered(admin_hub(request), &key)) {
        then(request);
        return;
    }
    known->magic = KNOWN_MAGIC;
    known->request = request;
    known->id = arena_printf(&request->arena, "%s", key.text).data;
    known->then = then;
    look(known);
}
