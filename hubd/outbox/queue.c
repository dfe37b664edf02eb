#include <stdlib.h>

#include "hubd/outbox/internal.h"
#include "lib/base/env.h"
#include "lib/base/magic.h"

#define UNSTORED_MS     500
#define FRESH_MAX_TIMES 64 /* of retry_initial */

struct outbox_queue *outbox_queue_of(struct outbox_receiver *receiver, struct str module)
{
    for (struct outbox_queue *q = receiver->queues; q != NULL; q = q->next)
        if (str_equal(str_from(q->name), module))
            return q;
    struct outbox_queue *queue = calloc(1, sizeof *queue);
    char *name = queue == NULL ? NULL : malloc(module.length + 1);
    if (name == NULL) {
        free(queue);
        return NULL;
    }
    str_copy(module, name, module.length + 1);
    queue->magic = OUTBOX_QUEUE_MAGIC;
    queue->receiver = receiver;
    queue->name = name;
    queue->module = outbox_module_find(module);
    ring_init(&queue->items);
    queue->next = receiver->queues;
    receiver->queues = queue;
    return queue;
}

void outbox_queue_free(struct outbox_queue *queue)
{
    struct ring *node;
    while ((node = ring_pop(&queue->items)) != NULL)
        free(CONTAINER_OF(node, struct outbox_item, queue));
    queue->magic = 0;
    free(queue->name);
    free(queue);
}

bool outbox_is_ready(const struct registry_party *party)
{
    /* unknown and suspended ones are taken up too: their rows become held, or are dropped */
    return party == NULL || party->row.suspended ||
           (party->platform->row.status != STORE_PLATFORM_PLANNED && party->platform->token.data != NULL);
}

/* May anything be sent? Notes whether the receiver is OFFLINE, and lets its time run or stand still. */
static bool queue_look_at_receiver(struct outbox_queue *queue, int64_t now)
{
    struct hub *hub = queue->receiver->outbox->hub;
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    const struct registry_party *party =
        outbox_receiver_party(snapshot, str_from(queue->receiver->name.text), queue->module);
    bool ready = outbox_is_ready(party);
    queue->offline = party != NULL && party->platform->row.status == STORE_PLATFORM_OFFLINE;
    retry_clock_run(&queue->clock, ready && !queue->offline, now);
    registry_release(hub->control_view, snapshot);
    return ready;
}

void outbox_queue_pump(struct outbox_queue *queue)
{
    struct outbox *outbox = queue->receiver->outbox;
    struct outbox_item *item;
    int64_t now = hub_steady_ms(outbox->hub);
    if (outbox->stopping || !queue_look_at_receiver(queue, now) || !outbox_queue_is_own(queue, now) ||
        now < queue->unstored_until)
        return;
    while ((retry_lets(&queue->retry, true, now) || retry_lets(&queue->retry, false, now)) &&
           (item = outbox_window_choose(queue, now)) != NULL)
        outbox_send(queue, item);
    outbox_window_read(queue);
}

/* ---------------------------------------------------------------- what a try's end means */

struct retry_policy outbox_policy(const struct outbox *outbox)
{
    return (struct retry_policy){outbox->hub->conf.retry_initial, outbox->hub->conf.retry_max, 0};
}

/*
 * The receiver is suspected: the pause begins, or goes on. One that answers, if only with errors, may take
 * what it was never asked for: such a message does not wait as for one that is away.
 */
static void queue_suspect(struct outbox_queue *queue, bool fresh, const struct fault_answer *answer,
                          int64_t now)
{
    struct retry_policy policy = outbox_policy(queue->receiver->outbox);
    policy.fresh_max_ms = answer->http == 0 ? 0 : FRESH_MAX_TIMES * policy.initial_ms;
    const struct retry_failure failure = {fresh, fault_may_be_messages(answer), answer->asked_ms};
    retry_failed(&queue->retry, &policy, &failure, now, (unsigned)env_random_below(RETRY_CHANCE + 1));
}

enum fault outbox_queue_judge(struct outbox_queue *queue, const struct outbox_item *item,
                              const struct fault_answer *answer, int64_t failed)
{
    int64_t now = hub_steady_ms(queue->receiver->outbox->hub);
    /* strictly later than its failure: its own refusal passed, too */
    const struct fault_case known = {.alone = queue->module->alone,
                                     .passed_beside = queue->passes != item->passes,
                                     .passed_since = failed > 0 && queue->passed > failed};
    enum fault fault = fault_judge(answer, &known);
    queue->again = true;
    switch (fault) {
    case FAULT_HUB: /* nothing was learnt */
    case FAULT_UNSENDABLE:
        break;
    case FAULT_NONE:
    case FAULT_REFUSED: /* it is there and speaks OCPI */
        queue->passed = now;
        queue->passes++;
        outbox_window_passed(queue, item, now);
        queue->turn = item->turn; /* where one was taken the next may be, too */
        retry_succeeded(&queue->retry);
        break;
    case FAULT_MESSAGE: /* as a trial it told nothing: the next one may */
        if (item->trial && queue->retry.failures > 0)
            queue_suspect(queue, false, answer, now);
        queue->wary = OUTBOX_WINDOW;
        break;
    case FAULT_RECEIVER:
        queue_suspect(queue, item->fresh, answer, now);
        queue->wary = OUTBOX_WINDOW;
        break;
    }
    return fault;
}

void outbox_queue_unstored(struct outbox_queue *queue)
{
    queue->unstored_until = hub_steady_ms(queue->receiver->outbox->hub) + UNSTORED_MS;
    queue->rewind = queue->again = true;
}

void outbox_item_answered(struct outbox_queue *queue, struct outbox_item *item)
{
    item->answered = true;
    queue->answered_count++;
    outbox_queue_pump(queue);
}

void outbox_item_finished(struct outbox_queue *queue, struct outbox_item *item)
{
    ring_remove(&item->queue);
    queue->item_count--;
    queue->answered_count -= item->answered;
    free(item);
    outbox_queue_pump(queue);
}
