#include "lib/base/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *finish(char *out, size_t size, int length)
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
    if (geteuid() == 0)
        return finish(out, size, snprintf(out, size, "/run/hubd/admin.sock"));
    const char *runtime = absolute("XDG_RUNTIME_DIR");
    if (runtime != NULL)
        return finish(out, size, snprintf(out, size, "%s/hubd/admin.sock", runtime));
    return finish(out, size, snprintf(out, size, "/tmp/hubd-%u/admin.sock", (unsigned)geteuid()));
}

const char *paths_state_dir(char *out, size_t size)
{
    if (geteuid() == 0)
        return finish(out, size, snprintf(out, size, "/var/lib/hubd"));
    const char *state = absolute("XDG_STATE_HOME");
    if (state != NULL)
        return finish(out, size, snprintf(out, size, "%s/hubd", state));
    const char *home = absolute("HOME");
    if (home != NULL)
        return finish(out, size, snprintf(out, size, "%s/.local/state/hubd", home));
    return finish(out, size, snprintf(out, size, "/tmp/hubd-%u/state", (unsigned)geteuid()));
}
