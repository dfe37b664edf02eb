#include "tests/store/fixture.h"

/* Pages: order, windows, totals, where to go on; and the bodies that follow. */

static const struct store_owner_filter everything[] = {
    {{"IN-AAA", 6}, INT64_MIN}, {{"IN-BBB", 6}, INT64_MIN}, {{"IN-CCC", 6}, INT64_MIN}};

static struct store_page_read page_of(enum store_kind kind, const struct store_owner_filter *owners,
                                      size_t count)
{
    return (struct store_page_read){
        .kind = kind,
        .owners = owners,
        .owner_count = count,
        .date_from = INT64_MIN,
        .date_to = INT64_MAX,
        .limit = 1000,
        .bytes_max = 1 << 22,
    };
}

static struct store_page_read all_of(enum store_kind kind)
{
    return page_of(kind, everything, 3);
}

/* "S1 S2 S3": the ids of a page. */
static struct str ids_of(struct fixture *f, const struct store_page_read *page)
{
    char line[8192] = "";
    size_t used = 0;
    for (size_t i = 0; i < page->item_count; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s" STR_FMT, i ? " " : "",
                                 STR_ARG(page->items[i].id));
    return arena_copy(&f->arena, str_of(line, used));
}

static const char *const owner_names[] = {"IN-AAA", "IN-BBB", "IN-CCC"};

static void put_location(struct fixture *f, const char *owner, const char *id, int64_t last_updated)
{
    struct store_apply *apply = new_batch(f);
    struct store_location_put *p = &add_op(apply, STORE_PUT_LOCATION)->u.location;
    p->owner = str_from(owner);
    p->id = str_from(id);
    p->body = text(f, "{\"id\":\"%s\",\"at\":%lld}", id, (long long)last_updated);
    p->children_at = p->body.length - 1;
    p->children_form = 1;
    p->last_updated = last_updated;
    uint64_t hash = str_hash(p->body);
    memcpy(p->digest, &hash, sizeof hash);
    assert_int_equal(run_batch(f, apply), OK);
}

/* Tariffs T0 … (count - 1), last_updated 1000 + i, owners in turn. */
static void put_many(struct fixture *f, enum store_kind kind, int count)
{
    for (int i = 0; i < count; i++) {
        const char *id = text(f, "T%d", i).data;
        if (kind == STORE_LOCATION)
            put_location(f, owner_names[i % 3], id, 1000 + i);
        else
            put_object(f, kind, owner_names[i % 3], id, text(f, "{\"id\":\"T%d\"}", i).data, 1000 + i);
    }
}

/* ---------------------------------------------------------------- order */

static void order_of_arrival_is_stable(void **state)
{
    struct fixture *f = *state;
    for (enum store_kind kind = STORE_LOCATION; kind < STORE_KIND_COUNT; kind++) {
        put_many(f, kind, 7);
        struct store_page_read page = all_of(kind);
        assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
        assert_str(ids_of(f, &page), "T0 T1 T2 T3 T4 T5 T6");
        assert_int_equal(page.total, 7);
        assert_false(page.more);
        for (int i = 0; i < 7; i++)
            assert_str(page.items[i].owner, owner_names[i % 3]);
        /* an update moves nothing */
        if (kind == STORE_LOCATION)
            put_location(f, "IN-AAA", "T3", 9000);
        else
            put_object(f, kind, "IN-AAA", "T3", "{\"new\":1}", 9000);
        struct store_page_read again = all_of(kind);
        assert_int_equal(RUN_READ(f, store_read_page, &again), OK);
        assert_str(ids_of(f, &again), "T0 T1 T2 T3 T4 T5 T6");
        assert_int_equal(again.total, 7);
    }
}

