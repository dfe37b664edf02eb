/* Reads a request's body and validates it against OCPI's tables. */
#include "hubd/request/quality.h"
#include "hubd/request/internal.h"
#include "lib/ocpi/validate.h"

#define TREE_SMALL (16 * 1024)

void request_free_tree(struct request *request)
{
    request->body = NULL;
    arena_free(&request->tree);
}

/* Up to this many bytes of body, values are kept in the request's arena; of larger ones in an arena of their
 * own, which can be freed early. */
static int request_read_json(struct request *request, struct error *error)
{
    struct str body = request->exchange->body;
    if (body.length <= TREE_SMALL)
        return json_parse(request->arena, body, JSON_DEPTH_MAX, &request->body, error);
    arena_charge(&request->tree, request->arena->budget);
    return json_parse_apart(&request->tree, request->arena, body, JSON_DEPTH_MAX, &request->body, error);
}

bool request_parse_body(struct request *request)
{
    if (str_starts_with(request->exchange->body, STR("\xEF\xBB\xBF"))) /* what editors leave there */
        request->exchange->body = str_skip(request->exchange->body, 3);
    struct str body = str_trim(request->exchange->body);
    if (request->route->body == ROUTE_BODY_NONE ||
        (body.length == 0 && request->route->body != ROUTE_BODY_OBJECT))
        return true;
    struct error error;
    int result = request_read_json(request, &error);
    if (result == ERR_MEMORY) {
        request_answer_error(request, result);
        return false;
    }
    if (result != OK) {
        request_answerf(request, REPLY_NOT_JSON, "the body is %s", error.text);
        return false;
    }
    if (request->body->type == JSON_NULL && request->route->body == ROUTE_BODY_OPTIONAL)
        request->body = NULL; /* some clients write nothing so */
    if (request->body == NULL || request->body->type == JSON_OBJECT || request->route->body == ROUTE_BODY_ANY)
        return true;
    request_answerf(request, REPLY_INVALID, ": not an object: " STR_FMT,
                    STR_ARG(ocpi_value_text(request->arena, request->body)));
    return false;
}

bool request_validate(struct request *request, const struct ocpi_object *object, bool partial)
{
    struct ocpi_findings findings;
    ocpi_validate(request->arena, object, request->body, partial, &findings);
    request->counts = findings.counts;
    if (!ocpi_findings_refuse(&findings, quality_is_strict(request)))
        return true;
    struct ocpi_findings *refused = arena_alloc(request->arena, sizeof *refused);
    if (refused != NULL)
        *refused = findings;
    request->refused = refused;
    request_answer(request, REPLY_INVALID, ocpi_findings_text(request->arena, &findings), STR_NONE);
    return false;
}

bool request_check_member(struct request *request, const char *member, struct str expected)
{
    struct str found = json_get_text(request->body, member);
    if (found.data == NULL || str_equal_fold(found, expected))
        return true;
    request_answerf(request, REPLY_INVALID,
                    "/%s: must be \"" STR_FMT "\" as in the URL, found \"" STR_FMT "\"", member,
                    STR_ARG(expected), STR_ARG(found));
    return false;
}
