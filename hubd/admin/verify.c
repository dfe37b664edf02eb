#include <stdio.h>

#include "hubd/admin/internal.h"
#include "hubd/admin/rows.h"
#include "lib/base/crypto.h"
#include "lib/store/verify.h"

/* audit verify: the chain in slices; after each the client hears how far it is. */

#define VERIFY_MAGIC 0x56524659u
#define SLICE_ROWS   2000

struct verify {
    uint32_t magic;
    struct ctl_request *request;
    struct arena arena; /* of one slice */
    struct store_verify_read read;
    struct store_head head;          /* what the trail must contain, if it was asked for */
    struct store_totals_read totals; /* as they were at the beginning */
    bool blocked;
};

static void on_slice(struct store_read *base);

static void read_slice(struct verify *verify)
{
    arena_reset(&verify->arena);
    verify->read.base.arena = &verify->arena;
    verify->read.base.callback = on_slice;
    verify->read.base.context = verify;
    verify->read.limit = SLICE_ROWS;
    store_read_verify(admin_hub(verify->request)->control_store, &verify->read);
}

static void verify_answer(struct verify *verify)
{
    const struct store_verify_read *read = &verify->read;
    struct ctl_request *request = verify->request;
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
    rows_text(&writer, "problem", read->bad_sequence != 0 ? read->problem : STR_NONE);
    json_object_end(&writer);
    arena_free(&verify->arena);
    verify->magic = 0;
    ctl_reply(request, &reply);
    buffer_free(&reply);
}

static void on_slice(struct store_read *base)
{
    struct verify *verify = MAGIC_CAST(struct verify, base->context, VERIFY_MAGIC);
    if (base->result != OK) {
        struct ctl_request *request = verify->request;
        struct error error = base->error;
        arena_free(&verify->arena);
        rows_fail_error(request, base->result, error.text);
        return;
    }
    if (verify->read.done || verify->read.bad_sequence != 0 || verify->request->closed) {
        verify_answer(verify);
        return;
    }
    char text[80];
    snprintf(text, sizeof text, "%lld rows of the audit are in order",
             (long long)(verify->read.position - verify->read.pruned));
    verify->blocked =
        !ctl_progress(verify->request, str_from(text), verify->read.position, verify->totals.audit_head);
    if (!verify->blocked)
        read_slice(verify);
}

/* Where the end is; it is found without that too. */
static void verify_on_totals(struct store_read *base)
{
    read_slice(MAGIC_CAST(struct verify, base->context, VERIFY_MAGIC));
}

static void verify_on_drain(struct ctl_request *request)
{
    struct verify *verify = MAGIC_CAST(struct verify, request->state, VERIFY_MAGIC);
    verify->blocked = false;
    read_slice(verify);
}

/* While a slice is being read its callback sees that the client has gone. */
static void verify_on_closed(struct ctl_request *request)
{
    struct verify *verify = MAGIC_CAST(struct verify, request->state, VERIFY_MAGIC);
    if (verify->blocked)
        verify_answer(verify);
}

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
    struct verify *verify = arena_alloc(&request->arena, sizeof *verify);
    if (verify == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    struct str head = json_get_text(request->params, "head");
    if (head.data != NULL && !read_head(head, &verify->head)) {
        ctl_fail(
            request, CTL_BAD_PARAMS, "head: no head of the audit",
            "ROW:HEAD or HEAD, HEAD being the 64 hexadecimal digits that audit verify prints and hubd logs");
        return;
    }
    verify->read.head = head.data != NULL ? &verify->head : NULL;
    verify->magic = VERIFY_MAGIC;
    verify->request = request;
    arena_init(&verify->arena, 65536);
    request->state = verify;
    request->on_drain = verify_on_drain;
    request->on_closed = verify_on_closed;
    verify->totals.base =
        (struct store_read){.arena = &verify->arena, .callback = verify_on_totals, .context = verify};
    store_read_totals(admin_hub(request)->control_store, &verify->totals);
}
