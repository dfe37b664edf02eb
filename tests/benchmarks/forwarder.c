#include <curl/curl.h>
#include <llhttp.h>
#include <uv.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bench.h"

/*
 * The bare forwarder hubd is compared with: libuv + llhttp + libcurl's multi socket interface, keep-alive on
 * both sides, one thread. It knows no tokens, rules, limits or audit; errors end a connection. One request at
 * a time per connection (no pipelining).   forwarder PORT UPSTREAM, e.g. forwarder 9000 http://127.0.0.1:9001
 */

struct connection {
    uv_tcp_t tcp;
    llhttp_t parser;
    CURL *easy; /* kept for all requests of the connection; curl pools the upstream connections */
    struct curl_slist *headers;
    char url[2048], header[4096], in[16384], out[65536]; /* body in `in`; whole answer in `out` */
    size_t url_used, header_used, in_used, out_used;
    bool in_value, calling, closed;
    uv_write_t write;
};

struct socket_watch {
    uv_poll_t poll;
    curl_socket_t socket;
};

static CURLM *multi;
static uv_timer_t timer;
static const char *upstream;

/* ---- the answer, back to the client */
static void on_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    curl_easy_cleanup(c->easy);
    curl_slist_free_all(c->headers);
    free(c);
}

static void close_connection(struct connection *c)
{
    if (c->closed)
        return;
    c->closed = true;
    if (c->calling)
        curl_multi_remove_handle(multi, c->easy);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void on_written(uv_write_t *write, int status)
{
    if (status < 0)
        close_connection(write->data);
}

static size_t on_answer_body(char *data, size_t size, size_t count, void *context)
{
    struct connection *c = context;
    if (c->out_used + size * count > sizeof c->out)
        return 0;
    memcpy(c->out + c->out_used, data, size * count);
    c->out_used += size * count;
    return size * count;
}

static void finish_calls(void)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL;) {
        struct connection *c;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &c);
        curl_multi_remove_handle(multi, c->easy);
        c->calling = false;
        long status = 502;
        const char *type = NULL;
        if (result == CURLE_OK) {
            curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
            curl_easy_getinfo(c->easy, CURLINFO_CONTENT_TYPE, &type);
        } else {
            c->out_used = 0;
        }
        int head = snprintf(c->header, sizeof c->header,
                            "HTTP/1.1 %ld -\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", status,
                            type != NULL ? type : "text/plain", c->out_used);
        uv_buf_t parts[2] = {uv_buf_init(c->header, (unsigned)head),
                             uv_buf_init(c->out, (unsigned)c->out_used)};
        c->write.data = c;
        uv_write(&c->write, (uv_stream_t *)&c->tcp, parts, 2, on_written);
    }
}

/* ---- libcurl on the loop */
static void on_socket_ready(uv_poll_t *poll, int status, int events)
{
    const struct socket_watch *watch = poll->data;
    int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    int running;
    curl_multi_socket_action(multi, watch->socket, status < 0 ? CURL_CSELECT_ERR : flags, &running);
    finish_calls();
}

static void on_timer(uv_timer_t *handle)
{
    (void)handle;
    int running;
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_calls();
}

static int on_curl_timer(CURLM *handle, long ms, void *context)
{
    (void)handle;
    (void)context;
    return ms < 0 ? uv_timer_stop(&timer) : uv_timer_start(&timer, on_timer, (uint64_t)ms, 0);
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static int on_curl_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *known)
{
    (void)easy;
    (void)context;
    struct socket_watch *watch = known;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL)
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        return curl_multi_assign(multi, socket, NULL);
    }
    if (watch == NULL) {
        watch = bench_resize(NULL, sizeof *watch);
        watch->socket = socket;
        uv_poll_init_socket(timer.loop, &watch->poll, socket);
        watch->poll.data = watch;
        curl_multi_assign(multi, socket, watch);
    }
    return uv_poll_start(&watch->poll,
                         (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
                         on_socket_ready);
}

/* ---- the request, from the client */
static int append(char *to, size_t *used, size_t size, const char *data, size_t length)
{
    if (*used + length >= size)
        return -1;
    memcpy(to + *used, data, length);
    to[ *used += length] = '\0';
    return 0;
}

