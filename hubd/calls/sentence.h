#ifndef HUBD_CALLS_SENTENCE_H
#define HUBD_CALLS_SENTENCE_H

#include "hubd/hub.h"
#include "hubd/calls/outbound.h"

/*
 * What a partner said was wrong, as another partner may read it: the caller's engineers are who can mend it
 * (hub-ocpi(7), ROUTING). At most SENTENCE_BYTES, of one line, without addresses and without what
 * the hub presents to that platform.
 */
#define SENTENCE_BYTES 256

/* `text`, cleaned; empty when nothing is left. In the arena. */
struct str sentence_clean(struct arena *arena, const struct registry_platform *platform, struct str text);
/* `text` without what the hub presents to that platform (NULL: nothing; hubd/calls/secret.h): for what is shown to
 * the account team as it came. The text itself, or in the arena. */
struct str sentence_hide(struct arena *arena, const struct registry_platform *platform, struct str text);
/* How a call ended that was not answered as OCPI asks, for the account team: what stood in its way, or the
 * answer's status, code and cleaned message. In the arena, or the call's. */
struct str sentence_of_failure(struct arena *arena, const struct outbound *outbound);
/* The sentence in an error's body that is no envelope (problem details, FastAPI's, Spring's … or plain text),
 * cleaned; empty when there is none. */
struct str sentence_of_body(struct arena *arena, const struct registry_platform *platform, struct str body,
                            struct str content_type);

#endif
