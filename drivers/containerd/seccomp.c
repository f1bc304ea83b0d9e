#include "drivers/containerd/seccomp.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/socket.h>

#define CLONE_NAMESPACES                                                                                     \
    (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |               \
     CLONE_NEWCGROUP)

/* By subject, parted by blanks; names unknown to the host's libseccomp are skipped by the runtimes. */
static const char files[] =
    "access chdir chmod chown chown32 chroot close close_range creat dup dup2 dup3 faccessat faccessat2 "
    "fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl "
    "fcntl64 fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstat64 fstatat64 "
    "fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr ioctl "
    "lchown lchown32 lgetxattr link linkat listxattr llistxattr lremovexattr lsetxattr lstat lstat64 "
    "mkdir mkdirat mknod mknodat newfstatat open openat openat2 readlink readlinkat removexattr rename "
    "renameat renameat2 rmdir setxattr stat stat64 statfs statfs64 statx symlink symlinkat sync "
    "sync_file_range syncfs truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 "
    "utimes";

static const char input_output[] =
    "copy_file_range epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 "
    "epoll_wait epoll_wait_old eventfd eventfd2 fanotify_mark inotify_add_watch inotify_init "
    "inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents "
    "io_pgetevents_time64 io_setup io_submit _llseek lseek memfd_create memfd_secret _newselect pipe "
    "pipe2 poll ppoll ppoll_time64 pread64 preadv preadv2 pselect6 pselect6_time64 pwrite64 pwritev "
    "pwritev2 read readahead readv select sendfile sendfile64 splice tee vmsplice write writev";

/* Not socketcall: a 32-bit program would make sockets of any family with it, since its arguments lie in
 * memory where no filter sees them. Such programs have had the calls below since Linux 4.3. */
static const char sockets[] =
    "accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg "
    "recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketpair";

static const char memory[] =
    "brk get_mempolicy ipc madvise membarrier mincore mlock mlock2 mlockall mmap mmap2 mprotect "
    "mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
    "mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall "
    "munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages semctl semget semop "
    "semtimedop semtimedop_time64 shmat shmctl shmdt shmget";

static const char processes[] =
    "execve execveat exit exit_group fork futex futex_requeue futex_time64 futex_wait futex_waitv "
    "futex_wake get_robust_list get_thread_area getpgid getpgrp getpid getppid getpriority getrlimit "
    "getrusage getsid gettid ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset "
    "landlock_restrict_self pause pidfd_open pidfd_send_signal prctl prlimit64 process_vm_readv "
    "process_vm_writev ptrace restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask "
    "rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 "
    "rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr "
    "sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 "
    "sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp "
    "set_robust_list set_thread_area set_tid_address setpgid setpriority setrlimit setsid sigaltstack "
    "signalfd signalfd4 sigprocmask sigreturn tgkill tkill ugetrlimit vfork wait4 waitid waitpid";

static const char users[] =
    "capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid "
    "getresgid32 getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid "
    "setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 "
    "setreuid setreuid32 setuid setuid32";

static const char clocks_and_facts[] =
    "adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime "
    "clock_gettime64 clock_nanosleep clock_nanosleep_time64 getcpu getitimer getrandom gettimeofday "
    "nanosleep setitimer sysinfo time timer_create timer_delete timer_getoverrun timer_gettime "
    "timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 "
    "timerfd_settime timerfd_settime64 times uname";

static const char *const always[] = {files,     input_output, sockets,         memory,
                                     processes, users,        clocks_and_facts};

