#ifndef LIB_BASE_PATHS_H
#define LIB_BASE_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"

/* Where hubd and hubctl meet when nobody says otherwise (hubd(8), FILES). Both return `out`, empty when it
 * does not fit or the environment names no place of this user's own; never one that others can stand at
 * first, such as /tmp. */

/* The socket of a hubd that runs as a service of the system. */
#define PATHS_SYSTEM_SOCKET "/run/hubd/admin.sock"

/* root: PATHS_SYSTEM_SOCKET; else $XDG_RUNTIME_DIR/hubd/admin.sock, if that folder is this user's, else
 * admin.sock in paths_state_dir. */
const char *paths_admin_socket(char *out, size_t size);
/* root: /var/lib/hubd; else $XDG_STATE_HOME/hubd, without that $HOME/.local/state/hubd. */
const char *paths_state_dir(char *out, size_t size);

/*
 * Whether what lies in a folder is safe from other users: it is a folder, root's or this user's own (for root
 * anybody's), and not writable by everybody. 0, or ERR_REFUSED or ERR_IO with the path and the remedy.
 */
int paths_check_folder(const char *directory, struct error *error);
/* The same for an open file, which must be a plain one. `path` is for the sentence. */
int paths_check_file(int file, const char *path, struct error *error);
/* Whether a file lies in a folder of this user's own. */
bool paths_is_own(const char *path);

/* Makes a folder (0700) and its missing parents, durably; one that is there already is fine. 0 or ERR_IO with
 * the path. */
int paths_make_directory(const char *directory, struct error *error);

/* Makes the name of a new file or folder durable: fsync of the folder it lies in. 0 or ERR_IO. */
int paths_sync_parent(const char *path);

#endif
