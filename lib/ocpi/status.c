/* Status codes and the envelope; see status.h. */
#include "lib/ocpi/status.h"

#include <limits.h>

#include "lib/base/timestamp.h"
#include "lib/ocpi/names.h"

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
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
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

/* Its status, -1 when it is no envelope. */
static int envelope_status(const struct json_value *value)
{
    int64_t status_code;
    return value != NULL && value->type == JSON_OBJECT &&
                   json_get_int64(value, "status_code", &status_code) && status_code >= 0 &&
                   status_code <= INT_MAX && !stands_twice(value, STR("status_code")) &&
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
    if (envelope_status(object) < 0 || !envelope_is_clear(object) || json_get(object, "data") == NULL ||
        json_get(object, word) != NULL)
        return object;
    return unwrap_list(json_get(object, "data"));
}

void ocpi_answer_read(struct arena *arena, struct str body, bool unwrap, struct ocpi_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    const struct json_value *envelope;
    if (json_parse(arena, body, JSON_DEPTH_MAX, &envelope, NULL) != OK)
        return;
    int status_code = envelope_status(envelope);
    if (status_code < 0)
        return;
    answer->is_envelope = true;
    answer->is_clear = envelope_is_clear(envelope);
    answer->status_code = status_code;
    answer->status_message = json_get_text(envelope, "status_message");
    answer->data = json_get(envelope, "data");
    if (unwrap)
        answer->data = unwrap_list(answer->data);
}
