#ifndef HUBD_ADMIN_DECLARE_DECLARE_H
#define HUBD_ADMIN_DECLARE_DECLARE_H

#include "hubd/admin/change.h"

/*
 * export, diff and apply (hubctl-export(1), hubctl-apply(1)): parties, receivers, rules and limits as one
 * JSON document.
 *
 *   write.c     makes a document of the registry, and its revision
 *   read.c      makes entries of a document, and lists what is wrong about its form
 *   draft.c     a copy of the registry that ops are applied to before the store has them
 *   plan.c      makes ops of entries, with the builders of the single commands; party.c does those of a party
 *   verb.c      runs one such builder on the draft
 *   compare.c   what differs between two documents
 *   conflict.c  who has changed what since a document was exported
 *   declare.c   the three requests
 *
 * Everything lives in the request's arena.
 */
#define DECLARE_SCHEMA "hub.config.v1"

enum declare_kind { DECLARE_PARTY, DECLARE_RECEIVER, DECLARE_RULE, DECLARE_LIMIT, DECLARE_KINDS };

/* "party" …, and the document's member with all of them: "parties" …. Static text. */
const char *declare_kind_name(enum declare_kind kind);
const char *declare_list_name(enum declare_kind kind);

/* ---------------------------------------------------------------- what is wrong */

#define DECLARE_PROBLEMS_MAX 50 /* listed in the answer; the rest is counted */

