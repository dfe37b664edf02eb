#include "hubd/admin/known.h"

#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "lib/base/magic.h"

/*
 * Commands that show or change rows of a party: rows outlive parties, so that one which is not registered may
 * have some. One that never was is a slip of the pen, and an empty answer would hide it.
 */
#define KNOWN_MAGIC 0x4b4e4f57u
struct known_look_up {
    uint32_t magic;
    struct ctl_request *request;
    struct store_client *store;
    const char *id; /* for people */
    void (*then)(struct ctl_request *request);
    struct store_audit_read audit;
    struct store_delivery_list deliveries;
    struct store_findings_read findings;
};

static void known_fail(struct known_look_up *known)
{
    struct str text = arena_printf(&known->request->arena, "party %s: no such party", known->id);
    ctl_fail(known->request, CTL_NOT_FOUND, text.data != NULL ? text.data : "no memory", "hubctl party list");
}

/* Goes on with the command when there is a row, or nobody can tell; else with the next place. */
static void look_further(struct known_look_up *known, const struct store_read *base, size_t count,
                         void (*next)(struct known_look_up *known))
{
    if (known->request->closed) /* nobody waits any more */
        known_fail(known);
    else if (base->result != OK || count > 0)
        known->then(known->request);
    else
        next(known);
}

static void findings_read(struct store_read *base)
{
    struct known_look_up *known = MAGIC_CAST(struct known_look_up, base->context, KNOWN_MAGIC);
    look_further(known, base, known->findings.count, known_fail);
}

static void read_findings(struct known_look_up *known)
{
    store_read_findings(known->store, &known->findings);
}

static void deliveries_read(struct store_read *base)
{
    struct known_look_up *known = MAGIC_CAST(struct known_look_up, base->context, KNOWN_MAGIC);
    look_further(known, base, known->deliveries.count, read_findings);
}

static void read_deliveries(struct known_look_up *known)
{
    store_read_deliveries(known->store, &known->deliveries);
}

static void audit_read(struct store_read *base);

/* A call looks at a bounded number of rows. */
static void read_audit(struct known_look_up *known)
{
    known->audit.base.callback = audit_read;
    store_read_audit(known->store, &known->audit);
}

static void audit_read(struct store_read *base)
{
    struct known_look_up *known = MAGIC_CAST(struct known_look_up, base->context, KNOWN_MAGIC);
    bool more = base->result == OK && known->audit.count == 0 && known->audit.scanned != known->audit.after;
    known->audit.after = known->audit.scanned;
    if (more)
        read_audit(known);
    else
        look_further(known, base, known->audit.count, read_deliveries);
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
    struct hub *hub = admin_hub(request);
    struct ocpi_party_key registered;
    struct str key;
    if (known == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    if (!lookup_key_param(request, parameter, &key))
        return;
    if (key.length == 0 || !ocpi_party_key_parse(key, &registered, NULL, NULL, &(unsigned){0}) ||
        is_registered(hub, &registered)) {
        then(request);
        return;
    }
    known->magic = KNOWN_MAGIC;
    known->request = request;
    known->store = hub->control_store;
    known->id = arena_printf(&request->arena, "%s", registered.text).data;
    known->then = then;
    const struct store_read base = {.arena = &request->arena, .context = known};
    known->audit = (struct store_audit_read){
        .base = base, .backwards = true, .since = INT64_MIN, .until = INT64_MAX, .party = key, .limit = 1};
    known->deliveries = (struct store_delivery_list){.base = base, .state = -2, .receiver = key, .limit = 1};
    known->deliveries.base.callback = deliveries_read;
    known->findings = (struct store_findings_read){.base = base, .party = key, .limit = 1};
    known->findings.base.callback = findings_read;
    read_audit(known);
}
