/* What the status page is told. */
#include "web/status_json.h"

#include "core/network.h"
#include "core/usage.h"
#include "support/world.h"

#include <yajl/yajl_tree.h>

static yajl_val look(struct world *w, const char *unready)
{
    char problem[256] = "";
    size_t len = 0;
    SK_AUTO_FREE char *text = sk_status_json(w->node, unready, &len);

    assert_int_equal(strlen(text), len);
    yajl_val tree = yajl_tree_parse(text, problem, sizeof(problem));
    if (!tree)
        fail_msg("%s in %s", problem, text);
    return tree;
}

static yajl_val at(yajl_val tree, const char *key)
{
    const char *path[] = {key, NULL};
    yajl_val found = yajl_tree_get(tree, path, yajl_t_any);

    if (!found)
        fail_msg("no %s", key);
    return found;
}

static const char *text_at(yajl_val tree, const char *key)
{
    const char *text = YAJL_GET_STRING(at(tree, key));

    assert_non_null(text);
    return text;
}

static size_t count(yajl_val tree, const char *key)
{
    return YAJL_GET_ARRAY(at(tree, key))->len;
}

static yajl_val item(yajl_val tree, const char *key, size_t index)
{
    assert_true(index < count(tree, key));
    return YAJL_GET_ARRAY(at(tree, key))->values[index];
}

static void test_an_empty_node(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    yajl_val tree = look(&w, "the daemon is starting");
    assert_string_equal(text_at(tree, "unready"), "the daemon is starting");
    assert_int_equal(count(tree, "sandboxes"), 0);
    assert_int_equal(count(tree, "sessions"), 0);
    assert_int_equal(count(tree, "denials"), 0);
    yajl_tree_free(tree);
    world_fini(&w);
}

/* Whatever strangers call things stays the text it is. */
static void test_hostile_words(void **state)
{
    static const char *tags[] = {"</script><script>alert(1)</script>", "\"},{\"x\":\"", "\xc3\xbc\\\n\x01",
                                 NULL};
    struct world w;
    struct answer answer;

    (void)state;
    world_init(&w);
    struct sk_record *record = world_record(&w, "one");
    record->spec.tags = tags;
    world_create(&w, record, &answer);
    world_settle(&w);
    yajl_val tree = look(&w, ""), box = item(tree, "sandboxes", 0), said = at(box, "tags");
    assert_string_equal(text_at(box, "state"), "running");
    assert_string_equal(text_at(box, "tenant"), "default");
    for (size_t i = 0; tags[i]; i++)
        assert_string_equal(YAJL_GET_STRING(YAJL_GET_ARRAY(said)->values[i]), tags[i]);
    assert_true(YAJL_IS_NULL(at(box, "ended")));
    assert_true(YAJL_IS_NUMBER(at(box, "deadline")));
    yajl_tree_free(tree);
    world_fini(&w);
}

static void test_the_ended_stand_apart(void **state)
{
    struct world w;
    struct answer answer;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("sh"));
    (void)world_running(&w, ARGV("sh"));
    world_delete(&w, s, SK_NS(0), &answer);
    world_settle(&w);
    yajl_val tree = look(&w, "");
    assert_int_equal(count(tree, "sandboxes"), 1);
    assert_int_equal(count(tree, "ended"), 1);
    assert_string_equal(text_at(item(tree, "ended", 0), "state"), "terminated");
    assert_int_equal(YAJL_GET_INTEGER(at(at(tree, "counts"), "running")), 1);
    assert_int_equal(YAJL_GET_INTEGER(at(at(tree, "counts"), "terminated")), 1);
    assert_string_equal(text_at(item(tree, "events", 0), "kind"), "sandbox");
    assert_memory_equal(text_at(item(tree, "events", 0), "text"), "terminated", 10);
    yajl_tree_free(tree);
    world_fini(&w);
}

static void test_what_is_used_once_it_was_measured(void **state)
{
    struct world w;
    struct sk_waiter waiter = {0};
    struct answer answer;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("sh"));
    yajl_val tree = look(&w, "");
    const char *path[] = {"cpu_millis", NULL};
    assert_null(yajl_tree_get(item(tree, "sandboxes", 0), path, yajl_t_any));
    yajl_tree_free(tree);
    sk_fake_runtime_use(w.runtime, sk_sandbox_record(s)->id, 1000000, 4096);
    answer_init(&answer);
    sk_node_measure(w.node, &waiter, &answer.done);
    world_settle(&w);
    assert_int_equal(answer.count, 1);
    tree = look(&w, "");
    assert_int_equal(YAJL_GET_INTEGER(at(item(tree, "sandboxes", 0), "memory_bytes")), 4096);
    assert_true(YAJL_IS_NUMBER(at(item(tree, "sandboxes", 0), "cpu_millis")));
    yajl_tree_free(tree);
    world_fini(&w);
}

static void test_what_did_not_pass(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("sh"));
    sk_fake_names_deny(w.names, &sk_sandbox_place(s)->ipv4, "evil.example", "refused");
    world_settle(&w);
    yajl_val tree = look(&w, ""), denial = item(tree, "denials", 0);
    assert_string_equal(text_at(denial, "kind"), "refused");
    assert_string_equal(text_at(denial, "id"), sk_sandbox_record(s)->id);
    assert_string_equal(text_at(denial, "text"), "evil.example protocol 17 port 53");
    yajl_tree_free(tree);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_node),
        cmocka_unit_test(test_hostile_words),
        cmocka_unit_test(test_the_ended_stand_apart),
        cmocka_unit_test(test_what_is_used_once_it_was_measured),
        cmocka_unit_test(test_what_did_not_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
