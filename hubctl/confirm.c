#include "hubctl/confirm.h"

#include <ctype.h>
#include <stdio.h>

#include "hubctl/diagnose.h"
#include "hubctl/terminal.h"

/* IN-ABC, in*abc and INABC are one party; blanks around what was typed are no part of it. */
static bool same_id(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a != '\0' && strchr("-*/ \t", *a) != NULL)
            a++;
        while (*b != '\0' && strchr("-*/ \t", *b) != NULL)
            b++;
        if (toupper((unsigned char)*a) != toupper((unsigned char)*b))
            return false;
        if (*a == '\0')
            return true;
    }
}

enum ctl_exit confirm(const struct invocation *invocation)
{
    const struct ctl_command *command = invocation->command;
    const char *subject = invocation_text(invocation, command->params[0].name, 0);
    const char *word = invocation_text(invocation, "confirm", 0);
    char question[512], answer[128];
    if (word != NULL) {
        if (same_id(word, subject))
            return CTL_EXIT_DONE;
        complain("--confirm=%s does not repeat %s; nothing was changed", word, subject);
        return CTL_EXIT_USAGE;
    }
    if (!terminal_can_ask()) {
        complain("%s %s %s needs --confirm=%s where there is no terminal to ask on", command->noun,
                 command->verb, subject, subject);
        return CTL_EXIT_USAGE;
    }
    snprintf(question, sizeof question, "%s %s %s: this %s.", command->noun, command->verb, subject,
             command->danger);
    if (terminal_ask(question, subject, answer, sizeof answer) && same_id(answer, subject))
        return CTL_EXIT_DONE;
    complain("not confirmed; nothing was changed");
    return CTL_EXIT_REFUSED;
}
