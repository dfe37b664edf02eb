#include <stdio.h>
#include <string.h>

#include "lib/http/client_internal.h"

/* Longest head of an answer in bytes. */
#define ANSWER_HEAD_MAX 65536u

static size_t stop(struct client_transfer *transfer, int code, const char *what)
{
    transfer->failure = error_set(&transfer->error, code, "%s %s", transfer->flight->origin->name, what);
    return 0; /* not the number of bytes: libcurl ends the transfer */
}

static size_t stop_coding(struct client_transfer *transfer, const char *what)
{
    transfer->flight->call->coding = what;
    return stop(transfer, ERR_INVALID, what);
}

void client_answer_reset(struct client_transfer *transfer)
{
    buffer_clear(&transfer->body);
    client_gzip_end(&transfer->gzip);
    transfer->headers = NULL;
    transfer->header_count = transfer->header_capacity = transfer->head_bytes = 0;
    transfer->head_done = false;
    transfer->failure = OK;
    transfer->curl_error[0] = '\0';
}

static bool make_room(struct client_transfer *transfer)
{
    size_t capacity = transfer->header_capacity == 0 ? 16 : transfer->header_capacity * 2;

    if (transfer->header_count < transfer->header_capacity)
        return true;
    struct http_header *grown = arena_alloc(transfer->flight->call->arena, capacity * sizeof *grown);
    if (grown == NULL)
        return false;
    if (transfer->header_count > 0)
        memcpy(grown, transfer->headers, transfer->header_count * sizeof *grown);
    transfer->headers = grown;
    transfer->header_capacity = capacity;
    return true;
}

/* Headers that could not be passed on unharmed (control bytes, folded lines, no name) are left out. */
static bool is_clean(struct str line)
{
    if (line.length == 0 || line.data[0] == ' ' || line.data[0] == '\t')
        return false;
    for (size_t i = 0; i < line.length; i++)
        if (((unsigned char)line.data[i] < 0x20 && line.data[i] != '\t') || line.data[i] == 0x7f)
            return false;
    size_t colon = str_find(line, ':');
    return colon != SIZE_MAX && colon > 0;
}

static bool add_header(struct client_transfer *transfer, struct str line)
{
    if (!is_clean(line))
        return true;
    struct str copy = arena_copy(transfer->flight->call->arena, line);
    if (copy.data == NULL || !make_room(transfer))
        return false;
    size_t colon = str_find(copy, ':');
    transfer->headers[transfer->header_count++] =
        (struct http_header){str_trim(str_of(copy.data, colon)), str_trim(str_skip(copy, colon + 1))};
    return true;
}

size_t client_answer_header(char *data, size_t size, size_t count, void *context)
{
    struct client_transfer *transfer = MAGIC_CAST(struct client_transfer, context, TRANSFER_MAGIC);
    size_t bytes = size * count;
    struct str line = str_of(data, bytes);

    transfer->head_bytes += bytes;
    if (transfer->head_bytes > ANSWER_HEAD_MAX)
        return stop(transfer, ERR_TOO_LARGE, "answered with a head that is too large");
    while (line.length > 0 && (line.data[line.length - 1] == '\n' || line.data[line.length - 1] == '\r'))
        line.length--;
    if (str_starts_with(line, STR("HTTP/")) && transfer->body.length == 0) {
        /* A status line: an interim answer (1xx), if there was one, is over. */
        transfer->header_count = 0;
        transfer->head_done = false;
    } else if (line.length == 0) {
        transfer->head_done = true; /* what follows the body are trailers, which nobody asked for */
    } else if (!transfer->head_done && !add_header(transfer, line)) {
        return stop(transfer, ERR_MEMORY, "answered, but there is no memory for it");
    }
    return bytes;
}

/* Unpacks what needs it; with CODING_NONE the bytes are what they are. */
static int take_bytes(struct client_transfer *transfer, struct str bytes)
{
    size_t max = transfer->client->options.answer_max;

    switch (client_coding_find(transfer->headers, transfer->header_count)) {
    case CODING_UNKNOWN:
        return ERR_REFUSED;
    case CODING_GZIP:
        return client_gzip_read(&transfer->gzip, bytes, &transfer->body, max);
    case CODING_NONE:
        break;
    }
    if (bytes.length > max - transfer->body.length)
        return ERR_TOO_LARGE;
    buffer_append(&transfer->body, bytes);
    return transfer->body.failed ? ERR_MEMORY : OK;
}

size_t client_answer_body(char *data, size_t size, size_t count, void *context)
{
    struct client_transfer *transfer = MAGIC_CAST(struct client_transfer, context, TRANSFER_MAGIC);
    size_t bytes = size * count;

    switch (take_bytes(transfer, str_of(data, bytes))) {
    case OK:
        return bytes;
    case ERR_TOO_LARGE:
        return stop(transfer, ERR_TOO_LARGE, "answered with a body that is too large");
    case ERR_REFUSED:
        return stop_coding(transfer, "answered in a coding that was not asked for");
    case ERR_INVALID:
        return stop_coding(transfer, "answered with gzip that is broken");
    default:
        return stop(transfer, ERR_MEMORY, "answered, but there is no memory for it");
    }
}

/* A byte order mark before a text is no part of it (RFC 8259 section 8.1 lets it be skipped). */
static struct str without_mark(struct str body)
{
    return str_starts_with(body, STR("\xef\xbb\xbf")) ? str_skip(body, 3) : body;
}

