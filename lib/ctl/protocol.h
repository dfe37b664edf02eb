#ifndef LIB_CTL_PROTOCOL_H
#define LIB_CTL_PROTOCOL_H

#include "lib/base/buffer.h"
#include "lib/json/reader.h"
#include "lib/json/writer.h"

/*
 * What hubd and hubctl say to each other over the admin socket (hub-admin(7), DESCRIPTION): JSON-RPC 2.0, one
 * message per line, UTF-8, ended by '\n'. Requests carry their parameters by name. A streaming method sends
 * notifications of its own name, {"jsonrpc":"2.0","method":"audit.tail","params":{row}}, until it ends with
 * its answer or the client hangs up.
 *
 *   -> {"jsonrpc":"2.0","id":1,"method":"party.show","params":{"id":"IN-ABC"}}
 *   <- {"jsonrpc":"2.0","id":1,"result":{"id":"IN-ABC","roles":["CPO"], …}}
 *   <- {"jsonrpc":"2.0","id":1,"error":{"code":2,"message":"party IN-ABC: no such
 * party","data":{"code":"not_found","hint":"hubctl party list"}}}
 */
#define CTL_PROTOCOL    1
#define CTL_REQUEST_MAX (16 * 1024 * 1024) /* bytes of a line to hubd: a document of thousands of parties */
#define CTL_VALUES_MAX  (4 * 1000 * 1000)  /* JSON values of a line */
#define CTL_ANSWER_MAX  (64 * 1024 * 1024) /* bytes of a line to hubctl: a stored object of 4 MiB, escaped */
#define CTL_DISCOVER    "rpc.discover"

/* JSON-RPC's own numbers are negative, the hub's are small. */
enum ctl_code {
    CTL_OK = 0,
    CTL_INVALID = 1,       /* a value breaks a rule */
    CTL_NOT_FOUND = 2,     /* no such object */
    CTL_CONFLICT = 3,      /* it contradicts what is there */
    CTL_NOT_PERMITTED = 4, /* this user may not */
    CTL_BUSY = 5,          /* hubd is overloaded or degraded; nothing was changed */
    CTL_UNCERTAIN = 6,     /* it is not known whether it was done */
    CTL_PARTNER = 7,       /* a partner's system did not do its part; nothing was changed */
    CTL_PARSE_ERROR = -32700,
    CTL_BAD_REQUEST = -32600,
    CTL_NO_METHOD = -32601,
    CTL_BAD_PARAMS = -32602,
    CTL_INTERNAL = -32603
};

/* hubctl's exit codes (hubctl(1), EXIT STATUS). */
enum ctl_exit {
    CTL_EXIT_DONE = 0,
    CTL_EXIT_REFUSED = 1,
    CTL_EXIT_USAGE = 2,
    CTL_EXIT_UNREACHABLE = 3,
    CTL_EXIT_NOT_PERMITTED = 4,
    CTL_EXIT_UNCERTAIN = 5,
    CTL_EXIT_DIFFERENCES = 6
};

/* One row for each code: its name is error.data.code, `exit` what hubctl ends with, `help` what it says. */
struct ctl_code_row {
    int64_t code;
    const char *name;
    enum ctl_exit exit;
    const char *help;
};
extern const struct ctl_code_row ctl_codes[];
extern const size_t ctl_code_count;

/* "not_found" …: error.data.code. Static text, "internal" for an unknown number. */
const char *ctl_code_name(int64_t code);
/* What hubctl exits with when hubd answered that error. */
enum ctl_exit ctl_code_exit(int64_t code);
/* The code for a failure of the store or the registry. */
enum ctl_code ctl_code_from_error(int error_code);

/* ---- messages; each appends one whole line. Raw JSON parts may hold line breaks between tokens: they become
 * spaces. ---- */

void ctl_write_request(struct buffer *out, int64_t id, const char *method, struct str params);
/* `id`: the request's id as it was written, STR("null") when unknown. */
void ctl_write_result(struct buffer *out, struct str id, struct str result);
/* `hint` may be NULL: what the person may do next, usually a command. */
void ctl_write_error(struct buffer *out, struct str id, int64_t code, const char *message, const char *hint);
/* The same with what is wrong in particular: error.data.problems, a JSON array of sentences; empty: none. */
void ctl_write_problems(struct buffer *out, struct str id, int64_t code, const char *message,
                        const char *hint, struct str problems);
void ctl_write_notification(struct buffer *out, const char *method, struct str params);

/* ---------------------------------------------------------------- lines out of a stream */

/* Owns its buffer; `maximum` bytes per line. */
struct ctl_lines {
    struct buffer input;
    size_t start;   /* first byte not handed out */
    size_t scanned; /* no line end before this */
    size_t maximum;
};

void ctl_lines_init(struct ctl_lines *lines, size_t maximum);
void ctl_lines_free(struct ctl_lines *lines);
/* Takes bytes in any pieces. ERR_MEMORY. */
int ctl_lines_feed(struct ctl_lines *lines, struct str bytes);
/*
 * OK: `*line` is the next line without its end, valid until the next feed. ERR_NOT_FOUND: none is complete
 * yet. ERR_TOO_LARGE: one is longer than `maximum`; the stream cannot go on.
 */
int ctl_lines_next(struct ctl_lines *lines, struct str *line);
/* Bytes held that are no complete line yet. */
size_t ctl_lines_pending(const struct ctl_lines *lines);

#endif
