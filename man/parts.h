#ifndef MAN_PARTS_H
#define MAN_PARTS_H

#include "lib/base/buffer.h"

/*
 * What a marker in a source stands for: the parts of a page that come from the program's own tables. A line
 * "@settings" is replaced by what the part of that name writes; one word behind it is its argument.
 */
struct part {
    const char *name;
    /* Appends mdoc lines to `out`. `argument` is a noun, a method or a topic, and "" where none is needed.
     * False: there is nothing of that name. */
    bool (*write)(struct buffer *out, const char *argument);
};
extern const struct part parts[]; /* ends with name NULL */

/* Parts of a noun's page (noun.c). */
bool part_synopsis(struct buffer *out, const char *noun);
bool part_commands(struct buffer *out, const char *noun);
bool part_examples(struct buffer *out, const char *noun);
/* The fields of one method's answer, as in a noun's page. */
bool part_fields(struct buffer *out, const char *method);

/* hubctl.c */
bool part_nouns(struct buffer *out, const char *argument);
bool part_noun_references(struct buffer *out, const char *argument);
bool part_purpose(struct buffer *out, const char *argument);
bool part_noun_purpose(struct buffer *out, const char *argument);
bool part_global_options(struct buffer *out, const char *argument);
bool part_topic(struct buffer *out, const char *argument);

/* hubd.c */
bool part_hubd_options(struct buffer *out, const char *argument);
bool part_settings(struct buffer *out, const char *argument);
bool part_messages(struct buffer *out, const char *argument);

/* ocpi.c */
bool part_answers(struct buffer *out, const char *argument);
/* The routes of a module, and whose they are. */
bool part_routes(struct buffer *out, const char *module);
/* What the hub calls of partners with that role, and what it cannot do without. */
bool part_endpoints(struct buffer *out, const char *role);
/* One setting with its default. */
bool part_setting(struct buffer *out, const char *name);
/* Per object the fields whose breach refuses it. */
bool part_essential(struct buffer *out, const char *argument);

/* socket.c */
bool part_methods(struct buffer *out, const char *argument);
bool part_codes(struct buffer *out, const char *argument);
bool part_changes(struct buffer *out, const char *argument);

/* ---------------------------------------------------------------- what the parts share */

#define PART_LIST     ".Bl -tag -width Ds\n"
#define PART_LIST_END ".El\n"

/* "Default: 20s." as a sentence of its own; nothing when there is no value. */
void part_fact(struct buffer *out, const char *name, const char *value);
/* An option in a list. `value` NULL: it takes none; "[=…]": one that may follow at once. */
void part_option(struct buffer *out, const char *name, char letter, const char *value, const char *help);

#endif
