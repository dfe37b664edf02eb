#include "hubd/admin/check/check.h"
#include "lib/base/buffer.h"
#include "lib/base/env.h"
#include "lib/base/timestamp.h"
#include "lib/ocpi/validate.h"

/*
 * The partner's lists (SENDER interfaces), read as any client reads them (OCPI 2.2.1, Transport: Pagination). Does
 * each page lead to the next one? Does date_from leave out older objects? Are the objects valid by OCPI's tables, and
 * are they the partner's own?
 */

#define YEAR_MS  (365 * 24 * INT64_C(3600000))
#define FAR_PAST "2000-01-01T00:00:00Z"
/* Objects asked for at once: few, to see several pages, and many, to judge the objects. */
#define PAGE_SMALL 2
#define PAGE_LARGE 50

static const struct list_module {
    enum ocpi_module module;
    const char *id;
    const struct ocpi_object *object;
} modules[] = {
    {OCPI_MODULE_LOCATIONS, "id", &ocpi_location}, {OCPI_MODULE_TARIFFS, "id", &ocpi_tariff},
    {OCPI_MODULE_SESSIONS, "id", &ocpi_session},   {OCPI_MODULE_CDRS, "id", &ocpi_cdr},
    {OCPI_MODULE_TOKENS, "uid", &ocpi_token},
};

static const struct list_module *find_module(const struct check_target *target)
{
    for (size_t i = 0; i < sizeof modules / sizeof modules[0] && target->sender; i++)
        if (modules[i].module == target->id)
            return &modules[i];
    return NULL;
}

static void next_list(struct check *check);

static void end_list(struct check *check, const char *why)
{
    static const char *const rest[] = {"dates", "objects"};
    for (size_t i = 0; i < sizeof rest / sizeof rest[0] && why != NULL; i++)
        check_report(check, rest[i], check->list.target->module, CHECK_SKIPPED, REMEDY_NONE, "%s", why);
    check->target++;
    next_list(check);
}

static void get(struct check *check, struct str url, void (*then)(struct check *check))
{
    check_call(check, HTTP_METHOD_GET, url, check->hub->conf.probe_timeout, true, then);
}

static struct str list_url(struct check *check, int limit, struct str query)
{
    return arena_printf(&check->scratch, STR_FMT "?limit=%d" STR_FMT, STR_ARG(check->list.target->url), limit,
                        STR_ARG(query));
}

/* The list in the answer. False: there is none, and that was reported. */
static bool take_page(struct check *check, const char *name, const char *what, const struct json_value **page)
{
    const struct outbound *outbound = &check->outbound;
    struct str module = check->list.target->module;
    *page = outbound->answer.data;
    if (check_report_failure(check, name, module))
        return false;
    if (outbound->status / 100 == 2 && outbound->answer.status_code / 1000 == 1 && *page != NULL &&
        (*page)->type == JSON_ARRAY)
        return true;
    check_report(check, name, module, CHECK_FAIL, REMEDY_LIST, "%s gives no list: HTTP %d, %d " STR_FMT, what,
                 outbound->status, outbound->answer.status_code, STR_ARG(outbound->answer.status_message));
    return false;
}

/* ---------------------------------------------------------------- objects */

/* What may be wrong with an object; the worst comes last. */
enum list_fault { FAULT_NONE, FAULT_ODD, FAULT_OWNER, FAULT_REFUSED, FAULT_COUNT };
static const struct {
    enum check_result result;
    enum check_remedy remedy;
    const char *what;
} faults[FAULT_COUNT] = {
    [FAULT_ODD] = {CHECK_WARN, REMEDY_OBJECTS, "break OCPI's table"},
    [FAULT_OWNER] = {CHECK_FAIL, REMEDY_OWNER, "are not the partner's own"},
    [FAULT_REFUSED] = {CHECK_FAIL, REMEDY_OBJECTS, "cannot be taken"},
};

struct judged {
    size_t count, counts[FAULT_COUNT];
    enum list_fault worst;
    struct str said; /* about the first of the worst */
};

static bool is_own(const struct check *check, const struct json_value *object)
{
    const struct registry_platform *platform = check->party->platform;
    struct ocpi_party_key key;
    if (!ocpi_party_key_make(json_get_text(object, "country_code"), json_get_text(object, "party_id"), &key))
        return false;
    for (size_t i = 0; i < platform->party_count; i++)
        if (ocpi_party_key_equal(&platform->parties[i]->key, &key))
            return true;
    return false;
}

