#include "lib/ctl/access.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOKUP_SIZE 16384 /* bytes for one row of the user database */
#define GROUPS_MAX  65536

static int find_group(const char *name, const char *setting, bool *has, gid_t *group, struct error *error)
{
    *has = name != NULL && name[0] != '\0';
    if (!*has)
        return OK;
    char *memory = malloc(LOOKUP_SIZE * 4);
    if (memory == NULL)
        return error_set(error, ERR_MEMORY, "no memory");
    struct group row, *found = NULL;
    int result = OK;
    if (getgrnam_r(name, &row, memory, LOOKUP_SIZE * 4, &found) != 0 || found == NULL)
        result = error_set(error, ERR_NOT_FOUND,
                           "%s: there is no group \"%s\"; create it (groupadd %s) or correct the setting",
                           setting, name, name);
    else
        *group = found->gr_gid;
    free(memory);
    return result;
}

int ctl_rules_make(struct ctl_rules *rules, const char *admin_group, const char *viewer_group,
                   struct error *error)
{
    memset(rules, 0, sizeof *rules);
    rules->own = geteuid();
    int result = find_group(admin_group, "admin_group", &rules->has_admin_group, &rules->admin_group, error);
    if (result != OK)
        return result;
    return find_group(viewer_group, "viewer_group", &rules->has_viewer_group, &rules->viewer_group, error);
}

enum ctl_level ctl_rules_decide(const struct ctl_rules *rules, uid_t uid, const gid_t *groups, size_t count)
{
    enum ctl_level level = CTL_LEVEL_NONE;
    if (uid == 0 || uid == rules->own)
        return CTL_LEVEL_OWNER;
    for (size_t i = 0; i < count; i++) {
        if (rules->has_admin_group && groups[i] == rules->admin_group)
            return CTL_LEVEL_ALL;
        if (rules->has_viewer_group && groups[i] == rules->viewer_group)
            level = CTL_LEVEL_READ;
    }
    return level;
}

/* Absent and null is the same to a method. */
static bool is_bare(const struct json_value *params)
{
    for (const struct json_value *member = params != NULL ? params->child : NULL; member != NULL;
         member = member->next)
        if (member->type != JSON_NULL)
            return false;
    return true;
}

bool ctl_level_allows(enum ctl_level level, const struct ctl_command *command,
                      const struct json_value *params)
{
    switch (level) {
    case CTL_LEVEL_NONE:
        return false;
    case CTL_LEVEL_READ:
        return command == NULL || command->access == CTL_ACCESS_READ ||
               ((command->flags & CTL_SHOWS) != 0 && is_bare(params));
    case CTL_LEVEL_ALL:
    case CTL_LEVEL_OWNER:
        return true;
    }
    return false;
}

int ctl_peer_read(int socket, struct ctl_peer *peer, struct error *error)
{
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    memset(peer, 0, sizeof *peer);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
        return error_set(error, ERR_IO, "the peer's credentials cannot be read: %s", strerror(errno));
    peer->uid = credentials.uid;
    peer->gid = credentials.gid;
    peer->pid = credentials.pid;
    snprintf(peer->name, sizeof peer->name, "%u", (unsigned)peer->uid);
    char *memory = malloc(LOOKUP_SIZE);
    struct passwd row, *found = NULL;
    if (memory != NULL && getpwuid_r(peer->uid, &row, memory, LOOKUP_SIZE, &found) == 0 && found != NULL)
        snprintf(peer->name, sizeof peer->name, "%s", found->pw_name);
    free(memory);
    return OK;
}

/* Whether the folder and the socket in it speak for that user. */
static bool is_placed_by(const struct stat *folder, const struct stat *file, uid_t uid)
{
    uid_t owner = folder->st_uid != 0 ? folder->st_uid : file->st_uid;
    return owner == uid && (folder->st_mode & S_IWOTH) == 0;
}

int ctl_listener_check(int socket, const char *path, struct error *error)
{
    struct ctl_peer peer;
    struct stat folder, file;
    char copy[PATH_MAX];
    int result = ctl_peer_read(socket, &peer, error);
    if (result != OK || peer.uid == 0 || peer.uid == geteuid())
        return result;
    if (!str_copy(str_from(path), copy, sizeof copy) || stat(path, &file) != 0 ||
        stat(dirname(copy), &folder) != 0)
        return error_set(error, ERR_IO, "cannot look at %s: %s", path, strerror(errno));
    if (is_placed_by(&folder, &file, peer.uid))
        return OK;
    return error_set(error, ERR_REFUSED,
                     "at %s another user listens (%s), in a folder that is not that user's: nothing was sent",
                     path, peer.name);
}

enum ctl_level ctl_peer_level(const struct ctl_peer *peer, const struct ctl_rules *rules)
{
    int count = 64;
    gid_t *groups = NULL;
    while (count <= GROUPS_MAX) {
        int room = count;
        free(groups);
        groups = malloc((size_t)room * sizeof *groups);
        if (groups == NULL)
            break;
        if (getgrouplist(peer->name, peer->gid, groups, &count) >= 0)
            break;
        if (count <= room)
            count = room * 2;
    }
    /* Without memory or an end to the groups only the primary one counts. */
    bool known = groups != NULL && count > 0 && count <= GROUPS_MAX;
    enum ctl_level level = known ? ctl_rules_decide(rules, peer->uid, groups, (size_t)count)
                                 : ctl_rules_decide(rules, peer->uid, &peer->gid, 1);
    free(groups);
    return level;
}
