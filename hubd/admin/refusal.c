#include "hubd/admin/refusal.h"

#include <stdarg.h>
#include <stdio.h>

static void set_refusal(struct refusal *refusal, const char *param, enum ctl_code code, const char *hint,
                        const char *format, va_list arguments)
{
    struct refusal made = {.code = code, .param = param}; /* aside: an argument may be what is replaced */
    int length = param != NULL ? snprintf(made.message, sizeof made.message, "%s: ", param) : 0;
    vsnprintf(made.message + length, sizeof made.message - (size_t)length, format, arguments);
    snprintf(made.hint, sizeof made.hint, "%s", hint != NULL ? hint : "");
    *refusal = made;
}

bool refusal_set(struct refusal *refusal, enum ctl_code code, const char *hint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_refusal(refusal, NULL, code, hint, format, arguments);
    va_end(arguments);
    return false;
}

bool refusal_set_param(struct refusal *refusal, const char *param, enum ctl_code code, const char *hint,
                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_refusal(refusal, param, code, hint, format, arguments);
    va_end(arguments);
    return false;
}

const char *refusal_text(const struct refusal *refusal)
{
    return refusal->message + (refusal->param != NULL ? strlen(refusal->param) + strlen(": ") : 0);
}

void refusal_reply(struct ctl_request *request, const struct refusal *refusal)
{
    ctl_fail_problems(request, refusal->code, refusal->message, refusal->hint, refusal->problems);
}

const char *refusal_error_text(int error_code, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return error_name(error_code);
    return error_code == ERR_FULL && strncmp(text, "database: ", strlen("database: ")) == 0
               ? "the disk of the state directory is full: free space there; nothing was changed"
               : text;
}

void refusal_reply_error(struct ctl_request *request, int error_code, const char *text)
{
    enum ctl_code code = ctl_code_from_error(error_code);
    const char *hint = code == CTL_BUSY        ? "hubctl status; then the same command again"
                       : code == CTL_UNCERTAIN ? "hubctl audit tail shows whether it was done"
                                               : NULL;
    ctl_fail(request, code, refusal_error_text(error_code, text), hint);
}
