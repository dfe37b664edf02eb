/* What hub-admin(7) and hub-audit(5) take from the command table: methods, error codes, audited changes. */
#include <stdio.h>

#include "lib/ctl/commands.h"
#include "lib/ctl/protocol.h"
#include "man/parts.h"
#include "man/roff.h"

static void write_method_params(struct buffer *out, const struct ctl_command *command)
{
    bool begun = false;
    for (const struct ctl_param *param = command->params; param != NULL && param->name != NULL; param++) {
        if (param->key == NULL)
            continue;
        buffer_append_text(out, begun ? "" : ".Bl -tag -width Ds -compact\n");
        begun = true;
        buffer_append_text(out, ".It Va");
        roff_argument(out, param->key);
        buffer_printf(out, " Pq %s%s%s\n", param->repeatable ? "array of " : "", ctl_type_name(param->type),
                      param->required ? ", required" : "");
        roff_text(out, param->help);
    }
    buffer_append_text(out, begun ? PART_LIST_END : "");
}

bool part_methods(struct buffer *out, const char *argument)
{
    buffer_append_text(out, PART_LIST);
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const struct ctl_command *command = ctl_command_at(i);
        if ((command->flags & CTL_LOCAL) != 0)
            continue;
        buffer_append_text(out, ".It Ic");
        roff_argument(out, command->method);
        buffer_append_byte(out, '\n');
        roff_whole_sentence(out, command->purpose);
        part_fact(out, "Access", command->access == CTL_ACCESS_READ ? "read" : "admin");
        part_fact(out, "Result", ctl_output_name(command->output));
        if ((command->flags & CTL_STREAMS) != 0)
            buffer_append_text(out, "Sends notifications before its answer.\n");
        buffer_printf(out, "See\n.Xr hubctl-%s 1 .\n", command->noun);
        write_method_params(out, command);
    }
    buffer_append_text(out, PART_LIST_END);
    return argument[0] == '\0';
}

bool part_codes(struct buffer *out, const char *argument)
{
    buffer_append_text(out, PART_LIST);
    for (size_t i = 0; i < ctl_code_count; i++) {
        char number[24];
        if (ctl_codes[i].code == CTL_OK)
            continue;
        snprintf(number, sizeof number, "%lld", (long long)ctl_codes[i].code);
        buffer_append_text(out, ".It Li");
        roff_argument(out, number);
        roff_argument(out, ctl_codes[i].name);
        buffer_append_byte(out, '\n');
        roff_whole_sentence(out, ctl_codes[i].help);
        buffer_printf(out, "Exit status %d of hubctl.\n", (int)ctl_codes[i].exit);
    }
    buffer_append_text(out, PART_LIST_END);
    return argument[0] == '\0';
}

/* Actions of the account team: every method that changes something has its own name. */
bool part_changes(struct buffer *out, const char *argument)
{
    buffer_append_text(out, ".Bl -tag -width Ds -compact\n");
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const struct ctl_command *command = ctl_command_at(i);
        if (command->access != CTL_ACCESS_ADMIN || (command->flags & CTL_LOCAL) != 0)
            continue;
        buffer_append_text(out, ".It Ic");
        roff_argument(out, command->method);
        buffer_append_byte(out, '\n');
        roff_whole_sentence(out, command->purpose);
    }
    buffer_append_text(out, PART_LIST_END);
    return argument[0] == '\0';
}
