/* What a sandbox made by the driver looks like from inside (the stand-in guest's report) and from
 * the host (its cgroup, its shim). */
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "component/boxes.h"

#define GROUP_MAX 2

static void assert_says(const struct made *m, const char *line)
{
    SK_AUTO_FREE char *whole = sk_printf("%s\n", line);
    if (!strstr(m->report, whole))
        fail_msg("the report lacks \"%s\":\n%s", line, m->report);
}

/* First line of a file in the sandbox's group of a v1 controller or of v2; "" if absent. */
static void read_cgroup(const struct private_containerd *p, const struct made *m, const char *v1,
                        const char *v2, char out[64])
{
    SK_AUTO_FREE char *old = sk_printf("/sys/fs/cgroup/%.*s/%s/%s/%s", (int)strcspn(v1, "/"), v1,
                                       p->namespace, m->id, v1 + strcspn(v1, "/") + 1);
    SK_AUTO_FREE char *new = sk_printf("/sys/fs/cgroup/%s/%s/%s", p->namespace, m->id, v2);
    SK_AUTO_FREE char *text = read_text(access(old, F_OK) == 0 ? old : new);
    snprintf(out, 64, "%.*s", (int)strcspn(text, "\n"), text);
}

static void test_it_is_shut_in(void **state)
{
    static const char *const lines[] = {
        "pid=1",
        "hostname=test-shut-in",
        /* Docker's default set without NET_RAW and MKNOD, nothing inheritable or ambient. */
        "CapBnd:\t00000000a00405fb",
        "CapEff:\t00000000a00405fb",
        "CapPrm:\t00000000a00405fb",
        "CapInh:\t0000000000000000",
        "CapAmb:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        "unshare=EPERM",
        "clone newns=EPERM",
        "clone3=ENOSYS",
        "mount=EPERM",
        "keyctl=EPERM",
        "bpf=EPERM",
        "perf_event_open=EPERM",
        "io_uring_setup=EPERM",
        "vsock=EPERM",
        "alg=EPERM",
        "packet=EPERM",
        "inet=ok",
        "mknod=EPERM",
        "write /proc/sys/kernel/hostname=EROFS",
        "mount of /.sandkeep=read-only",
        "mount of /.sandkeep/guest=read-only",
        "create in /.sandkeep=EROFS",
    };
    struct private_containerd *p = *state;
    struct made m;
    make(p, "test-shut-in", (struct sk_box){.pids_limit = 100}, &m);
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        assert_says(&m, lines[i]);
    if (!strstr(m.report, "read /proc/kcore=empty") && !strstr(m.report, "read /proc/kcore=ENOENT"))
        fail_msg("/proc/kcore is not masked:\n%s", m.report);
    assert_null(strstr(m.report, "write /proc/sysrq-trigger=ok")); /* not every kernel has it */
    assert_null(strstr(m.report, "write /.sandkeep/guest=ok"));
    unmake(p, &m);
}

static void test_its_limits_stand(void **state)
{
    struct private_containerd *p = *state;
    struct made m;
    char value[64];
    make(p, "test-limits",
         (struct sk_box){
             .cpu_limit_millis = 500,
             .cpu_request_millis = 250,
             .memory_limit_bytes = 96 << 20,
             .pids_limit = 33,
             .cpuset = "0",
         },
         &m);
    read_cgroup(p, &m, "memory/memory.limit_in_bytes", "memory.max", value);
    assert_string_equal(value, "100663296");
    read_cgroup(p, &m, "pids/pids.max", "pids.max", value);
    assert_string_equal(value, "33");
    read_cgroup(p, &m, "cpu/cpu.cfs_quota_us", "cpu.max", value);
    assert_int_equal(atoi(value), 50000);
    read_cgroup(p, &m, "cpuset/cpuset.cpus", "cpuset.cpus", value);
    assert_string_equal(value, "0");
    unmake(p, &m);
    read_cgroup(p, &m, "pids/pids.max", "pids.max", value);
    assert_string_equal(value, ""); /* the group went with the task */
}

static void test_capabilities_can_be_dropped(void **state)
{
    static const char *const drop[] = {"CAP_CHOWN", NULL};
    struct private_containerd *p = *state;
    struct made m;
    make(p, "test-drop", (struct sk_box){.drop_capabilities = drop}, &m);
    assert_says(&m, "CapBnd:\t00000000a00405fa");
    unmake(p, &m);
}

