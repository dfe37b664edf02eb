#include "hubd/admin/check/check.h"
#include "hubd/admin/render.h"

#include <stdarg.h>
#include <stdio.h>

#include "hubd/calls/sentence.h"
#include "lib/base/env.h"
#include "lib/base/timestamp.h"
#include "lib/base/utf8.h"

#define DETAIL_MAX 400

static const char *const result_names[] = {"ok", "warn", "fail", "skipped"};

/*
 * What helps. `ours` is for the account team, `partner` is for the partner's engineers, in the words of a mail to them;
 * one of the two may be missing. {id}, {module}, {hub} and {authorize} are replaced by values.
 */
static const struct {
    const char *ours, *partner;
} remedies[REMEDY_COUNT] = {
    [REMEDY_RESUME] = {"hubctl party resume {id} ends the suspension", NULL},
    [REMEDY_OFFLINE] = {"the checks below show why; the status follows by itself when probes are answered",
                        NULL},
    [REMEDY_ISSUE] = {"hubctl token issue {id}, and hand the token to the partner", NULL},
    [REMEDY_EXCHANGE] =
        {"remind the partner; where it only receives credentials: hubctl party connect {id}",
         "POST your credentials to {hub}/ocpi/2.2.1/credentials with the initial token that you "
         "were given (OCPI 2.2.1, Credentials: Registration)"},
    [REMEDY_CONFIRM] = {NULL,
                        "call the hub with the token that its answer to your credentials held, e.g. GET "
                        "{hub}/ocpi/versions (OCPI 2.2.1, Credentials: Registration)"},
    [REMEDY_OLD_TOKEN] = {"hubctl token list {id} shows both",
                          "use the token of the last exchange; the one before ends soon (OCPI 2.2.1, "
                          "Credentials: PUT)"},
    [REMEDY_POLICY] = {"hubd's settings allow_networks and allow_private_networks say what it may call",
                       "give URLs on addresses that can be reached from the Internet"},
    [REMEDY_REACH] = {NULL,
                      "let the hub's address in, and see that the URL, its DNS name and its port are right"},
    [REMEDY_TLS] = {NULL, "serve HTTPS with TLS 1.2 or later at that host and port (OCPI 2.2.1, Transport: "
                          "Security)"},
    [REMEDY_AUTHORITY] =
        {"where the partner has an authority of its own: add its certificate to the file of hubd's "
         "setting ca_file, and systemctl reload hubd",
         "serve the certificate with its whole chain, intermediates too, of a public authority (OCPI 2.2.1, "
         "Transport: Security)"},
    [REMEDY_EXPIRED] = {"timedatectl status, if the hub's clock may be wrong",
                        "renew the certificate: it has expired, or does not hold yet"},
    [REMEDY_NAME] = {"hubctl party show has the URLs: is the host the one that the partner meant?",
                     "serve a certificate that names the host of the URL, or give the URL with the "
                     "certificate's name"},
    [REMEDY_CERTIFICATE] = {NULL,
                            "serve a certificate with its whole chain that public authorities vouch for and "
                            "that names the host, with TLS 1.2 or later (OCPI 2.2.1, Transport: Security)"},
    [REMEDY_CLEARTEXT] = {"hubctl receiver set {id} MODULE URL and a new exchange change the URLs",
                          "give https URLs: over http tokens and personal data can be read on the way (OCPI "
                          "2.2.1, Transport: Security)"},
    [REMEDY_REFUSED] =
        {"hubctl party set {id} --token-encoding raw or base64 if it takes only one form; if its token is "
         "another one now, its PUT credentials brings it, or hubctl token issue {id} --force begins a new "
         "exchange",
         "accept `Authorization: Token` with the token of your credentials, in Base64 (OCPI 2.2.1, "
         "Transport: Authorization header); if you have another one now, send it with PUT credentials"},
    [REMEDY_ENVELOPE] =
        {"hubctl receiver list {id}: is the URL right?",
         "answer every request with the JSON envelope {status_code, status_message, timestamp, "
         "data}, errors too (OCPI 2.2.1, Transport: Response format)"},
    [REMEDY_SERVER] = {NULL, "your system reports an error of its own: its log of that moment tells why"},
    [REMEDY_VERSIONS] = {"hubctl receiver set {id} versions URL where the list is elsewhere",
                         "list version 2.2.1 with the URL of its details (OCPI 2.2.1, Versions: Version "
                         "information endpoint)"},
    [REMEDY_DETAILS] =
        {NULL, "answer the version details of 2.2.1 with `endpoints`, each with identifier, role and "
               "url (OCPI 2.2.1, Versions: Version details endpoint)"},
    [REMEDY_ENDPOINT] = {"hubctl receiver set {id} {module} URL",
                         "list the interface in the version details of 2.2.1 with its role (OCPI 2.2.1, "
                         "Versions: Endpoint)"},
    [REMEDY_IDENTIFIER] = {NULL,
                           "write identifiers as OCPI's ModuleID, in lower case, each with a role of SENDER "
                           "or RECEIVER and a whole URL (OCPI 2.2.1, Versions: Endpoint)"},
    [REMEDY_DISCOVER] = {"hubctl receiver discover {id}", NULL},
    [REMEDY_DIFFERS] = {"hubctl receiver unset {id} {module}, then hubctl receiver discover {id}, takes the "
                        "partner's URL",
                        NULL},
    [REMEDY_HOST] = {"hubctl party set {id} --allow-host HOST lets the hub call it there",
                     "keep all endpoints on the host of your versions URL, or tell us the other one"},
    [REMEDY_CLOCK] = {NULL,
                      "set the server's clock by NTP: last_updated and date_from rest on it (OCPI 2.2.1, "
                      "Types: DateTime)"},
    [REMEDY_TIMESTAMP] = {NULL,
                          "put a `timestamp` in UTC into every envelope (OCPI 2.2.1, Transport: Response "
                          "format)"},
    [REMEDY_METHOD] = {NULL, "build the GET of this interface, or answer it in the envelope (OCPI 2.2.1, "
                             "{module}: GET method)"},
    [REMEDY_LIST] =
        {"hubctl receiver unset {id} {module}:sender if it lists nothing there",
         "answer GET of {module} with a list in `data`, filtered as asked (OCPI 2.2.1, Transport: "
         "Pagination)"},
    [REMEDY_LIMIT] =
        {NULL, "send no more objects than `limit` asks for (OCPI 2.2.1, Transport: Paginated request)"},
    [REMEDY_LINK] = {NULL,
                     "send a Link with rel=\"next\" while there are more objects, and none on the last page; "
                     "it leads to the page behind, on the same host (OCPI 2.2.1, Transport: Paginated "
                     "response)"},
    [REMEDY_PAGE_HEADERS] = {NULL, "send X-Total-Count and X-Limit with every page (OCPI 2.2.1, Transport: "
                                   "Paginated response)"},
    [REMEDY_DATES] = {NULL,
                      "send only objects whose last_updated is not before date_from (OCPI 2.2.1, Transport: "
                      "Paginated request)"},
    [REMEDY_OBJECTS] = {"hubctl quality {id} counts what it sends by itself",
                        "send objects as the tables of OCPI 2.2.1, {module}, define them"},
    [REMEDY_OWNER] =
        {"hubctl party add ID --platform {id} if the partner speaks for that party too",
         "list your own objects only: country_code and party_id are those of your credentials (OCPI "
         "2.2.1, Credentials: CredentialsRole)"},
    [REMEDY_SLOW] = {NULL,
                     "answer real-time authorizations within {authorize}: a driver waits at the charger, and "
                     "the hub answers UNKNOWN then"},
    [REMEDY_ALLOWS_UNKNOWN] =
        {NULL, "answer UNKNOWN or NOT_ALLOWED, or status 2004, to a token that nobody has issued "
               "(OCPI 2.2.1, Tokens: Real-time authorization)"},
    [REMEDY_AUTHORIZATION] = {NULL,
                              "answer with an AuthorizationInfo whose `allowed` is one of ALLOWED, BLOCKED, "
                              "EXPIRED, NO_CREDIT, NOT_ALLOWED (OCPI 2.2.1, Tokens: AuthorizationInfo)"},
    [REMEDY_RULE] = {"hubctl rule enable EMSP CPO lets messages pass; hubctl rule matrix shows all", NULL},
    [REMEDY_COUNTERPART] = {"hubctl rule list --party {id} names them, hubctl party check each of them",
                            NULL},
    [REMEDY_CIRCUIT] =
        {"hubctl delivery list --party {id} shows the last errors",
         "take the pushes that the hub retries: it waits because your system refused or did not "
         "answer the last ones"},
    [REMEDY_QUEUE] =
        {"hubctl delivery list --party {id} shows why; hubctl delivery retry --party {id} sends again", NULL},
    [REMEDY_QUALITY] = {"hubctl quality {id} lists every field",
                        "keep to OCPI's tables in what you send: the hub takes it, its receivers may not"},
    [REMEDY_REFUSED_QUALITY] =
        {"hubctl quality {id} lists every field and rule, hubctl audit tail --party {id} each message",
         "mend what the answers of the hub with status_code 2001 name, and send it again; what conflicts "
         "with a CDR that the hub has comes as a credit CDR with an id of its own"},
    [REMEDY_REFUSED_PUSH] =
        {"hubctl quality {id} has the fields, hubctl audit tail --party {id} each message",
         "send the refused objects again as OCPI's tables ask for: the answers of the hub "
         "with status_code 2001 name each place"},
    [REMEDY_TIME] = {"the same command again when the partner's system answers faster", NULL},
};

