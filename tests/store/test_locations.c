#include "tests/store/fixture.h"

/* Locations: taken apart for storage, joined again to be served; what a change of an EVSE touches. */

#define T1 "\"2024-01-01T00:00:00Z\""
#define T2 "\"2024-01-02T00:00:00.000Z\""

enum { INSIDE, ABSENT, NONE_FORM };

/* {"id":"L1","last_updated":T1,"evses":[]} and its offsets, the EVSEs' place as `form` says. */
static struct store_location_put *add_location(struct fixture *f, struct store_apply *apply,
                                               enum store_op_type type, const char *owner, const char *id,
                                               const char *name, int form, const char *time_text,
                                               int64_t last_updated)
{
    struct store_location_put *p = &add_op(apply, type)->u.location;
    const char *tail = form == INSIDE ? ",\"evses\":[]" : form == ABSENT ? "" : ",\"evses\":";
    p->owner = str_from(owner);
    p->id = str_from(id);
    p->body = text(f, "{\"id\":\"%s\",\"name\":\"%s\",\"last_updated\":%s%s,\"x\":1.50}", id, name, time_text,
                   tail);
    if (form == ABSENT) {
        p->children_at = p->body.length - 1;
    } else {
        const char *at = strstr(p->body.data, "\"evses\":");
        p->children_at = (size_t)(at - p->body.data) + (form == INSIDE ? 9 : 8);
    }
    p->children_form = form;
    p->updated_at = (size_t)(strstr(p->body.data, "\"last_updated\":") - p->body.data) + 15;
    p->updated_length = strlen(time_text);
    p->last_updated_text = str_from(time_text);
    p->last_updated = last_updated;
    uint64_t hash = str_hash(p->body);
    memcpy(p->digest, &hash, sizeof hash);
    return p;
}

static void digest_of(struct str body, uint8_t digest[16])
{
    uint64_t hash = str_hash(body);
    memcpy(digest, &hash, sizeof hash);
}

static void set_evses(struct fixture *f, struct store_location_put *p, size_t count, const char *status)
{
    struct store_evse_part *evses = arena_alloc(&f->arena, sizeof *evses * (count + 1));
    for (size_t i = 0; i < count; i++) {
        evses[i].uid = text(f, "E%zu", i);
        evses[i].body = text(f, "{\"uid\":\"E%zu\",\"status\":\"%s\"}", i, status);
        evses[i].last_updated = p->last_updated;
        digest_of(evses[i].body, evses[i].digest);
    }
    p->evses = evses;
    p->evse_count = count;
    uint64_t hash = str_hash(p->body) + count * 31 + str_hash(str_from(status));
    memcpy(p->digest, &hash, sizeof hash);
}

static int put_location(struct fixture *f, const char *id, int form, size_t evses, bool *changed)
{
    struct store_apply *apply = new_batch(f);
    struct store_location_put *p =
        add_location(f, apply, STORE_PUT_LOCATION, "IN-CPO", id, "n", form, T1, 1000);
    set_evses(f, p, evses, "AVAILABLE");
    int result = run_batch(f, apply);
    if (changed)
        *changed = p->changed;
    return result;
}

static struct store_evse_put *add_evse(struct fixture *f, struct store_apply *apply, const char *id,
                                       const char *uid, const char *status, const char *time_text,
                                       int64_t last_updated)
{
    struct store_evse_put *p = &add_op(apply, STORE_PUT_EVSE)->u.evse;
    p->owner = STR("IN-CPO");
    p->location = str_from(id);
    p->evse.uid = str_from(uid);
    p->evse.body = text(f, "{\"uid\":\"%s\",\"status\":\"%s\"}", uid, status);
    p->evse.last_updated = last_updated;
    digest_of(p->evse.body, p->evse.digest);
    p->last_updated_text = str_from(time_text);
    return p;
}

static int put_evse(struct fixture *f, const char *id, const char *uid, const char *status,
                    const char *time_text, int64_t last_updated, unsigned conditions, int64_t revision)
{
    struct store_apply *apply = new_batch(f);
    struct store_evse_put *p = add_evse(f, apply, id, uid, status, time_text, last_updated);
    p->conditions = conditions;
    p->revision = revision;
    return run_batch(f, apply);
}

static struct store_object_read get_location(struct fixture *f, const char *id)
{
    return get_object(f, STORE_LOCATION, "IN-CPO", id);
}

