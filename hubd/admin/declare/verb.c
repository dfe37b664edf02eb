#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "hubd/admin/declare/declare.h"
#include "hubd/admin/refusal.h"

#include "lib/base/bug.h"

/* One verb of a plan: its parameters, and its builder on the draft. */

void declare_params_begin(struct declare_params *params)
{
    memset(params, 0, sizeof *params);
    params->object.type = JSON_OBJECT;
}

void declare_params_add(struct declare_params *params, const char *key, struct json_value value)
{
    if (params->object.count == DECLARE_PARAMS_MAX)
        BUG("%s: a verb has more than %d parameters", key, DECLARE_PARAMS_MAX);
    struct json_value *member = &params->members[params->object.count];
    *member = value;
    member->key = str_from(key);
    params->object.count++;
}

static const struct json_value *params_link(struct declare_params *params)
{
    for (uint32_t i = 0; i < params->object.count; i++)
        params->members[i].next = i + 1 < params->object.count ? &params->members[i + 1] : NULL;
    params->object.child = params->object.count > 0 ? params->members : NULL;
    return &params->object;
}

void declare_params_add_text(struct declare_params *params, const char *key, struct str text)
{
    declare_params_add(params, key, (struct json_value){.type = JSON_STRING, .text = text});
}

/* Makes a problem of a command's refusal, at the member that its parameter is in a document: "--allow-host" is
 * allowed_hosts there, the others have the same name. */
static void take_refusal(struct declare_plan *plan, const char *place, const struct refusal *refusal)
{
    char member[40] = "";
    const char *param = refusal->param;
    if (param != NULL && strcmp(param, "--allow-host") == 0)
        param = "allowed_hosts";
    if (param != NULL)
        snprintf(member, sizeof member, "/%s", param + strspn(param, "-"));
    for (char *letter = member; *letter != '\0'; letter++)
        *letter = (char)tolower((unsigned char)*letter);
    declare_problem(&plan->problems, "%s%s: %s", place, member, refusal_text(refusal));
}

bool declare_run_verb(struct declare_plan *plan, const char *place, bool (*build)(struct change *),
                      struct declare_params *params)
{
    struct change *change = plan->change;
    const struct store_op *last = change->batch.last;
    const struct json_value *own = change->params;
    const struct registry_snapshot *snapshot = change->snapshot;
    change->params = params_link(params);
    change->snapshot = &plan->draft.snapshot;
    bool good = build(change);
    change->params = own;
    change->snapshot = snapshot;
    change->unchanged = false;
    change->hint_count = 0;
    if (!good) {
        take_refusal(plan, place, &change->refusal);
        change->refusal = (struct refusal){.code = CTL_OK};
    } else if (!declare_draft_take(&plan->draft, last != NULL ? last->next : change->batch.first)) {
        declare_problem(&plan->problems, "%s: no memory", place);
        good = false;
    }
    return good;
}
