#ifndef TESTS_UNIT_HTTP_VECTORS_H
#define TESTS_UNIT_HTTP_VECTORS_H

/* Heads and chunked bodies that servers in a row have read differently, and what is to be made of each: the
 * pre-scan's and the chunked reader's tests go through them, and the whole server's. */
#include "lib/base/str.h"

#define G   "GET /a HTTP/1.1\r\n"
#define H   "Host: hub.example\r\n"
#define END "\r\n"
#define TEXT(literal)                                                                                        \
    {                                                                                                        \
        (literal), sizeof(literal) - 1                                                                       \
    }

struct head_row {
    struct str head;
    const char *reason; /* part of the sentence; NULL: clean */
};

static const struct head_row heads[] = {
    /* clean */
    {TEXT(G H END), NULL},
    {TEXT("\r\n" G H END), NULL},
    {TEXT("\r\n\r\n" G H END), NULL},
    {TEXT("GET /a HTTP/1.0\r\n" END), NULL},
    {TEXT("GET /a HTTP/1.0\r\n" H END), NULL},
    {TEXT(G "host:a" END END), NULL},
    {TEXT(G "HOST: \t a \t\r\n" END), NULL},
    {TEXT(G "Host:\r\n" END), NULL},
    {TEXT(G "Host: [::1]:8080\r\n" END), NULL},
    {TEXT(G H "X-Empty:\r\nX-Tab: a\tb\r\n" END), NULL},
    {TEXT(G H "X: caf\xc3\xa9\r\n" END), NULL},
    {TEXT(G H "!#$%&'*+-.^_`|~9aZ: x\r\n" END), NULL},
    {TEXT("POST /a HTTP/1.1\r\n" H "Content-Length: 10\r\n" END), NULL},
    {TEXT("POST /a HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n" END), NULL},
    {TEXT("POST /a HTTP/1.1\r\n" H "Transfer-Encoding:\tchunked \r\n" END), NULL},
    {TEXT(G H "Authorization: Token abc\r\n" END), NULL},
    {TEXT("GET http://hub.example/a?b=c HTTP/1.1\r\n" H END), NULL},
    {TEXT("GET HTTPS://hub.example HTTP/1.1\r\n" H END), NULL},
    {TEXT("OPTIONS * HTTP/1.1\r\n" H END), NULL},
    {TEXT("CONNECT hub.example:443 HTTP/1.1\r\n" H END), NULL},
    {TEXT("BREW /pot HTTP/1.1\r\n" H END), NULL},
    {TEXT("GET /a?x=%41&y={\"z\"}|\\^`~ HTTP/1.1\r\n" H END), NULL},
    /* line ends */
    {TEXT("GET /a HTTP/1.1\n" H END), "LF without CR"},
    {TEXT(G "Host: a\n" END), "LF without CR"},
    {TEXT(G H "\n"), "LF without CR"},
    {TEXT("GET /a HTTP/1.1\nHost: a\n\n"), "LF without CR"},
    {TEXT("\n" G H END), "LF without CR"},
    {TEXT("\r\n\r\n\r\n" G H END), "the request line"},
    {TEXT(G H "X:\rY: b\r\n" END), "control byte"},
    {TEXT(G H "X: a\rContent-Length: 5\r\n" END), "control byte"},
    {TEXT(G H "X: a\r\r\n" END), "control byte"},
    {TEXT("GET /a HTTP/1.1\r\r\n" H END), "version"},
    {TEXT("GET\r/a HTTP/1.1\r\n" H END), "form METHOD"},
    {TEXT("\rGET /a HTTP/1.1\r\n" H END), "method"},
    /* folding, white space, control bytes */
    {TEXT(G H "X: a\r\n b\r\n" END), "begins with white space"},
    {TEXT(G H "X: a\r\n\tb\r\n" END), "begins with white space"},
    {TEXT(G " Host: a\r\n" END), "begins with white space"},
    {TEXT(G "Host : a\r\n" END), "header name"},
    {TEXT(G "Host\t: a\r\n" END), "header name"},
    {TEXT(G H "Content Length: 5\r\n" END), "header name"},
    {TEXT(G H "X\x01: 5\r\n" END), "header name"},
    {TEXT(G H "X\x7f: 5\r\n" END), "header name"},
    {TEXT(G H "X\xe9: 5\r\n" END), "header name"},
    {TEXT(G H "X\0: 5\r\n" END), "header name"},
    {TEXT(G H "X: a\0b\r\n" END), "control byte"},
    {TEXT(G H "X: a\x01\r\n" END), "control byte"},
    {TEXT(G H "X: a\x0b\r\n" END), "control byte"},
    {TEXT(G H "X: a\x7f\r\n" END), "control byte"},
    {TEXT(G H "nothing\r\n" END), "header name"},
    {TEXT(G H ": nothing\r\n" END), "header name"},
    {TEXT(G H "(X): a\r\n" END), "header name"},
    {TEXT(G H "X;Y: a\r\n" END), "header name"},
    /* Host */
    {TEXT(G END), "one Host"},
    {TEXT(G H H END), "one Host"},
    {TEXT(G H "hOST: other\r\n" END), "one Host"},
    {TEXT("GET /a HTTP/1.0\r\n" H H END), "one Host"},
    {TEXT(G "Host: a/b\r\n" END), "Host is not"},
    {TEXT(G "Host: u@a\r\n" END), "Host is not"},
    {TEXT(G "Host: a?b\r\n" END), "Host is not"},
    {TEXT(G "Host: a#b\r\n" END), "Host is not"},
    {TEXT(G "Host: a b\r\n" END), "Host is not"},
    {TEXT(G "Host: a\tb\r\n" END), "Host is not"},
    /* framing */
    {TEXT("POST /a HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n" END), "Content-Length more"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n" END), "Content-Length more"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n" END), "decimal"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Content-Length: +5\r\n" END), "decimal"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Content-Length: -5\r\n" END), "decimal"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Content-Length: 0x5\r\n" END), "decimal"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Content-Length: 5 5\r\n" END), "decimal"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Content-Length:\r\n" END), "decimal"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n" END), "decimal"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END), "together"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END), "together"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END),
     "Encoding more"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n" END), "alone"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n" END), "alone"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n" END), "alone"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n" END), "alone"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n" END), "alone"},
    {TEXT("POST /a HTTP/1.1\r\n" H "Transfer-Encoding:\r\n" END), "alone"},
    {TEXT("POST /a HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n" END), "HTTP/1.0"},
    {TEXT(G H "Authorization: Token a\r\nauthorization: Token b\r\n" END), "Authorization more"},
    /* the request line */
    {TEXT("GET /a HTTP/1.2\r\n" H END), "version"},
    {TEXT("GET /a HTTP/2.0\r\n" H END), "version"},
    {TEXT("GET /a HTTP/0.9\r\n" H END), "version"},
    {TEXT("GET /a http/1.1\r\n" H END), "version"},
    {TEXT("GET /a HTTP/1.1 \r\n" H END), "version"},
    {TEXT("GET /a  HTTP/1.1\r\n" H END), "version"},
    {TEXT("GET /a b HTTP/1.1\r\n" H END), "version"},
    {TEXT("GET /a\r\n" H END), "form METHOD"},
    {TEXT("GET\r\n" H END), "form METHOD"},
    {TEXT("GET  /a HTTP/1.1\r\n" H END), "version"},
    {TEXT(" GET /a HTTP/1.1\r\n" H END), "method"},
    {TEXT("GET\t/a HTTP/1.1\r\n" H END), "form METHOD"},
    {TEXT("G(T /a HTTP/1.1\r\n" H END), "method"},
    {TEXT("GET /a#b HTTP/1.1\r\n" H END), "fragment"},
    {TEXT("GET /a\tb HTTP/1.1\r\n" H END), "printable"},
    {TEXT("GET /a\0b HTTP/1.1\r\n" H END), "printable"},
    {TEXT("GET /caf\xc3\xa9 HTTP/1.1\r\n" H END), "printable"},
    {TEXT("GET a HTTP/1.1\r\n" H END), "begin with '/'"},
    {TEXT("GET * HTTP/1.1\r\n" H END), "begin with '/'"},
    {TEXT("GET ftp://a/b HTTP/1.1\r\n" H END), "begin with '/'"},
    {TEXT("GET http:///a HTTP/1.1\r\n" H END), "no host"},
    {TEXT("GET http://u@a/ HTTP/1.1\r\n" H END), "user information"},
};