static struct store_object_read get_part(struct fixture *f, const char *id, const char *evse)
{
    struct store_object_read read = {
        .kind = STORE_LOCATION, .owner = STR("IN-CPO"), .id = str_from(id), .evse = str_from(evse)};
    read.without_evses = evse == NULL;
    RUN_READ(f, store_read_object, &read);
    return read;
}

/* ---------------------------------------------------------------- serving */

static void forms(void **state)
{
    struct fixture *f = *state;
    static const char *const with[] = {
        "{\"id\":\"L\",\"name\":\"n\",\"last_updated\":" T1
        ",\"evses\":[{\"uid\":\"E0\",\"status\":\"AVAILABLE\"},"
        "{\"uid\":\"E1\",\"status\":\"AVAILABLE\"}],\"x\":1.50}",
        "{\"id\":\"L\",\"name\":\"n\",\"last_updated\":" T1
        ",\"x\":1.50,\"evses\":[{\"uid\":\"E0\",\"status\":\"AVAILABLE\"},"
        "{\"uid\":\"E1\",\"status\":\"AVAILABLE\"}]}",
        "{\"id\":\"L\",\"name\":\"n\",\"last_updated\":" T1
        ",\"evses\":[{\"uid\":\"E0\",\"status\":\"AVAILABLE\"},"
        "{\"uid\":\"E1\",\"status\":\"AVAILABLE\"}],\"x\":1.50}",
    };
    static const char *const without[] = {
        "{\"id\":\"L\",\"name\":\"n\",\"last_updated\":" T1 ",\"evses\":[],\"x\":1.50}",
        "{\"id\":\"L\",\"name\":\"n\",\"last_updated\":" T1 ",\"x\":1.50}",
        "{\"id\":\"L\",\"name\":\"n\",\"last_updated\":" T1 ",\"evses\":null,\"x\":1.50}",
    };
    for (int form = INSIDE; form <= NONE_FORM; form++) {
        assert_int_equal(put_location(f, "L", form, 2, NULL), OK);
        assert_str(get_location(f, "L").body, with[form]);
        assert_int_equal(put_location(f, "L", form, 0, NULL), OK);
        assert_str(get_location(f, "L").body, without[form]);
    }
}

static void parts(void **state)
{
    struct fixture *f = *state;
    put_location(f, "L", INSIDE, 3, NULL);
    struct store_object_read whole = get_location(f, "L"), own = get_part(f, "L", NULL),
                             evse = get_part(f, "L", "E2");
    assert_int_equal(own.base.result, OK);
    assert_str(own.body, "{\"id\":\"L\",\"name\":\"n\",\"last_updated\":" T1 ",\"evses\":[],\"x\":1.50}");
    assert_int_equal(own.children_form, INSIDE);
    assert_int_equal(own.body.data[own.children_at - 1], '[');
    assert_str(own.last_updated_text, T1);
    assert_int_equal(own.revision, whole.revision);
    assert_str(str_of(own.body.data + own.updated_at, own.updated_length), T1);
    assert_str(evse.body, "{\"uid\":\"E2\",\"status\":\"AVAILABLE\"}");
    assert_int_equal(evse.last_updated, 1000);
    assert_int_equal(get_part(f, "L", "E9").base.result, ERR_NOT_FOUND);
    assert_int_equal(get_part(f, "X", "E2").base.result, ERR_NOT_FOUND);
    assert_int_equal(get_part(f, "X", NULL).base.result, ERR_NOT_FOUND);
}

/* ---------------------------------------------------------------- EVSEs */

static void evse_moves_location_forward(void **state)
{
    struct fixture *f = *state;
    put_location(f, "L", INSIDE, 3, NULL);
    int64_t before = get_part(f, "L", "E1").revision;
    assert_int_equal(put_evse(f, "L", "E1", "CHARGING", T2, 2000, STORE_IF_PRESENT | STORE_IF_NOT_OLDER, 0),
                     OK);
    struct store_object_read read = get_location(f, "L");
    assert_str(
        read.body,
        "{\"id\":\"L\",\"name\":\"n\",\"last_updated\":" T2
        ",\"evses\":[{\"uid\":\"E0\",\"status\":\"AVAILABLE\"},{\"uid\":\"E1\",\"status\":\"CHARGING\"},"
        "{\"uid\":\"E2\",\"status\":\"AVAILABLE\"}],\"x\":1.50}");
    assert_int_equal(read.last_updated, 2000);
    assert_str(read.last_updated_text, T2);
    assert_true(get_part(f, "L", "E1").revision != before);
    assert_int_equal(get_part(f, "L", "E0").revision, before);
    /* the own part keeps its bytes */
    assert_str(get_part(f, "L", NULL).body,
               "{\"id\":\"L\",\"name\":\"n\",\"last_updated\":" T1 ",\"evses\":[],\"x\":1.50}");
    /* never back, though the EVSE itself may be older than its location */
    assert_int_equal(put_evse(f, "L", "E0", "BLOCKED", "\"old\"", 1500, STORE_IF_NOT_OLDER, 0), OK);
    read = get_location(f, "L");
    assert_int_equal(read.last_updated, 2000);
    assert_str(read.last_updated_text, T2);
    assert_non_null(memmem(read.body.data, read.body.length, "BLOCKED", 7));
}

