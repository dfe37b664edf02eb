/* What hubctl(1) takes from hubctl: nouns, global options, topics of help. */
#include <stdlib.h>

#include "hubctl/help.h"
#include "hubctl/options.h"
#include "man/parts.h"
#include "man/roff.h"

bool part_nouns(struct buffer *out, const char *argument)
{
    const char *last = "";
    buffer_append_text(out, ".Bl -tag -width Ds -compact\n");
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const char *noun = ctl_command_at(i)->noun;
        if (strcmp(noun, last) == 0)
            continue;
        buffer_printf(out, ".It Xr hubctl-%s 1\n", noun);
        roff_text(out, ctl_noun_purpose(noun));
        last = noun;
    }
    buffer_append_text(out, PART_LIST_END);
    return argument[0] == '\0';
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* ".Xr hubctl-audit 1 ," … for SEE ALSO, which is sorted. */
bool part_noun_references(struct buffer *out, const char *argument)
{
    const char *nouns[64];
    size_t count = 0;
    for (size_t i = 0; i < ctl_command_count() && count < sizeof nouns / sizeof nouns[0]; i++) {
        const char *noun = ctl_command_at(i)->noun;
        if (count == 0 || strcmp(noun, nouns[count - 1]) != 0)
            nouns[count++] = noun;
    }
    qsort(nouns, count, sizeof nouns[0], compare_words);
    for (size_t i = 0; i < count; i++)
        buffer_printf(out, ".Xr hubctl-%s 1 ,\n", nouns[i]);
    return argument[0] == '\0';
}

bool part_purpose(struct buffer *out, const char *noun)
{
    const char *purpose = ctl_noun_purpose(noun);
    if (purpose != NULL)
        buffer_printf(out, ".Nd %s\n", purpose);
    return purpose != NULL;
}

bool part_noun_purpose(struct buffer *out, const char *noun)
{
    const char *purpose = ctl_noun_purpose(noun);
    if (purpose != NULL)
        roff_sentence(out, purpose);
    return purpose != NULL;
}

bool part_global_options(struct buffer *out, const char *argument)
{
    buffer_append_text(out, PART_LIST);
    for (const struct global_option *option = global_options; option->name != NULL; option++)
        part_option(out, option->name, option->letter, option->value, option->help);
    buffer_append_text(out, PART_LIST_END);
    return argument[0] == '\0';
}

static void write_topic_lists(struct buffer *out, const struct help_part *part, enum help_part_kind before)
{
    static const struct {
        enum help_part_kind kind;
        const char *begin, *end;
    } lists[] = {{HELP_ENTRY, PART_LIST, PART_LIST_END},
                 {HELP_EXAMPLE, ".Bd -literal -offset indent\n", ".Ed\n"}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (before == lists[i].kind && part->kind != before)
            buffer_append_text(out, lists[i].end);
        if (part->kind == lists[i].kind && part->kind != before)
            buffer_append_text(out, lists[i].begin);
    }
}

/* A topic of `hubctl help` without its title: the section's heading says it. */
bool part_topic(struct buffer *out, const char *name)
{
    const struct help_part *parts_of = help_topic(name);
    for (const struct help_part *part = parts_of; part != NULL; part++) {
        enum help_part_kind before = part != parts_of ? part[-1].kind : HELP_END;
        write_topic_lists(out, part, before);
        switch (part->kind) {
        case HELP_PARAGRAPH:
            buffer_append_text(out, before != HELP_TITLE ? ".Pp\n" : "");
            roff_text(out, part->text);
            break;
        case HELP_ENTRY:
            buffer_append_text(out, ".It Sy");
            roff_argument(out, part->label);
            buffer_append_byte(out, '\n');
            roff_text(out, part->text);
            break;
        case HELP_EXAMPLE:
            roff_literal(out, part->text);
            break;
        case HELP_TITLE:
            break;
        case HELP_END:
            return true;
        }
    }
    return false;
}
