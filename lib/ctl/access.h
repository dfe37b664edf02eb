#ifndef LIB_CTL_ACCESS_H
#define LIB_CTL_ACCESS_H

#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/ctl/commands.h"
#include "lib/json/reader.h"

/*
 * Who may use the admin socket (hub-admin(7), WHO MAY). The peer's credentials, which the kernel gives, decide,
 * not the socket's mode. root, hubd's own user and members of admin_group, primary or supplementary, may call
 * every method; members of viewer_group those that read.
 */
struct ctl_rules {
    uid_t own;
    bool has_admin_group, has_viewer_group;
    gid_t admin_group, viewer_group;
};

struct ctl_peer {
    uid_t uid;
    gid_t gid;
    pid_t pid;
    char name[64]; /* user name, or the uid as text when there is none */
};

/* OWNER: root and hubd's own user; ALL: who may all besides. */
enum ctl_level { CTL_LEVEL_NONE, CTL_LEVEL_READ, CTL_LEVEL_ALL, CTL_LEVEL_OWNER };

/* Looks the groups up by name; NULL or "" for none. ERR_NOT_FOUND with a sentence when there is no such
 * group. */
int ctl_rules_make(struct ctl_rules *rules, const char *admin_group, const char *viewer_group,
                   struct error *error);
/* The decision itself: `groups` are all of the peer's, the primary one included. */
enum ctl_level ctl_rules_decide(const struct ctl_rules *rules, uid_t uid, const gid_t *groups, size_t count);
/* Whether that level is enough for a command with these params (NULL: none). */
bool ctl_level_allows(enum ctl_level level, const struct ctl_command *command,
                      const struct json_value *params);

/* Credentials of a connected Unix socket (SO_PEERCRED) and the user's name. ERR_IO. */
int ctl_peer_read(int socket, struct ctl_peer *peer, struct error *error);
/*
 * hubctl's side: checks on a connected socket whether the process that listens at `path` can be trusted. It can
 * when its user is root, this user or the folder's owner, or when it owns the socket and the folder is root's
 * and not writable for everybody. ERR_REFUSED or ERR_IO, with a sentence.
 */
int ctl_listener_check(int socket, const char *path, struct error *error);
/* The decision for a peer, its groups looked up in the system's user database. */
enum ctl_level ctl_peer_level(const struct ctl_peer *peer, const struct ctl_rules *rules);

#endif
