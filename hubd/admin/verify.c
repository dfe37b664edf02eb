#include <stdio.h>

#include "hubd/admin/internal.h"
#include "hubd/admin/job.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "lib/base/crypto.h"
#include "lib/store/verify.h"

/* audit verify: a job (job.h) that walks the chain and reports after each slice how far it is. */

#define SLICE_ROWS 2000

struct verify {
    struct job job;
    struct store_verify_read read;
    struct store_head head;          /* what the trail must contain, if it was asked for */
    struct store_totals_read totals; /* as they were at the beginning */
};

static struct verify *verify_of(struct job *job)
{
    return CONTAINER_OF(job, struct verify, job);
}

static void verify_answer(struct job *job)
{
    const struct store_verify_read *read = &verify_of(job)->read;
    struct buffer reply = {0};
    struct json_writer writer;
    char head[2 * sizeof read->mac + 1];
    json_writer_init(&writer, &reply);
    json_object_begin(&writer);
    json_field_boolean(&writer, "ok", read->bad_sequence == 0);
    json_field_int(&writer, "rows", read->position - read->pruned);
    json_field_int(&writer, "pruned", read->pruned);
    json_field_text(&writer, "head", hex_encode(read->mac, sizeof read->mac, head));
    json_key(&writer, "bad_row");
    if (read->bad_sequence != 0)
        json_int(&writer, read->bad_sequence);
    else
        json_null(&writer);
    render_text(&writer, "problem", read->bad_sequence != 0 ? read->problem : STR_NONE);
    json_object_end(&writer);
    ctl_reply(job_end(job), &reply);
    buffer_free(&reply);
}

static void verify_fail(struct job *job, int error_code, const struct error *error)
{
    refusal_reply_error(job_end(job), error_code, error->text);
}

static void slice_verified(struct job *job)
{
    struct verify *verify = verify_of(job);
    const struct store_verify_read *read = &verify->read;
    char text[80];
    if (read->done || read->bad_sequence != 0) {
        verify_answer(job);
        return;
    }
    snprintf(text, sizeof text, "%lld rows of the audit are in order",
             (long long)(read->position - read->pruned));
    job_report(job, str_from(text), read->position, verify->totals.audit_head);
    job_next(job);
}

static void verify_slice(struct job *job)
{
    struct verify *verify = verify_of(job);
    verify->read.base = job_read(job, slice_verified);
    verify->read.limit = SLICE_ROWS;
    store_read_verify(job->hub->control_store, &verify->read);
}

static const struct job_kind verify_kind = {verify_slice, verify_answer, verify_fail};

/* "4711:9f86…", or the 64 digits alone. */
static bool read_head(struct str text, struct store_head *head)
{
    size_t colon = str_find(text, ':');
    uint64_t sequence = 0;
    if (colon != SIZE_MAX &&
        (!str_to_uint64(str_of(text.data, colon), &sequence) || sequence == 0 || sequence > INT64_MAX))
        return false;
    head->sequence = (int64_t)sequence;
    struct str hex = colon == SIZE_MAX ? text : str_skip(text, colon + 1);
    return hex.length == 2 * sizeof head->mac && hex_decode(hex, head->mac, sizeof head->mac);
}

void admin_audit_verify(struct ctl_request *request)
{
    struct verify *verify = job_new(request, sizeof *verify, &verify_kind);
    if (verify == NULL)
        return;
    struct str head = json_get_text(request->params, "head");
    if (head.data != NULL && !read_head(head, &verify->head)) {
        ctl_fail(
            job_end(&verify->job), CTL_BAD_PARAMS, "head: no head of the audit",
            "ROW:HEAD or HEAD, HEAD being the 64 hexadecimal digits that audit verify prints and hubd logs");
        return;
    }
    verify->read.head = head.data != NULL ? &verify->head : NULL;
    verify->totals.base = job_read_optional(&verify->job, job_next);
    store_read_totals(verify->job.hub->control_store, &verify->totals);
}
