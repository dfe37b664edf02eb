#ifndef HUBCTL_COMPLETE_H
#define HUBCTL_COMPLETE_H

#include "hubctl/options.h"

/*
 * Completion of command lines (hubctl-completion(1)). The shells' scripts know nothing: they hand the words
 * up to the cursor to `hubctl __complete WORD …` (the last one is being typed, it may be empty) and are
 * answered with lines. The first begins with ':' and says how to take the others: ":" as they are, ":nospace"
 * no space behind a value that is the only one, ":files" the shell's own file names instead. Each further
 * line is VALUE TAB DESCRIPTION: a whole word, unquoted, without control bytes.
 */

#define COMPLETE_WORD "__complete"

/* Prints that answer for the words argv[1] … argv[argc - 1]; from then on complaints are mute. */
void complete_line(int argc, char **argv);

/* A shell's script, embedded from completions/ by CMake; ends with name NULL. */
struct completion_script {
    const char *name, *text;
};
extern const struct completion_script completion_scripts[];

/* ---------------------------------------------------------------- between complete.c and complete_values.c */

/* What is offered for the word at the cursor. */
struct completion {
    const struct invocation *invocation; /* the words before it */
    struct buffer lines;
    struct str typed;  /* the part of it that values must begin with, case aside */
    struct str before; /* the part in front of that: "--role=", "--json=id," */
    bool dashes;       /* a value may begin with '-' and is no option there */
    bool party;        /* values are party ids: IN*A, IN/A and INA are the beginning of IN-ABC too */
    const char *directive;
};

/* Offers a value if it fits what is typed. `about` describes it and may be empty. */
void complete_offer(struct completion *completion, struct str value, struct str about);
/* Offer all nouns, and the verbs of one. */
void complete_nouns(struct completion *completion);
void complete_verbs(struct completion *completion, const char *noun);
/*
 * Offers what the values of a parameter are when the table of complete_values.c says where to get them; asks
 * hubd where it knows, for 300 ms at most. False: there is no row, or hubd did not answer.
 */
bool complete_values(struct completion *completion, const struct ctl_param *param);

#endif
