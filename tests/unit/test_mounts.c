/* What a sandbox is to find in place: its spec's files, and behind them those of its network. */
#include "core/mounts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct sk_record *record_with(const char *path)
{
    static struct sk_net_policy open = {.tenant = (char *)(uintptr_t) ""};
    struct sk_record *record = sk_record_new("n1-abc");

    record->spec.network = &open;
    record->spec.file_count = 1;
    record->spec.files = sk_arena_alloc(&record->arena, sizeof(record->spec.files[0]));
    record->spec.files[0] = (struct sk_mounted_file){path, (const uint8_t *)"abc", 3};
    return record;
}

static void one(const struct sk_mounts *mounts, size_t at, const char *source, const char *target)
{
    assert_true(at < mounts->count);
    assert_string_equal(mounts->binds[at].source, source);
    assert_string_equal(mounts->binds[at].target, target);
}

static void those_of_the_network_come_last(void **state)
{
    struct sk_network_place place = {.resolver = {false, {10, 231, 0, 1}}};
    struct sk_record *record = record_with("/opt/tool");
    struct sk_mounts mounts = sk_mounts_make(&record->arena, record, &place, "/run/x");

    (void)state;
    assert_int_equal(mounts.count, 3);
    one(&mounts, 0, "/run/x/files/0", "/opt/tool");
    one(&mounts, 1, "/run/x/files/1", "/etc/resolv.conf");
    one(&mounts, 2, "/run/x/files/2", "/etc/hosts");
    assert_memory_equal(mounts.files[0].data, "abc", 3);
    assert_int_equal(mounts.files[0].len, 3);
    assert_memory_equal(mounts.files[1].data, "nameserver 10.231.0.1\n", 22);
    sk_record_free(record);
}

static void one_file_is_mounted_once(void **state)
{
    struct sk_network_place place = {.is_closed = true};
    struct sk_record *record = record_with("/etc/hosts");
    struct sk_mounts mounts = sk_mounts_make(&record->arena, record, &place, "/run/x");

    (void)state;
    assert_int_equal(mounts.count, 2);
    one(&mounts, 0, "/run/x/files/0", "/etc/hosts");
    one(&mounts, 1, "/run/x/files/1", "/etc/resolv.conf");
    sk_record_free(record);
}

static void without_a_place_there_are_none(void **state)
{
    struct sk_record *record = record_with("/opt/tool");

    (void)state;
    assert_int_equal(sk_mounts_make(&record->arena, record, NULL, "/run/x").count, 1);
    record->spec.file_count = 0;
    assert_int_equal(sk_mounts_make(&record->arena, record, NULL, "/run/x").count, 0);
    sk_record_free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_of_the_network_come_last),
        cmocka_unit_test(one_file_is_mounted_once),
        cmocka_unit_test(without_a_place_there_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
