#ifndef TESTS_HUBD_PARTNER_H
#define TESTS_HUBD_PARTNER_H

#include "lib/http/client.h"

/*
 * Partners by table, in place of the HTTP client (lib/http/client.h): every call that the hub makes is noted,
 * and answered as the newest row says that fits it and is not used up. Without a row the answer is 200 with
 * OCPI's envelope and 1000, at once.
 */

struct partner_answer {
    int http;           /* status; 0: none came, `result` says why */
    int result;         /* enum error_code, of http 0 */
    bool died;          /* of http 0: after the request had gone out */
    bool hang;          /* no answer: ERR_TIMEOUT when the caller's time is over */
    int status_code;    /* of the envelope, when `body` is NULL; 0: no body at all */
    const char *body;   /* instead of an envelope */
    const char *header; /* one more of the answer, with `value`; NULL: none */
    const char *value;
    int64_t after_ms; /* how long it takes */
};

#define ANSWER_OK                                                                                            \
    {                                                                                                        \
        .http = 200, .status_code = 1000                                                                     \
    }
#define ANSWER_HTTP(code)                                                                                    \
    {                                                                                                        \
        .http = (code)                                                                                       \
    }
#define ANSWER_OCPI(code)                                                                                    \
    {                                                                                                        \
        .http = 200, .status_code = (code)                                                                   \
    }
#define ANSWER_REFUSED                                                                                       \
    {                                                                                                        \
        .result = ERR_UNREACHABLE                                                                            \
    }
#define ANSWER_DIED                                                                                          \
    {                                                                                                        \
        .result = ERR_UNREACHABLE, .died = true                                                              \
    }
#define ANSWER_HANG                                                                                          \
    {                                                                                                        \
        .hang = true                                                                                         \
    }

/* A call as it came. Texts live until partners_forget. */
struct partner_call {
    int64_t at; /* env_monotonic_ms */
    enum http_method method;
    struct str url, body;
    struct http_header *headers;
    size_t header_count;
    const struct http_client *client;
    bool once;
    bool ended; /* answered, given up or cancelled */
    int result;
};

/* No calls, no rows. Before a hub is opened, and behind it. */
void partners_forget(void);
/*
 * A row: calls of `method` (NULL: any) whose URL has `part` in it (NULL: any), `times` of them (0: all that
 * come). Texts are borrowed.
 */
void partners_answer(const char *method, const char *part, unsigned times, struct partner_answer answer);

size_t partners_count(void);
const struct partner_call *partners_call(size_t index);
/* "" when it has none. */
struct str partners_header(const struct partner_call *call, const char *name);
/* How many have not ended; how many there ever were at once since partners_forget. */
unsigned partners_under_way(void);
unsigned partners_most_at_once(void);

#endif
