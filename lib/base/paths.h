#ifndef LIB_BASE_PATHS_H
#define LIB_BASE_PATHS_H

#include <stddef.h>

#include "lib/base/error.h"

/* Where hubd and hubctl meet when nobody says otherwise (hub-contract 14). Both return `out`, empty when it
 * does not fit. */

/* root: /run/hubd/admin.sock; else $XDG_RUNTIME_DIR/hubd/admin.sock, without that /tmp/hubd-<uid>/admin.sock.
 */
const char *paths_admin_socket(char *out, size_t size);
/* root: /var/lib/hubd; else $XDG_STATE_HOME/hubd, without that $HOME/.local/state/hubd. */
const char *paths_state_dir(char *out, size_t size);

/* Makes a folder (0700) and its missing parents, durably; one that is there already is fine. 0 or ERR_IO with
 * the path. */
int paths_make_directory(const char *directory, struct error *error);

/* Makes the name of a new file or folder durable: fsync of the folder it lies in. 0 or ERR_IO. */
int paths_sync_parent(const char *path);

#endif