static void judge(struct check *check, const struct list_module *module, const struct json_value *object,
                  struct judged *judged)
{
    struct arena *arena = &check->scratch;
    struct ocpi_findings findings;
    ocpi_validate(arena, module->object, object, false, &findings);
    enum list_fault fault = findings.essential_count > 0 ? FAULT_REFUSED
                            : !is_own(check, object)     ? FAULT_OWNER
                            : findings.finding_count > 0 ? FAULT_ODD
                                                         : FAULT_NONE;
    judged->count++;
    judged->counts[fault]++;
    if (fault <= judged->worst)
        return;
    judged->worst = fault;
    struct str said = fault == FAULT_OWNER ? arena_printf(arena, "of " STR_FMT "-" STR_FMT,
                                                          STR_ARG(json_get_text(object, "country_code")),
                                                          STR_ARG(json_get_text(object, "party_id")))
                                           : ocpi_findings_text(arena, &findings);
    judged->said =
        arena_printf(arena, STR_FMT ": " STR_FMT, STR_ARG(json_get_text(object, module->id)), STR_ARG(said));
}

static void judge_page(struct check *check, const struct json_value *page, struct judged *judged)
{
    const struct list_module *module = find_module(check->list.target);
    const struct json_value *object = page == NULL ? NULL : page->child;
    for (; object != NULL && judged->count < PAGE_LARGE; object = object->next)
        judge(check, module, object, judged);
}

static void judge_objects(struct check *check)
{
    const struct check_list *list = &check->list;
    struct judged judged = {0};
    judge_page(check, list->sample != NULL ? list->sample : list->pages[0], &judged);
    if (list->sample == NULL)
        judge_page(check, list->pages[1], &judged);
    if (judged.worst == FAULT_NONE)
        check_report(check, "objects", list->target->module, CHECK_OK, REMEDY_NONE,
                     "%zu looked at keep to OCPI's %s", judged.count,
                     find_module(list->target)->object->name);
    else
        check_report(check, "objects", list->target->module, faults[judged.worst].result,
                     faults[judged.worst].remedy, "%zu of %zu %s: " STR_FMT, judged.counts[judged.worst],
                     judged.count, faults[judged.worst].what, STR_ARG(judged.said));
}

/* ---------------------------------------------------------------- date_from */

static void report_dates(struct check *check, enum check_result result, const char *text)
{
    check_report(check, "dates", check->list.target->module, result,
                 result == CHECK_OK ? REMEDY_NONE : REMEDY_DATES, "%s", text);
}

static void objects_then_next(struct check *check)
{
    judge_objects(check);
    end_list(check, NULL);
}

static void past_answered(struct check *check)
{
    const struct json_value *page;
    if (take_page(check, "dates", "date_from=" FAR_PAST, &page)) {
        check->list.sample = page;
        if (page->count < check->list.pages[0]->count)
            report_dates(check, CHECK_FAIL,
                         "date_from=" FAR_PAST " leaves out objects that the list has without it");
        else
            report_dates(check, CHECK_OK, "date_from of a year ahead leaves out everything, of 2000 nothing");
    }
    objects_then_next(check);
}

static void future_answered(struct check *check)
{
    const struct json_value *page;
    if (!take_page(check, "dates", "date_from", &page)) {
        objects_then_next(check);
    } else if (page->count > 0) {
        report_dates(check, CHECK_FAIL,
                     "date_from is ignored: with one of a year ahead there are objects still");
        objects_then_next(check);
    } else {
        get(check, list_url(check, PAGE_LARGE, STR("&date_from=" FAR_PAST)), past_answered);
    }
}

static void begin_dates(struct check *check)
{
    char future[TIMESTAMP_SIZE];
    timestamp_format(env_wall_ms() + YEAR_MS, future);
    get(check, list_url(check, PAGE_SMALL, arena_printf(&check->scratch, "&date_from=%s", future)),
        future_answered);
}

/* ---------------------------------------------------------------- pages */

/* The URL of Link rel="next" (RFC 8288), which may stand among others; STR_NONE: none. */
static struct str next_link(struct check *check)
{
    const struct outbound *outbound = &check->outbound;
    struct str rest = http_header_find(outbound->answer_headers, outbound->answer_header_count, "Link");
    struct str before, url;
    while (str_split(&rest, '<', &before) && str_split(&rest, '>', &url)) {
        size_t end = str_find(rest, '<');
        struct str parameters = end == SIZE_MAX ? rest : str_of(rest.data, end);
        if (parameters.length > 0 && memmem(parameters.data, parameters.length, "next", 4) != NULL)
            return arena_copy(&check->scratch, url);
    }
    return STR_NONE;
}

static bool is_on(const struct json_value *page, const char *id, struct str wanted)
{
    if (wanted.length == 0)
        return false;
    for (const struct json_value *object = page->child; object != NULL; object = object->next)
        if (str_equal_fold(json_get_text(object, id), wanted))
            return true;
    return false;
}

static void report_pages(struct check *check, enum check_result result, enum check_remedy remedy,
                         const char *text)
{
    check_report(check, "pages", check->list.target->module, result, remedy, "%s", text);
    if (check->list.pages[0]->count == 0)
        end_list(check, "the list is empty");
    else
        begin_dates(check);
}

