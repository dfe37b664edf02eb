/* Status codes and the envelope; see status.h. */
#include "lib/ocpi/status.h"

#include <limits.h>

#include "lib/base/timestamp.h"
#include "lib/ocpi/names.h"

#define STATUS_DIGITS 9

static const struct {
    int code;
    const char *text;
} texts[] = {
    {OCPI_SUCCESS, "Success"},
    {OCPI_CLIENT_ERROR, "Generic client error"},
    {OCPI_INVALID_PARAMETERS, "Invalid or missing parameters"},
    {OCPI_NOT_ENOUGH_INFORMATION, "Not enough information"},
    {OCPI_UNKNOWN_LOCATION, "Unknown location"},
    {OCPI_UNKNOWN_TOKEN, "Unknown token"},
    {OCPI_SERVER_ERROR, "Generic server error"},
    {OCPI_UNABLE_TO_USE_API, "Unable to use the client's API"},
    {OCPI_UNSUPPORTED_VERSION, "Unsupported version"},
    {OCPI_NO_MATCHING_ENDPOINTS, "No matching endpoints or expected endpoints missing"},
    {OCPI_HUB_ERROR, "Generic hub error"},
    {OCPI_UNKNOWN_RECEIVER, "Unknown receiver"},
    {OCPI_FORWARD_TIMEOUT, "Timeout on forwarded request"},
    {OCPI_RECEIVER_NOT_CONNECTED, "Receiver not connected"},
};

const char *ocpi_status_text(int status_code)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].code == status_code)
            return texts[i].text;
    return "Unknown status";
}

void ocpi_envelope_write(struct buffer *out, int status_code, struct str message, struct str data,
                         int64_t wall_ms)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    if (data.data != NULL) {
        json_key(&writer, "data");
        json_raw(&writer, data);
    }
    json_field_int(&writer, "status_code", status_code);
    json_field_string(&writer, "status_message",
                      message.data != NULL ? message : str_from(ocpi_status_text(status_code)));
    json_field_timestamp(&writer, "timestamp", wall_ms);
    json_object_end(&writer);
}

void ocpi_envelope_list_begin(struct buffer *out)
{
    buffer_append_text(out, "{\"data\":[");
}

void ocpi_envelope_list_end(struct buffer *out, int64_t wall_ms)
{
    char time[TIMESTAMP_SIZE];
    buffer_append_text(out, "],\"status_code\":1000,\"status_message\":\"Success\",\"timestamp\":\"");
    buffer_append_text(out, timestamp_format(wall_ms, time));
    buffer_append_text(out, "\"}");
}

static const struct json_value *unwrap_list(const struct json_value *value)
{
    bool wraps =
        value != NULL && value->type == JSON_ARRAY && value->count == 1 && value->child->type == JSON_OBJECT;
    return wraps ? value->child : value;
}

static bool stands_twice(const struct json_value *object, struct str name)
{
    unsigned count = 0;
    for (const struct json_value *member = object->child; member != NULL; member = member->next)
        count += str_equal(member->key, name);
    return count > 1;
}

/* The member as an integer, also one that is written as text: "1000". */
static bool read_status(const struct json_value *value, int64_t *status_code)
{
    struct str text = json_get_text(value, "status_code");
    if (text.length == 0 || text.length > STATUS_DIGITS)
        return json_get_int64(value, "status_code", status_code);
    *status_code = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *status_code = *status_code * 10 + (text.data[i] - '0');
    }
    return true;
}

/* Its status, -1 when it is no envelope. */
static int envelope_status(const struct json_value *value)
{
    int64_t status_code;
    return value != NULL && value->type == JSON_OBJECT && read_status(value, &status_code) &&
                   status_code >= 0 && status_code <= INT_MAX && !stands_twice(value, STR("status_code")) &&
                   !stands_twice(value, STR("data"))
               ? (int)status_code
               : -1;
}

static bool envelope_is_clear(const struct json_value *envelope)
{
    return ocpi_member_is_clear(envelope, "status_code") && ocpi_member_is_clear(envelope, "data");
}

const struct json_value *ocpi_unwrap(const struct json_value *value, const char *word)
{
    const struct json_value *object = unwrap_list(value);
    const struct json_value *data = json_get(object, "data");
    bool wraps = data != NULL && json_get(object, word) == NULL && envelope_is_clear(object) &&
                 (envelope_status(object) >= 0 || json_get(object, "status_code") == NULL);
    return wraps ? unwrap_list(data) : object;
}

/* The object in an envelope without a status that could be read: a success, as it would not have come
 * otherwise. A bare one is no OCPI: what else answers there may say anything. */
static void read_without_status(const struct json_value *value, const char *word, struct ocpi_answer *answer)
{
    const struct json_value *object = ocpi_unwrap(value, word);
    if (object == unwrap_list(value) || json_get(object, word) == NULL)
        return;
    answer->is_envelope = true;
    answer->is_clear = envelope_is_clear(unwrap_list(value));
    answer->status_code = OCPI_SUCCESS;
    answer->data = object;
}

void ocpi_answer_read(struct arena *arena, struct str body, const char *word, struct ocpi_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    const struct json_value *value;
    if (json_parse(arena, body, JSON_DEPTH_MAX, &value, NULL) != OK)
        return;
    const struct json_value *envelope = unwrap_list(value);
    int status_code = envelope_status(envelope);
    if (status_code < 0) {
        if (word != NULL)
            read_without_status(value, word, answer);
        return;
    }
    answer->is_envelope = true;
    answer->is_clear = envelope_is_clear(envelope);
    answer->status_code = status_code;
    answer->status_message = json_get_text(envelope, "status_message");
    answer->data = json_get(envelope, "data");
    if (word != NULL)
        answer->data = unwrap_list(answer->data);
    if (word != NULL && answer->data == NULL && json_get(envelope, word) != NULL)
        answer->data = envelope; /* both in one */
}
