#ifndef HUBCTL_DIAGNOSE_H
#define HUBCTL_DIAGNOSE_H

#include "lib/base/str.h"

/* What goes to stderr: one line `hubctl: party IN-ABC: no such party`, and a `hint:` line with the command
 * that helps. Control bytes are shown as \xNN. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Nothing when the text is empty. */
void hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
