#ifndef HUBD_OUTBOX_INTERNAL_H
#define HUBD_OUTBOX_INTERNAL_H

#include "hubd/outbox/outbox.h"
#include "hubd/outbox/address.h"
#include "hubd/outbox/fault.h"
#include "hubd/calls/outbound.h"
#include "hubd/outbox/retry.h"
#include "hubd/registry/routing.h"
#include "lib/base/sm.h"

/*
 * How the files of the outbox worker fit together: outbox.c knows the receivers and finds what waits, queue.c
 * schedules the messages of one module for one receiver (window.c holds those that may be next, slots.c says
 * how many go side by side), lease.c says whose they are, send.c sends one message and stores what came of it
 * (fault.c judges that), address.c says whom it is for. Control loop only.
 */

#define OUTBOX_QUEUE_MAGIC 0x51554555u
#define OUTBOX_MAGIC       0x4f555442u
#define OUTBOX_BUCKETS     1024

/* A receiver's or module's name as rows have it, the rest zeroes: compared as a whole. */
struct outbox_name {
    char text[32];
};

/* A pending row in a queue's window. */
struct outbox_item {
    struct ring queue;
    int64_t id;
    uint64_t lane;         /* hash of owner and object, of a result also of its command and URL: one message
                              of a lane at a time, in order */
    int64_t due;           /* next_attempt of its row; 0: it waits for its first try */
    int64_t started;       /* hub_steady_ms; 0: it is not being sent */
    uint64_t passes;       /* the queue's when it was sent */
    int64_t beside_ms;     /* shortest time of another that passed meanwhile; 0: none did */
    unsigned turn;         /* by which it was chosen */
    bool fresh;            /* it never failed */
    bool trial;            /* its end tells how the receiver is */
    bool answered;         /* delivered as far as the receiver goes; its end is being stored */
    bool given_up;         /* for one that waits: what comes of it no longer matters */
    struct outbound *call; /* under way; NULL: none */
};

/*
 * The messages of one module for one receiver. They pause together when the receiver is at fault; the other
 * modules' go on, so that nothing that matters waits behind what a partner does not really offer. A message
 * that fails while others arrive pauses alone.
 */
struct outbox_queue {
    uint32_t magic;
    struct outbox_receiver *receiver;
    char *name; /* of the module, as rows have it */
    const struct outbox_module *module;
    struct outbox_queue *next; /* of the receiver */
    struct ring items;         /* window, in order of ids */
    unsigned item_count;
    unsigned answered_count;  /* answered, their end not stored yet */
    int64_t scanned;          /* rows up to this id were looked at for their first try */
    bool reading;             /* a read of rows is under way */
    bool scan_again;          /* rows behind `scanned` may wait for their first try */
    bool rewind;              /* the next read begins at the first row, not at `scanned` */
    bool again;               /* rows that failed before may be due */
    struct retry retry;       /* the receiver's circuit; times as hub_steady_ms */
    int64_t passed;           /* hub_steady_ms; when a message was last answered as OCPI asks; 0: never */
    uint64_t passes;          /* how many were, in this process */
    int64_t unstored_until;   /* results could not be stored: nothing is sent before */
    bool offline;             /* the receiver's platform is OFFLINE: one message at a time */
    unsigned turn;            /* of the choice among those that may go */
    unsigned wary;            /* so many choices more look at both ends of what waits: something fails */
    struct retry_clock clock; /* runs while something could be sent */
    int64_t fence;            /* of the lease; 0: never had one */
    int64_t leased_until;     /* hub_steady_ms */
    bool leasing;             /* asked for, or for more of it */
    struct arena arena;       /* of the read under way */
    struct store_due_read read;
};

struct outbox_receiver {
    struct outbox *outbox;
    struct outbox_receiver *next, *same; /* of all; of its bucket */
    struct outbox_name name;
    struct outbox_queue *queues;
};

/* A word from another thread. */
struct outbox_hint {
    struct outbox_name receiver;
    struct outbox_name module; /* something of it is pending; empty: resume the receiver */
};

struct outbox {
    uint32_t magic;
    struct hub *hub;
    struct outbox_receiver *receivers;
    struct outbox_receiver *buckets[OUTBOX_BUCKETS]; /* the same, by their names' hash */
    uint64_t known;                                  /* number of the snapshot whose parties are among them */
    uv_timer_t poll;
    uv_async_t wake;
    uv_mutex_t lock;
    struct outbox_hint *hints;
    size_t hint_count, hint_capacity;
    bool looking, look_again; /* for queues that wait */
    struct arena arena;       /* of that read */
    struct store_waiting_read waiting;
    bool stopping;      /* nothing is begun any more */
    unsigned under_way; /* messages that are being sent, or whose result is being stored */
    unsigned alone;     /* how many of those go to a URL of their own */
    char holder[37];    /* of leases: this process */
};

/* The receiver's queue for that module, made when it is new; NULL: no memory. */
struct outbox_queue *outbox_queue_of(struct outbox_receiver *receiver, struct str module);
/* Sends what may be sent, reads on where there is more. */
void outbox_queue_pump(struct outbox_queue *queue);
void outbox_queue_free(struct outbox_queue *queue);
/* Which state of a try may follow which. */
extern const struct sm outbox_sending_states;
/* Sends the item; ends in outbox_item_finished, later. */
void outbox_send(struct outbox_queue *queue, struct outbox_item *item);
/* A call under way that nobody waits for any more ends soon, as one that was not answered in time. */
void outbox_give_up(struct outbox_item *item);
/*
 * Whose fault a try's end is, and what it says about the receiver: opens or closes its circuit. `failed`:
 * when the message failed before, 0 if never. Before its result is stored, so that the circuit is stored with
 * it.
 */
enum fault outbox_queue_judge(struct outbox_queue *queue, const struct outbox_item *item,
                              const struct fault_answer *answer, int64_t failed);
struct retry_policy outbox_policy(const struct outbox *outbox);
/* Results cannot be stored: the queue rests for a moment, then looks at what it has from the start. */
void outbox_queue_unstored(struct outbox_queue *queue);
/* The receiver has it: the next message need not wait until that is stored. Its lane does. */
void outbox_item_answered(struct outbox_queue *queue, struct outbox_item *item);
/* The item's result is stored, or there is none: it leaves the window. */
void outbox_item_finished(struct outbox_queue *queue, struct outbox_item *item);

/* window.c: rows that may be sent next, read a few at a time. */
#define OUTBOX_WINDOW 256
/* Reads on where there is more and the window has room; pumps the queue when it has. */
void outbox_window_read(struct outbox_queue *queue);
/* The next one to be sent, NULL: none may. `now`: hub_steady_ms. */
struct outbox_item *outbox_window_choose(struct outbox_queue *queue, int64_t now);

/* One passed: what is under way beside it is compared with it. */
void outbox_window_passed(struct outbox_queue *queue, const struct outbox_item *passed, int64_t now);

/* lease.c: may this worker send of the queue? Asks for a lease, or for more of it, when it is time;
 * the queue is pumped when there is one. `now`: hub_steady_ms. */
bool outbox_queue_is_own(struct outbox_queue *queue, int64_t now);
/* A result was refused (ERR_CONFLICT): the lease is asked for anew, to see whose the queue is. */
void outbox_queue_expire_lease(struct outbox_queue *queue);
/* What the queue remembers, to be stored with a result: in the arena; NULL when there is no memory. */
const struct store_queue *outbox_queue_state(const struct outbox_queue *queue, struct arena *arena,
                                             int64_t now);

#endif
