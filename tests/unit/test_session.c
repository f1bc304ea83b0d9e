/* Sessions: opened once per request, bounded, listed, remembered. */
#include "core/log_stream.h"
#include "core/session_impl.h"
#include "support/sessions.h"

#include <stdio.h>

static void test_open(void **state)
{
    struct world w;
    struct opened opened;

    (void)state;
    world_init(&w);
    session_open(&w, session_record(&w, "r"), &opened);
    assert_int_equal(opened.count, 0); /* durable first */
    assert_true(sk_list_is_empty(&w.node->sessions) == false);
    world_settle(&w);
    assert_int_equal(opened.count, 1);
    assert_int_equal(opened.err.code, SK_OK);
    const struct sk_session_record *record = sk_session_record(opened.session);
    assert_int_equal(session_stored(&w, record->id), SK_SESSION_OPEN);
    assert_int_equal(record->expire_grace_seconds, 10);
    struct sk_session_counts counts = sk_session_counts(opened.session);
    assert_int_equal(counts.live + counts.created + counts.holders, 0);
    assert_int_equal(counts.expires.ns, sk_loop_wall(w.loop).ns + SK_SEC(30).ns);
    assert_null(sk_session_find(w.node, "n1-s-"));
    world_fini(&w);
}

static void test_not_seen_before_durable(void **state)
{
    struct world w;
    struct opened opened;
    struct answer created;
    struct sk_session_record *record;

    (void)state;
    world_init(&w);
    record = session_record(&w, "r");
    session_open(&w, record, &opened);
    assert_null(sk_session_find(w.node, record->id));
    world_create(&w, session_sandbox(&w, record->id, ""), &created);
    world_settle(&w);
    assert_int_equal(created.err.code, SK_NOT_FOUND);
    assert_int_equal(opened.err.code, SK_OK);
    world_fini(&w);
}

static void test_same_request(void **state)
{
    struct world w;
    struct opened first, second, third, other;
    struct answer closed;

    (void)state;
    world_init(&w);
    session_open(&w, session_record(&w, "r"), &first);
    session_open(&w, session_record(&w, "r"), &second); /* while the first is being stored */
    world_settle(&w);
    assert_int_equal(second.err.code, SK_OK);
    assert_ptr_equal(second.session, first.session);
    struct sk_session_record *record = session_record(&w, "r");
    record->request_hash[0] ^= 1;
    session_open(&w, record, &other);
    world_settle(&w);
    assert_int_equal(other.err.code, SK_INVALID_ARGUMENT);
    assert_string_equal(other.err.field, "request_id");
    session_close(&w, sk_session_record(first.session)->id, SK_NS(0), true, &closed);
    world_settle(&w);
    session_open(&w, session_record(&w, "r"), &third);
    world_settle(&w);
    assert_ptr_equal(third.session, first.session);
    assert_int_equal(sk_session_record(third.session)->state, SK_SESSION_CLOSED);
    world_fini(&w);
}

static int refuse_puts(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "store.put") == 0 ? 1 : 0;
}

static void test_disk_refuses(void **state)
{
    struct world w;
    struct opened first, second;

    (void)state;
    world_init(&w);
    world_hook(&w, refuse_puts, NULL);
    session_open(&w, session_record(&w, "r"), &first);
    session_open(&w, session_record(&w, "r"), &second);
    world_settle(&w);
    assert_int_equal(first.err.code, SK_RESOURCE_EXHAUSTED);
    assert_int_equal(second.err.code, SK_RESOURCE_EXHAUSTED);
    assert_true(sk_list_is_empty(&w.node->sessions));
    assert_int_equal(w.node->open_sessions, 0);
    world_hook(&w, NULL, NULL);
    session_open(&w, session_record(&w, "r"), &first);
    world_settle(&w);
    assert_int_equal(first.err.code, SK_OK);
    world_fini(&w);
}

