#ifndef LIB_OCPI_STATUS_H
#define LIB_OCPI_STATUS_H

#include "lib/json/reader.h"
#include "lib/json/writer.h"

/* OCPI status codes (OCPI 2.2.1, Status codes). */
enum ocpi_status {
    OCPI_SUCCESS = 1000,
    OCPI_CLIENT_ERROR = 2000,
    OCPI_INVALID_PARAMETERS = 2001,
    OCPI_NOT_ENOUGH_INFORMATION = 2002,
    OCPI_UNKNOWN_LOCATION = 2003,
    OCPI_UNKNOWN_TOKEN = 2004,
    OCPI_SERVER_ERROR = 3000,
    OCPI_UNABLE_TO_USE_API = 3001,
    OCPI_UNSUPPORTED_VERSION = 3002,
    OCPI_NO_MATCHING_ENDPOINTS = 3003,
    OCPI_HUB_ERROR = 4000,
    OCPI_UNKNOWN_RECEIVER = 4001,
    OCPI_FORWARD_TIMEOUT = 4002,
    OCPI_RECEIVER_NOT_CONNECTED = 4003
};

/*
 * Writes the envelope {"data":…,"status_code":…,"status_message":…,"timestamp":…} (OCPI 2.2.1, Transport:
 * Response format). `data` is finished JSON, STR_NONE for none; `message` STR_NONE for "Success" (1000) or
 * the code's standard text.
 */
void ocpi_envelope_write(struct buffer *out, int status_code, struct str message, struct str data,
                         int64_t wall_ms);
/* For answers in slices: everything before the elements of a list in `data`, and everything behind. */
void ocpi_envelope_list_begin(struct buffer *out);
void ocpi_envelope_list_end(struct buffer *out, int64_t wall_ms);
/* The standard text of a code; static. */
const char *ocpi_status_text(int status_code);

/*
 * What partners wrap (hub-ocpi(7), TOLERANCE): one object in a one-element list, or in OCPI's envelope where
 * the bare one is expected (`data`, with or without its status_code), or both. Anything else is given back as
 * it is, also one that has `data` and a member `word` of the object itself: two readings.
 */
const struct json_value *ocpi_unwrap(const struct json_value *value, const char *word);

/* A partner's answer read leniently (hub-ocpi(7), TOLERANCE). */
struct ocpi_answer {
    bool is_envelope; /* a JSON object with a status_code (an integer, also as text), in which neither that
                         nor data is twice; or the bare object that is expected, a success */
    bool is_clear;    /* nor is either there in another spelling (ocpi_member_is_clear): who passes it on
                         passes on what was read */
    int status_code;
    struct str status_message;
    const struct json_value *data; /* NULL when absent or null */
};
/*
 * `body` parsed into `arena`; never fails: what is no envelope gives is_envelope = false. `word`: a member of
 * the one object that is expected as data, by which it is found in whatever ocpi_unwrap reads but bare; NULL
 * where data may be anything. The envelope may stand in a list of one.
 */
void ocpi_answer_read(struct arena *arena, struct str body, const char *word, struct ocpi_answer *answer);

#endif
