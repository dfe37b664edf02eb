#ifndef MAN_ROFF_H
#define MAN_ROFF_H

#include "lib/base/buffer.h"

/*
 * Texts of the tables as mdoc(7) input. What is written is ASCII, so that a page does not depend on the
 * reader's locale: an ellipsis becomes three dots, other letters \[uXXXX], which every formatter knows.
 */

/* A paragraph in lines of its own, each sentence on a new one. `words in backticks` are set in bold. */
void roff_text(struct buffer *out, const char *text);
/* The same with a full stop behind it, where there is none, so that another sentence may follow. */
void roff_sentence(struct buffer *out, const char *text);
/* The same with a capital letter in front too. */
void roff_whole_sentence(struct buffer *out, const char *text);
/* "LEAD `a`, `b`." */
void roff_choices(struct buffer *out, const char *lead, const char *const *choices);
/* A space and one argument of a macro: quoted where it has spaces, and never taken for a macro itself. */
void roff_argument(struct buffer *out, const char *text);
/* An item of a list: a name, and in brackets of what kind it is. */
void roff_item(struct buffer *out, const char *name, const char *kind);
/* " Fl \\-name" */
void roff_option(struct buffer *out, const char *name);
/* One line of a literal block. */
void roff_literal(struct buffer *out, const char *text);
/* A line of a hand-written source: only its letters that are not ASCII change. */
void roff_source(struct buffer *out, struct str line);

#endif
