#ifndef HUBD_ADMIN_EFFECT_H
#define HUBD_ADMIN_EFFECT_H

#include "hubd/hub.h"
#include "lib/ctl/server.h"

/*
 * What a rule between an eMSP and a CPO is worth: how much of the CPO's is there to be seen, and how much is
 * queued from it for the eMSP. Counted by the store, in slices, before the rule is changed.
 */
struct effect {
    uint32_t magic; /* own */
    struct ctl_request *request;
    bool dry_run;
    int64_t locations, tariffs;
    int64_t queued; /* of a dry run: what waits and would be held */
    /* own */
    void (*done)(struct effect *effect);
    struct str emsp, cpo; /* party keys */
    struct arena arena;   /* of one read */
};

/*
 * Of the parties `emsp` and `cpo` of the request's parameters. `done` is called with it later; it lives in
 * the request's arena. When a party is not there or a read fails the request is answered instead. `queued`:
 * whether a dry run is to know what waits.
 */
void effect_count(struct ctl_request *request, bool queued, void (*done)(struct effect *effect));
/* The effect that is a callback's context. */
struct effect *effect_of(void *context);

#endif