static void owners_filter(void **state)
{
    struct fixture *f = *state;
    put_many(f, STORE_TARIFF, 9);
    struct store_page_read page = page_of(STORE_TARIFF, everything + 1, 1);
    assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
    assert_str(ids_of(f, &page), "T1 T4 T7");
    assert_int_equal(page.total, 3);
    page = page_of(STORE_TARIFF, everything + 1, 2);
    assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
    assert_str(ids_of(f, &page), "T1 T2 T4 T5 T7 T8");
    page = page_of(STORE_TARIFF, NULL, 0);
    assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
    assert_int_equal(page.item_count, 0);
    assert_int_equal(page.total, 0);
    struct store_owner_filter nobody = {STR("IN-NNN"), INT64_MIN};
    page = page_of(STORE_TARIFF, &nobody, 1);
    assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
    assert_int_equal(page.total, 0);
}

static void counterparty_filter(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 12; i++) {
        struct store_apply *apply = new_batch(f);
        add_object(apply, STORE_CDR, owner_names[i % 3], text(f, "C%d", i).data, "{}", 1000)->counterparty =
            i % 2 ? STR("IN-MSP") : STR("IN-OTH");
        assert_int_equal(run_batch(f, apply), OK);
    }
    struct store_page_read page = all_of(STORE_CDR);
    page.counterparty = STR("IN-MSP");
    page.limit = 4;
    assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
    assert_str(ids_of(f, &page), "C1 C3 C5 C7");
    assert_int_equal(page.total, 6);
    assert_true(page.more);
    /* another counterparty of an old object is counted */
    struct store_apply *apply = new_batch(f);
    add_object(apply, STORE_CDR, "IN-AAA", "C0", "{}", 1000)->counterparty = STR("IN-MSP");
    assert_int_equal(run_batch(f, apply), OK);
    page = all_of(STORE_CDR);
    page.counterparty = STR("IN-MSP");
    assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
    assert_int_equal(page.total, 7);
    assert_str(ids_of(f, &page), "C0 C1 C3 C5 C7 C9 C11");
}

/* ---------------------------------------------------------------- going on */

static void after_skip_limit(void **state)
{
    struct fixture *f = *state;
    for (enum store_kind kind = STORE_LOCATION; kind <= STORE_TARIFF; kind++) {
        put_many(f, kind, 30);
        for (size_t owners = 1; owners <= 3; owners += 2) {
            struct store_page_read whole = page_of(kind, everything, owners);
            assert_int_equal(RUN_READ(f, store_read_page, &whole), OK);
            size_t count = owners == 1 ? 10 : 30;
            assert_int_equal(whole.item_count, count);
            for (unsigned limit = 1; limit <= count; limit += 3) {
                int64_t after = 0;
                for (size_t got = 0; got < count;) {
                    struct store_page_read page = page_of(kind, everything, owners), skipped = page;
                    page.limit = skipped.limit = limit;
                    page.after = after;
                    skipped.skip = got;
                    assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
                    assert_int_equal(RUN_READ(f, store_read_page, &skipped), OK);
                    assert_int_equal(page.total, count);
                    assert_int_equal(skipped.total, count);
                    assert_int_equal(page.item_count, skipped.item_count);
                    assert_true(page.item_count > 0);
                    for (size_t i = 0; i < page.item_count; i++) {
                        assert_int_equal(page.items[i].sequence, whole.items[got + i].sequence);
                        assert_int_equal(skipped.items[i].sequence, whole.items[got + i].sequence);
                    }
                    got += page.item_count;
                    after = page.items[page.item_count - 1].sequence;
                    assert_int_equal(page.more, got < count);
                    assert_int_equal(skipped.more, got < count);
                }
            }
            struct store_page_read past = page_of(kind, everything, owners);
            past.skip = count + 5;
            assert_int_equal(RUN_READ(f, store_read_page, &past), OK);
            assert_int_equal(past.item_count, 0);
            assert_false(past.more);
            assert_int_equal(past.total, count);
        }
    }
}

static void bytes_max_ends_a_page(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++) {
        char body[1001];
        memset(body, 'x', 1000);
        body[1000] = 0;
        put_object(f, STORE_TARIFF, "IN-AAA", text(f, "T%d", i).data, body, 1000);
    }
    struct store_page_read page = all_of(STORE_TARIFF);
    page.bytes_max = 2500;
    assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
    assert_int_equal(page.item_count, 2);
    assert_true(page.more);
    page = all_of(STORE_TARIFF);
    page.bytes_max = 10; /* at least one */
    assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
    assert_int_equal(page.item_count, 1);
    assert_int_equal(page.items[0].size, 1000);
    assert_true(page.more);
}

