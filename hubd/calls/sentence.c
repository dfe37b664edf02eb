#include "hubd/calls/sentence.h"

#include "hubd/calls/secret.h"
#include "lib/base/utf8.h"
#include "lib/json/reader.h"

#define BODY_MAX (64 * 1024) /* longer error bodies are not read */
#define READ_MAX 4096        /* of a text that is cut to SENTENCE_BYTES */

/* ---------------------------------------------------------------- what is not told */

static bool word_holds(struct str word, struct str part)
{
    for (size_t i = 0; part.length > 0 && i + part.length <= word.length; i++)
        if (memcmp(word.data + i, part.data, part.length) == 0)
            return true;
    return false;
}

/* Whether a word is a URL, or a host with a path: it would show where the partner's own systems are. */
static bool word_is_address(struct str word)
{
    size_t slash = str_find(word, '/'), dots = 0;
    bool digits = true;
    if (word_holds(word, STR("://")))
        return true;
    for (size_t i = 0; i < word.length; i++) {
        char byte = word.data[i];
        dots += byte == '.';
        digits = digits && (byte == '.' || byte == ':' || (byte >= '0' && byte <= '9'));
        if (i + 1 < slash && slash != SIZE_MAX && slash > 0 && i > 0 && (byte == '.' || byte == ':'))
            return true;
    }
    return digits && dots == 3;
}

struct str sentence_hide(struct arena *arena, const struct registry_platform *platform, struct str text)
{
    if (platform == NULL)
        return text;
    const struct str tokens[] = {platform->token, platform->previous_token};
    return secret_hide(arena, tokens, sizeof tokens / sizeof tokens[0], text);
}

/* ---------------------------------------------------------------- one line */

/* The size of the first character in bytes; 0: it must not be shown. */
static size_t shown_character(struct str rest)
{
    size_t length = utf8_character(rest);
    return length == 0 || str_has_control(str_of(rest.data, length)) ? 0 : length;
}

/* Takes the next word, without characters that must not be shown. False: there is none. */
static bool next_word(struct str *rest, struct buffer *word)
{
    buffer_clear(word);
    while (rest->length > 0) {
        size_t length = shown_character(*rest);
        bool gap = length == 0 || rest->data[0] == ' ';
        if (gap && word->length > 0)
            return true;
        if (!gap)
            buffer_append(word, str_of(rest->data, length));
        *rest = str_skip(*rest, length == 0 ? 1 : length);
    }
    return word->length > 0;
}

/* As many whole characters of a word as there is space for. */
static struct str word_cut(struct str word, size_t room)
{
    size_t end = 0, length;
    while ((length = utf8_character(str_skip(word, end))) != 0 && end + length <= room)
        end += length;
    return str_of(word.data, end);
}

struct str sentence_clean(struct arena *arena, const struct registry_platform *platform, struct str text)
{
    struct buffer line = {0}, word = {0};
    if (text.length > READ_MAX)
        text.length = READ_MAX;
    text = sentence_hide(arena, platform, text);
    while (line.length < SENTENCE_BYTES && next_word(&text, &word)) {
        struct str shown = buffer_str(&word);
        if (word_is_address(shown))
            shown = STR("...");
        if (line.length > 0)
            buffer_append_byte(&line, ' ');
        buffer_append(&line, word_cut(shown, SENTENCE_BYTES - line.length));
    }
    struct str copy = str_trim(arena_copy(arena, buffer_str(&line)));
    buffer_free(&line);
    buffer_free(&word);
    return copy;
}

/* ---------------------------------------------------------------- of a call */

struct str sentence_of_failure(struct arena *arena, const struct outbound *outbound)
{
    if (outbound->result != OK)
        return outbound->error;
    if (!outbound->answer.is_envelope)
        return arena_printf(arena, "HTTP %d, no OCPI envelope", outbound->status);
    struct str message = outbound->answer.status_message;
    if (outbound->platform != NULL)
        message = sentence_clean(arena, outbound->platform, message);
    return arena_printf(arena, "HTTP %d, status_code %d " STR_FMT, outbound->status,
                        outbound->answer.status_code, STR_ARG(message));
}

/* ---------------------------------------------------------------- of a body */

struct str sentence_of_body(struct arena *arena, const struct registry_platform *platform, struct str body,
                            struct str content_type)
{
    /* OCPI's, RFC 9457's, FastAPI's and Django's, OAuth's, and what else is common */
    static const char *const places[] = {
        "/status_message",    "/detail",        "/detail/0/msg", "/message",
        "/error_description", "/error/message", "/error",        "/errors/0/message",
        "/errors/0/detail",   "/errors/0",      "/title"};
    const struct json_value *value;
    struct str text = STR_NONE;
    if (body.length == 0 || body.length > BODY_MAX)
        return STR_NONE;
    if (json_parse(arena, body, JSON_DEPTH_MAX, &value, NULL) != OK)
        return str_starts_with(content_type, STR("text/plain")) ? sentence_clean(arena, platform, body)
                                                                : STR_NONE;
    for (size_t i = 0; i < sizeof places / sizeof places[0] && text.length == 0; i++) {
        const struct json_value *found = json_at(value, str_from(places[i]));
        if (found != NULL && found->type == JSON_STRING)
            text = found->text;
    }
    return sentence_clean(arena, platform, text);
}
