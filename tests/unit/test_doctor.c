/* What the doctor finds on hosts that are made for it. */
#include "support/doctor_rig.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

/* --- the findings --------------------------------------------------------------------------- */

static void a_host_that_is_well(void **state)
{
    struct host *h = *state;

    look(h);
    for (size_t i = 0; i < h->found.count; i++) {
        if (h->found.items[i].verdict > SK_VERDICT_OK)
            fail_msg("%s/%s: %s", h->found.items[i].family, h->found.items[i].name, h->found.items[i].text);
    }
    assert_int_equal(sk_findings_worst(&h->found), OK);
    assert_true(h->found.count > 25);
}

/* A host of which nothing can be seen does not end the doctor. */
static void a_host_that_is_not_there(void **state)
{
    struct host *h = *state;

    drop(h, "/proc");
    drop(h, "/sys");
    drop(h, "/usr");
    drop(h, "/etc");
    drop(h, "/run");
    drop(h, "/var");
    world.is_mute = true;
    look(h);
    assert_int_equal(sk_findings_worst(&h->found), FAILURE);
}

/* What a file says, and what that means. */
static const struct {
    const char *path, *says; /* says NULL: it is not there */
    enum sk_verdict verdict;
    const char *family, *name, *text;
} cases[] = {
    {"/proc/sys/kernel/osrelease", "5.4.0-1\n", FAILURE, "kernel", "release", "5.4.0-1"},
    {"/proc/sys/kernel/osrelease", "5.8.0\n", WARNING, "kernel", "release", "5.8.0"},
    {"/proc/sys/kernel/osrelease", "odd\n", NOTE, "kernel", "release", "cannot be read"},
    {"/proc/self/ns/pid", NULL, FAILURE, "kernel", "namespaces", "missing: pid"},
    {"/proc/filesystems", "\text4\n", FAILURE, "kernel", "overlayfs", "missing"},
    {"/proc/filesystems", "nodev\tnooverlay\n", FAILURE, "kernel", "overlayfs", "missing"},
    {"/proc/sys/kernel/seccomp", NULL, FAILURE, "kernel", "seccomp", "missing"},
    {"/proc/modules", "other 1\n", NOTE, "kernel", "veth", "not seen"},
    {"/proc/modules", "other 1\n", NOTE, "kernel", "nf_tables", "not seen"},
    {"/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io\n", FAILURE, "cgroups", "controllers",
     "missing: memory pids"},
    {"/sys/fs/cgroup/cgroup.controllers", NULL, FAILURE, "cgroups", "controllers", "no cgroups"},
    {"/proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 100 kB\n", WARNING, "memory", "available",
     "0 MiB of"},
    {"/proc/meminfo", "nothing", NOTE, "memory", "available", "does not tell"},
    {"/proc/meminfo", "SwapTotal: 2048 kB\n", NOTE, "memory", "swap", "2 MiB"},
    {"/proc/sys/vm/overcommit_memory", "2\n", WARNING, "memory", "overcommit", "refuses memory early"},
    {"/proc/sys/kernel/pid_max", "1000\n", WARNING, "limits", "processes", "1000"},
    {"/proc/sys/fs/file-max", "10\n", WARNING, "limits", "files", "10"},
    {"/proc/sys/fs/inotify/max_user_instances", NULL, NOTE, "limits", "inotify", "cannot be read"},
    {"/proc/self/mounts", "/dev/a / ext4 rw 0 0\n", NOTE, "disk", "quotas", "ext4 without project quotas"},
    {"/proc/self/mounts", "", NOTE, "disk", "quotas", "not known"},
    {"/proc/sys/net/ipv4/ip_forward", "0\n", NOTE, "network", "forwarding", "turns it on"},
    {"/proc/sys/net/ipv4/ip_forward", NULL, FAILURE, "network", "forwarding", "cannot be read"},
    {"/proc/sys/net/netfilter/nf_conntrack_count", "900\n", WARNING, "network", "conntrack", "900 of 1000"},
    {"/proc/sys/net/netfilter/nf_conntrack_max", NULL, NOTE, "network", "conntrack", "not loaded"},
    {"/usr/sbin/haproxy", NULL, WARNING, "network", "haproxy", "not found"},
    {"/usr/sbin/nft", NULL, NOTE, "network", "nft", "not found"},
    {"/run/containerd/containerd.sock", NULL, FAILURE, "runtimes", "containerd socket", "there is no"},
    {"/usr/bin/containerd", NULL, NOTE, "runtimes", "containerd", "not found"},
    {"/etc/sandkeep/sandkeepd.json", NULL, NOTE, "configuration", "file", "there is no"},
    {"/etc/sandkeep/sandkeepd.json", "{\n\"nonsense\": 1}", FAILURE, "configuration", "fault",
     "sandkeepd.json:2: nonsense"},
    {"/etc/sandkeep/sandkeepd.json", "{\"runtime\": \"kata\"}", FAILURE, "runtimes", "runtime",
     "there is no kata"},
    {"/usr/local/bin/sandkeep-guest", NULL, WARNING, "files", "guest_path", "there is no"},
    {"/var/lib/sandkeep", NULL, NOTE, "files", "state_dir", "not there yet"},
};