static void test_limits(void **state)
{
    struct world w;
    struct opened a, b, c;
    struct answer closed;
    struct sk_session_record *record;

    (void)state;
    world_init(&w);
    world_stop(&w);
    w.config.max_sessions = 1;
    world_start(&w);
    record = session_record(&w, "");
    record->lease_seconds = 86401;
    session_open(&w, record, &a);
    world_settle(&w);
    assert_int_equal(a.err.code, SK_INVALID_ARGUMENT);
    assert_string_equal(a.err.field, "lease_seconds");
    record = session_record(&w, "");
    record->lease_seconds = 0;
    session_open(&w, record, &a);
    session_open(&w, session_record(&w, ""), &b); /* also before the first is stored */
    world_settle(&w);
    assert_int_equal(a.err.code, SK_OK);
    assert_int_equal(sk_session_record(a.session)->lease_seconds, 60);
    assert_int_equal(b.err.code, SK_RESOURCE_EXHAUSTED);
    session_close(&w, sk_session_record(a.session)->id, SK_NS(0), false, &closed);
    world_settle(&w);
    session_open(&w, session_record(&w, ""), &c); /* closed ones do not count */
    world_settle(&w);
    assert_int_equal(c.err.code, SK_OK);
    world_fini(&w);
}

static void test_full(void **state)
{
    struct world w;
    struct opened opened;
    struct answer one, two, three;
    struct sk_session_record *record;
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    record = session_record(&w, "");
    record->max_sandboxes = 2;
    session_open(&w, record, &opened);
    world_settle(&w);
    (void)snprintf(id, sizeof(id), "%s", sk_session_record(opened.session)->id);
    world_create(&w, session_sandbox(&w, id, "a"), &one);
    world_create(&w, session_sandbox(&w, id, "b"), &two);
    world_create(&w, session_sandbox(&w, id, "c"), &three); /* those under creation count */
    world_settle(&w);
    assert_int_equal(two.err.code, SK_OK);
    assert_int_equal(three.err.code, SK_RESOURCE_EXHAUSTED);
    assert_string_equal(three.err.reason, "SESSION_FULL");
    world_create(&w, session_sandbox(&w, id, "a"), &three); /* a retry asks for no room */
    world_settle(&w);
    assert_ptr_equal(three.sandbox, one.sandbox);
    world_delete(&w, one.sandbox, SK_NS(0), &three);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(session_counts(&w, id).live, 1);
    assert_int_equal(session_counts(&w, id).created, 2);
    world_create(&w, session_sandbox(&w, id, "d"), &three);
    world_settle(&w);
    assert_int_equal(three.err.code, SK_OK);
    world_fini(&w);
}