/* ---------------------------------------------------------------- chunked */

struct chunked_row {
    struct str bytes;
    const char *body; /* NULL: broken */
    const char *rest; /* behind the end */
};

static const struct chunked_row bodies[] = {
    {TEXT("5\r\nhello\r\n0\r\n\r\n"), "hello", ""},
    {TEXT("5\r\nhello\r\n0\r\n\r\nGET /"), "hello", "GET /"},
    {TEXT("0\r\n\r\n"), "", ""},
    {TEXT("1\r\na\r\n2\r\nbc\r\n00A\r\n0123456789\r\n0\r\n\r\n"), "abc0123456789", ""},
    {TEXT("0000000000000005\r\nhello\r\n0\r\n\r\n"), "hello", ""},
    {TEXT("5;a=b;c=\"d\"\r\nhello\r\n0;last\r\n\r\n"), "hello", ""},
    {TEXT("5\r\nhello\r\n0\r\nX: y\r\nZ:\r\n\r\nnext"), "hello", "next"},
    {TEXT("2\r\n\r\n\r\n0\r\n\r\n"), "\r\n", ""},
    {TEXT("00000000000000005\r\nhello\r\n0\r\n\r\n"), NULL, NULL},
    {TEXT("FFFFFFFFFFFFFFFFF\r\nhello"), NULL, NULL},
    {TEXT("-5\r\nhello\r\n0\r\n\r\n"), NULL, NULL},
    {TEXT("0x5\r\nhello\r\n0\r\n\r\n"), NULL, NULL},
    {TEXT("g\r\nhello\r\n0\r\n\r\n"), NULL, NULL},
    {TEXT("\r\nhello\r\n0\r\n\r\n"), NULL, NULL},
    {TEXT(" 5\r\nhello\r\n0\r\n\r\n"), NULL, NULL},
    {TEXT("5 \r\nhello\r\n0\r\n\r\n"), NULL, NULL},
    {TEXT("5\nhello\r\n0\r\n\r\n"), NULL, NULL},
    {TEXT("5\r\r\nhello\r\n0\r\n\r\n"), NULL, NULL},
    {TEXT("5\rXhello\r\n0\r\n\r\n"), NULL, NULL},
    {TEXT("5\r\nhelloXX0\r\n\r\n"), NULL, NULL},
    {TEXT("5\r\nhello\n0\r\n\r\n"), NULL, NULL},
    {TEXT("5\r\nhello\rX0\r\n\r\n"), NULL, NULL},
    {TEXT("5\r\nhello0\r\n\r\n"), NULL, NULL},
    {TEXT("5;a\nb\r\nhello\r\n0\r\n\r\n"), NULL, NULL},
    {TEXT("5;a\rb\r\nhello\r\n0\r\n\r\n"), NULL, NULL},
    {TEXT("5;a\0b\r\nhello\r\n0\r\n\r\n"), NULL, NULL},
    {TEXT("5\r\nhello\r\n0\n\r\n"), NULL, NULL},
    {TEXT("5\r\nhello\r\n0\r\n\n"), NULL, NULL},
    {TEXT("5\r\nhello\r\n0\r\n\rX"), NULL, NULL},
    {TEXT("5\r\nhello\r\n0\r\nX : y\r\n\r\n"), NULL, NULL},
    {TEXT("5\r\nhello\r\n0\r\n X: y\r\n\r\n"), NULL, NULL},
    {TEXT("5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n"), NULL, NULL},
    {TEXT("5\r\nhello\r\n0\r\nX: a\rb\r\n\r\n"), NULL, NULL},
    {TEXT("5\r\nhello\r\n0\r\nX: a\n\r\n"), NULL, NULL},
    {TEXT("5\r\nhello\r\n0\r\nGET / HTTP/1.1\r\n\r\n"), NULL, NULL},
};

#endif