static void every_file_means_something(void **state)
{
    struct host *h = *state;

    for (size_t i = 0; i < sk_array_len(cases); i++) {
        make_well(h);
        drop(h, cases[i].path);
        if (cases[i].says)
            put(h, cases[i].path, cases[i].says, 0600);
        must_find(h, cases[i].verdict, cases[i].family, cases[i].name, cases[i].text);
        drop(h, cases[i].path);
    }
}

static void modules_are_looked_for(void **state)
{
    struct host *h = *state;

    put(h, "/proc/modules", "", 0600);
    put(h, "/lib/modules/6.1.0-13-amd64/modules.builtin", "kernel/drivers/net/veth.ko\n", 0600);
    must_find(h, OK, "kernel", "veth", "there");
    put(h, "/lib/modules/6.1.0-13-amd64/kernel/x", "", 0600);
    must_find(h, NOTE, "kernel", "nf_tables", "not loaded");
    put(h, "/proc/filesystems", "\text4\n", 0600);
    must_find(h, NOTE, "kernel", "overlayfs", "not loaded");
    put(h, "/sys/module/nf_tables/x", "", 0600);
    must_find(h, OK, "kernel", "nf_tables", "there");
}

static void version_1_of_cgroups_works(void **state)
{
    static const char *const names[] = {"cpu", "cpuacct", "cpuset", "devices", "memory", "pids"};
    struct host *h = *state;

    drop(h, "/sys/fs/cgroup");
    for (size_t i = 0; i < sk_array_len(names); i++) {
        SK_AUTO_FREE char *path = sk_printf("/sys/fs/cgroup/%s/x", names[i]);
        put(h, path, "", 0600);
    }
    must_find(h, OK, "cgroups", "controllers", "version 1");
    must_find(h, NOTE, "cgroups", "version", "version 1");
    drop(h, "/sys/fs/cgroup/pids");
    must_find(h, FAILURE, "cgroups", "controllers", "missing: pids");
}

static void what_only_the_kernel_tells(void **state)
{
    struct host *h = *state;

    world.missing_call = SYS_openat2;
    must_find(h, FAILURE, "kernel", "system calls", "missing: openat2");
    world.connects = false;
    must_find(h, FAILURE, "runtimes", "containerd socket", "nobody listens");
    world.files = 1024;
    must_find(h, WARNING, "limits", "open files", "1024");
    world.clock.is_synchronized = false;
    must_find(h, WARNING, "clock", "synchronized", "nothing keeps");
    put(h, "/run/systemd/timesync/synchronized", "", 0600);
    must_find(h, OK, "clock", "synchronized", "yes");
    world.clock = (struct sk_doctor_clock){true, 5000000};
    must_find(h, WARNING, "clock", "synchronized", "5000 ms");
    world.now_s = 1000;
    must_find(h, FAILURE, "clock", "date", "before");
    world.is_mute = true;
    must_find(h, NOTE, "clock", "synchronized", "does not tell");
    must_find(h, NOTE, "disk", "state", "cannot be looked at");
}

/* Whoever cannot be asked for others is there all the same. */
static void a_socket_that_is_crowded_has_somebody_who_listens(void **state)
{
    struct host *h = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    SK_AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/crowd", h->root);
    assert_false(sk_doctor_real_senses.connects(address.sun_path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_false(sk_doctor_real_senses.connects(address.sun_path));
    assert_int_equal(listen(fd, 0), 0);
    for (int i = 0; i < 4; i++)
        assert_true(sk_doctor_real_senses.connects(address.sun_path));
    sk_close_fd(&fd);
    assert_false(sk_doctor_real_senses.connects(address.sun_path));
}

static void room_is_counted(void **state)
{
    struct host *h = *state;

    world.disk.free_bytes = (uint64_t)8 << 30;
    must_find(h, WARNING, "disk", "state", "8.0 GiB free of 100.0 (8 %)");
    world.disk.free_bytes = (uint64_t)1 << 30;
    must_find(h, FAILURE, "disk", "containerd", "(1 %)");
    world.disk =
        (struct sk_doctor_disk){(uint64_t)1 << 30, (uint64_t)900 << 20, 0, 0}; /* no count of inodes */
    must_find(h, WARNING, "disk", "state", "0.9 GiB free");
    world.disk = (struct sk_doctor_disk){(uint64_t)100 << 30, (uint64_t)50 << 30, 1000, 10};
    must_find(h, FAILURE, "disk", "state", "1 % of the inodes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_host_that_is_well),
        CASE(a_host_that_is_not_there),
        CASE(every_file_means_something),
        CASE(modules_are_looked_for),
        CASE(version_1_of_cgroups_works),
        CASE(what_only_the_kernel_tells),
        CASE(a_socket_that_is_crowded_has_somebody_who_listens),
        CASE(room_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
