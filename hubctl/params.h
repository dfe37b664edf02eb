#ifndef HUBCTL_PARAMS_H
#define HUBCTL_PARAMS_H

#include "hubctl/options.h"

/* Turns what was given into the request's params and checks it by the table; CTL_EXIT_USAGE after
 * complaining. */
enum ctl_exit params_build(struct invocation *invocation);

#endif
