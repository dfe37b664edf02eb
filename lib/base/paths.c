#include "lib/base/paths.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *finish_path(char *out, size_t size, int length)
{
    if (size > 0 && (length < 0 || (size_t)length >= size))
        out[0] = '\0';
    return out;
}

/* An absolute path from the environment; the XDG specification has relative ones ignored. */
static const char *absolute(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] == '/' ? value : NULL;
}

const char *paths_admin_socket(char *out, size_t size)
{
    char folder[PATH_MAX];
    struct stat status;
    if (geteuid() == 0)
        return finish_path(out, size, snprintf(out, size, PATHS_SYSTEM_SOCKET));
    const char *runtime = absolute("XDG_RUNTIME_DIR");
    /* a variable that came along with `su` names somebody else's */
    if (runtime != NULL && stat(runtime, &status) == 0 && status.st_uid == geteuid())
        return finish_path(out, size, snprintf(out, size, "%s/hubd/admin.sock", runtime));
    if (paths_state_dir(folder, sizeof folder)[0] == '\0')
        return finish_path(out, size, -1);
    return finish_path(out, size, snprintf(out, size, "%s/admin.sock", folder));
}

const char *paths_state_dir(char *out, size_t size)
{
    if (geteuid() == 0)
        return finish_path(out, size, snprintf(out, size, "/var/lib/hubd"));
    const char *state = absolute("XDG_STATE_HOME");
    if (state != NULL)
        return finish_path(out, size, snprintf(out, size, "%s/hubd", state));
    const char *home = absolute("HOME");
    if (home != NULL)
        return finish_path(out, size, snprintf(out, size, "%s/.local/state/hubd", home));
    return finish_path(out, size, -1);
}
