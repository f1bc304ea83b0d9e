#include "drivers/containerd/seccomp.h"
#include "support/json_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char *make(const char *machine)
{
    struct sk_json_out out;
    char *text = NULL;
    size_t len;
    sk_json_out_init(&out);
    sk_seccomp_write(&out, NULL, machine);
    assert_int_equal(sk_json_out_take(&out, &text, &len, NULL), SK_OK);
    sk_json_out_fini(&out);
    return text;
}

static int listed(const char *text, const char *name)
{
    return json_count(text, "/syscalls/*/names/*", name);
}

static void test_what_is_not_listed_fails(void **state)
{
    char *text = make("x86_64");
    (void)state;
    assert_int_equal(json_count(text, "/defaultAction", "SCMP_ACT_ERRNO"), 1);
    assert_non_null(strstr(text, "\"defaultErrnoRet\":1"));
    free(text);
}

static void test_dangerous_calls_are_not_listed(void **state)
{
    static const char *const never[] = {
        "mount",
        "umount2",
        "pivot_root",
        "setns",
        "unshare",
        "bpf",
        "keyctl",
        "add_key",
        "request_key",
        "perf_event_open",
        "userfaultfd",
        "kexec_load",
        "init_module",
        "finit_module",
        "delete_module",
        "reboot",
        "swapon",
        "iopl",
        "ioperm",
        "io_uring_setup",
        "socketcall", /* hides its arguments from the conditions on socket */
        "io_uring_enter",
        "fsopen",
        "open_by_handle_at",
        "quotactl",
        "settimeofday",
        "clock_settime",
        "acct",
        "syslog",
        "move_mount",
        "open_tree",
        "io_uring_register",
        "nfsservctl",
        "lookup_dcookie",
        "vhangup",
        "mbind",
        "kcmp",
    };
    char *text = make("x86_64");
    (void)state;
    for (size_t i = 0; i < sk_array_len(never); i++)
        if (listed(text, never[i]) != 0)
            fail_msg("%s is listed", never[i]);
    free(text);
}

static void test_everyday_calls_are_listed_once(void **state)
{
    static const char *const always[] = {
        "read",
        "write",
        "openat",
        "execve",
        "mmap",
        "futex",
        "epoll_wait",
        "connect",
        "accept4",
        "getrandom",
        "prctl",
        "wait4",
        "setuid",
        "newfstatat",
        "statx",
        "clock_gettime",
        "rt_sigaction",
        "ptrace",
        "memfd_create",
        "faccessat2",
        "close_range",
        "rseq",
        "landlock_create_ruleset",
        "chroot",
        "_llseek",
        "mknodat",
    };
    char *text = make("x86_64");
    (void)state;
    for (size_t i = 0; i < sk_array_len(always); i++)
        if (listed(text, always[i]) != 1)
            fail_msg("%s is listed %d times", always[i], listed(text, always[i]));
    assert_int_equal(listed(text, ""), 0);
    free(text);
}

static void test_clone_cannot_make_namespaces(void **state)
{
    char *text = make("x86_64");
    (void)state;
    assert_int_equal(listed(text, "clone"), 1);
    assert_non_null(strstr(text,
                           "{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
                           "\"value\":2114060288,\"valueTwo\":0,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}"));
    assert_non_null(strstr(text, "{\"names\":[\"clone3\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38}"));
    free(text);
}

static void test_two_address_families_are_left_out(void **state)
{
    char *text = make("x86_64");
    (void)state;
    assert_int_equal(listed(text, "socket"), 3);
    assert_non_null(strstr(text, "\"value\":38,\"valueTwo\":0,\"op\":\"SCMP_CMP_LT\""));
    assert_non_null(strstr(text, "\"value\":39,\"valueTwo\":0,\"op\":\"SCMP_CMP_EQ\""));
    assert_non_null(strstr(text, "\"value\":40,\"valueTwo\":0,\"op\":\"SCMP_CMP_GT\""));
    free(text);
}

static void test_machines(void **state)
{
    char *x86 = make("x86_64"), *arm = make("aarch64"), *other = make("riscv64");
    (void)state;
    assert_int_equal(json_count(x86, "/architectures/*", "SCMP_ARCH_X86"), 1);
    assert_int_equal(json_count(x86, "/architectures/*", "SCMP_ARCH_X32"), 1);
    assert_int_equal(listed(x86, "arch_prctl"), 1);
    assert_int_equal(listed(arm, "arch_prctl"), 0);
    assert_int_equal(json_count(arm, "/architectures/*", "SCMP_ARCH_AARCH64"), 1);
    assert_int_equal(json_count(arm, "/architectures/*", "SCMP_ARCH_X86_64"), 0);
    assert_null(strstr(other, "architectures"));
    assert_int_equal(listed(other, "read"), 1);
    free(x86);
    free(arm);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_listed_fails),
        cmocka_unit_test(test_dangerous_calls_are_not_listed),
        cmocka_unit_test(test_everyday_calls_are_listed_once),
        cmocka_unit_test(test_clone_cannot_make_namespaces),
        cmocka_unit_test(test_two_address_families_are_left_out),
        cmocka_unit_test(test_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