/* Calls allowed only with certain arguments. Rows of one name are alternatives. */
static const struct condition {
    const char *name;
    const char *op;
    unsigned arg;
    uint64_t value;
    uint64_t value_two;
} conditions[] = {
    /* No new namespaces: the mask selects their flags, which must all be 0. */
    {"clone", "SCMP_CMP_MASKED_EQ", 0, CLONE_NAMESPACES, 0},
    /* Linux and 32-bit Linux, each with and without UNAME26. */
    {"personality", "SCMP_CMP_EQ", 0, 0x0, 0},
    {"personality", "SCMP_CMP_EQ", 0, 0x8, 0},
    {"personality", "SCMP_CMP_EQ", 0, 0x20000, 0},
    {"personality", "SCMP_CMP_EQ", 0, 0x20008, 0},
    {"personality", "SCMP_CMP_EQ", 0, 0xffffffff, 0}, /* asks, changes nothing */
    /* Every address family but AF_ALG (38) and AF_VSOCK (40). */
    {"socket", "SCMP_CMP_LT", 0, AF_ALG, 0},
    {"socket", "SCMP_CMP_EQ", 0, AF_NFC, 0},
    {"socket", "SCMP_CMP_GT", 0, AF_VSOCK, 0},
};

static const char *const x86_arches[] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", NULL};
static const char x86_calls[] = "arch_prctl modify_ldt";
static const char *const arm_arches[] = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", NULL};
static const char arm_calls[] =
    "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2";
static const char *const none[] = {NULL};

static const struct machine {
    const char *name;
    const char *const *arches;
    const char *calls;
} machines[] = {
    {"x86_64", x86_arches, x86_calls},
    {"aarch64", arm_arches, arm_calls},
};

static const struct machine *find_machine(const char *name)
{
    static const struct machine other = {"", none, ""};
    for (size_t i = 0; i < sk_array_len(machines); i++)
        if (strcmp(machines[i].name, name) == 0)
            return &machines[i];
    return &other;
}

/* `names` are parted by single blanks. */
static void write_names(struct sk_json_out *out, const char *names)
{
    while (*names) {
        size_t len = strcspn(names, " ");
        sk_json_strn(out, NULL, names, len);
        names += len + (names[len] == ' ');
    }
}

static void write_always(struct sk_json_out *out, const struct machine *machine)
{
    sk_json_map(out, NULL);
    sk_json_array(out, "names");
    for (size_t i = 0; i < sk_array_len(always); i++)
        write_names(out, always[i]);
    write_names(out, machine->calls);
    sk_json_array_end(out);
    sk_json_str(out, "action", "SCMP_ACT_ALLOW");
    sk_json_map_end(out);
}

static void write_condition(struct sk_json_out *out, const struct condition *condition)
{
    sk_json_map(out, NULL);
    sk_json_strs(out, "names", (const char *const[]){condition->name, NULL});
    sk_json_str(out, "action", "SCMP_ACT_ALLOW");
    sk_json_array(out, "args");
    sk_json_map(out, NULL);
    sk_json_int(out, "index", condition->arg);
    sk_json_int(out, "value", (int64_t)condition->value);
    sk_json_int(out, "valueTwo", (int64_t)condition->value_two);
    sk_json_str(out, "op", condition->op);
    sk_json_map_end(out);
    sk_json_array_end(out);
    sk_json_map_end(out);
}

static void write_clone3(struct sk_json_out *out)
{
    sk_json_map(out, NULL);
    sk_json_strs(out, "names", (const char *const[]){"clone3", NULL});
    sk_json_str(out, "action", "SCMP_ACT_ERRNO");
    sk_json_int(out, "errnoRet", ENOSYS);
    sk_json_map_end(out);
}

void sk_seccomp_write(struct sk_json_out *out, const char *key, const char *machine_name)
{
    const struct machine *machine = find_machine(machine_name);
    sk_json_map(out, key);
    sk_json_str(out, "defaultAction", "SCMP_ACT_ERRNO");
    sk_json_int(out, "defaultErrnoRet", EPERM);
    if (*machine->arches)
        sk_json_strs(out, "architectures", machine->arches);
    sk_json_array(out, "syscalls");
    write_always(out, machine);
    for (size_t i = 0; i < sk_array_len(conditions); i++)
        write_condition(out, &conditions[i]);
    write_clone3(out);
    sk_json_array_end(out);
    sk_json_map_end(out);
}
