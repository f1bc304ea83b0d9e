/* What a sandbox reads of its own network. */
#include "core/etc_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct sk_arena arena;
    struct sk_net_policy policy;
    struct sk_spec spec;
    struct sk_network_place place;
    struct sk_mounted_file out[SK_ETC_FILES];
};

static void set_up(struct fixture *f)
{
    *f = (struct fixture){.place = {
                              .ipv4 = {false, {10, 231, 0, 9}},
                              .ipv6 = {true, {0xfd, 1, [15] = 9}},
                              .has_ipv6 = true,
                              .resolver = {false, {10, 231, 0, 1}},
                          }};
}

static size_t make(struct fixture *f)
{
    f->spec.network = &f->policy;
    return sk_etc_files_make(&f->arena, &f->spec, "n1-abc", &f->place, f->out);
}

static void is(const struct sk_mounted_file *file, const char *path, const char *text)
{
    assert_string_equal(file->path, path);
    assert_int_equal(file->len, strlen(text));
    assert_memory_equal(file->content, text, file->len);
}

static bool names_a_server(const struct sk_mounted_file *file)
{
    const char *text = (const char *)file->content;
    return text && strstr(text, "nameserver");
}

static void with_a_network(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    assert_int_equal(make(&f), 2);
    is(&f.out[0], "/etc/resolv.conf", "nameserver 10.231.0.1\noptions timeout:3 attempts:2\n");
    is(&f.out[1], "/etc/hosts",
       "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
       "10.231.0.9\tn1-abc\nfd01::9\tn1-abc\n");
    f.place.has_ipv6 = false;
    assert_int_equal(make(&f), 2);
    is(&f.out[1], "/etc/hosts",
       "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n10.231.0.9\tn1-abc\n");
    sk_arena_fini(&f.arena);
}

static void without_one(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    f.place = (struct sk_network_place){.is_closed = true};
    assert_int_equal(make(&f), 2);
    assert_false(names_a_server(&f.out[0]));
    is(&f.out[1], "/etc/hosts",
       "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\tn1-abc\n");
    sk_arena_fini(&f.arena);
}

static void without_names(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    f.policy.dns = SK_NET_DNS_NONE;
    assert_int_equal(make(&f), 2);
    assert_false(names_a_server(&f.out[0]));
    sk_arena_fini(&f.arena);
}

static void the_users_own_come_first(void **state)
{
    static const struct {
        const char *path;
        size_t left;
    } cases[] = {{"/etc/resolv.conf", 1}, {"/etc/hosts", 1},      {"/etc", 0}, {"/etc/hosts/x", 1},
                 {"/etc/hosts2", 2},      {"/etc/resolv.con", 2}, {"/et", 2},  {"/etc/hosts.allow", 2}};
    struct fixture f;

    (void)state;
    set_up(&f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sk_mounted_file file = {cases[i].path, NULL, 0};
        f.spec.files = &file;
        f.spec.file_count = 1;
        assert_int_equal(make(&f), cases[i].left);
        for (size_t j = 0; j < cases[i].left; j++)
            assert_string_not_equal(f.out[j].path, cases[i].path);
    }
    sk_arena_fini(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_a_network),
        cmocka_unit_test(without_one),
        cmocka_unit_test(without_names),
        cmocka_unit_test(the_users_own_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