struct declare_problems {
    struct arena *arena;
    struct str items[DECLARE_PROBLEMS_MAX];
    size_t count;
};
void declare_problem(struct declare_problems *problems, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Makes a refusal that lists the problems. Always false. */
bool declare_refuse(struct declare_problems *problems, struct refusal *refusal, enum ctl_code code,
                    const char *hint, const char *message);

/* ---------------------------------------------------------------- a document */

struct declare_entry {
    const struct json_value *value; /* an object whose members have been checked, each by itself */
    size_t index;                   /* its place in the list */
    /* folded: "IN-ABC", "IN-ABC:CPO", "IN-XYZ sessions", "IN-XYZ IN-ABC"; after planning in hubd's spelling */
    struct str id;
    /* party: the entry on whose platform it is; NULL: not of this document */
    const struct declare_entry *host;
};

struct declare_list {
    bool given; /* the document has it */
    struct declare_entry *entries;
    size_t count;
    const struct declare_entry **sorted; /* by id */
};

struct declare_document {
    struct str revision; /* empty: none */
    struct declare_list lists[DECLARE_KINDS];
};

/* False: there are problems now. */
bool declare_read(struct declare_document *document, const struct json_value *value,
                  struct declare_problems *problems);
/* Sorts the entries by id and reports an id that stands there twice. "IN-ABC" without a role means all of IN-ABC, so it
 * cannot stand beside IN-ABC:CPO. False: no memory. */
bool declare_sort(struct declare_list *list, enum declare_kind kind, struct declare_problems *problems);
/* The entry with that id, NULL. */
const struct declare_entry *declare_find(const struct declare_list *list, struct str id);
/* The order of ids in lists: by their bytes. */
int declare_compare_ids(struct str a, struct str b);
/* The id of an entry in the form in which it is compared: "IN-ABC sessions" of "in-Abc sessions". In the arena. */
struct str declare_fold_id(struct arena *arena, enum declare_kind kind, struct str id);
/* "IN-ABC" or "IN-ABC:CPO" folded, in the arena; empty when it is no party id. */
struct str declare_fold_party(struct arena *arena, struct str text);

/* ---------------------------------------------------------------- the registry as a document */

/*
 * The document on one line, sorted, without its revision. `names`: the snapshot from which the names of parties are
 * taken; where an apply makes two parties of one id, documents from before and after it then use the same names.
 * Empty: no memory.
 */
struct str declare_write(struct arena *arena, const struct registry_snapshot *snapshot,
                         const struct registry_snapshot *names);
/* "812-0123456789abcdef": the number of the newest audit row that changed the configuration, or of a later one, and a
 * digest of the document. */
struct str declare_revision(struct arena *arena, int64_t sequence, struct str document);
/* False: it is none. The digest is compared with the document's. */
bool declare_revision_read(struct str revision, int64_t *sequence);
bool declare_revision_is_of(struct str revision, struct str document);
/* For people to edit: with the revision, one line per entry where it is short. Empty: no memory. */
struct str declare_pretty(struct arena *arena, struct str document, struct str revision);

/* ---------------------------------------------------------------- the draft */

struct declare_draft {
    struct arena *arena;
    /* What builders see: parties, receivers, rules and limits, but no tokens and no list of platforms. */
    struct registry_snapshot snapshot;
    struct registry_platform **platforms;
    size_t platform_count;
    struct registry_party **links; /* what the platforms' parties point into */
    struct store_rule *rules;
    size_t rule_room;
};
/* `room`: how many parties are added at most. False: no memory. */
bool declare_draft_begin(struct declare_draft *draft, struct arena *arena,
                         const struct registry_snapshot *snapshot, size_t room);
/* Applies the ops from `op` on. False: no memory. */
bool declare_draft_take(struct declare_draft *draft, const struct store_op *op);

/* ---------------------------------------------------------------- the plan */

struct declare_plan {
    struct change *change;
    struct declare_document *document;
    bool prune;
    struct declare_draft draft;
    struct declare_problems problems;
    unsigned step; /* which part is being planned */
    size_t at;     /* where in it */
    size_t done;   /* entries looked at, for progress */
};
/* Begins with the change's snapshot. False: no memory. */
bool declare_plan_begin(struct declare_plan *plan, struct change *change, struct declare_document *document,
                        bool prune);
/* Plans on for about `budget_ms`. True as long as there is more; after that plan->problems says whether it is good. */
bool declare_plan_step(struct declare_plan *plan, int64_t budget_ms);

/* ---------------------------------------------------------------- one verb of it */

#define DECLARE_PARAMS_MAX 16

/* A verb's parameters, as if they had come in a request; linked when they are used, so they can be copied. */
struct declare_params {
    struct json_value object, members[DECLARE_PARAMS_MAX];
};
void declare_params_begin(struct declare_params *params);
void declare_params_add(struct declare_params *params, const char *key, struct json_value value);
void declare_params_add_text(struct declare_params *params, const char *key, struct str text);
/* Runs a verb's builder on the draft. False: there is a problem more, at `place`. */
bool declare_run_verb(struct declare_plan *plan, const char *place, bool (*build)(struct change *change),
                      struct declare_params *params);
/* All that an entry says of a party. */
void declare_plan_party(struct declare_plan *plan, const struct declare_entry *entry, const char *place);
/* For each entry of a party, after all are planned: reports two parties of one platform that have different token
 * encodings or hosts, since these belong to the platform. */
void declare_check_shared(struct declare_plan *plan, const struct declare_entry *entry, const char *place);

/* ---------------------------------------------------------------- differences */

struct declare_counts {
    size_t added, changed, removed, unchanged;
};
struct declare_touched { /* for the search of conflicts */
    enum declare_kind kind;
    struct str id;  /* as in a document */
    struct str key; /* the same folded */
    struct declare_touched *next;
};
/* Differences listed one by one, since an answer has a bound (JSON_VALUES_MAX); all are counted. */
#define DECLARE_ROWS_MAX 10000
struct declare_differences {
    struct buffer *rows; /* the elements of a JSON array */
    size_t row_count;    /* more than DECLARE_ROWS_MAX: the rest was left out */
    bool dry_run;
    struct declare_counts counts;
    struct declare_touched *touched;
};
/* `before` and `after`: documents of declare_write. `unchanged` counts the entries of `document`. OK, ERR_MEMORY. */
int declare_compare(struct declare_differences *differences, struct arena *arena,
                    const struct declare_document *document, struct str before, struct str after);

/* ---------------------------------------------------------------- conflicts */

/* Whether an audit row records a change of something that a document contains. */
bool declare_is_change(const struct store_audit *row);

struct declare_seen { /* a change in the audit since the document was exported */
    int64_t time;
    struct str actor, action, party, emsp, cpo;
    struct declare_seen *next;
};
struct declare_search {
    uint32_t magic; /* own */
    struct ctl_request *request;
    struct str actor; /* whose own changes do not count */
    int64_t scanned;  /* audit rows up to this have been looked at */
    struct declare_seen *newest;
    size_t count;
    int result;
    void (*then)(void *context);
    void *context;
    struct arena *arena; /* the request's */
    struct arena page;   /* own: of one read */
    struct store_audit_read read;
};
/* Reads on to the audit's end; `then` is called later, with search->result. */
void declare_search_run(struct declare_search *search, void (*then)(void *context), void *context);
/* A problem for each thing that would be changed and that somebody else has changed since. */
void declare_search_judge(const struct declare_search *search, const struct declare_differences *differences,
                          struct declare_problems *problems);

#endif