/* ---------------------------------------------------------------- dates */

static struct str ids_between(struct fixture *f, enum store_kind kind,
                              const struct store_owner_filter *owners, size_t count, int64_t from, int64_t to)
{
    struct store_page_read page = page_of(kind, owners, count);
    page.date_from = from;
    page.date_to = to;
    assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
    assert_int_equal(page.total, page.item_count);
    assert_false(page.more);
    /* asked again it is remembered */
    struct store_page_read again = page_of(kind, owners, count);
    again.date_from = from;
    again.date_to = to;
    again.limit = 1;
    assert_int_equal(RUN_READ(f, store_read_page, &again), OK);
    assert_int_equal(again.total, page.total);
    return ids_of(f, &page);
}

static void windows(void **state)
{
    struct fixture *f = *state;
    for (enum store_kind kind = STORE_LOCATION; kind < STORE_KIND_COUNT; kind++) {
        put_many(f, kind, 6); /* arrived at fixture_wall */
        int64_t now = fixture_wall;
        assert_str(ids_between(f, kind, everything, 3, 1001, 1004), "T1 T2 T3");
        assert_str(ids_between(f, kind, everything, 3, 1005, 2000), "T5");
        assert_str(ids_between(f, kind, everything, 3, 1006, 2000), "");
        assert_str(ids_between(f, kind, everything, 3, INT64_MIN, 1002), "T0 T1");
        /* by arrival */
        assert_str(ids_between(f, kind, everything, 3, now, INT64_MAX), "T0 T1 T2 T3 T4 T5");
        assert_str(ids_between(f, kind, everything, 3, now + 1, INT64_MAX), "");
        /* by the rule */
        struct store_owner_filter owners[] = {{STR("IN-AAA"), INT64_MIN}, {STR("IN-BBB"), 5000}};
        assert_str(ids_between(f, kind, owners, 2, 5000, 6000), "T1 T4");
        assert_str(ids_between(f, kind, owners, 2, 4000, 5000), "");
        assert_str(ids_between(f, kind, owners, 2, 1003, 5001), "T1 T3 T4");
    }
}

/* A late push is found though its last_updated is old; an identical one is not a change. */
static void late_push_is_not_missed(void **state)
{
    struct fixture *f = *state;
    for (enum store_kind kind = STORE_LOCATION; kind <= STORE_TARIFF; kind++) {
        put_many(f, kind, 3);
        int64_t sync = fixture_wall + 1000;
        fixture_wall += 5000;
        if (kind == STORE_LOCATION)
            put_location(f, "IN-BBB", "T1", 1001);
        else
            put_object(f, kind, "IN-BBB", "T1", "{\"id\":\"T1\"}", 1001);
        assert_str(ids_between(f, kind, everything, 3, sync, INT64_MAX), "");
        if (kind == STORE_LOCATION)
            put_location(f, "IN-BBB", "T1", 1002);
        else
            put_object(f, kind, "IN-BBB", "T1", "{\"id\":\"T1\",\"new\":1}", 1001);
        assert_str(ids_between(f, kind, everything, 3, sync, INT64_MAX), "T1");
    }
}

static void dated_pages_go_on(void **state)
{
    struct fixture *f = *state;
    put_many(f, STORE_TARIFF, 30);
    int64_t after = 0;
    for (size_t got = 0; got < 20;) {
        struct store_page_read page = all_of(STORE_TARIFF);
        page.date_from = 1005;
        page.date_to = 1025;
        page.limit = 3;
        page.after = after;
        assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
        assert_int_equal(page.total, 20);
        for (size_t i = 0; i < page.item_count; i++)
            assert_str(page.items[i].id, text(f, "T%zu", 5 + got + i).data);
        got += page.item_count;
        after = page.items[page.item_count - 1].sequence;
        assert_int_equal(page.more, got < 20);
    }
}

