#ifndef HUBD_MESSAGES_LIST_H
#define HUBD_MESSAGES_LIST_H

#include "hubd/request/request.h"

/*
 * Lists and single objects that the hub serves from its store (hub-ocpi(7), PAGINATION): pagination, the
 * headers Link, X-Total-Count, X-Limit, bodies in slices so that no loop is held and no page is held in
 * memory.
 */
#define LIST_LIMIT_DEFAULT 50
#define LIST_LIMIT_MAX     1000

/* offset, limit, date_from, date_to of a query. */
struct list_query {
    uint64_t offset;
    unsigned limit;
    int64_t date_from, date_to;
    int64_t after; /* the hub's own: sequence of the last object of the page before */
    int64_t seen;  /* the hub's own: the timestamp of the first page's answer, ms; 0: this is the first */
    struct str date_from_text, date_to_text;
};
/* False when answered with 2001. */
bool list_query_parse(struct request *request, struct list_query *query);
/* Link (only with `more`), X-Total-Count and X-Limit. `path` below base_url; `after` 0 where a list has no
 * sequences. */
void list_headers(struct request *request, const char *path, const struct list_query *query, uint64_t total,
                  bool more, uint64_t sent, int64_t after);

/*
 * The moment from which on the next window has all that a list answered now does not show: its answer's
 * timestamp. `horizon`: of what was read for it (store_horizon), before the request's registry is looked at.
 */
int64_t list_moment(const struct request *request, const struct list_query *query, int64_t horizon);

/* The list of `kind` as request->party may see it: an eMSP what its rules allow (of sessions and CDRs, those
 * whose cdr_token is its own), a CPO its own. Ends the request. */
void list_serve(struct request *request, enum store_kind kind, const char *path);

/* May the party see objects of `owner`? Those of its own platform, or by rule. */
bool list_may_see(const struct registry_snapshot *snapshot, const struct registry_party *party,
                  const struct registry_party *owner);
/* The same for request->party; false: answered. */
bool list_check(struct request *request, const struct registry_party *owner);
/*
 * One object of an owner named in the URL: 404 when there is none or when it is another eMSP's session or
 * CDR, NOT_ROUTED without rule. `found` gets it; NULL serves the body as it is.
 */
void list_serve_object(struct request *request, enum store_kind kind, struct str country_code,
                       struct str party_id, struct str id, struct str evse,
                       void (*found)(struct request *request, struct store_object_read *read));

#endif
