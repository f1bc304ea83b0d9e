/* drivers/edge/maps.c: from what the maps hold to what they should hold. */
#include "drivers/edge/maps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct rig {
    struct sk_maps maps;
    struct sk_buf line;
};

static int setup(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));
    sk_maps_init(&rig->maps);
    sk_buf_init(&rig->line, 65536);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    sk_maps_fini(&rig->maps);
    sk_buf_fini(&rig->line);
    free(rig);
    return 0;
}

static void want(struct rig *rig, const char *id, const struct sk_plan_entry *entries, size_t count)
{
    struct sk_plan plan = {(struct sk_plan_entry *)(uintptr_t)entries, count};
    sk_maps_want(&rig->maps, id, &plan);
}

/* The next line, which must be that one, and is done. NULL = nothing is to be done. */
static void expect(struct rig *rig, const char *line)
{
    sk_buf_clear(&rig->line);
    bool is_more = sk_maps_next(&rig->maps, 60000, &rig->line);
    SK_AUTO_FREE char *text = sk_strndup((const char *)rig->line.data, rig->line.len);
    if (!line) {
        assert_false(is_more);
        return;
    }
    assert_true(is_more);
    assert_string_equal(text, line);
    sk_maps_done(&rig->maps);
}

#define NAME(k)                                                                                              \
    {                                                                                                        \
        SK_MAP_NAMES, k, "n1-a"                                                                              \
    }

static void test_only_differences_are_told(void **state)
{
    struct rig *rig = *state;
    want(rig, "n1-a", (struct sk_plan_entry[]){NAME("1|x"), NAME("1|y")}, 2);
    assert_false(sk_maps_is_settled(&rig->maps, "n1-a"));
    assert_true(sk_maps_is_settled(&rig->maps, "n1-b"));
    expect(rig, "add map names.map 1|x n1-a;add map names.map 1|y n1-a\n");
    assert_true(sk_maps_is_settled(&rig->maps, "n1-a"));
    expect(rig, NULL);
    want(rig, "n1-a", (struct sk_plan_entry[]){NAME("1|y"), NAME("1|z")}, 2);
    expect(rig, "del map names.map 1|x;add map names.map 1|z n1-a\n");
    want(rig, "n1-a", (struct sk_plan_entry[]){NAME("1|z"), NAME("1|y")}, 2);
    expect(rig, NULL);
    want(rig, "n1-a", NULL, 0);
    expect(rig, "del map names.map 1|y;del map names.map 1|z\n");
    assert_true(sk_maps_is_empty(&rig->maps));
}

/* An exception must be there before what it is an exception from, and go after it. */
static void test_what_closes_comes_first(void **state)
{
    struct rig *rig = *state;
    const struct sk_plan_entry with[] = {NAME("1|*.x"), {SK_MAP_EXCEPTS, "1|a.x", "n1-a"}};
    want(rig, "n1-a", with, 2);
    expect(rig, "add map excepts.map 1|a.x n1-a;add map names.map 1|*.x n1-a\n");
    want(rig, "n1-a", (struct sk_plan_entry[]){NAME("1|y")}, 1);
    expect(rig, "del map names.map 1|*.x;del map excepts.map 1|a.x;add map names.map 1|y n1-a\n");
}

static void test_a_change_of_mind_under_way(void **state)
{
    struct rig *rig = *state;
    want(rig, "n1-a", (struct sk_plan_entry[]){NAME("1|x"), NAME("1|y")}, 2);
    assert_true(sk_maps_next(&rig->maps, 1000, &rig->line));
    want(rig, "n1-a", (struct sk_plan_entry[]){NAME("1|y"), {SK_MAP_PORTS, "80", "n1-a|2|3"}}, 2);
    sk_maps_done(&rig->maps);
    assert_false(sk_maps_is_settled(&rig->maps, "n1-a"));
    expect(rig, "del map names.map 1|x;add map ports.map 80 n1-a|2|3\n");
    assert_true(sk_maps_is_settled(&rig->maps, "n1-a"));
    want(rig, "n1-a", (struct sk_plan_entry[]){NAME("1|y"), {SK_MAP_PORTS, "80", "n1-a|2|4"}}, 2);
    expect(rig, "set map ports.map 80 n1-a|2|4\n");
}