/* ---------------------------------------------------------------- totals */

static uint64_t total_of(struct fixture *f, enum store_kind kind, size_t owners)
{
    struct store_page_read page = page_of(kind, everything, owners);
    page.limit = 1;
    assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
    return page.total;
}

static void totals_follow_changes(void **state)
{
    struct fixture *f = *state;
    put_many(f, STORE_TARIFF, 10);
    assert_int_equal(total_of(f, STORE_TARIFF, 3), 10);
    put_object(f, STORE_TARIFF, "IN-AAA", "NEW", "{}", 1000);
    assert_int_equal(total_of(f, STORE_TARIFF, 3), 11);
    assert_int_equal(total_of(f, STORE_TARIFF, 1), 5);
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_DELETE_OBJECT);
    op->u.key.kind = STORE_TARIFF;
    op->u.key.owner = STR("IN-AAA");
    op->u.key.id = STR("T0");
    assert_int_equal(run_batch(f, apply), OK);
    assert_int_equal(total_of(f, STORE_TARIFF, 3), 10);
    assert_int_equal(total_of(f, STORE_TARIFF, 1), 4);
    put_object(f, STORE_TARIFF, "IN-AAA", "T0", "{}", 1000);
    assert_int_equal(total_of(f, STORE_TARIFF, 1), 5);
    fixture_reopen(f);
    assert_int_equal(total_of(f, STORE_TARIFF, 3), 11);
    struct store_totals_read totals = {0};
    assert_int_equal(RUN_READ(f, store_read_totals, &totals), OK);
    assert_int_equal(totals.objects[STORE_TARIFF], 11);
    assert_int_equal(totals.objects[STORE_LOCATION], 0);
    assert_true(totals.database_bytes > 0);
}

/* ---------------------------------------------------------------- many owners */

static void many_owners(void **state)
{
    enum { OWNERS = 200, EACH = 5 };
    struct fixture *f = *state;
    struct store_owner_filter owners[OWNERS];
    for (size_t i = 0; i < OWNERS; i++)
        owners[i] = (struct store_owner_filter){text(f, "IN-%03zu", i), INT64_MIN};
    for (int kind = STORE_LOCATION; kind <= STORE_SESSION; kind++) {
        struct store_apply *apply = NULL;
        for (size_t i = 0; i < OWNERS * EACH; i++) {
            if (kind == STORE_LOCATION) {
                put_location(f, owners[i % OWNERS].owner.data, text(f, "T%zu", i).data, 1000 + (int64_t)i);
                continue;
            }
            if (!apply)
                apply = new_batch(f);
            add_object(apply, (enum store_kind)kind, owners[i % OWNERS].owner.data, text(f, "T%zu", i).data,
                       "{}", 1000 + (int64_t)i);
            if (i % 100 == 99) {
                assert_int_equal(run_batch(f, apply), OK);
                apply = NULL;
            }
        }
        /* every second owner; all; few that have little */
        struct store_owner_filter half[OWNERS / 2];
        for (size_t i = 0; i < OWNERS / 2; i++)
            half[i] = owners[2 * i];
        int64_t after = 0;
        for (size_t got = 0; got < OWNERS * EACH / 2;) {
            struct store_page_read page = page_of((enum store_kind)kind, half, OWNERS / 2);
            page.limit = 70;
            page.after = after;
            assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
            assert_int_equal(page.total, OWNERS * EACH / 2);
            for (size_t i = 0; i < page.item_count; i++, got++)
                assert_str(page.items[i].id, text(f, "T%zu", got * 2).data);
            after = page.items[page.item_count - 1].sequence;
        }
        struct store_page_read deep = page_of((enum store_kind)kind, owners, OWNERS);
        deep.skip = 900;
        assert_int_equal(RUN_READ(f, store_read_page, &deep), OK);
        assert_int_equal(deep.item_count, 100);
        assert_str(deep.items[0].id, "T900");
        struct store_page_read dated = page_of((enum store_kind)kind, owners, OWNERS);
        dated.date_from = 1500;
        dated.date_to = 1600;
        dated.limit = 10;
        assert_int_equal(RUN_READ(f, store_read_page, &dated), OK);
        assert_int_equal(dated.total, 100);
        assert_str(dated.items[0].id, "T500");
        assert_true(dated.more);
    }
}