/* The guest can write no report to such a root; that it lives and cannot is the test. */
static void test_a_root_can_be_read_only(void **state)
{
    struct private_containerd *p = *state;
    struct sk_image *image = sk_test_image(p, SK_TEST_IMAGE);
    struct sk_runtime *rt = sk_containerd_runtime(p->driver);
    struct sk_wait w;
    int pid = 0;
    struct sk_box box = {
        .id = "test-read-only",
        .hostname = "test-read-only",
        .image_name = image->name,
        .snapshot_parent = image->snapshot_parent,
        .agent_dir = p->agent_dir,
        .read_only_root = true,
    };
    call_on_box(p, &box, rt->ops->prepare_rootfs);
    call_on_box(p, &box, rt->ops->create_container);
    sk_wait_init(&w, p->loop);
    rt->ops->create_task(rt, &box, &pid, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    call_on_id(p, box.id, rt->ops->start_task);
    SK_AUTO_FREE char *path = sk_printf("/proc/%d/mountinfo", pid);
    SK_AUTO_FREE char *text = read_text(path);
    char *root = strstr(text, " / / ro");
    assert_non_null(root);
    call_on_id(p, box.id, rt->ops->delete_task);
    call_on_id(p, box.id, rt->ops->delete_container);
    call_on_id(p, box.id, rt->ops->remove_rootfs);
    sk_image_free(image);
}

static int count_shims(const struct private_containerd *p)
{
    glob_t found;
    int count = 0;
    /* As in /proc: arguments parted by NULs. */
    char key[64] = "-namespace";
    size_t key_len = strlen(key) + 1 + strlen(p->namespace) + 1;
    memcpy(key + strlen(key) + 1, p->namespace, strlen(p->namespace) + 1);
    if (glob("/proc/[0-9]*/cmdline", 0, NULL, &found) != 0)
        return -1;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char line[512] = "";
        FILE *file = fopen(found.gl_pathv[i], "re");
        size_t len = file ? fread(line, 1, sizeof(line) - 1, file) : 0;
        if (file)
            fclose(file);
        count += strstr(line, "containerd-shim") && memmem(line, len, key, key_len);
    }
    globfree(&found);
    return count;
}

/* Those of sandboxes that left end behind our back, and so do the helpers that they and we were made with. */
static void await_shims(const struct private_containerd *p, int least, int most)
{
    int count = count_shims(p);
    for (int waited = 0; waited < 60000 && (count < least || count > most); waited += 100) {
        usleep(100000);
        count = count_shims(p);
    }
    assert_in_range(count, least, most);
}

static void test_shims_are_shared_up_to_the_ceiling(void **state)
{
    struct private_containerd *p = *state;
    struct made made[5];
    for (size_t i = 0; i < 5; i++) {
        SK_AUTO_FREE char *id = sk_printf("test-shim%zu", i);
        make(p, id, (struct sk_box){0}, &made[i]);
    }
    const int wanted = (5 + GROUP_MAX - 1) / GROUP_MAX;
    await_shims(p, wanted, wanted);
    /* Leaving and coming, over and over: nobody may join a shim that is about to end. */
    for (size_t i = 0; i < 5; i++) {
        unmake(p, &made[i]);
        SK_AUTO_FREE char *id = sk_printf("test-shim-again%zu", i);
        make(p, id, (struct sk_box){0}, &made[i]);
    }
    await_shims(p, wanted, 5);
    for (size_t i = 0; i < 5; i++)
        unmake(p, &made[i]);
}

/* Gives the folder of a task back after a while, as containerd does when a killed daemon's call is over. */
struct tenant {
    struct sk_timer timer;
    char *folder;
    int left; /* what rmdir said */
};

static void move_out(struct sk_timer *timer)
{
    struct tenant *t = sk_container_of(timer, struct tenant, timer);
    t->left = rmdir(t->folder);
}

static void test_a_place_still_occupied_is_waited_for(void **state)
{
    struct private_containerd *p = *state;
    struct made m;
    SK_AUTO_FREE char *folder =
        sk_printf("%s/containerd/state/io.containerd.runtime.v2.task/%s/test-occupied", p->dir, p->namespace);
    SK_AUTO_FREE char *command = sk_printf("mkdir -p %s", folder);
    struct tenant tenant = {.folder = folder, .left = -1};
    assert_int_equal(system(command), 0);
    sk_timer_start(p->loop, &tenant.timer, sk_instant_add(sk_loop_now(p->loop), SK_SEC(1)), move_out);
    make(p, "test-occupied", (struct sk_box){0}, &m);
    assert_int_equal(tenant.left, 0); /* nobody got in before */
    unmake(p, &m);
}

int main(void)
{
    struct private_containerd p = {0};
    int result = sk_test_up(&p, GROUP_MAX);
    if (result)
        return result;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_it_is_shut_in, &p),
        cmocka_unit_test_prestate(test_its_limits_stand, &p),
        cmocka_unit_test_prestate(test_capabilities_can_be_dropped, &p),
        cmocka_unit_test_prestate(test_a_root_can_be_read_only, &p),
        cmocka_unit_test_prestate(test_a_place_still_occupied_is_waited_for, &p),
        cmocka_unit_test_prestate(test_shims_are_shared_up_to_the_ceiling, &p),
    };
    return sk_test_down(&p, cmocka_run_group_tests(tests, NULL, NULL));
}
