/* A tenant gets no more than its quotas say, and has room again when what it held is gone. */
#include "core/quota.h"
#include "support/sessions.h"
#include "support/world.h"

#define MI (INT64_C(1) << 20)

struct rig {
    struct world w; /* first */
    struct sk_quota rows[2];
};

static int setup(void **state)
{
    struct rig *r = *state = sk_alloc(sizeof(*r));

    world_init(&r->w);
    for (size_t i = 0; i < sk_array_len(r->rows); i++)
        for (size_t k = 0; k < SK_QUOTA_COUNT; k++)
            r->rows[i].most[k] = SK_QUOTA_NONE;
    r->rows[0].tenant = "small";
    r->rows[1].tenant = "*";
    world_stop(&r->w);
    r->w.config.quotas = (struct sk_quota_table){r->rows, sk_array_len(r->rows)};
    world_start(&r->w);
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    world_fini(&r->w);
    free(r);
    return 0;
}

static struct sk_record *asks(struct rig *r, const char *tenant)
{
    struct sk_record *record = world_record(&r->w, "");

    record->tenant = sk_arena_strdup(&record->arena, tenant);
    record->spec.cpu_request_millis = 500;
    record->spec.memory_request_bytes = 64 * MI;
    return record;
}

static struct answer try(struct rig *r, const char *tenant)
{
    struct answer answer;

    world_create(&r->w, asks(r, tenant), &answer);
    world_settle(&r->w);
    assert_int_equal(answer.count, 1);
    return answer;
}

static struct sk_sandbox *admitted(struct rig *r, const char *tenant)
{
    struct answer answer = try(r, tenant);

    assert_int_equal(answer.err.code, SK_OK);
    return answer.sandbox;
}

static void refused(struct rig *r, const char *tenant, const char *reason, const char *text)
{
    struct answer answer = try(r, tenant);

    assert_int_equal(answer.err.code, SK_RESOURCE_EXHAUSTED);
    assert_string_equal(answer.err.reason, reason);
    assert_string_equal(answer.err.text, text);
}

static void without_quotas_there_is_no_limit(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 20; i++)
        (void)admitted(r, "small");
}

static void each_kind_is_refused_by_its_name(void **state)
{
    static const struct {
        enum sk_quota_kind kind;
        int64_t most;
        const char *text;
    } cases[] = {
        {SK_QUOTA_SANDBOXES, 1, "the quota \"sandboxes\" of tenant small is 1: 1 in use, 1 more asked for"},
        {SK_QUOTA_CPU, 999, "the quota \"cpu\" of tenant small is 999m: 500m in use, 500m more asked for"},
        {SK_QUOTA_MEMORY, 127 * MI,
         "the quota \"memory\" of tenant small is 127Mi: 64Mi in use, 64Mi more asked for"},
    };
    struct rig *r = *state;

    (void)admitted(r, "small");
    for (size_t i = 0; i < sk_array_len(cases); i++) {
        r->rows[0].most[cases[i].kind] = cases[i].most;
        refused(r, "small", SK_REASON_CAPACITY, cases[i].text);
        (void)admitted(r, "other"); /* which has a quota of its own */
        r->rows[0].most[cases[i].kind] = SK_QUOTA_NONE;
    }
    r->rows[0].most[SK_QUOTA_CPU] = 1000;
    (void)admitted(r, "small"); /* to the brim */
}

static void files_and_output_count_as_disk(void **state)
{
    struct rig *r = *state;
    struct sk_mounted_file file = {.path = "/a", .content = (const uint8_t *)"12345", .len = 5};
    struct answer answer;

    r->rows[0].most[SK_QUOTA_DISK] = r->w.config.log_max + 4;
    struct sk_record *record = asks(r, "small");
    record->spec.files = sk_arena_memdup(&record->arena, &file, sizeof(file));
    record->spec.file_count = 1;
    world_create(&r->w, record, &answer);
    world_settle(&r->w);
    assert_int_equal(answer.err.code, SK_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(answer.err.text, "\"disk\""));
    (void)admitted(r, "small");
}