/* A scan that meets almost only others' rows goes on owner by owner. */
static void few_among_many(void **state)
{
    struct fixture *f = *state;
    struct store_owner_filter owners[20];
    for (size_t i = 0; i < 20; i++)
        owners[i] = (struct store_owner_filter){text(f, "IN-F%02zu", i), INT64_MIN};
    put_object(f, STORE_TARIFF, "IN-F03", "FIRST", "{}", 1000);
    for (int block = 0; block < 30; block++) {
        struct store_apply *apply = new_batch(f);
        for (int i = 0; i < 100; i++)
            add_object(apply, STORE_TARIFF, "IN-BIG", text(f, "B%d-%d", block, i).data, "{}", 1000);
        assert_int_equal(run_batch(f, apply), OK);
    }
    put_object(f, STORE_TARIFF, "IN-F07", "MIDDLE", "{}", 1000);
    put_object(f, STORE_TARIFF, "IN-F03", "LAST", "{}", 1000);
    struct store_page_read page = page_of(STORE_TARIFF, owners, 20);
    page.limit = 50;
    assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
    assert_str(ids_of(f, &page), "FIRST MIDDLE LAST");
    assert_int_equal(page.total, 3);
    assert_false(page.more);
}

/* ---------------------------------------------------------------- bodies */

static void bodies_in_slices(void **state)
{
    struct fixture *f = *state;
    for (enum store_kind kind = STORE_LOCATION; kind <= STORE_TARIFF; kind++) {
        put_many(f, kind, 6);
        struct store_page_read page = all_of(kind);
        assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
        if (kind == STORE_TARIFF) {
            struct store_apply *apply = new_batch(f);
            struct store_op *op = add_op(apply, STORE_DELETE_OBJECT);
            op->u.key.kind = kind;
            op->u.key.owner = STR("IN-AAA");
            op->u.key.id = STR("T3");
            assert_int_equal(run_batch(f, apply), OK);
        }
        struct buffer whole = {0};
        struct store_bodies_read read = {.kind = kind, .items = page.items, .item_count = page.item_count};
        read.out = &whole;
        int slices = 0;
        for (; read.position < read.item_count; slices++) {
            size_t before = read.position;
            read.slice_max = 1;
            assert_int_equal(RUN_READ(f, store_read_bodies, &read), OK);
            assert_true(read.position > before);
        }
        assert_true(slices >= 5);
        assert_true(read.need_comma);
        if (kind == STORE_TARIFF)
            assert_str(buffer_str(&whole),
                       "{\"id\":\"T0\"},{\"id\":\"T1\"},{\"id\":\"T2\"},{\"id\":\"T4\"},{\"id\":\"T5\"}");
        else
            assert_str(buffer_str(&whole), "{\"id\":\"T0\",\"at\":1000},{\"id\":\"T1\",\"at\":1001},"
                                           "{\"id\":\"T2\",\"at\":1002},{\"id\":\"T3\",\"at\":1003},"
                                           "{\"id\":\"T4\",\"at\":1004},{\"id\":\"T5\",\"at\":1005}");
        buffer_free(&whole);
    }
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        STORE_TEST(order_of_arrival_is_stable),
        STORE_TEST(owners_filter),
        STORE_TEST(counterparty_filter),
        STORE_TEST(after_skip_limit),
        STORE_TEST(bytes_max_ends_a_page),
        STORE_TEST(windows),
        STORE_TEST(late_push_is_not_missed),
        STORE_TEST(dated_pages_go_on),
        STORE_TEST(totals_follow_changes),
        STORE_TEST(many_owners),
        STORE_TEST(few_among_many),
        STORE_TEST(bodies_in_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