static void test_a_key_changes_hands(void **state)
{
    struct rig *rig = *state;
    want(rig, "n1-a", (struct sk_plan_entry[]){{SK_MAP_PORTS, "80", "n1-a|2|3"}}, 1);
    expect(rig, "add map ports.map 80 n1-a|2|3\n");
    want(rig, "n1-b", (struct sk_plan_entry[]){{SK_MAP_PORTS, "80", "n1-b|4|3"}}, 1);
    assert_true(sk_maps_is_settled(&rig->maps, "n1-a"));
    want(rig, "n1-a", NULL, 0); /* it is no longer its own to take away */
    expect(rig, "set map ports.map 80 n1-b|4|3\n");
    expect(rig, NULL);
}

static void test_lines_are_bounded(void **state)
{
    struct rig *rig = *state;
    want(rig, "n1-a", (struct sk_plan_entry[]){NAME("1|x"), NAME("1|y"), NAME("1|z")}, 3);
    size_t lines = 0;
    sk_buf_clear(&rig->line);
    while (sk_maps_next(&rig->maps, 64, &rig->line)) {
        assert_true(rig->line.len <= 64);
        sk_maps_done(&rig->maps);
        sk_buf_clear(&rig->line);
        lines++;
    }
    assert_int_equal(lines, 2);
}

static void test_answers(void **state)
{
    struct rig *rig = *state;
    want(rig, "n1-a", (struct sk_plan_entry[]){NAME("1|x"), NAME("1|y")}, 2);
    assert_true(sk_maps_next(&rig->maps, 1000, &rig->line));
    assert_true(sk_maps_answer_is_good(&rig->maps, "\n\n"));
    assert_false(sk_maps_answer_is_good(&rig->maps, "\n"));
    assert_false(sk_maps_answer_is_good(&rig->maps, ""));
    assert_false(sk_maps_answer_is_good(&rig->maps, "\n\n\n"));
    assert_false(sk_maps_answer_is_good(&rig->maps, "Key not found.\n\n\n"));
    assert_false(sk_maps_answer_is_good(&rig->maps, "\nKey not found.\n\n"));
}

static void test_all_is_told_again_to_a_new_one(void **state)
{
    struct rig *rig = *state;
    want(rig, "n1-a", (struct sk_plan_entry[]){NAME("1|x")}, 1);
    want(rig, "n1-b", (struct sk_plan_entry[]){{SK_MAP_NAMES, "2|x", "n1-b"}}, 1);
    expect(rig, "add map names.map 1|x n1-a;add map names.map 2|x n1-b\n");
    want(rig, "n1-b", NULL, 0);
    assert_true(sk_maps_next(&rig->maps, 1000, &rig->line)); /* and then it dies */
    sk_maps_forget_held(&rig->maps);
    assert_true(sk_maps_is_settled(&rig->maps, "n1-b"));
    expect(rig, "add map names.map 1|x n1-a\n");
}

static void test_what_is_read_is_put_right(void **state)
{
    struct rig *rig = *state;
    char first[] = "0x55a 1|x n1-a\n0x55b 1|old n1-a\n\n", second[] = "0x55c 80 n1-z|1|1\n\n";
    want(rig, "n1-a", (struct sk_plan_entry[]){NAME("1|x"), NAME("1|y")}, 2);
    assert_true(sk_maps_read(&rig->maps, SK_MAP_NAMES, first, false));
    assert_true(sk_maps_read(&rig->maps, SK_MAP_PORTS, second, false));
    expect(rig, "del map names.map 1|old;del map ports.map 80;add map names.map 1|y n1-a\n");
    expect(rig, NULL);
}

static void count_one(void *arg, const char *id)
{
    (void)id;
    ++*(size_t *)arg;
}

