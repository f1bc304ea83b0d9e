#include "base/map.h"
#include "base/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { MANY = 20000 };

struct item {
    struct sk_map_node node;
    char key[24];
};

static struct item *make_items(void)
{
    struct item *items = sk_alloc(MANY * sizeof(*items));
    for (size_t i = 0; i < MANY; i++)
        (void)snprintf(items[i].key, sizeof(items[i].key), "key-%zu", i);
    return items;
}

static struct item *find(const struct sk_map *map, const char *key)
{
    struct sk_map_node *node = sk_map_find(map, key);
    return node ? sk_map_entry(node, struct item, node) : NULL;
}

static void test_many(void **state)
{
    (void)state;
    struct sk_map map;
    SK_AUTO_FREE struct item *items = make_items();
    sk_map_init(&map);
    for (size_t i = 0; i < MANY; i++)
        sk_map_add(&map, &items[i].node, items[i].key);
    assert_int_equal(map.len, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(find(&map, items[i].key), &items[i]);
    assert_null(find(&map, "key-"));
    assert_null(find(&map, "key-20000"));
    for (size_t i = 0; i < MANY; i += 2)
        sk_map_remove(&map, &items[i].node);
    assert_int_equal(map.len, MANY / 2);
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(find(&map, items[i].key), i % 2 ? &items[i] : NULL);
    for (size_t i = 1; i < MANY; i += 2)
        sk_map_remove(&map, &items[i].node);
    sk_map_fini(&map);
}

static void test_empty(void **state)
{
    (void)state;
    struct sk_map map;
    struct item item = {.key = ""};
    sk_map_init(&map);
    assert_null(sk_map_find(&map, ""));
    assert_null(sk_map_any(&map));
    sk_map_remove(&map, &item.node);
    sk_map_add(&map, &item.node, item.key);
    assert_ptr_equal(sk_map_find(&map, ""), &item.node);
    assert_ptr_equal(sk_map_any(&map), &item.node);
    sk_map_remove(&map, &item.node);
    sk_map_remove(&map, &item.node);
    assert_null(sk_map_any(&map));
    sk_map_add(&map, &item.node, item.key); /* a removed node can go in again */
    sk_map_remove(&map, &item.node);
    sk_map_fini(&map);
    sk_map_fini(&map);
}

static void test_teardown(void **state)
{
    (void)state;
    struct sk_map map;
    struct sk_map_node *node;
    struct item items[100] = {{{0}}};
    size_t seen = 0;
    sk_map_init(&map);
    for (size_t i = 0; i < 100; i++) {
        (void)snprintf(items[i].key, sizeof(items[i].key), "%zu", i);
        sk_map_add(&map, &items[i].node, items[i].key);
    }
    for (; (node = sk_map_any(&map)); seen++)
        sk_map_remove(&map, node);
    assert_int_equal(seen, 100);
    sk_map_fini(&map);
}

static void test_seeds_differ(void **state)
{
    (void)state;
    struct sk_map a, b;
    sk_map_init(&a);
    sk_map_init(&b);
    assert_memory_not_equal(a.seed, b.seed, sizeof(a.seed));
}

/* From the paper's appendix and the table its authors published: key 00..0f, input 00, 01, 02… */
static void test_siphash(void **state)
{
    (void)state;
    const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t input[16];
    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (uint8_t)i;
    assert_true(sk_siphash(key, input, 0) == 0x726fdb47dd0e0e31);
    assert_true(sk_siphash(key, input, 1) == 0x74f839c593dc67fd);
    assert_true(sk_siphash(key, input, 8) == 0x93f5f5799a932462);
    assert_true(sk_siphash(key, input, 15) == 0xa129ca6149be45e5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),         cmocka_unit_test(test_empty),   cmocka_unit_test(test_teardown),
        cmocka_unit_test(test_seeds_differ), cmocka_unit_test(test_siphash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
