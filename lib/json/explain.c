#include "lib/json/explain.h"

#include "lib/base/utf8.h"
#include "lib/json/decimal.h"
#include "lib/json/reader.h"

/* A reading position. `what` is set at the first fault, `at` stays there. */
struct explain_scan {
    struct str source;
    size_t at;
    const char *what;
};

static bool fault(struct explain_scan *scan, const char *what)
{
    if (scan->what == NULL)
        scan->what = what;
    return false;
}

/* The byte at the position, or -1 at the end. */
static int peek(const struct explain_scan *scan)
{
    return scan->at < scan->source.length ? (uint8_t)scan->source.data[scan->at] : -1;
}

static void skip_space(struct explain_scan *scan)
{
    while (peek(scan) == ' ' || peek(scan) == '\t' || peek(scan) == '\n' || peek(scan) == '\r')
        scan->at++;
}

static bool skip_byte(struct explain_scan *scan, int byte)
{
    if (peek(scan) != byte)
        return false;
    scan->at++;
    return true;
}

static size_t skip_digits(struct explain_scan *scan)
{
    size_t from = scan->at;
    while (peek(scan) >= '0' && peek(scan) <= '9')
        scan->at++;
    return scan->at - from;
}

/* Four hexadecimal digits, or -1. */
static int scan_hex(struct explain_scan *scan)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = peek(scan);
        if (digit >= '0' && digit <= '9')
            digit -= '0';
        else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
            digit = (digit | 0x20) - 'a' + 10;
        else
            return -1;
        value = value * 16 + digit;
        scan->at++;
    }
    return value;
}

static bool scan_escape(struct explain_scan *scan)
{
    scan->at++;
    int letter = peek(scan);
    if (letter <= 0 || strchr("\"\\/bfnrtu", letter) == NULL)
        return fault(scan, "no such escape in a string");
    scan->at++;
    if (letter != 'u')
        return true;
    return scan_hex(scan) >= 0 || fault(scan, "\\u wants four hexadecimal digits");
}

static bool scan_string(struct explain_scan *scan)
{
    size_t from = scan->at++;
    while (!skip_byte(scan, '"')) {
        if (peek(scan) < 0) {
            scan->at = from;
            return fault(scan, "the string never ends");
        }
        if (peek(scan) < 0x20)
            return fault(scan, "a control byte in a string must be escaped");
        if (peek(scan) == '\\') {
            if (!scan_escape(scan))
                return false;
            continue;
        }
        size_t size = utf8_character(str_skip(scan->source, scan->at));
        if (size == 0)
            return fault(scan, "not UTF-8");
        scan->at += size;
    }
    return true;
}

static bool scan_number(struct explain_scan *scan)
{
    size_t from = scan->at;
    skip_byte(scan, '-');
    bool zero = peek(scan) == '0';
    size_t digits = skip_digits(scan);
    if (digits == 0)
        return fault(scan, "a digit is missing");
    if (zero && digits > 1) {
        scan->at = from;
        return fault(scan, "a number must not begin with 0");
    }
    if (skip_byte(scan, '.') && skip_digits(scan) == 0)
        return fault(scan, "a digit is missing behind the point");
    if (skip_byte(scan, 'e') || skip_byte(scan, 'E')) {
        if (!skip_byte(scan, '+'))
            skip_byte(scan, '-');
        if (skip_digits(scan) == 0)
            return fault(scan, "a digit is missing in the exponent");
    }
    double number;
    if (!json_read_double(str_of(scan->source.data + from, scan->at - from), &number)) {
        scan->at = from;
        return fault(scan, "the number is out of range");
    }
    return true;
}

static bool scan_scalar(struct explain_scan *scan)
{
    static const char *const words[] = {"true", "false", "null"};
    int byte = peek(scan);
    if (byte == '"')
        return scan_string(scan);
    if (byte == '-' || (byte >= '0' && byte <= '9'))
        return scan_number(scan);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (str_starts_with(str_skip(scan->source, scan->at), str_from(words[i]))) {
            scan->at += strlen(words[i]);
            return true;
        }
    }
    return fault(scan, byte < 0 ? "it ends where a value is expected" : "no value begins like this");
}

static bool scan_key(struct explain_scan *scan)
{
    skip_space(scan);
    if (peek(scan) != '"')
        return fault(scan, "a member's name in quotes is expected");
    if (!scan_string(scan))
        return false;
    skip_space(scan);
    return skip_byte(scan, ':') || fault(scan, "':' is expected");
}

/* Open containers, a bit each: is it an object? */
struct nesting {
    uint64_t objects;
    unsigned depth;
};

/* Goes on behind a value: closes what ends there. True when another value is to come. */
static bool scan_behind(struct explain_scan *scan, struct nesting *nesting)
{
    for (;;) {
        skip_space(scan);
        if (nesting->depth == 0)
            return peek(scan) < 0 ? false : fault(scan, "something follows the value");
        bool object = (nesting->objects & 1) != 0;
        if (skip_byte(scan, ','))
            return !object || scan_key(scan);
        if (!skip_byte(scan, object ? '}' : ']'))
            return fault(scan, object ? "',' or '}' is expected" : "',' or ']' is expected");
        nesting->objects >>= 1;
        nesting->depth--;
    }
}

/* Enters a container. True when a value is to come, false when it is empty (and left again) or faulty. */
static bool scan_open(struct explain_scan *scan, struct nesting *nesting)
{
    bool object = peek(scan) == '{';
    scan->at++;
    skip_space(scan);
    if (skip_byte(scan, object ? '}' : ']'))
        return false;
    nesting->objects = nesting->objects << 1 | (object ? 1 : 0);
    nesting->depth++;
    return !object || scan_key(scan);
}

int json_locate(struct str source, unsigned depth_max, size_t *at, struct error *error)
{
    struct explain_scan scan = {source, 0, NULL};
    struct nesting nesting = {0, 0};
    bool more = true;
    if (str_starts_with(source, STR("\xEF\xBB\xBF")))
        more = fault(&scan, "a byte order mark is not allowed");
    while (more) {
        skip_space(&scan);
        *at = scan.at;
        if (peek(&scan) == '{' || peek(&scan) == '[') {
            if (nesting.depth >= depth_max || nesting.depth >= JSON_DEPTH_MAX)
                return error_set(error, ERR_TOO_LARGE, "nested deeper than %u levels", depth_max);
            if (scan_open(&scan, &nesting))
                continue;
        } else {
            scan_scalar(&scan);
        }
        more = scan.what == NULL && scan_behind(&scan, &nesting);
    }
    if (scan.what == NULL)
        return OK;
    *at = scan.at;
    return error_set(error, ERR_INVALID, "not JSON: %s", scan.what);
}

int json_explain(struct str source, unsigned depth_max, struct error *error)
{
    struct error found = {0};
    size_t at = 0;
    int result = json_locate(source, depth_max, &at, &found);
    return result == OK ? OK : error_set(error, result, "%.480s at byte %zu", found.text, at);
}