/* A create that the disk refuses has never been one of the session's. */
static void test_refused_create_leaves(void **state)
{
    struct world w;
    struct answer created;
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    world_hook(&w, refuse_puts, NULL);
    world_create(&w, session_sandbox(&w, id, ""), &created);
    assert_int_equal(session_counts(&w, id).live, 1);
    world_settle(&w);
    assert_int_equal(created.err.code, SK_RESOURCE_EXHAUSTED);
    assert_int_equal(session_counts(&w, id).live, 0);
    assert_int_equal(session_counts(&w, id).created, 0);
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

static void test_unknown_session(void **state)
{
    struct world w;
    struct answer created;

    (void)state;
    world_init(&w);
    world_create(&w, session_sandbox(&w, "n1-s-aaaaaaaaaaaaaaaaaaaaaaaa", ""), &created);
    world_settle(&w);
    assert_int_equal(created.err.code, SK_NOT_FOUND);
    assert_string_equal(created.err.reason, "SESSION_NOT_FOUND");
    assert_true(sk_list_is_empty(&w.node->sandboxes));
    world_fini(&w);
}

static void test_list(void **state)
{
    struct world w;
    struct answer closed;
    char ids[5][SK_ID_MAX + 1], next[96], after[96] = "";
    struct sk_session *page[2];
    size_t count = 0;
    struct sk_err err = {0};

    (void)state;
    world_init(&w);
    for (int i = 0; i < 5; i++)
        session_new(&w, ids[i]);
    session_close(&w, ids[3], SK_NS(0), false, &closed);
    world_settle(&w);
    static const int open_ones[] = {4, 2, 1, 0};
    for (size_t i = 0; i < 4; i += 2) {
        assert_int_equal(
            sk_session_list(w.node,
                            &(struct sk_session_query){.show_closed = false, .after = after, .limit = 2},
                            page, &count, next, &err),
            SK_OK);
        assert_int_equal(count, 2);
        for (size_t k = 0; k < 2; k++)
            assert_string_equal(sk_session_record(page[k])->id, ids[open_ones[i + k]]);
        (void)snprintf(after, sizeof(after), "%s", next);
    }
    assert_string_equal(next, "");
    assert_int_equal(sk_session_list(w.node,
                                     &(struct sk_session_query){.show_closed = true, .after = "", .limit = 2},
                                     page, &count, next, &err),
                     SK_OK);
    assert_string_equal(sk_session_record(page[1])->id, ids[3]);
    assert_int_equal(
        sk_session_list(w.node,
                        &(struct sk_session_query){.show_closed = true, .after = "12.n1-s-x", .limit = 2},
                        page, &count, next, &err),
        SK_INVALID_ARGUMENT);
    assert_string_equal(err.field, "page_token");
    world_fini(&w);
}

/* A session is remembered as long as any of its sandboxes, and as long as itself. */
static void test_retention(void **state)
{
    struct world w;
    struct answer closed, deleted;
    char id[SK_ID_MAX + 1], gone[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    struct sk_session_holder holder = {0};
    assert_int_equal(sk_session_hold(session_of(&w, id), &holder, NULL, NULL), SK_OK);
    copy_id(gone, session_running(&w, id, NULL));
    world_delete(&w, sk_node_find(w.node, gone), SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(25 * 3600));
    assert_null(sk_node_find(w.node, gone));
    assert_int_equal(session_counts(&w, id).created, 1); /* pruned, and still counted */
    sk_session_let_go(&holder);
    world_crash(&w);
    world_start(&w);
    assert_int_equal(session_counts(&w, id).created, 1);
    copy_id(gone, session_running(&w, id, NULL));
    assert_int_equal(session_counts(&w, id).created, 2);
    session_close(&w, id, SK_NS(0), true, &closed);
    world_advance(&w, SK_SEC(23 * 3600));
    assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED);
    world_advance(&w, SK_SEC(2 * 3600));
    assert_null(sk_node_find(w.node, gone));
    assert_null(sk_session_find(w.node, id));
    assert_int_equal(sk_memstore_count(w.store), 0);
    world_fini(&w);
}

static void ignore_chunk(void *arg, const struct sk_log_chunk *chunk)
{
    (void)arg;
    (void)chunk;
}

static void ignore_end(void *arg)
{
    (void)arg;
}

static const struct sk_log_events log_events = {.on_chunk = ignore_chunk, .on_end = ignore_end};

/* A reader of its log keeps a sandbox's record, and that the session's. */
static void test_retention_waits(void **state)
{
    struct world w;
    struct answer closed;
    char id[SK_ID_MAX + 1], box[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    copy_id(box, session_running(&w, id, NULL));
    session_close(&w, id, SK_NS(0), true, &closed);
    world_settle(&w);
    struct sk_log_stream *log =
        sk_log_open(sk_node_find(w.node, box), &(struct sk_log_ask){0}, &log_events, NULL);
    sk_log_want(log);
    world_advance(&w, SK_SEC(30 * 3600));
    assert_non_null(sk_node_find(w.node, box));
    assert_int_equal(session_state(&w, id), SK_SESSION_CLOSED);
    sk_log_close(log);
    world_advance(&w, SK_SEC(180));
    assert_null(sk_node_find(w.node, box));
    assert_null(sk_session_find(w.node, id));
    world_fini(&w);
}

static void test_stopping(void **state)
{
    struct world w;
    struct opened opened;
    struct answer stopped, closed;
    char id[SK_ID_MAX + 1];

    (void)state;
    world_init(&w);
    session_new(&w, id);
    answer_init(&stopped);
    sk_node_stop(w.node, &stopped.done);
    session_open(&w, session_record(&w, ""), &opened);
    session_close(&w, id, SK_NS(0), false, &closed);
    assert_int_equal(sk_session_renew(session_of(&w, id), NULL), SK_UNAVAILABLE);
    world_settle(&w);
    assert_int_equal(stopped.count, 1);
    assert_int_equal(opened.err.code, SK_UNAVAILABLE);
    assert_int_equal(closed.err.code, SK_UNAVAILABLE);
    sk_node_free(sk_take(w.node));
    world_start(&w);
    assert_int_equal(session_state(&w, id), SK_SESSION_OPEN);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_not_seen_before_durable),
        cmocka_unit_test(test_same_request),
        cmocka_unit_test(test_disk_refuses),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_refused_create_leaves),
        cmocka_unit_test(test_unknown_session),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_retention),
        cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_retention_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