static void new_evse_goes_to_the_end(void **state)
{
    struct fixture *f = *state;
    for (int form = INSIDE; form <= NONE_FORM; form++) {
        const char *id = form == INSIDE ? "A" : form == ABSENT ? "B" : "C";
        put_location(f, id, form, form == INSIDE ? 2 : 0, NULL);
        struct store_apply *apply = new_batch(f);
        struct store_evse_put *p = add_evse(f, apply, id, "AA", "AVAILABLE", T2, 2000);
        assert_int_equal(run_batch(f, apply), OK);
        assert_true(p->created);
        assert_true(p->changed);
        put_evse(f, id, "A0", "AVAILABLE", T2, 2000, 0, 0);
        struct store_object_read read = get_location(f, id);
        const char *aa = memmem(read.body.data, read.body.length, "\"AA\"", 4);
        const char *a0 = memmem(read.body.data, read.body.length, "\"A0\"", 4);
        const char *e1 = memmem(read.body.data, read.body.length, "\"E1\"", 4);
        assert_non_null(aa);
        assert_true(aa < a0);
        assert_true(form != INSIDE || (e1 && e1 < aa));
        assert_non_null(memmem(read.body.data, read.body.length, "\"evses\":[{", 10));
    }
}

static void evse_conditions(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_evse(f, "L", "E1", "X", T2, 2000, 0, 0), ERR_NOT_FOUND); /* no parent */
    put_location(f, "L", INSIDE, 1, NULL);
    assert_int_equal(put_evse(f, "L", "E9", "X", T2, 2000, STORE_IF_PRESENT, 0), ERR_NOT_FOUND);
    assert_int_equal(put_evse(f, "L", "E0", "X", T2, 2000, STORE_IF_ABSENT, 0), ERR_EXISTS);
    assert_int_equal(put_evse(f, "L", "E0", "X", T2, 999, STORE_IF_NOT_OLDER, 0), ERR_STALE);
    int64_t revision = get_part(f, "L", "E0").revision;
    assert_int_equal(put_evse(f, "L", "E0", "X", T2, 2000, STORE_IF_REVISION, revision + 1), ERR_CONFLICT);
    assert_int_equal(put_evse(f, "L", "E0", "X", T2, 2000, STORE_IF_REVISION, revision), OK);
    assert_int_equal(put_evse(f, "L", "E0", "Y", T2, 2000, STORE_IF_REVISION, revision), ERR_CONFLICT);
    /* a PUT of the location in between is a change too, even where an EVSE gets old content back */
    revision = get_part(f, "L", "E0").revision;
    put_location(f, "L", INSIDE, 1, NULL);
    assert_int_equal(put_evse(f, "L", "E0", "Z", T2, 2000, STORE_IF_REVISION, revision), ERR_CONFLICT);
}

/* ---------------------------------------------------------------- changed or not */

static void identical_put_is_no_change(void **state)
{
    struct fixture *f = *state;
    bool changed;
    put_location(f, "L", INSIDE, 3, &changed);
    assert_true(changed);
    put_location(f, "L", INSIDE, 3, &changed);
    assert_false(changed);
    /* an EVSE that changed makes the next PUT a change, though it is byte for byte the last PUT */
    put_evse(f, "L", "E1", "CHARGING", T2, 2000, 0, 0);
    put_location(f, "L", INSIDE, 3, &changed);
    assert_true(changed);
    assert_null(memmem(get_location(f, "L").body.data, get_location(f, "L").body.length, "CHARGING", 8));
    assert_str(get_location(f, "L").last_updated_text, T1);
    /* the same EVSE again changes nothing */
    struct store_apply *apply = new_batch(f);
    struct store_evse_put *p = add_evse(f, apply, "L", "E1", "AVAILABLE", T1, 1000);
    assert_int_equal(run_batch(f, apply), OK);
    assert_false(p->created);
    assert_false(p->changed);
    put_location(f, "L", INSIDE, 3, &changed);
    assert_false(changed);
}