/* The report when the pages themselves are right. */
static void report_headers(struct check *check)
{
    const struct check_list *list = &check->list;
    if (list->total < 0 || !list->has_limit)
        report_pages(check, CHECK_WARN, REMEDY_PAGE_HEADERS,
                     list->total >= 0  ? "X-Limit is missing"
                     : list->has_limit ? "X-Total-Count is missing"
                                       : "X-Total-Count and X-Limit are missing");
    else if (list->total < (int64_t)list->pages[0]->count)
        report_pages(check, CHECK_WARN, REMEDY_PAGE_HEADERS, "X-Total-Count is less than what came");
    else if (list->pages[0]->count == 0)
        report_pages(check, CHECK_OK, REMEDY_NONE, "limit is kept; the list is empty");
    else
        report_pages(check, CHECK_OK, REMEDY_NONE,
                     list->pages[1] != NULL ? "limit is kept, Link leads to further objects"
                                            : "limit is kept; it is all one page");
}

static void second_answered(struct check *check)
{
    const struct check_list *list = &check->list;
    const char *id = find_module(list->target)->id;
    const struct json_value *page;
    if (!take_page(check, "pages", "the Link", &page)) {
        begin_dates(check);
        return;
    }
    check->list.pages[1] = page;
    for (const struct json_value *object = page->child; object != NULL; object = object->next)
        if (is_on(list->pages[0], id, json_get_text(object, id))) {
            report_pages(check, CHECK_FAIL, REMEDY_LINK, "the Link leads to the same objects again");
            return;
        }
    if (page->count == 0)
        report_pages(check, CHECK_WARN, REMEDY_LINK, "the Link leads to an empty page");
    else
        report_headers(check);
}

/* A full page without a Link and without X-Total-Count: is there more? */
static void behind_answered(struct check *check)
{
    const struct json_value *page = check->outbound.answer.data;
    bool more = check->outbound.result == OK && page != NULL && page->type == JSON_ARRAY &&
                page->child != NULL &&
                !is_on(check->list.pages[0], find_module(check->list.target)->id,
                       json_get_text(page->child, find_module(check->list.target)->id));
    if (more)
        report_pages(check, CHECK_FAIL, REMEDY_LINK, "there are more objects, but no Link to them");
    else
        report_headers(check);
}

static void read_headers(struct check *check)
{
    const struct outbound *outbound = &check->outbound;
    struct str total =
        http_header_find(outbound->answer_headers, outbound->answer_header_count, "X-Total-Count");
    check->list.has_limit =
        http_header_find(outbound->answer_headers, outbound->answer_header_count, "X-Limit").data != NULL;
    if (!str_to_int64(str_trim(total), &check->list.total))
        check->list.total = -1;
    check->list.next = next_link(check);
}

static void first_answered(struct check *check)
{
    struct check_list *list = &check->list;
    if (!take_page(check, "pages", "it", &list->pages[0])) {
        end_list(check, "there is no first page");
        return;
    }
    read_headers(check);
    uint32_t count = list->pages[0]->count;
    if (count > PAGE_SMALL)
        report_pages(check, CHECK_FAIL, REMEDY_LIMIT,
                     "limit is ignored: more objects came than were asked for");
    else if (list->next.data != NULL &&
             !outbound_host_is_registered(&check->scratch, check->party->platform, list->next))
        report_pages(check, CHECK_FAIL, REMEDY_LINK,
                     "the Link is no URL on the partner's host, and the token is sent nowhere else");
    else if (list->next.data != NULL)
        get(check, list->next, second_answered);
    else if (list->total > (int64_t)count)
        report_pages(check, CHECK_FAIL, REMEDY_LINK,
                     "X-Total-Count tells of more objects, but there is no Link");
    else if (count == PAGE_SMALL && list->total < 0)
        get(check, list_url(check, PAGE_SMALL, STR("&offset=2")), behind_answered);
    else
        report_headers(check);
}

static void next_list(struct check *check)
{
    arena_wipe(&check->scratch);
    for (; check->target < check->target_count; check->target++) {
        const struct check_target *target = &check->targets[check->target];
        if (find_module(target) == NULL)
            continue;
        if (check_is_late(check, "lists"))
            return;
        check->list = (struct check_list){.target = target, .total = -1};
        get(check, list_url(check, PAGE_SMALL, STR("")), first_answered);
        return;
    }
}

void check_lists(struct check *check)
{
    bool any = false;
    check_take_targets(check);
    for (size_t i = 0; i < check->target_count; i++)
        any = any || find_module(&check->targets[i]) != NULL;
    if (any)
        next_list(check);
    else
        check_report(check, "lists", STR_NONE, CHECK_SKIPPED, REMEDY_NONE,
                     "it offers no list: no SENDER interface is known");
}
