#ifndef HUBD_ADMIN_EFFECT_H
#define HUBD_ADMIN_EFFECT_H

#include "hubd/hub.h"
#include "lib/ctl/server.h"

/*
 * What a change of the rule between an eMSP and a CPO brings: how many locations and tariffs of the CPO the eMSP sees
 * or sees no more, and how many deliveries from it are queued. The store counts them, in several reads, before the
 * rule is changed. It is no job (job.h): a client that hangs up does not stop the change.
 */
struct effect {
    struct ctl_request *request;
    bool dry_run;
    int64_t locations, tariffs;
    int64_t queued; /* of a dry run: deliveries that would be held */
    /* own */
    void (*done)(struct effect *effect);
    struct str emsp, cpo; /* party keys */
    struct arena arena;   /* of one read */
};

/*
 * Counts for the parties that the parameters `emsp` and `cpo` name. `done` is called later with the result, which lives
 * in the request's arena. When a party is unknown or a read fails, the request is answered instead. `queued`: whether a
 * dry run also counts the queued deliveries.
 */
void effect_count(struct ctl_request *request, bool queued, void (*done)(struct effect *effect));
#endif
