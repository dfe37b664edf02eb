#ifndef HUBD_REQUEST_LIMITS_H
#define HUBD_REQUEST_LIMITS_H

#include "hubd/registry/limit.h"

/* Applies the limits of parties (hub-ocpi(7), LIMITS): a party that exceeds one gets 429, and an audit
 * row. */
struct hub;
struct request;

/* Whether request->party may make this request now. False: it was answered with 429 and Retry-After
 * (hub-ocpi(7), HTTP AND ANSWERS). */
bool limits_admit(struct request *request);

/*
 * Answers 404 with `message` to a caller without a token whose path has a wrong secret. After LIMIT_GUESSES
 * of these in a minute from one address, on one loop, the answer is 429 and comes a second later, so that
 * guessing is slow and costs the hub little. Requests with the right secret are never delayed, even when they
 * come from the same address.
 */
#define LIMIT_GUESSES 60
void limits_refuse_stranger(struct request *request, struct str message);

/* Starts the timer, on the control loop, that writes audit rows of refused requests: at most one per minute,
 * party and limit, so that no partner can flood the audit. 0 or a negative error_code. */
int limits_start(struct hub *hub);
/* Stops it and writes the rows that are due. */
void limits_stop(struct hub *hub);
void limits_free(struct hub *hub);

#endif