/* ---------------------------------------------------------------- texts */

/* Without control bytes and what is no UTF-8, cut to DETAIL_MAX. */
static struct str clean(struct arena *arena, struct str text)
{
    struct buffer out = {0};
    bool cut = false;
    while (text.length > 0 && !cut) {
        size_t bytes = utf8_character(text);
        unsigned char byte = (unsigned char)text.data[0];
        cut = out.length + (bytes > 0 ? bytes : 1) > DETAIL_MAX;
        if (cut)
            break;
        if (bytes == 0 || byte < ' ' || byte == 0x7f || utf8_is_c1(text))
            buffer_append_byte(&out, bytes > 0 ? ' ' : '?');
        else
            buffer_append(&out, str_of(text.data, bytes));
        text = str_skip(text, bytes > 0 ? bytes : 1);
    }
    buffer_append_text(&out, cut ? "…" : "");
    struct str copy = arena_copy(arena, buffer_str(&out));
    buffer_free(&out);
    return copy;
}

void check_report(struct check *check, const char *name, struct str module, enum check_result result,
                  enum check_remedy remedy, const char *format, ...)
{
    char room[2 * DETAIL_MAX];
    va_list arguments;
    va_start(arguments, format);
    struct str text = str_print(room, sizeof room, format, arguments);
    va_end(arguments);
    struct check_finding *finding = arena_alloc(check->arena, sizeof *finding);
    if (finding == NULL)
        return;
    finding->check =
        module.length > 0 ? arena_printf(check->arena, "%s." STR_FMT, name, STR_ARG(module)) : str_from(name);
    finding->module = module.length > 0 ? module : check->about;
    check->about = STR_NONE;
    finding->result = result;
    finding->remedy = remedy;
    finding->detail = /* a partner may repeat anything in its answers, its token too */
        clean(check->arena, sentence_hide(check->arena, check->party->platform, text));
    check->counts[result]++;
    *check->last = finding;
    check->last = &finding->next;
}

