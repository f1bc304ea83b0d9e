/* Processes in a running sandbox: streams, exits, refusals. */
#include "support/world.h"

static void test_echo(void **state)
{
    struct world w;
    struct run run;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    run_start(&run, s, ARGV("echo", "hello", "world"), false, true);
    world_settle(&w);
    assert_int_equal(run.started, 1);
    assert_string_equal(run_out(&run), "hello world\n");
    assert_int_equal(run.exits, 1);
    assert_int_equal(run.status, 0);
    run_close(&run);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
