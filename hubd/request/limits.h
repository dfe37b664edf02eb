#ifndef HUBD_REQUEST_LIMITS_H
#define HUBD_REQUEST_LIMITS_H

#include "hubd/registry/limit.h"

/* A party's limits, kept (hub-ocpi(7), LIMITS): who asks too often is answered with 429, and the audit told.
 * */
struct hub;
struct request;

/* Whether request->party may ask this now. False: answered with 429 and Retry-After (hub-ocpi(7), HTTP AND
 * ANSWERS). */
bool limits_admit(struct request *request);

/*
 * Answers 404 with `message` to somebody without a token who has guessed a secret of a path wrong. Beyond
 * LIMIT_GUESSES a minute from one address (on one loop) it is 429, and a second late: guessing costs the hub
 * next to nothing then, and those who know their secret are not held up, whatever address they share.
 */
#define LIMIT_GUESSES 60
void limits_refuse_stranger(struct request *request, struct str message);

/* The control loop tells the audit what was refused: a row per party and limit in a minute at most, since a
 * partner that hammers must not fill it. 0 or a negative error_code. */
int limits_start(struct hub *hub);
/* Tells the rest. */
void limits_stop(struct hub *hub);
void limits_free(struct hub *hub);

#endif