static int on_begin(llhttp_t *parser)
{
    struct connection *c = parser->data;
    c->url_used = c->header_used = c->in_used = c->out_used = 0;
    curl_slist_free_all(c->headers);
    c->headers = curl_slist_append(NULL, "Expect:");
    return append(c->url, &c->url_used, sizeof c->url, upstream, strlen(upstream));
}

static int on_url(llhttp_t *parser, const char *at, size_t length)
{
    struct connection *c = parser->data;
    return append(c->url, &c->url_used, sizeof c->url, at, length);
}

static int on_field(llhttp_t *parser, const char *at, size_t length)
{
    struct connection *c = parser->data;
    if (c->in_value)
        c->header_used = 0;
    c->in_value = false;
    return append(c->header, &c->header_used, sizeof c->header, at, length);
}

static int on_value(llhttp_t *parser, const char *at, size_t length)
{
    struct connection *c = parser->data;
    if (!c->in_value && append(c->header, &c->header_used, sizeof c->header, ": ", 2) != 0)
        return -1;
    c->in_value = true;
    return append(c->header, &c->header_used, sizeof c->header, at, length);
}

static int on_value_complete(llhttp_t *parser)
{
    struct connection *c = parser->data;
    if (strncasecmp(c->header, "host:", 5) != 0 && strncasecmp(c->header, "connection:", 11) != 0 &&
        strncasecmp(c->header, "content-length:", 15) != 0)
        c->headers = curl_slist_append(c->headers, c->header);
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t length)
{
    struct connection *c = parser->data;
    return append(c->in, &c->in_used, sizeof c->in, at, length);
}

static int on_complete(llhttp_t *parser)
{
    struct connection *c = parser->data;
    curl_easy_setopt(c->easy, CURLOPT_URL, c->url);
    curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, llhttp_method_name((llhttp_method_t)parser->method));
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
    if (parser->method == HTTP_GET)
        curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L);
    else
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->in);
    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE, (long)c->in_used);
    c->calling = true;
    return curl_multi_add_handle(multi, c->easy) == CURLM_OK ? 0 : -1;
}

static const llhttp_settings_t parser_settings = {.on_message_begin = on_begin,
                                                  .on_url = on_url,
                                                  .on_header_field = on_field,
                                                  .on_header_value = on_value,
                                                  .on_header_value_complete = on_value_complete,
                                                  .on_body = on_body,
                                                  .on_message_complete = on_complete};

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char shared[65536]; /* parsed before the next read */
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(shared, sizeof shared);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct connection *c = stream->data;
    if (length < 0 || llhttp_execute(&c->parser, buffer->base, (size_t)length) != HPE_OK)
        close_connection(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct connection *c = calloc(1, sizeof *c);
    if (status < 0 || c == NULL)
        bench_die("cannot accept");
    c->tcp.data = c;
    c->easy = curl_easy_init();
    curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_answer_body);
    curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(c->easy, CURLOPT_PROXY, "");
    llhttp_init(&c->parser, HTTP_REQUEST, &parser_settings);
    c->parser.data = c;
    uv_tcp_init(listener->loop, &c->tcp);
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) == 0) {
        uv_tcp_nodelay(&c->tcp, 1);
        uv_read_start((uv_stream_t *)&c->tcp, on_allocate, on_read);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        bench_die("usage: forwarder PORT UPSTREAM");
    upstream = argv[2];
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 256L);
    uv_loop_t *loop = uv_default_loop();
    uv_timer_init(loop, &timer);

    uv_tcp_t listener;
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", (int)bench_number("port", argv[1], 1, 65535), &address);
    uv_tcp_init(loop, &listener);
    int code = uv_tcp_bind(&listener, (const struct sockaddr *)&address, 0);
    if (code == 0)
        code = uv_listen((uv_stream_t *)&listener, 1024, on_connection);
    if (code < 0)
        bench_die("127.0.0.1:%s: %s", argv[1], uv_strerror(code));
    return uv_run(loop, UV_RUN_DEFAULT);
}