int client_answer_take(struct client_transfer *transfer)
{
    struct http_call *call = transfer->flight->call;
    struct str body = without_mark(buffer_str(&transfer->body));

    if (transfer->gzip.begun && !transfer->gzip.complete) {
        call->coding = "answered with gzip that is cut off";
        return error_set(&call->error, ERR_INVALID, "%s %s", transfer->flight->origin->name, call->coding);
    }
    if (body.length > 0) {
        call->answer = arena_copy(call->arena, body);
        if (call->answer.data == NULL)
            return error_set(&call->error, ERR_MEMORY, "%s answered, but there is no memory for it",
                             transfer->flight->origin->name);
    }
    call->answer_headers = transfer->headers;
    call->answer_header_count = transfer->header_count;
    return OK;
}

bool client_answer_was_sent(struct client_transfer *transfer)
{
    long bytes = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &bytes);
    return bytes > 0 || transfer->flight->sent_again;
}

/* ---------------------------------------------------------------- failures */

static const struct failure {
    CURLcode code;
    int result;
    const char *what;
} failures[] = {
    {CURLE_OUT_OF_MEMORY, ERR_MEMORY, "was not called: no memory"},
    {CURLE_URL_MALFORMAT, ERR_INVALID, "was not called: the URL is not valid"},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_INVALID, "answered with something that is not HTTP"},
    {CURLE_WEIRD_SERVER_REPLY, ERR_INVALID, "answered with something that is not HTTP"},
    {CURLE_FILESIZE_EXCEEDED, ERR_TOO_LARGE, "answered with a body that is too large"},
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, "did not answer in time"},
    {CURLE_COULDNT_RESOLVE_HOST, ERR_UNREACHABLE, "has no address"},
    {CURLE_COULDNT_CONNECT, ERR_UNREACHABLE, "does not accept connections"},
    {CURLE_GOT_NOTHING, ERR_UNREACHABLE, "closed the connection without an answer"},
    {CURLE_PARTIAL_FILE, ERR_UNREACHABLE, "closed the connection in the middle of its answer"},
    {CURLE_RECV_ERROR, ERR_UNREACHABLE, "broke the connection off while it answered"},
    {CURLE_SEND_ERROR, ERR_UNREACHABLE, "broke the connection off while the request was sent"},
    {CURLE_SSL_CONNECT_ERROR, ERR_UNREACHABLE, "and the hub could not agree on TLS"},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_UNREACHABLE, "has a certificate that is not trusted"},
    {CURLE_SSL_CACERT_BADFILE, ERR_UNREACHABLE,
     "was not called: the file of trusted certificates cannot be read"},
};

static bool is_about_tls(CURLcode code)
{
    return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION;
}

/* OpenSSL's verdict on the certificate (X509_STORE_CTX_get_error); 0 where it is good and only the name is
 * another one. */
static enum http_untrusted find_distrust(struct client_transfer *transfer, CURLcode code)
{
    static const struct {
        long verdict;
        enum http_untrusted untrusted;
    } verdicts[] = {
        {0, HTTP_UNTRUSTED_NAME},       {62, HTTP_UNTRUSTED_NAME},      {64, HTTP_UNTRUSTED_NAME},
        {9, HTTP_UNTRUSTED_DATES},      {10, HTTP_UNTRUSTED_DATES},     {2, HTTP_UNTRUSTED_AUTHORITY},
        {18, HTTP_UNTRUSTED_AUTHORITY}, {19, HTTP_UNTRUSTED_AUTHORITY}, {20, HTTP_UNTRUSTED_AUTHORITY},
        {21, HTTP_UNTRUSTED_AUTHORITY}, {27, HTTP_UNTRUSTED_AUTHORITY},
    };
    long verdict = 0;
    if (!is_about_tls(code))
        return HTTP_TRUSTED;
    if (code == CURLE_SSL_CONNECT_ERROR)
        return HTTP_UNTRUSTED_TLS;
    curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
        if (verdicts[i].verdict == verdict)
            return verdicts[i].untrusted;
    return HTTP_UNTRUSTED_OTHER;
}

/* How a code is to be read: not connected for want of a port of this machine is not the other side's doing.
 */
static int result_of(const struct client_transfer *transfer, const struct failure *failure)
{
    long number = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    return failure->code == CURLE_COULDNT_CONNECT ? error_of_lack((int)number, failure->result)
                                                  : failure->result;
}

/* libcurl's own words add something, and cannot name a secret, only about TLS and the system's errors. */
static void describe(struct client_transfer *transfer, CURLcode code, char *out, size_t size)
{
    long number = 0;

    out[0] = '\0';
    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    if (is_about_tls(code) && transfer->curl_error[0] != '\0')
        snprintf(out, size, ": %s", transfer->curl_error);
    else if (code == CURLE_COULDNT_CONNECT && number != 0) /* with others it is what an address before said */
        snprintf(out, size, ": %s", strerrordesc_np((int)number));
}

int client_answer_failure(struct client_transfer *transfer, CURLcode code)
{
    struct http_call *call = transfer->flight->call;
    const char *name = transfer->flight->origin->name;
    char detail[CURL_ERROR_SIZE + 4];

    /* A callback of ours stopped it, or refused the address: that is the reason, whatever libcurl made of it.
     */
    if (transfer->failure != OK)
        return error_set(&call->error, transfer->failure, "%s", transfer->error.text);
    /* Since libcurl 7.84 a bad chunk is reported like a broken connection. */
    if (code == CURLE_RECV_ERROR && strstr(transfer->curl_error, "chunk") != NULL)
        code = CURLE_WEIRD_SERVER_REPLY;
    call->untrusted = find_distrust(transfer, code);
    describe(transfer, code, detail, sizeof detail);
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        if (failures[i].code == code)
            return error_set(&call->error, result_of(transfer, &failures[i]), "%s %s%s", name,
                             failures[i].what, detail);
    return error_set(&call->error, ERR_UNREACHABLE, "%s could not be called: %s", name,
                     curl_easy_strerror(code));
}
