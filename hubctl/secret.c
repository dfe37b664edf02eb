#include "hubctl/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hubctl/diagnose.h"
#include "hubctl/terminal.h"
#include "lib/base/crypto.h"

/* More bytes than a token and its line end have. The parameter check refuses anything longer. */
#define READ_MAX 256

static bool read_file(const char *path, char *bytes, size_t *length)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int file = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = file < 0 ? -1 : 0;
    *length = 0;
    while (file >= 0 && *length < READ_MAX) {
        count = read(file, bytes + *length, READ_MAX - *length);
        if (count == 0 || (count < 0 && errno != EINTR))
            break;
        *length += count > 0 ? (size_t)count : 0;
    }
    int number = errno;
    if (file >= 0 && !is_stdin)
        close(file);
    errno = number;
    return count >= 0;
}

static struct str without_line_end(struct str text)
{
    struct str ends[] = {STR("\r\n"), STR("\n")};
    for (size_t i = 0; i < 2; i++)
        if (str_ends_with(text, ends[i]))
            return str_of(text.data, text.length - ends[i].length);
    return text;
}

bool secret_read(struct arena *arena, const struct ctl_param *param, const char *path, struct str *secret)
{
    char bytes[READ_MAX];
    size_t length = 0;
    bool asks = strcmp(path, "-") == 0 && isatty(STDIN_FILENO) != 0;
    bool good = asks ? terminal_ask_secret("Token (not shown)", bytes, sizeof bytes)
                     : read_file(path, bytes, &length);
    if (!good && asks)
        complain("--%s: no token was typed", param->name);
    else if (!good)
        complain("--%s %s: %s", param->name, path, strerror(errno));
    if (asks && good)
        length = strlen(bytes);
    *secret = good ? arena_copy(arena, without_line_end(str_of(bytes, length))) : STR_NONE;
    crypto_wipe(bytes, sizeof bytes);
    return good && secret->data != NULL;
}
