#ifndef HUBCTL_CARD_H
#define HUBCTL_CARD_H

#include "hubctl/table.h"

/*
 * Writes one object for a person, in the order of the command's columns: a line with label and value for each
 * column, an empty line and a table for each section. Empty columns and sections are left out; a section whose
 * ctl_digest has a word for "empty" shows that word. Appends to `out`.
 */
void card_write(struct buffer *out, const struct ctl_command *command, const struct json_value *object,
                const struct style *style);

#endif
