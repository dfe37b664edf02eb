#ifndef HUBD_MODULES_CREDENTIALS_H
#define HUBD_MODULES_CREDENTIALS_H

#include "hubd/request/request.h"

/* Answers with the hub's Credentials object holding `token`; `partner_url` decides the form of the hub's url.
 */
void credentials_answer(struct request *request, struct str token, struct str partner_url);
/* False: the initial token has served a POST of other content; answered. */
bool credentials_is_repeat(struct request *request);
/* POST (`first`) and PUT after their checks: discovery, then everything in one batch, then the answer. */
void credentials_exchange(struct request *request, bool first);

#endif
