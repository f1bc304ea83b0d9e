/* What the doctor knows of programs by what they say of themselves. */
#include "support/doctor_rig.h"

#include <signal.h>

static const struct {
    const char *path, *says, *name, *hole;
    bool has;
} versions[] = {
    {"/usr/sbin/runc", "runc version 1.1.5+ds1", "runc", "CVE-2024-21626", true},
    {"/usr/sbin/runc", "runc version 1.1.5+ds1", "runc", "CVE-2019-5736", false},
    {"/usr/sbin/runc", "runc version 0.1.1", "runc", "CVE-2019-5736", true},
    {"/usr/sbin/runc", "runc version 1.1.12", "runc", "CVE-2024-21626", false},
    {"/usr/sbin/runc", "runc version 1.1.12", "runc", "CVE-2025-31133", true},
    {"/usr/sbin/runc", "runc version 1.2.8", "runc", "CVE-2025-31133", false},
    {"/usr/sbin/runc", "runc version 1.3.2", "runc", "CVE-2025-31133", true},
    {"/usr/sbin/runc", "runc version 1.4.0", "runc", "CVE-2025-31133", false},
    {"/usr/sbin/runc", "runc version 1.4.0", "runc", "CVE-2026-41579", true},
    {"/usr/bin/crun", "crun version 1.8.1", "crun", "CVE-2026-30892", true},
    {"/usr/bin/crun", "crun version 1.26", "crun", "CVE-2026-30892", false},
    {"/usr/bin/containerd", "containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1",
     "containerd", "CVE-2024-25621", true},
    {"/usr/bin/containerd", "containerd github.com/containerd/containerd 1.6.20~ds1", "containerd",
     "CVE-2022-23648", false},
    {"/usr/bin/containerd", "containerd containerd.io v2.1.4 abc", "containerd", "CVE-2024-25621", true},
    {"/usr/bin/containerd", "containerd containerd.io v2.1.5 abc", "containerd", "CVE-2024-25621", false},
};

static void versions_are_known_for_their_holes(void **state)
{
    struct host *h = *state;

    for (size_t i = 0; i < sk_array_len(versions); i++) {
        program(h, versions[i].path, versions[i].says);
        look(h);
        if (!!find(h, "runtimes", versions[i].name, versions[i].hole) != versions[i].has)
            fail_msg("%s: %s", versions[i].says, versions[i].hole);
    }
}

static void programs_may_be_odd(void **state)
{
    struct host *h = *state;

    program(h, "/usr/bin/containerd", "containerd containerd.io v1.5.9 x");
    must_find(h, FAILURE, "runtimes", "containerd", "too old");
    program(h, "/usr/bin/crun", "crun of no version");
    must_find(h, NOTE, "runtimes", "crun", "no version in");
    program(h, "/usr/sbin/haproxy", "HAProxy version 2.2.9");
    must_find(h, WARNING, "network", "haproxy", "2.2.9");
    put(h, "/usr/sbin/nft", "#!/bin/sh\nexit 1\n", 0755);
    must_find(h, NOTE, "network", "nft", "not found");
    drop(h, "/usr/bin/crun");
    drop(h, "/usr/sbin/runc");
    must_find(h, FAILURE, "runtimes", "runtime", "neither");
}

static void one_may_leave_somebody_behind_who_holds_its_output(void **state)
{
    struct host *h = *state;

    put(h, "/usr/bin/containerd", "#!/bin/sh\nsleep 1000 &\necho containerd x v2.2.1 x\n", 0755);
    must_find(h, OK, "runtimes", "containerd", "v2.2.1");
}

static void one_may_never_end(void **state)
{
    struct host *h = *state;

    senses.answer_ms = 500;
    put(h, "/usr/bin/crun", "#!/bin/sh\necho crun version 1.26\ntrap '' PIPE\nexec yes\n", 0755);
    look(h);
    assert_null(find(h, "runtimes", "crun", ""));
}

/* --- Ctrl-C ------------------------------------------------------------------------------ */

static char is_done_path[128];
static volatile sig_atomic_t interrupts, early;

static void on_interrupt(int signo)
{
    (void)signo;
    interrupts = interrupts + 1;
    early |= access(is_done_path, F_OK) != 0;
}

/* The program itself can be ended, as ever. */
static void none_is_left_behind_by_an_interrupt(void **state)
{
    struct host *h = *state;
    const struct sigaction action = {.sa_handler = on_interrupt};
    struct sigaction before;

    (void)snprintf(is_done_path, sizeof(is_done_path), "%s/usr/bin/crun.done", h->root);
    put(h, "/usr/bin/crun",
        "#!/bin/sh\nexec 2>/dev/null\nkill -INT $PPID\n[ -z \"$(sh -c 'kill -TERM $$; echo lives')\" ] || "
        "exit 1\n"
        ": >\"$0.done\"\necho crun version 1.99\n",
        0755);
    assert_int_equal(sigaction(SIGINT, &action, &before), 0);
    must_find(h, OK, "runtimes", "crun", "1.99");
    assert_int_equal(sigaction(SIGINT, &before, NULL), 0);
    assert_true(interrupts > 0);
    assert_false(early);
}

static void a_runtime_elsewhere_is_known_by_what_it_says(void **state)
{
    struct host *h = *state;

    put(h, "/etc/sandkeep/sandkeepd.json", "{\"runtime\": \"/opt/oci/crun-old\"}", 0600);
    program(h, "/opt/oci/crun-old", "crun version 1.8.1");
    must_find(h, OK, "runtimes", "runtime", "crun version 1.8.1");
    must_find(h, WARNING, "runtimes", "runtime", "CVE-2026-30892");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(versions_are_known_for_their_holes),
        CASE(programs_may_be_odd),
        CASE(one_may_leave_somebody_behind_who_holds_its_output),
        CASE(one_may_never_end),
        CASE(none_is_left_behind_by_an_interrupt),
        CASE(a_runtime_elsewhere_is_known_by_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
