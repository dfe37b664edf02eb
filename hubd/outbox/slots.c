#include "hubd/outbox/slots.h"

#define OVERTAKEN_TIMES 2 /* as long as another took: it hangs */
#define GIVE_UP_TIMES   4 /* as long: it may be given up */
#define GIVE_UP_PART    3 /* of the longest wait */

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool slots_call_hangs(const struct slots_call *call, bool alone)
{
    if (alone)
        return call->age_ms >= SLOTS_SLOW_MS;
    return call->beside_ms > 0 && call->age_ms >= longer(SLOTS_SLOW_MS, OVERTAKEN_TIMES * call->beside_ms);
}

void slots_count(struct slots_load *load, const struct slots_call *call, bool alone)
{
    bool hangs = slots_call_hangs(call, alone);
    bool doubtful = !hangs && call->beside_ms == 0 && call->age_ms >= SLOTS_SLOW_MS;
    load->hanging += hangs;
    load->doubtful += doubtful;
    load->quick += !hangs && !doubtful;
    load->again += call->again;
}

unsigned slots_all(const struct slots_load *load)
{
    return load->quick + load->doubtful + load->hanging;
}

static unsigned slots_part(unsigned parallel)
{
    return parallel < SLOTS_PART ? 1 : parallel / SLOTS_PART;
}

bool slots_let_fresh(const struct slots_load *load, unsigned parallel, bool shared)
{
    unsigned all = slots_all(load);
    if (all >= parallel * SLOTS_TIMES || (shared && all >= parallel))
        return false;
    if (load->quick + load->doubtful < parallel)
        return true;
    return load->doubtful > 0 && load->quick < slots_part(parallel);
}

bool slots_let_again(const struct slots_load *load, unsigned parallel, bool shared)
{
    return load->again < slots_part(parallel) && load->quick + load->doubtful < parallel &&
           slots_let_fresh(load, parallel, shared);
}

bool slots_may_give_up(const struct slots_call *call, bool alone, int64_t timeout_ms)
{
    if (alone)
        return slots_call_hangs(call, alone);
    int64_t least = timeout_ms / GIVE_UP_PART;
    if (least > SLOTS_GIVE_UP_MS)
        least = SLOTS_GIVE_UP_MS;
    return !call->again && slots_call_hangs(call, alone) &&
           call->age_ms >= longer(least, GIVE_UP_TIMES * call->beside_ms);
}