/* An EVSE is what it was when its digest says so, whatever its bytes; also inside a whole location. */
static void same_evse_in_other_bytes(void **state)
{
    struct fixture *f = *state;
    bool changed;
    put_location(f, "L", INSIDE, 2, NULL);
    assert_int_equal(put_evse(f, "L", "E1", "CHARGING", T1, 1000, 0, 0), OK);
    struct store_apply *apply = new_batch(f);
    struct store_evse_put *p = add_evse(f, apply, "L", "E1", "CHARGING", T1, 1000);
    p->evse.body = text(f, "{ \"status\":\"CHARGING\", \"uid\":\"E1\" }");
    assert_int_equal(run_batch(f, apply), OK);
    assert_false(p->changed);
    /* the whole as it is by now */
    apply = new_batch(f);
    struct store_location_put *whole =
        add_location(f, apply, STORE_PUT_LOCATION, "IN-CPO", "L", "n", INSIDE, T1, 1000);
    set_evses(f, whole, 2, "AVAILABLE");
    ((struct store_evse_part *)whole->evses)[1].body = p->evse.body;
    memcpy(((struct store_evse_part *)whole->evses)[1].digest, p->evse.digest, sizeof p->evse.digest);
    assert_int_equal(run_batch(f, apply), OK);
    assert_false(whole->changed);
    put_location(f, "L", INSIDE, 2, &changed);
    assert_true(changed);
}

static int evse_of_size(struct fixture *f, const char *uid, size_t length, size_t size_max)
{
    struct store_apply *apply = new_batch(f);
    struct store_evse_put *p = add_evse(f, apply, "L", uid, "AVAILABLE", T1, 1000);
    char *body = arena_alloc(&f->arena, length);
    memset(body, 'x', length);
    p->evse.body = str_of(body, length);
    digest_of(p->evse.body, p->evse.digest);
    p->size_max = size_max;
    return run_batch(f, apply);
}

/* No EVSE is added beyond the size a location may have; one that is there may change a little. */
static void size_is_bounded(void **state)
{
    struct fixture *f = *state;
    const size_t max = 200000;
    put_location(f, "L", INSIDE, 1, NULL);
    assert_int_equal(evse_of_size(f, "E0", max - 1000, max), OK);
    assert_int_equal(evse_of_size(f, "NEW", 2000, max), ERR_TOO_LARGE);
    assert_int_equal(evse_of_size(f, "E0", max + 1000, max), OK);
    assert_int_equal(evse_of_size(f, "E0", max + STORE_SIZE_LEEWAY + 1000, max), ERR_TOO_LARGE);
    assert_int_equal(evse_of_size(f, "E0", max + 500, 1000), OK); /* smaller than it was */
    assert_int_equal(evse_of_size(f, "NEW", 2000, 0), OK);
    struct store_apply *apply = new_batch(f);
    add_location(f, apply, STORE_SET_LOCATION, "IN-CPO", "L", "a longer name", INSIDE, T1, 1000)->size_max =
        1000;
    assert_int_equal(run_batch(f, apply), ERR_TOO_LARGE);
}

static void put_replaces_evses(void **state)
{
    struct fixture *f = *state;
    put_location(f, "L", INSIDE, 5, NULL);
    put_location(f, "L", INSIDE, 2, NULL);
    assert_int_equal(get_part(f, "L", "E4").base.result, ERR_NOT_FOUND);
    /* another order */
    struct store_apply *apply = new_batch(f);
    struct store_location_put *p =
        add_location(f, apply, STORE_PUT_LOCATION, "IN-CPO", "L", "n", INSIDE, T1, 1000);
    struct store_evse_part turned[] = {{STR("E1"), STR("{1}"), 1000, {0}},
                                       {STR("E0"), STR("{0}"), 1000, {0}}};
    p->evses = turned;
    p->evse_count = 2;
    assert_int_equal(run_batch(f, apply), OK);
    assert_str(get_location(f, "L").body,
               "{\"id\":\"L\",\"name\":\"n\",\"last_updated\":" T1 ",\"evses\":[{1},{0}],\"x\":1.50}");
}

