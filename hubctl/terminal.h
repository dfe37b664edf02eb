#ifndef HUBCTL_TERMINAL_H
#define HUBCTL_TERMINAL_H

#include "hubctl/options.h"

/* What hubctl needs to know of the terminal and of its standard streams. */

/* Columns and lines of stdout's terminal; 80 and 24 when it does not say. */
size_t terminal_width(void);
/* Columns of another stream's. */
size_t terminal_width_of(int descriptor);
size_t terminal_height(void);
/* --color, else: a terminal, no NO_COLOR, TERM not dumb. */
bool terminal_has_color(const struct hubctl_options *options);
/* The locale as the user has it knows only ASCII. */
bool terminal_is_ascii(void);
/* At start: the locale; closed standard streams become harmless ones (a write to a closed stdout must fail,
 * not land in a socket), a closed pipe ends hubctl silently. */
void terminal_prepare(void);
/* Sends what was printed on its way; false when some of it is lost (terminal_finish says why). */
bool terminal_flush(void);
/* At the end: whether everything written has arrived; complains otherwise (full disk). */
bool terminal_finish(void);
/* What Ctrl-C says from now on, on stderr, before it ends hubctl. */
void terminal_set_last_words(struct str words);
/* Whether there is a terminal to ask on. */
bool terminal_can_ask(void);
/* Asks there for `word`; the answer, its line end cut off, in `answer`. False: there was none. */
bool terminal_ask(const char *question, const char *word, char *answer, size_t size);
/*
 * Asks for a secret on stdin's terminal without showing what is typed: `out` gets one line, end included.
 * False: nothing was typed, or the terminal failed. Ctrl-C ends hubctl with the terminal as it was.
 */
bool terminal_ask_secret(const char *prompt, char *out, size_t size);

#endif
