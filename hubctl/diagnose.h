#ifndef HUBCTL_DIAGNOSE_H
#define HUBCTL_DIAGNOSE_H

#include "lib/base/str.h"

/* What goes to stderr: one line `hubctl: party IN-ABC: no such party`, and a `hint:` line with the command
 * that helps. Control bytes are shown as \xNN. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Not a word any more: for what must be silent on failure. */
void diagnose_mute(void);
/* From now on complaints begin with the place, "hubctl: FILE:LINE: …"; `file` NULL: without. Borrowed. */
void diagnose_set_place(const char *file, size_t line);
/* What hubd and partners wrote must not reach the terminal as commands: control bytes as \xNN, cut to `size`.
 * Returns `out`. */
const char *diagnose_clean(struct str text, char *out, size_t size);
/* Nothing when the text is empty. */
void hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