/* ---------------------------------------------------------------- what is the same for every interface */

/* Of an HTTP answer without an envelope. */
static const char *looks_like(const struct outbound *outbound)
{
    struct str type =
        http_header_find(outbound->answer_headers, outbound->answer_header_count, "Content-Type");
    if (str_starts_with(type, STR("text/html")))
        return "an HTML page";
    return outbound->raw_answer.length == 0 ? "nothing" : "something else";
}

enum check_remedy check_remedy_of(const struct outbound *outbound)
{
    static const enum check_remedy distrusted[] = {
        [HTTP_TRUSTED] = REMEDY_REACH,
        [HTTP_UNTRUSTED_TLS] = REMEDY_TLS,
        [HTTP_UNTRUSTED_AUTHORITY] = REMEDY_AUTHORITY,
        [HTTP_UNTRUSTED_DATES] = REMEDY_EXPIRED,
        [HTTP_UNTRUSTED_NAME] = REMEDY_NAME,
        [HTTP_UNTRUSTED_OTHER] = REMEDY_CERTIFICATE,
    };
    bool policy = outbound->result == ERR_REFUSED && outbound->status == 0;
    return policy ? REMEDY_POLICY : distrusted[outbound->call.untrusted];
}

void check_report_call(struct check *check, const char *name, struct str module,
                       const struct outbound *outbound, struct str why)
{
    bool own = error_is_own(outbound->result);
    check_report(check, name, module, own ? CHECK_SKIPPED : CHECK_FAIL,
                 own ? REMEDY_NONE : check_remedy_of(outbound), STR_FMT, STR_ARG(why));
}

bool check_report_failure(struct check *check, const char *name, struct str module)
{
    const struct outbound *outbound = &check->outbound;
    if (outbound->result != OK)
        check_report_call(check, name, module, outbound, outbound->error);
    else if (outbound->status == 401 || outbound->status == 403)
        check_report(check, name, module, CHECK_FAIL, REMEDY_REFUSED, "HTTP %d: the token is refused",
                     outbound->status);
    else if (!outbound->answer.is_envelope)
        check_report(check, name, module, CHECK_FAIL, REMEDY_ENVELOPE,
                     "HTTP %d with %s in place of the envelope", outbound->status, looks_like(outbound));
    else if (outbound->status >= 500 || outbound->answer.status_code / 1000 == 3)
        check_report(check, name, module, CHECK_FAIL, REMEDY_SERVER, "HTTP %d, %d " STR_FMT, outbound->status,
                     outbound->answer.status_code, STR_ARG(outbound->answer.status_message));
    else
        return false;
    return true;
}