/* ---------------------------------------------------------------- PATCH of the location */

static int set_location(struct fixture *f, const char *name, const char *time_text, int64_t last_updated,
                        unsigned conditions, int64_t revision)
{
    struct store_apply *apply = new_batch(f);
    struct store_location_put *p =
        add_location(f, apply, STORE_SET_LOCATION, "IN-CPO", "L", name, INSIDE, time_text, last_updated);
    p->conditions = conditions;
    p->revision = revision;
    return run_batch(f, apply);
}

static void set_keeps_evses(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(set_location(f, "new", T2, 2000, 0, 0), ERR_NOT_FOUND);
    put_location(f, "L", INSIDE, 1, NULL);
    put_evse(f, "L", "E0", "CHARGING", T2, 2000, 0, 0);
    int64_t revision = get_location(f, "L").revision;
    assert_int_equal(set_location(f, "new", T1, 1999, STORE_IF_NOT_OLDER, 0), ERR_STALE);
    assert_int_equal(set_location(f, "new", "\"T3\"", 3000, STORE_IF_REVISION, revision + 1), ERR_CONFLICT);
    assert_int_equal(set_location(f, "new", "\"T3\"", 3000, STORE_IF_REVISION | STORE_IF_NOT_OLDER, revision),
                     OK);
    assert_str(get_location(f, "L").body, "{\"id\":\"L\",\"name\":\"new\",\"last_updated\":\"T3\",\"evses\":"
                                          "[{\"uid\":\"E0\",\"status\":\"CHARGING\"}],\"x\":1.50}");
    assert_int_equal(get_location(f, "L").last_updated, 3000);
    bool changed;
    put_location(f, "L", INSIDE, 1, &changed);
    assert_true(changed);
}

static void location_conditions(void **state)
{
    struct fixture *f = *state;
    struct {
        unsigned conditions;
        int64_t revision, last_updated;
        int expected;
    } rows[] = {
        {STORE_IF_PRESENT, 0, 1000, ERR_NOT_FOUND}, {STORE_IF_ABSENT, 0, 1000, OK},
        {STORE_IF_ABSENT, 0, 1000, ERR_EXISTS},     {STORE_IF_NOT_OLDER, 0, 999, ERR_STALE},
        {STORE_IF_REVISION, 7, 1000, ERR_CONFLICT}, {STORE_IF_NOT_OLDER, 0, 1001, OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store_apply *apply = new_batch(f);
        struct store_location_put *p =
            add_location(f, apply, STORE_PUT_LOCATION, "IN-CPO", "L", "n", INSIDE, T1, rows[i].last_updated);
        p->conditions = rows[i].conditions;
        p->revision = rows[i].revision;
        assert_int_equal(run_batch(f, apply), rows[i].expected);
    }
}

/* ---------------------------------------------------------------- size, owners */

/* The page's size is an upper bound of what is served, within a few bytes, whatever happened to the location.
 */
static void size_is_an_upper_bound(void **state)
{
    struct fixture *f = *state;
    put_location(f, "L", ABSENT, 2, NULL);
    for (int i = 0; i < 40; i++) {
        if (i % 4 == 0)
            put_evse(f, "L", text(f, "N%d", i).data, "AVAILABLE", T2, 2000 + i, 0, 0);
        else if (i % 4 == 1)
            put_evse(f, "L", "E1", i % 8 == 1 ? "CHARGING" : "X", i % 3 ? T1 : T2, 2000 + i, 0, 0);
        else if (i % 4 == 2)
            set_location(f, i % 8 == 2 ? "a much longer name than before" : "n", T1, 2000 + i, 0, 0);
        else if (i == 23)
            put_location(f, "L", NONE_FORM, 5, NULL);
        struct store_owner_filter owner = {STR("IN-CPO"), INT64_MIN};
        struct store_page_read page = {.kind = STORE_LOCATION, .owners = &owner, .owner_count = 1};
        page.date_from = INT64_MIN;
        page.date_to = INT64_MAX;
        page.limit = 10;
        page.bytes_max = 1 << 20;
        assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
        size_t served = get_location(f, "L").body.length;
        assert_true(page.items[0].size >= served);
        assert_true(page.items[0].size <= served + 16);
    }
}

static void owners_with_evses(void **state)
{
    struct fixture *f = *state;
    put_location(f, "L", INSIDE, 3, NULL);
    struct store_apply *apply = new_batch(f);
    set_evses(f, add_location(f, apply, STORE_PUT_LOCATION, "IN-AAA", "L", "n", INSIDE, T1, 1000), 1,
              "AVAILABLE");
    assert_int_equal(run_batch(f, apply), OK);
    struct str wanted[] = {STR("E0"), STR("E2")};
    struct store_owners_read read = {
        .kind = STORE_LOCATION, .id = STR("L"), .evses = wanted, .evse_count = 2};
    assert_int_equal(RUN_READ(f, store_read_owners, &read), OK);
    assert_int_equal(read.owner_count, 2);
    assert_str(read.owners[0].owner, "IN-AAA");
    assert_false(read.owners[0].has_evses);
    assert_true(read.owners[1].has_evses);
    read = (struct store_owners_read){.kind = STORE_LOCATION, .id = STR("L")};
    assert_int_equal(RUN_READ(f, store_read_owners, &read), OK);
    assert_true(read.owners[0].has_evses);
}

/* Of an id that several have: what is REMOVED counts as not there, and nobody is left out. */
static void owners_of_what_is_left(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 40; i++) {
        struct store_apply *apply = new_batch(f);
        struct store_location_put *put = add_location(f, apply, STORE_PUT_LOCATION,
                                                      text(f, "IN-%03d", i).data, "L", "n", INSIDE, T1, 1000);
        if (i != 7) /* which never had any */
            set_evses(f, put, 2, i == 3 ? "AVAILABLE" : "REMOVED");
        assert_int_equal(run_batch(f, apply), OK);
    }
    struct str wanted[] = {STR("E1")};
    struct store_owners_read read = {
        .kind = STORE_LOCATION, .id = STR("L"), .evses = wanted, .evse_count = 1};
    assert_int_equal(RUN_READ(f, store_read_owners, &read), OK);
    assert_int_equal(read.owner_count, 40);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(read.owners[i].alive, i == 3 || i == 7);
        assert_int_equal(read.owners[i].has_evses, i == 3);
    }
}

