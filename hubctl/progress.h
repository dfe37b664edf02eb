#ifndef HUBCTL_PROGRESS_H
#define HUBCTL_PROGRESS_H

#include "lib/json/reader.h"

/*
 * Shows how far long work has come: one line on stderr that is overwritten each time. Shows nothing where
 * stderr is no terminal that can do that. Ctrl-C repeats the last line.
 */

/* `report`: the params of a notification that hubd sends before its answer (ctl_progress in
 * lib/ctl/server.h); without "message" nothing happens. */
void progress_show(const struct json_value *report);
/* The same for work of hubctl's own. `total` 0: not known. */
void progress_report(struct str message, int64_t done, int64_t total);
/* Removes the line; call it before anything else is written. */
void progress_clear(void);
/* Shows no line from now on: for -q, and for output that has the progress in it. */
void progress_silence(void);

#endif
