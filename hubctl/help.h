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

/* The word for a parameter's value in usage, choices written out: "ID", "base64|raw", or the option's own
 * name where the choices are many. */
void help_param_word(struct buffer *out, const struct ctl_param *param);

/* A piece of a topic; man/ makes sections of hubctl(1) from the same ones. */
enum help_part_kind { HELP_END, HELP_TITLE, HELP_PARAGRAPH, HELP_ENTRY, HELP_EXAMPLE };
struct help_part {
    enum help_part_kind kind;
    const char *label; /* HELP_ENTRY */
    const char *text;
};

/* The parts of a topic of `hubctl help`, up to HELP_END; NULL when there is none. */
const struct help_part *help_topic(const char *name);
/* Names of the topics, NULL-terminated. */
extern const char *const help_topics[];

#endif
