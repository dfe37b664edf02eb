#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "hubctl/complete.h"
#include "hubctl/diagnose.h"
#include "hubctl/help.h"
#include "hubctl/run.h"
#include "hubctl/terminal.h"

/* hubctl: parse the command line by the command table, ask hubd, print the answer. */

static void show_help(const struct invocation *invocation)
{
    struct buffer out = {0};
    if (invocation->command != NULL)
        help_command(&out, invocation->command);
    else if (invocation->noun != NULL)
        help_noun(&out, invocation->noun);
    else
        help_program(&out);
    buffer_append_byte(&out, '\0');
    if (!out.failed)
        print_text(&invocation->options, out.data);
    buffer_free(&out);
}

/* Words are missing: what could follow, on stderr. */
static enum ctl_exit say_more(const struct invocation *invocation)
{
    struct buffer out = {0};
    if (invocation->noun != NULL) {
        complain("%s: which command?", invocation->noun);
        help_noun(&out, invocation->noun);
    } else {
        help_short(&out);
    }
    if (out.length > 0)
        fwrite(out.data, 1, out.length, stderr);
    buffer_free(&out);
    return CTL_EXIT_USAGE;
}

static enum ctl_exit run(const struct invocation *invocation)
{
    if (invocation->options.help) {
        show_help(invocation);
        return CTL_EXIT_DONE;
    }
    if (invocation->options.version) {
        puts("hubctl " HUB_VERSION);
        return CTL_EXIT_DONE;
    }
    return invocation->command != NULL ? run_command(invocation) : say_more(invocation);
}

int main(int argc, char **argv)
{
    struct invocation invocation;
    /* a token may be in this memory: no core file, no ptrace by others of the same user */
    prctl(PR_SET_DUMPABLE, 0);
    terminal_prepare();
    if (argc > 1 && strcmp(argv[1], COMPLETE_WORD) == 0) {
        complete_line(argc - 1, argv + 1);
        terminal_finish();
        return CTL_EXIT_DONE;
    }
    enum ctl_exit code = invocation_parse(&invocation, argc, argv);
    if (code == CTL_EXIT_DONE)
        code = run(&invocation);
    invocation_free(&invocation);
    bool answered = code == CTL_EXIT_DONE || code == CTL_EXIT_DIFFERENCES;
    if (!terminal_finish() && answered) /* a report that is lost says nothing of differences */
        code = CTL_EXIT_REFUSED;
    return (int)code;
}