static void test_what_is_adopted_stays(void **state)
{
    struct rig *rig = *state;
    char names[] = "0x55a 1|x n1-a\n0x55b 2|x n1-b\n\n", ports[] = "0x55c 80 n1-a|1|1\n\n";
    size_t owners = 0;
    assert_true(sk_maps_read(&rig->maps, SK_MAP_NAMES, names, true));
    assert_true(sk_maps_read(&rig->maps, SK_MAP_PORTS, ports, true));
    sk_maps_each(&rig->maps, count_one, &owners);
    assert_int_equal(owners, 2);
    expect(rig, NULL);
    want(rig, "n1-a", NULL, 0);
    expect(rig, "del map names.map 1|x;del map ports.map 80\n");
    sk_maps_forget_held(&rig->maps);
    expect(rig, "add map names.map 2|x n1-b\n");
}

static void test_what_cannot_be_read(void **state)
{
    struct rig *rig = *state;
    static const char *const answers[] = {"Unknown map identifier. Please use #<id> or <file>.\n\n",
                                          "0x55a 1|x\n",
                                          "0x55a\n",
                                          "0x55a 1|x n1-a more\n",
                                          "55a 1|x n1-a\n",
                                          "0x55a 1;x n1-a\n",
                                          "0x55a 1|x n1\\a\n"};
    for (size_t i = 0; i < sk_array_len(answers); i++) {
        SK_AUTO_FREE char *copy = sk_strdup(answers[i]);
        assert_false(sk_maps_read(&rig->maps, SK_MAP_NAMES, copy, false));
    }
    char empty[] = "\n";
    assert_true(sk_maps_read(&rig->maps, SK_MAP_NAMES, empty, false));
}

/* Whatever is wanted in whatever order, in the end the maps hold it. */
static void test_any_course_leads_there(void **state)
{
    struct rig *rig = *state;
    unsigned chance = 12345;
    for (int round = 0; round < 5000; round++) {
        struct sk_plan_entry entries[8];
        char keys[8][8], values[8][16], id[8];
        chance = chance * 1103515245 + 12345;
        size_t count = (chance >> 16) % 8;
        (void)snprintf(id, sizeof(id), "n1-%u", (chance >> 20) % 4);
        for (size_t i = 0; i < count; i++) {
            chance = chance * 1103515245 + 12345;
            (void)snprintf(keys[i], sizeof(keys[i]), "%u", (chance >> 16) % 12);
            (void)snprintf(values[i], sizeof(values[i]), "%s|%u", id, (chance >> 20) % 2);
            entries[i] = (struct sk_plan_entry){(chance >> 24) % SK_MAP_COUNT, keys[i], values[i]};
        }
        want(rig, id, entries, count);
        sk_buf_clear(&rig->line);
        if (!sk_maps_next(&rig->maps, 100, &rig->line))
            continue;
        if ((chance >> 18) % 50 == 0)
            sk_maps_forget_held(&rig->maps);
        else if ((chance >> 17) % 2)
            want(rig, id, entries, count / 2);
        sk_maps_done(&rig->maps);
    }
    for (int i = 0; i < 4; i++) {
        char id[8];
        (void)snprintf(id, sizeof(id), "n1-%d", i);
        want(rig, id, NULL, 0);
    }
    do {
        sk_maps_done(&rig->maps);
        sk_buf_clear(&rig->line);
    } while (sk_maps_next(&rig->maps, 60000, &rig->line));
    assert_true(sk_maps_is_empty(&rig->maps));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_only_differences_are_told),
        TEST(test_what_closes_comes_first),
        TEST(test_a_change_of_mind_under_way),
        TEST(test_a_key_changes_hands),
        TEST(test_lines_are_bounded),
        TEST(test_answers),
        TEST(test_all_is_told_again_to_a_new_one),
        TEST(test_what_is_read_is_put_right),
        TEST(test_what_is_adopted_stays),
        TEST(test_what_cannot_be_read),
        TEST(test_any_course_leads_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