static void those_of_all_others_are_each_ones_own(void **state)
{
    struct rig *r = *state;

    r->rows[1].most[SK_QUOTA_SANDBOXES] = 1;
    (void)admitted(r, "one");
    (void)admitted(r, "two");
    refused(r, "two", SK_REASON_CAPACITY,
            "the quota \"sandboxes\" of tenant two is 1: 1 in use, 1 more asked for");
    (void)admitted(r, "small");
    (void)admitted(r, "small");
}

static void the_end_of_one_makes_room(void **state)
{
    struct rig *r = *state;
    struct answer gone;

    r->rows[0].most[SK_QUOTA_SANDBOXES] = 1;
    struct sk_sandbox *s = admitted(r, "small");
    world_advance(&r->w, SK_SEC(1));
    world_delete(&r->w, s, SK_SEC(0), &gone);
    world_advance(&r->w, SK_SEC(1));
    (void)admitted(r, "small");
}

static void a_restart_counts_what_lives(void **state)
{
    struct rig *r = *state;

    (void)admitted(r, "small");
    (void)admitted(r, "small");
    world_advance(&r->w, SK_SEC(1));
    world_stop(&r->w);
    world_start(&r->w);
    r->rows[0].most[SK_QUOTA_SANDBOXES] = 1; /* fewer than there are: they live on */
    refused(r, "small", SK_REASON_CAPACITY,
            "the quota \"sandboxes\" of tenant small is 1: 2 in use, 1 more asked for");
    r->rows[0].most[SK_QUOTA_SANDBOXES] = 3;
    (void)admitted(r, "small");
}

static int refuse(void *arg, const char *call)
{
    return strcmp(call, arg) == 0 ? SK_FAKE_FAIL : SK_FAKE_OK;
}

static void what_cannot_be_stored_holds_nothing(void **state)
{
    struct rig *r = *state;

    r->rows[0].most[SK_QUOTA_SANDBOXES] = 1;
    world_hook(&r->w, refuse, "store.put");
    assert_int_not_equal(try(r, "small").err.code, SK_OK);
    world_hook(&r->w, NULL, NULL);
    (void)admitted(r, "small");
}

static void creates_have_a_pace(void **state)
{
    struct rig *r = *state;
    const char *text = "the quota \"creates_per_s\" of tenant small is 2: try again in a moment";

    r->rows[0].most[SK_QUOTA_CREATES] = 2;
    (void)admitted(r, "small");
    (void)admitted(r, "small");
    refused(r, "small", SK_REASON_OVERLOADED, text);
    (void)admitted(r, "other");
    world_advance(&r->w, SK_MSEC(500));
    (void)admitted(r, "small");
    refused(r, "small", SK_REASON_OVERLOADED, text);
    world_advance(&r->w, SK_SEC(60)); /* a pause buys one second's worth, no more */
    (void)admitted(r, "small");
    (void)admitted(r, "small");
    refused(r, "small", SK_REASON_OVERLOADED, text);
    r->rows[0].most[SK_QUOTA_CREATES] = 0;
    world_advance(&r->w, SK_SEC(60));
    assert_int_equal(try(r, "small").err.code, SK_RESOURCE_EXHAUSTED);
}

static enum sk_code open_one(struct rig *r, const char *tenant, struct opened *opened)
{
    struct sk_session_record *record = session_record(&r->w, "");

    record->tenant = sk_arena_strdup(&record->arena, tenant);
    session_open(&r->w, record, opened);
    world_settle(&r->w);
    assert_int_equal(opened->count, 1);
    return opened->err.code;
}

static void sessions_count_until_they_are_closed(void **state)
{
    struct rig *r = *state;
    struct opened first, more;
    struct answer closed;
    char id[SK_ID_MAX + 1];

    r->rows[0].most[SK_QUOTA_SESSIONS] = 1;
    assert_int_equal(open_one(r, "small", &first), SK_OK);
    (void)snprintf(id, sizeof(id), "%s", sk_session_record(first.session)->id);
    assert_int_equal(open_one(r, "small", &more), SK_RESOURCE_EXHAUSTED);
    assert_string_equal(more.err.reason, SK_REASON_CAPACITY);
    assert_string_equal(more.err.text,
                        "the quota \"sessions\" of tenant small is 1: 1 in use, 1 more asked for");
    assert_int_equal(open_one(r, "other", &more), SK_OK);
    world_stop(&r->w);
    world_start(&r->w);
    assert_int_equal(open_one(r, "small", &more), SK_RESOURCE_EXHAUSTED);
    session_close(&r->w, id, SK_SEC(0), true, &closed);
    world_settle(&r->w);
    assert_int_equal(open_one(r, "small", &more), SK_OK);
}

