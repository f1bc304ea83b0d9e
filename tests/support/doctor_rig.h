/* doctor_rig.h: hosts that are made for the doctor: a folder as root, programs as scripts, and senses that
 * say what a test wants. */
#ifndef SK_TESTS_DOCTOR_RIG_H
#define SK_TESTS_DOCTOR_RIG_H

#include "base/tree.h"
#include "doctor/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

#define NOW_S 1780000000
#define GUEST "\"guest_path\": \"/usr/local/bin/sandkeep-guest\""

/* --- senses --------------------------------------------------------------------------- */

static struct {
    struct sk_doctor_disk disk;
    struct sk_doctor_clock clock;
    int missing_call;
    bool connects, is_mute;
    int64_t now_s;
    uint64_t files;
} world;

static inline bool sense_disk(const char *path, struct sk_doctor_disk *out)
{
    (void)path;
    *out = world.disk;
    return !world.is_mute;
}

static inline bool sense_clock(struct sk_doctor_clock *out)
{
    *out = world.clock;
    return !world.is_mute;
}

static inline bool sense_call(int number)
{
    return number != world.missing_call;
}

static inline bool sense_connects(const char *path)
{
    (void)path;
    return world.connects;
}

static inline int64_t sense_now(void)
{
    return world.now_s;
}

static inline uint64_t sense_files(void)
{
    return world.files;
}

#define ANSWER_MS 60000 /* on a machine that does much else */

static struct sk_doctor_senses senses = {sense_disk, sense_clock, sense_call, sense_connects,
                                         sense_now,  sense_files, ANSWER_MS};

/* --- a host that is well ---------------------------------------------------------------- */

struct host {
    char root[64];
    struct sk_findings found;
};

static inline void put(struct host *h, const char *path, const char *text, mode_t mode)
{
    SK_AUTO_FREE char *whole = sk_printf("%s%s", h->root, path);

    for (char *at = whole + strlen(h->root) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        (void)mkdir(whole, 0700);
        *at = '/';
    }
    FILE *file = fopen(whole, "we");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
    assert_int_equal(chmod(whole, mode), 0);
}

static inline void drop(struct host *h, const char *path)
{
    SK_AUTO_FREE char *whole = sk_printf("%s%s", h->root, path);
    struct sk_err err;

    assert_int_equal(sk_tree_remove(whole, &err), SK_OK);
}

static inline void program(struct host *h, const char *path, const char *says)
{
    SK_AUTO_FREE char *script = sk_printf("#!/bin/sh\necho '%s'\n", says);

    put(h, path, script, 0755);
}

static const char *const well[][2] = {
    {"/proc/sys/kernel/osrelease", "6.1.0-13-amd64\n"},
    {"/proc/self/ns/cgroup", ""},
    {"/proc/self/ns/ipc", ""},
    {"/proc/self/ns/mnt", ""},
    {"/proc/self/ns/net", ""},
    {"/proc/self/ns/pid", ""},
    {"/proc/self/ns/uts", ""},
    {"/proc/filesystems", "nodev\tsysfs\nnodev\toverlay\n\text4\n"},
    {"/proc/modules", "veth 1 0 - Live 0x0\nnf_tables 1 0 - Live 0x0\n"},
    {"/proc/sys/kernel/seccomp/actions_avail", "kill\n"},
    {"/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n"},
    {"/proc/meminfo", "MemTotal:  8000000 kB\nMemAvailable:  4000000 kB\nSwapTotal:  0 kB\n"},
    {"/proc/sys/vm/overcommit_memory", "0\n"},
    {"/proc/sys/kernel/pid_max", "4194304\n"},
    {"/proc/sys/fs/file-max", "9000000\n"},
    {"/proc/sys/fs/inotify/max_user_instances", "8192\n"},
    {"/proc/self/mounts", "/dev/a / ext4 rw 0 0\n/dev/b /var/lib xfs rw,prjquota 0 0\n"},
    {"/proc/sys/net/ipv4/ip_forward", "1\n"},
    {"/proc/sys/net/netfilter/nf_conntrack_max", "1000\n"},
    {"/proc/sys/net/netfilter/nf_conntrack_count", "10\n"},
    {"/run/containerd/containerd.sock", ""},
    {"/etc/sandkeep/sandkeepd.json", "{" GUEST "}"},
};

static inline void make_well(struct host *h)
{
    for (size_t i = 0; i < sk_array_len(well); i++)
        put(h, well[i][0], well[i][1], 0600);
    program(h, "/usr/bin/containerd", "containerd containerd.io v2.2.1 abc");
    program(h, "/usr/bin/crun", "crun version 1.99");
    program(h, "/usr/sbin/runc", "runc version 1.99.0");
    program(h, "/usr/sbin/haproxy", "HAProxy version 2.6.12-1+deb12u1 2023/12/16");
    program(h, "/usr/sbin/nft", "nftables v1.0.6");
    put(h, "/usr/local/bin/sandkeep-guest", "", 0755);
    put(h, "/var/lib/sandkeep/x", "", 0600);
    put(h, "/run/sandkeep/x", "", 0600);
}

static inline int set_up(void **state)
{
    struct host *h = sk_alloc(sizeof(*h));

    (void)snprintf(h->root, sizeof(h->root), "/tmp/sk-doctor-XXXXXX");
    assert_non_null(mkdtemp(h->root));
    world.disk = (struct sk_doctor_disk){(uint64_t)100 << 30, (uint64_t)50 << 30, 1000, 500};
    world.clock = (struct sk_doctor_clock){true, 1000};
    world.missing_call = -1;
    world.connects = true;
    world.is_mute = false;
    world.now_s = NOW_S;
    world.files = 1048576;
    senses.answer_ms = ANSWER_MS;
    make_well(h);
    *state = h;
    return 0;
}

static inline int tear_down(void **state)
{
    struct host *h = *state;
    struct sk_err err;

    sk_findings_fini(&h->found);
    assert_int_equal(sk_tree_remove(h->root, &err), SK_OK);
    free(h);
    return 0;
}

static inline void look(struct host *h)
{
    sk_findings_fini(&h->found);
    sk_doctor_look(h->root, NULL, &senses, &h->found);
}

static inline const struct sk_finding *find(const struct host *h, const char *family, const char *name,
                                            const char *text)
{
    for (size_t i = 0; i < h->found.count; i++) {
        const struct sk_finding *f = &h->found.items[i];
        if (strcmp(f->family, family) == 0 && strcmp(f->name, name) == 0 && strstr(f->text, text))
            return f;
    }
    return NULL;
}

/* Looks, and finds just that; whatever is wrong comes with what to do. */
static inline void must_find(struct host *h, enum sk_verdict verdict, const char *family, const char *name,
                             const char *text)
{
    look(h);
    const struct sk_finding *f = find(h, family, name, text);
    if (!f || f->verdict != verdict)
        fail_msg("%s/%s \"%s\": %s", family, name, text, f ? sk_verdict_word(f->verdict) : "not found");
    for (size_t i = 0; i < h->found.count; i++)
        assert_true(h->found.items[i].verdict <= SK_VERDICT_NOTE || h->found.items[i].advice);
}

#define OK      SK_VERDICT_OK
#define NOTE    SK_VERDICT_NOTE
#define WARNING SK_VERDICT_WARNING
#define FAILURE SK_VERDICT_FAILURE

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
