#ifndef HUBCTL_CONFIRM_H
#define HUBCTL_CONFIRM_H

#include "hubctl/options.h"

/*
 * Before a dangerous command: --confirm must repeat its first argument, or a person types it on the terminal.
 * Without either it complains and never waits. CTL_EXIT_DONE, CTL_EXIT_USAGE, or CTL_EXIT_REFUSED when the
 * person thought better of it.
 */
enum ctl_exit confirm(const struct invocation *invocation);

#endif