static void may_tell(struct rig *r, const char *tenant, bool may)
{
    struct sk_err err;
    enum sk_code code = sk_node_admit_told(r->w.node, tenant, &err);

    assert_int_equal(code, may ? SK_OK : SK_RESOURCE_EXHAUSTED);
    if (may)
        return;
    assert_string_equal(err.reason, SK_REASON_OVERLOADED);
    assert_non_null(strstr(err.text, "the quota \"audit_per_min\" of tenant"));
}

/* A call that is told of in so many bytes. */
static void tells(struct rig *r, const char *tenant, int64_t bytes)
{
    may_tell(r, tenant, true);
    sk_node_told(r->w.node, tenant, bytes - SK_TOLD_BEFOREHAND);
}

/* A minute's worth at once, then as fast as it says; a quota that was larger locks nobody out for long. */
static void the_audit_is_told_so_much(void **state)
{
    struct rig *r = *state;

    sk_node_told(r->w.node, "small", 1 << 30); /* of no quota */
    r->rows[0].most[SK_QUOTA_AUDIT] = 6000;
    tells(r, "small", 5999);
    tells(r, "small", 101);
    may_tell(r, "small", false);
    tells(r, "other", 100);
    world_advance(&r->w, SK_MSEC(1100));
    tells(r, "small", 5 * 6000 + 60);
    world_advance(&r->w, SK_SEC(5 * 60));
    may_tell(r, "small", false);
    world_advance(&r->w, SK_SEC(1));
    tells(r, "small", 1 << 30);
    r->rows[0].most[SK_QUOTA_AUDIT] = 3000;
    may_tell(r, "small", false);
    world_advance(&r->w, SK_SEC(59));
    may_tell(r, "small", false);
    world_advance(&r->w, SK_SEC(2));
    tells(r, "small", 100);
    r->rows[0].most[SK_QUOTA_AUDIT] = 0;
    may_tell(r, "small", false);
}

/* Many calls at once are no way around it: what may be told of them is taken when they begin. */
static void calls_under_way_count(void **state)
{
    enum { MOST = 4 };
    struct rig *r = *state;

    r->rows[0].most[SK_QUOTA_AUDIT] = MOST * SK_TOLD_BEFOREHAND;
    for (int i = 0; i < MOST; i++)
        may_tell(r, "small", true);
    may_tell(r, "small", false);
    for (int i = 0; i < MOST; i++)
        sk_node_told(r->w.node, "small", 24 - SK_TOLD_BEFOREHAND);
    for (int i = 0; i < MOST; i++)
        may_tell(r, "small", true);
    may_tell(r, "small", false);
}

/* The same request id is each tenant's own. */
static void request_ids_are_each_tenants_own(void **state)
{
    struct rig *r = *state;
    const char *const tenants[] = {"one", "two", "one"};
    struct answer answers[3];

    for (int i = 0; i < 3; i++) {
        struct sk_record *record = world_record(&r->w, "11111111-2222-3333-4444-555555555555");
        record->tenant = sk_arena_strdup(&record->arena, tenants[i]);
        world_create(&r->w, record, &answers[i]);
        world_settle(&r->w);
        assert_int_equal(answers[i].err.code, SK_OK);
    }
    assert_ptr_equal(answers[0].sandbox, answers[2].sandbox);
    assert_ptr_not_equal(answers[0].sandbox, answers[1].sandbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_quotas_there_is_no_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(each_kind_is_refused_by_its_name, setup, teardown),
        cmocka_unit_test_setup_teardown(files_and_output_count_as_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(those_of_all_others_are_each_ones_own, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_of_one_makes_room, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_counts_what_lives, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_stored_holds_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_audit_is_told_so_much, setup, teardown),
        cmocka_unit_test_setup_teardown(calls_under_way_count, setup, teardown),
        cmocka_unit_test_setup_teardown(creates_have_a_pace, setup, teardown),
        cmocka_unit_test_setup_teardown(sessions_count_until_they_are_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(request_ids_are_each_tenants_own, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
