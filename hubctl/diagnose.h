#ifndef HUBCTL_DIAGNOSE_H
#define HUBCTL_DIAGNOSE_H

#include "lib/base/str.h"

/* What goes to stderr: one line `hubctl: party IN-ABC: no such party`, and a `hint:` line with the command
 * that helps. Control bytes are shown as \xNN. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints no more complaints: for commands that must fail silently. */
void diagnose_mute(void);
/* From now on complaints begin with the place, "hubctl: FILE:LINE: …"; `file` NULL: without. Borrowed. */
void diagnose_set_place(const char *file, size_t line);
/* Copies text of hubd or a partner with control bytes as \xNN, so that the terminal does not obey it; cuts it
 * to `size`. Returns `out`. */
const char *diagnose_clean(struct str text, char *out, size_t size);
/* Prints nothing when the text is empty. */
void hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
