#include "hubctl/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hubctl/diagnose.h"
#include "hubctl/terminal.h"
#include "lib/base/crypto.h"

/* Makes the file before the token is issued, since a token that cannot be written would be lost. Returns -1
 * after complaining. */
static int make_file(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file >= 0)
        return file;
    complain("%s: %s", path, errno == EEXIST ? "exists already and is not overwritten" : strerror(errno));
    if (errno == EEXIST)
        hint("choose another file or remove this one");
    return -1;
}

static bool write_file(int file, struct str token)
{
    struct str parts[] = {token, STR("\n")};
    for (size_t i = 0; i < 2; i++) {
        while (parts[i].length > 0) {
            ssize_t written = write(file, parts[i].data, parts[i].length);
            if (written < 0 && errno != EINTR)
                return false;
            parts[i] = str_skip(parts[i], written < 0 ? 0 : (size_t)written);
        }
    }
    return fsync(file) == 0;
}

/* "valid until …, shown this once": as other times here, local on a terminal. */
static void tell_token(const struct json_value *result, const char *out, const struct style *style)
{
    struct buffer expires = {0};
    value_write(&expires, json_get(result, "expires"), CTL_COLUMN_TIME, style);
    fprintf(stderr, "initial token for " STR_FMT ", valid until " STR_FMT ", %s%s\n",
            STR_ARG(json_get_text(result, "party")), STR_ARG(buffer_str(&expires)),
            out != NULL ? "written to " : "shown this once", out != NULL ? out : "");
    buffer_free(&expires);
}

/* What the account manager passes on to the partner; stderr, so that stdout is the token and nothing else. */
static void guide(const struct json_value *result, const char *out, const struct style *style)
{
    struct str url = json_get_text(result, "versions_url");
    tell_token(result, out, style);
    fprintf(stderr,
            "the partner now: GET " STR_FMT
            " with the header 'Authorization: Token <Base64 of the token>',\n",
            STR_ARG(url));
    fprintf(stderr, "  then the details of 2.2.1, then POST its credentials; the answer holds the token that "
                    "replaces this one\n");
    struct stat status;
    if (out == NULL && fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode) &&
        (status.st_mode & S_IRWXO) != 0)
        complain("warning: stdout is a file that everybody may read; --out FILE makes one with mode 0600");
}

static enum ctl_exit put_token(const struct invocation *invocation, struct printer *printer, int file,
                               const struct json_value *result)
{
    const char *out = invocation_text(invocation, "out", 0);
    struct str token = json_get_text(result, "token");
    if (out != NULL && !write_file(file, token)) {
        complain("%s: %s; the token is lost", out, strerror(errno));
        hint("hubctl token issue again: it replaces this one");
        return CTL_EXIT_REFUSED;
    }
    if (printer->form == FORM_JSON || printer->form == FORM_FIELD)
        print_row(printer, result);
    else if (out == NULL)
        printf(STR_FMT "\n", STR_ARG(token));
    fflush(stdout);
    if (printer->form == FORM_PEOPLE || printer->form == FORM_TSV) {
        struct style style = printer->style;
        style.people = isatty(STDERR_FILENO) != 0;
        guide(result, out, &style);
    }
    return CTL_EXIT_DONE;
}

enum ctl_exit run_token(const struct invocation *invocation, struct printer *printer)
{
    const char *out = invocation_text(invocation, "out", 0);
    struct client client;
    struct arena arena;
    const struct json_value *result;
    int file = -1;
    enum ctl_exit code = client_open(&client, &invocation->options, false);
    if (code != CTL_EXIT_DONE)
        return code;
    arena_init(&arena, 0);
    if (out != NULL && (file = make_file(out)) < 0)
        code = CTL_EXIT_REFUSED;
    if (code == CTL_EXIT_DONE)
        code = run_call(&client, invocation, invocation->params, &arena, &result);
    if (code == CTL_EXIT_DONE)
        code = put_token(invocation, printer, file, result);
    if (file >= 0 && close(file) != 0)
        code = CTL_EXIT_REFUSED;
    if (file >= 0 && code != CTL_EXIT_DONE)
        unlink(out); /* we made it, and it holds nothing of use */
    arena_wipe(&arena);
    client_close(&client);
    return code;
}
