#ifndef HUBCTL_RUN_H
#define HUBCTL_RUN_H

#include "hubctl/client.h"
#include "hubctl/print.h"

/* Runs the command of an invocation and prints its answer. The exit code. */
enum ctl_exit run_command(const struct invocation *invocation);
/* audit tail: rows until the end, or with -f for ever; reconnects and goes on at its cursor. */
enum ctl_exit run_tail(const struct invocation *invocation, struct printer *printer);
/* token issue: the secret alone on stdout or in --out. */
enum ctl_exit run_token(const struct invocation *invocation, struct printer *printer);
/* rpc METHOD [JSON]. */
enum ctl_exit run_rpc(const struct invocation *invocation);
/* batch: the commands of a file, one after the other. */
enum ctl_exit run_batch(const struct invocation *invocation);
/* help TOPIC. */
enum ctl_exit run_help(const struct invocation *invocation);
/* completion SHELL: the script of that shell. */
enum ctl_exit run_completion(const struct invocation *invocation);

/*
 * Makes one request on an open connection and shows the progress that hubd reports before its answer. On
 * CTL_EXIT_DONE `*result` is the answer, in `arena`; else it has complained.
 */
enum ctl_exit run_call(struct client *client, const struct invocation *invocation, struct str params,
                       struct arena *arena, const struct json_value **result);
/* Complains about an error that hubd answered to the invocation's command; nothing else is under way on the
 * connection. The exit code that follows. */
enum ctl_exit run_refused(struct client *client, const struct invocation *invocation,
                          const struct json_value *error);

#endif
