#ifndef HUBCTL_HELP_H
#define HUBCTL_HELP_H

#include "lib/base/buffer.h"
#include "lib/ctl/commands.h"

/* Help texts, made from the command table; each appends to `out`. */

/* Bare `hubctl`: what it is and how to go on. */
void help_short(struct buffer *out);
/* `hubctl -h`: nouns, global options, examples. */
void help_program(struct buffer *out);
/* `hubctl party -h`. */
void help_noun(struct buffer *out, const char *noun);
/* `hubctl party add -h`. */
void help_command(struct buffer *out, const struct ctl_command *command);

/* A topic of `hubctl help`; NULL when there is none. */
const char *help_topic(const char *name);
/* Names of the topics, NULL-terminated. */
extern const char *const help_topics[];

#endif
