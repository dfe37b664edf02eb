#ifndef HUBD_CALLS_SENTENCE_H
#define HUBD_CALLS_SENTENCE_H

#include "hubd/hub.h"
#include "hubd/calls/outbound.h"

/*
 * A partner's error message, cleaned so that another partner may read it, whose engineers often are the ones
 * who can correct the error (hub-ocpi(7), ROUTING): at most SENTENCE_BYTES, one line, without addresses and
 * without the tokens that the hub presents to that platform.
 */
#define SENTENCE_BYTES 256

/* `text` cleaned, in the arena; empty when nothing is left. */
struct str sentence_clean(struct arena *arena, const struct registry_platform *platform, struct str text);
/* `text` without the tokens that the hub presents to that platform (hubd/calls/secret.h); NULL: none. Not
 * cleaned otherwise, for the account team. Returns `text`, or a text in the arena. */
struct str sentence_hide(struct arena *arena, const struct registry_platform *platform, struct str text);
/* How a failed call ended, for the account team: why there was no answer, or the answer's HTTP status, OCPI
 * code and cleaned message. In the arena, or the call's own text. */
struct str sentence_of_failure(struct arena *arena, const struct outbound *outbound);
/* The cleaned message in an error's body that is not in OCPI's envelope: problem details (RFC 9457), those of
 * FastAPI, Spring and others, or plain text. Empty when there is none. */
struct str sentence_of_body(struct arena *arena, const struct registry_platform *platform, struct str body,
                            struct str content_type);

#endif
