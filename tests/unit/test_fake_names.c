/* Names in memory do as the contract says. */
#include "drivers/fake/names.h"

#include "tests/support/vloop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

struct core {
    struct sk_loop *loop;
    enum sk_name_leave leave;
    bool fails;
    size_t granted, denied, count;
};

static enum sk_name_leave on_may_ask(void *arg, const struct sk_ip *asker, const char *name)
{
    (void)asker;
    (void)name;
    return ((const struct core *)arg)->leave;
}

static void on_granted(void *arg, const struct sk_ip *asker, const char *name,
                       const struct sk_network_grant *grants, size_t count, struct sk_done *done)
{
    struct core *core = arg;
    struct sk_err err;
    (void)asker;
    (void)name;
    (void)grants;
    (void)sk_fail(&err, SK_NOT_FOUND, "it has gone");
    core->granted++;
    core->count = count;
    sk_done_later(core->loop, done, core->fails ? &err : NULL);
}

static void on_denied(void *arg, const struct sk_ip *asker, const char *name, const char *why)
{
    struct core *core = arg;
    (void)asker;
    (void)name;
    core->denied += strcmp(why, "refused") == 0;
}

static const struct sk_names_events events = {on_may_ask, on_granted, on_denied};
static const struct sk_ip asker = {.bytes = {10, 213, 0, 2}};

static void test_leaves(void **state)
{
    struct core core = {0};
    (void)state;
    core.loop = sk_vloop_new();
    struct sk_fake_names *fake = sk_fake_names_new(core.loop);
    struct sk_names *names = sk_fake_names_base(fake);
    const struct sk_fake_asked *asked = sk_fake_names_ask(fake, &asker, "a.test");
    assert_true(asked->is_over && asked->leave == SK_NAME_IGNORED && !asked->told_count);
    names->ops->listen(names, &events, &core);
    core.leave = SK_NAME_ANSWERED;
    asked = sk_fake_names_ask(fake, &asker, "a.test");
    assert_true(asked->is_over && asked->told_count == 1 && asked->told[0].lifetime_s == 60);
    core.leave = SK_NAME_REFUSED;
    asked = sk_fake_names_ask(fake, &asker, "a.test");
    assert_true(asked->is_over && !asked->told_count);
    assert_int_equal(core.denied, 1);
    names->ops->listen(names, NULL, NULL);
    asked = sk_fake_names_ask(fake, &asker, "a.test");
    assert_true(asked->is_over && asked->leave == SK_NAME_IGNORED);
    sk_fake_names_free(fake);
    assert_true(sk_vloop_is_empty(core.loop));
    sk_loop_free(core.loop);
}

static void test_grants(void **state)
{
    static const struct sk_network_grant two[] = {{{.bytes = {1, 1, 1, 1}}, 5}, {{.bytes = {2, 2, 2, 2}}, 6}};
    struct core core = {.leave = SK_NAME_GRANTED};
    (void)state;
    core.loop = sk_vloop_new();
    struct sk_fake_names *fake = sk_fake_names_new(core.loop);
    struct sk_names *names = sk_fake_names_base(fake);
    names->ops->listen(names, &events, &core);
    sk_fake_names_say(fake, "two.test", two, 2);
    sk_fake_names_say(fake, "none.test", NULL, 0);
    const struct sk_fake_asked *asked = sk_fake_names_ask(fake, &asker, "two.test");
    assert_false(asked->is_over);
    sk_vloop_settle(core.loop);
    assert_true(asked->is_over && asked->err.code == SK_OK && asked->told_count == 2);
    assert_int_equal(core.count, 2);
    asked = sk_fake_names_ask(fake, &asker, "none.test");
    assert_true(asked->is_over && !asked->told_count);
    assert_int_equal(core.granted, 1);
    core.fails = true;
    asked = sk_fake_names_ask(fake, &asker, "two.test");
    sk_vloop_settle(core.loop);
    assert_true(asked->is_over && asked->err.code == SK_NOT_FOUND && !asked->told_count);
    sk_fake_names_free(fake);
    assert_true(sk_vloop_is_empty(core.loop));
    sk_loop_free(core.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaves),
        cmocka_unit_test(test_grants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
