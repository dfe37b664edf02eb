#ifndef HUBCTL_CARD_H
#define HUBCTL_CARD_H

#include "hubctl/table.h"

/*
 * One object for a person, in the order of the command's columns: a label and its value per line, sections as
 * tables behind an empty line. What is empty is left out, but for sections that have a word for it
 * (ctl_digest). Appended to `out`.
 */
void card_write(struct buffer *out, const struct ctl_command *command, const struct json_value *object,
                const struct style *style);

#endif
