#ifndef LIB_BASE_PATHS_H
#define LIB_BASE_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"

/*
 * The default places of hubd's files, where hubctl looks too (hubd(8), FILES).
 *
 * paths_admin_socket and paths_state_dir return `out`. It is empty when the path does not fit, or when the environment
 * names no folder of this user's own. Neither returns a path in a folder where another user could create it first, such
 * as /tmp.
 */

/* The socket of a hubd that is a service of the system. */
#define PATHS_SYSTEM_SOCKET "/run/hubd/admin.sock"

/* For root PATHS_SYSTEM_SOCKET; else $XDG_RUNTIME_DIR/hubd/admin.sock, if that folder is this user's, else
 * admin.sock in paths_state_dir. */
const char *paths_admin_socket(char *out, size_t size);
/* For root /var/lib/hubd; else $XDG_STATE_HOME/hubd, without that $HOME/.local/state/hubd. */
const char *paths_state_dir(char *out, size_t size);

/*
 * Checks that other users cannot change the files in a folder: it is a folder, it belongs to root or to this user (when
 * this user is root: to anybody), and not everybody may write to it. 0, or ERR_REFUSED or ERR_IO with the path and the
 * remedy.
 */
int paths_check_folder(const char *directory, struct error *error);
/* The same for an open file, which must be a regular file. `path` is for the error's sentence. */
int paths_check_file(int file, const char *path, struct error *error);
/* Whether a file is in a folder that belongs to this user. */
bool paths_is_own(const char *path);

/* Creates a folder (0700) and its missing parents, durably. A folder that exists is fine. 0, or ERR_IO with the path. */
int paths_make_directory(const char *directory, struct error *error);

/* Makes the name of a new file or folder durable: fsync(2) of its folder. 0 or ERR_IO. */
int paths_sync_parent(const char *path);

#endif
