#include "contract/runtime.h"

#include "drivers/fake/runtime.h"

static void end_init(void *arg, const char *id, int pid, int status)
{
    (void)pid;
    sk_fake_runtime_init_dies(arg, id, status, false);
}

static void run_out_of_memory(void *arg, const char *id, int pid)
{
    (void)pid;
    sk_fake_runtime_count_oom(arg, id, 1);
    sk_fake_runtime_oom(arg, id);
}

static void litter(void *arg, const char *name)
{
    sk_fake_runtime_litter(arg, "cgroup", name, false);
}

static void restart(void *arg)
{
    sk_fake_runtime_away(arg, true);
    sk_fake_runtime_away(arg, false);
}

int main(void)
{
    struct sk_loop *loop;
    struct sk_err err;
    if (sk_loop_new(&loop, &err) != SK_OK)
        return 1;
    struct sk_fake_runtime *fake = sk_fake_runtime_new(loop);
    struct runtime_suite suite = {
        .loop = loop,
        .rt = sk_fake_runtime_base(fake),
        .parent = "there",
        .missing_parent = "missing",
        .agent_dir = "/nowhere",
        .arg = fake,
        .end_init = end_init,
        .run_out_of_memory = run_out_of_memory,
        .litter = litter,
        .restart = restart,
    };
    int result = run_runtime_suite(&suite);
    if (sk_fake_runtime_held(fake) != 0)
        result = 1;
    sk_fake_runtime_free(fake);
    sk_loop_free(loop);
    return result;
}
