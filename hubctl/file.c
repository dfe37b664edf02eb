#include "hubctl/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hubctl/diagnose.h"
#include "lib/json/explain.h"
#include "lib/json/reader.h"

#define DOCUMENT_DEPTH_MAX 16
#define REQUEST_ROOM       4096 /* for what is around a document in its request */

bool file_read(const char *path, const char *name, size_t maximum, struct buffer *out)
{
    char bytes[65536];
    bool is_stdin = strcmp(path, "-") == 0;
    int file = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = file < 0 ? -1 : 1;
    buffer_init(out, maximum);
    while (count != 0 && file >= 0 && !out->failed) {
        count = read(file, bytes, sizeof bytes);
        if (count < 0 && errno != EINTR)
            break;
        if (count > 0)
            buffer_append(out, str_of(bytes, (size_t)count));
    }
    int number = errno;
    if (file >= 0 && !is_stdin)
        close(file);
    if (out->failed)
        complain("%s: more than %zu MiB", name, (maximum + 1024 * 1024 - 1) / (1024 * 1024));
    else if (count < 0)
        complain("%s: %s", name, strerror(number));
    return !out->failed && count >= 0;
}

/* Lines and columns count from 1; a column is a byte. */
static void complain_at(const char *name, struct str text, size_t at, const char *what)
{
    size_t line = 1, begin = 0;
    for (size_t i = 0; i < at && i < text.length; i++) {
        if (text.data[i] == '\n') {
            line++;
            begin = i + 1;
        }
    }
    complain("%s:%zu:%zu: %s", name, line, at - begin + 1, what);
}

bool file_read_json(struct arena *arena, const char *path, struct str *json)
{
    const struct json_value *value;
    struct buffer text = {0};
    struct error error = {0};
    size_t at = 0;
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
    *json = STR_NONE;
    if (file_read(path, name, CTL_REQUEST_MAX - REQUEST_ROOM, &text)) {
        struct str bytes = buffer_str(&text);
        if (bytes.length == 0)
            complain("%s: empty; a document is at least {}", name);
        else if (json_parse_values(arena, bytes, DOCUMENT_DEPTH_MAX, CTL_VALUES_MAX, &value, &error) == OK)
            *json = value->raw;
        else if (json_locate(bytes, DOCUMENT_DEPTH_MAX, &at, &error) != OK)
            complain_at(name, bytes, at, error.text);
        else
            complain("%s: %s", name, error.text);
    }
    buffer_free(&text);
    return json->data != NULL;
}
