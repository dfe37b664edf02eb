#ifndef HUBCTL_CONFIRM_H
#define HUBCTL_CONFIRM_H

#include "hubctl/options.h"

/*
 * Asks for confirmation of a dangerous command: --confirm repeats its first argument, or a person types that
 * argument on the terminal. Where there is neither it complains at once. Returns CTL_EXIT_DONE, CTL_EXIT_USAGE,
 * or CTL_EXIT_REFUSED when the person typed something else.
 */
enum ctl_exit confirm(const struct invocation *invocation);

#endif
