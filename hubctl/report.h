#ifndef HUBCTL_REPORT_H
#define HUBCTL_REPORT_H

#include "hubctl/value.h"

/* The report of `party check` (CTL_OUTPUT_REPORT) as text. */

/* For a terminal: a line per check, wrapped to its width, and below it what helps. */
void report_write(struct buffer *out, const struct json_value *report, const struct style *style);
/*
 * For a mail to the partner's engineers: a table of what was found and a list of what they must change. What
 * only concerns the account team is left out. Times in UTC.
 */
void report_write_markdown(struct buffer *out, const struct json_value *report);

#endif