/* ---------------------------------------------------------------- the answer */

/* A remedy with its places filled in; STR_NONE for none. */
static struct str fill(const struct check *check, const char *text, const struct check_finding *finding)
{
    char authorize[24];
    const struct {
        struct str place, value;
    } places[] = {
        {STR("{id}"), check->id},
        {STR("{module}"), finding->module},
        {STR("{hub}"), str_from(check->hub->conf.base_url)},
        {STR("{authorize}"), str_from(duration_format(check->hub->conf.forward_timeout, authorize))},
    };
    struct buffer out = {0};
    struct str rest = str_from(text);
    if (text == NULL)
        return STR_NONE;
    while (rest.length > 0) {
        size_t used = 0;
        for (size_t i = 0; i < sizeof places / sizeof places[0] && used == 0; i++) {
            if (!str_starts_with(rest, places[i].place))
                continue;
            buffer_append(&out, places[i].value);
            used = places[i].place.length;
        }
        if (used == 0)
            buffer_append_byte(&out, rest.data[0]);
        rest = str_skip(rest, used > 0 ? used : 1);
    }
    struct str copy = arena_copy(check->arena, buffer_str(&out));
    buffer_free(&out);
    return copy;
}

static struct str both_halves(struct arena *arena, struct str ours, struct str partner)
{
    if (ours.length == 0)
        return arena_printf(arena, "ask the partner: " STR_FMT, STR_ARG(partner));
    return partner.length == 0
               ? ours
               : arena_printf(arena, STR_FMT "; ask the partner: " STR_FMT, STR_ARG(ours), STR_ARG(partner));
}

struct str check_remedy_hint(struct arena *arena, enum check_remedy remedy)
{
    const char *ours = remedies[remedy].ours, *partner = remedies[remedy].partner;
    return both_halves(arena, ours == NULL ? STR_NONE : str_from(ours),
                       partner == NULL ? STR_NONE : str_from(partner));
}

static void write_finding(const struct check *check, struct json_writer *writer,
                          const struct check_finding *finding)
{
    struct str ours = fill(check, remedies[finding->remedy].ours, finding);
    struct str partner = fill(check, remedies[finding->remedy].partner, finding);
    struct str both = both_halves(check->arena, ours, partner);
    json_object_begin(writer);
    json_field_string(writer, "check", finding->check);
    json_field_text(writer, "result", result_names[finding->result]);
    json_field_string(writer, "detail", finding->detail);
    render_text(writer, "remedy", finding->remedy == REMEDY_NONE ? STR_NONE : both);
    render_text(writer, "partner", partner);
    json_object_end(writer);
}

void check_write(const struct check *check, struct json_writer *writer)
{
    json_object_begin(writer);
    json_field_string(writer, "id", check->id);
    render_text(writer, "name", check->name);
    json_field_text(writer, "hub", check->hub->conf.name);
    render_time(writer, "time", env_wall_ms());
    json_field_boolean(writer, "ok", check->counts[CHECK_FAIL] == 0);
    json_field_int(writer, "failed", (int64_t)check->counts[CHECK_FAIL]);
    json_field_int(writer, "warned", (int64_t)check->counts[CHECK_WARN]);
    json_field_int(writer, "skipped", (int64_t)check->counts[CHECK_SKIPPED]);
    json_field_string(writer, "correlation_id", check->correlation_id);
    json_key(writer, "checks");
    json_array_begin(writer);
    for (const struct check_finding *finding = check->first; finding != NULL; finding = finding->next)
        write_finding(check, writer, finding);
    json_array_end(writer);
    json_object_end(writer);
}

static void write_names(const struct check *check, struct json_writer *writer, enum check_result result)
{
    json_key(writer, result_names[result]);
    json_array_begin(writer);
    for (const struct check_finding *finding = check->first; finding != NULL; finding = finding->next)
        if (finding->result == result)
            json_string(writer, finding->check);
    json_array_end(writer);
}

struct str check_detail(const struct check *check)
{
    struct buffer text = {0};
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    write_names(check, &writer, CHECK_FAIL);
    write_names(check, &writer, CHECK_WARN);
    json_object_end(&writer);
    struct str copy = arena_copy(check->arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}
