/* The contract on the fake agent. */
#include "contract/agent_files.h"
#include "drivers/fake/agent.h"

static struct sk_fake_agent *fake_of(struct rig *rig)
{
    return rig->driver;
}

/* The fake guest comes with any pid as soon as it is awaited. */
static int launch(struct rig *rig)
{
    (void)rig;
    return 4711;
}

static void lose(struct rig *rig)
{
    sk_fake_agent_lose(fake_of(rig), RIG_ID);
}

static int rig_setup(void **state)
{
    struct rig *rig = sk_alloc(sizeof *rig);
    struct sk_err err;
    if (sk_loop_new(&rig->loop, &err) != SK_OK)
        return -1;
    rig->driver = sk_fake_agent_new(rig->loop, NULL);
    rig->agent = sk_fake_agent_base(rig->driver);
    rig->launch = launch;
    rig->kill = lose;
    *state = rig;
    return 0;
}

static int rig_teardown(void **state)
{
    struct rig *rig = *state;
    rig_down(rig);
    sk_fake_agent_free(rig->driver);
    sk_loop_free(rig->loop);
    free(rig);
    return 0;
}

/* No guest answers, so that there is something to cancel. */
static int deaf_setup(void **state)
{
    int failed = rig_setup(state);
    if (!failed)
        sk_fake_agent_deaf(((struct rig *)*state)->driver, true);
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AGENT_CONTRACT, AGENT_FILES_CONTRACT,
        cmocka_unit_test_setup_teardown(await_can_be_cancelled, deaf_setup, rig_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