static void delete_location(void **state)
{
    struct fixture *f = *state;
    put_location(f, "L", INSIDE, 3, NULL);
    for (int round = 0; round < 2; round++) {
        struct store_apply *apply = new_batch(f);
        struct store_op *op = add_op(apply, STORE_DELETE_OBJECT);
        op->u.key.kind = STORE_LOCATION;
        op->u.key.owner = STR("IN-CPO");
        op->u.key.id = STR("L");
        assert_int_equal(run_batch(f, apply), round == 0 ? OK : ERR_NOT_FOUND);
    }
    assert_int_equal(get_location(f, "L").base.result, ERR_NOT_FOUND);
    put_location(f, "L", INSIDE, 1, NULL);
    assert_int_equal(get_part(f, "L", "E2").base.result, ERR_NOT_FOUND);
}

static void a_thousand_evses(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_location(f, "L", INSIDE, 1000, NULL), OK);
    put_evse(f, "L", "E500", "CHARGING", T2, 2000, 0, 0);
    struct store_object_read read = get_location(f, "L");
    assert_int_equal(read.base.result, OK);
    size_t at = 0;
    for (int i = 0; i < 1000; i++) {
        struct str mark =
            text(f, "{\"uid\":\"E%d\",\"status\":\"%s\"}", i, i == 500 ? "CHARGING" : "AVAILABLE");
        const char *found = memmem(read.body.data + at, read.body.length - at, mark.data, mark.length);
        assert_non_null(found);
        at = (size_t)(found - read.body.data);
    }
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        STORE_TEST(forms),
        STORE_TEST(parts),
        STORE_TEST(evse_moves_location_forward),
        STORE_TEST(new_evse_goes_to_the_end),
        STORE_TEST(evse_conditions),
        STORE_TEST(identical_put_is_no_change),
        STORE_TEST(same_evse_in_other_bytes),
        STORE_TEST(size_is_bounded),
        STORE_TEST(put_replaces_evses),
        STORE_TEST(set_keeps_evses),
        STORE_TEST(location_conditions),
        STORE_TEST(size_is_an_upper_bound),
        STORE_TEST(owners_with_evses),
        STORE_TEST(owners_of_what_is_left),
        STORE_TEST(delete_location),
        STORE_TEST(a_thousand_evses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
