#include "contract/runtime.h"

#include "support/private_containerd.h"

#include <sys/stat.h>

/* The stand-in guest obeys signals from the host. */
static void end_init(void *arg, const char *id, int pid, int status)
{
    (void)arg, (void)id, (void)status; /* always 7 */
    free(sk_test_await_report(pid));
    kill(pid, SIGUSR1);
}

static void run_out_of_memory(void *arg, const char *id, int pid)
{
    (void)arg, (void)id;
    free(sk_test_await_report(pid));
    kill(pid, SIGUSR2);
}

/* In one hierarchy; any will do. */
static void litter(void *arg, const char *name)
{
    const struct private_containerd *p = arg;
    bool is_v2 = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
    SK_AUTO_FREE char *parent = sk_printf("/sys/fs/cgroup/%s%s", is_v2 ? "" : "pids/", p->namespace);
    SK_AUTO_FREE char *path = sk_printf("%s/%s", parent, name);
    (void)mkdir(parent, 0755);
    if (mkdir(path, 0755))
        printf("no cgroup %s\n", path);
}

static void restart(void *arg)
{
    if (sk_test_containerd(arg, "stop") != 0 || sk_test_containerd(arg, "start") != 0)
        printf("containerd did not come back\n");
}

int main(void)
{
    struct private_containerd p = {0};
    int result = sk_test_up(&p, 3);
    if (result)
        return result;
    struct sk_image *image = sk_test_image(&p, SK_TEST_IMAGE);
    struct runtime_suite suite = {
        .loop = p.loop,
        .rt = sk_containerd_runtime(p.driver),
        .parent = image ? image->snapshot_parent : "no image",
        .missing_parent = "sha256:0000000000000000000000000000000000000000000000000000000000000000",
        .agent_dir = p.agent_dir,
        .arg = &p,
        .end_init = end_init,
        .run_out_of_memory = run_out_of_memory,
        .litter = litter,
        .restart = restart,
    };
    result = run_runtime_suite(&suite);
    sk_image_free(image);
    return sk_test_down(&p, result);
}
