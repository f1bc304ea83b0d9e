/* What is left after a kill, and what becomes of a disk that refuses. */
#include "audit_rig.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* --- kills ------------------------------------------------------------------------------ */

/* In a process of its own, as the daemon is: tells until it is killed, and counts what it told. */
static void tell_until_killed(int round, _Atomic uint64_t *told)
{
    char name[64];
    open_audit();
    for (uint64_t i = 0;; i++) {
        (void)snprintf(name, sizeof(name), "sb-%d-%llu-", round, (unsigned long long)i);
        tell(name);
        atomic_store(told, i + 1);
        if (i % 16 == 0)
            (void)usleep(50); /* so that some is written, and some is not */
    }
}

/* The numbers of a round's lines must be 0, 1, 2, …: none missing, none twice. */
struct order {
    char prefix[32];
    uint64_t next;
    bool fine;
};

static bool check_order(void *arg, const char *line)
{
    struct order *order = arg;
    char name[64];
    sk_audit_line_field(line, "sandbox", name, sizeof(name));
    size_t len = strlen(order->prefix);
    if (strncmp(name, order->prefix, len) == 0)
        order->fine &= strtoull(name + len, NULL, 10) == order->next++;
    return true;
}

static void test_kills(void **state)
{
    enum { ROUNDS = 25 };
    struct sk_err err;
    _Atomic uint64_t *told =
        mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    (void)state;
    assert_ptr_not_equal(told, MAP_FAILED);
    rig.options.limits.file_bytes = 64 << 10;
    for (int round = 0; round < ROUNDS; round++) {
        atomic_store(told, 0);
        pid_t pid = fork();
        if (pid == 0)
            tell_until_killed(round, told);
        for (int i = 0; i < 5000 && atomic_load(told) < 1; i++)
            (void)usleep(1000);
        (void)usleep((unsigned)(round * 3791 % 60000));
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        open_audit();
        close_audit();
        struct order order = {.fine = true};
        (void)snprintf(order.prefix, sizeof(order.prefix), "sb-%d-", round);
        assert_int_equal(sk_audit_each(rig.folder, check_order, &order, &err), SK_OK);
        uint64_t sure = atomic_load(told);
        if (!order.fine || order.next < sure || order.next > sure + 1)
            fail_msg("round %d: %llu lines of %llu", round, (unsigned long long)order.next,
                     (unsigned long long)sure);
        assert_whole();
    }
    (void)munmap((void *)told, sizeof(*told));
}

/* Half a line is kept beside the chain, and told of. */
static void test_half_a_line(void **state)
{
    size_t len;
    (void)state;
    open_audit();
    tell("sb-1");
    close_audit();
    SK_AUTO_FREE char *path = nth_file(0);
    SK_AUTO_FREE char *text = load(path, &len);
    SK_AUTO_FREE char *longer = sk_printf("%s{\"seq\":4,\"prev\":\"01", text);
    store(path, longer, strlen(longer));
    struct sk_audit_report report = verify();
    assert_false(report.broken);
    assert_true(report.is_open_ended);
    open_audit();
    tell("sb-2");
    close_audit();
    report = verify();
    assert_false(report.broken);
    assert_false(report.is_open_ended);
    assert_int_equal(report.torn, 1);
    assert_int_equal(count_lines("\"event\":\"audit.torn\",\"bytes\":19"), 1);
    SK_AUTO_FREE char *torn_path = path_of("torn-00000000000000000004");
    SK_AUTO_FREE char *torn = load(torn_path, &len);
    assert_string_equal(torn, "{\"seq\":4,\"prev\":\"01");
}

/* What waits is of this boot alone, and must be what we wrote. */
static void test_a_strange_ring(void **state)
{
    size_t len;
    (void)state;
    open_audit();
    tell("sb-1");
    close_audit();
    SK_AUTO_FREE char *path = path_of(SK_AUDIT_RING);
    SK_AUTO_FREE char *bytes = load(path, &len);
    for (size_t at = 0; at < 160; at += 7) {
        bytes[at] ^= 0x55;
        store(path, bytes, len);
        bytes[at] ^= 0x55;
        open_audit();
        tell("sb-2");
        close_audit();
        assert_whole();
    }
    store(path, "short", 5);
    open_audit();
    tell("sb-3");
    close_audit();
    assert_whole();
    assert_int_equal(count_lines("sb-3"), 1);
}

/* --- a disk that refuses --------------------------------------------------------------- */

static void limit_files(rlim_t bytes)
{
    const struct rlimit limit = {bytes, RLIM_INFINITY};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Steps of 10 ms: a minute, on a disk that others write to. */
enum { PATIENCE = 6000 };

static void await_failing(bool failing)
{
    for (int i = 0; i < PATIENCE && sk_audit_stats(rig.audit).failing != failing; i++)
        (void)usleep(10000);
    assert_int_equal(sk_audit_stats(rig.audit).failing, failing);
}

/* Until as many are on the disk. */
static void await_lines(uint64_t lines)
{
    for (int i = 0; i < PATIENCE && sk_audit_stats(rig.audit).lines < lines; i++)
        (void)usleep(10000);
    assert_true(sk_audit_stats(rig.audit).lines >= lines);
}

static void test_the_disk_refuses(void **state)
{
    (void)state;
    rig.options.required = true;
    (void)signal(SIGXFSZ, SIG_IGN);
    open_audit();
    tell("before");
    await_lines(2);
    assert_true(sk_audit_lets_change(rig.audit, false));
    limit_files(500); /* two lines are there, and no third fits */
    tell("during");
    await_failing(true);
    assert_false(sk_audit_lets_change(rig.audit, false));
    assert_true(sk_audit_lets_change(rig.audit, true)); /* ends go on: there is room to keep them */
    uint64_t told = 0;
    for (; sk_audit_has_room(rig.audit); told++)
        tell("crowd");
    assert_true(sk_audit_lets_change(rig.audit, true)); /* what need not be told leaves room for ends */
    for (; sk_audit_stats(rig.audit).lost < 100; told++)
        tell("crowd");
    assert_false(sk_audit_lets_change(rig.audit, true));
    limit_files(RLIM_INFINITY);
    await_failing(false);
    for (int i = 0; i < PATIENCE && !sk_audit_lets_change(rig.audit, false); i++)
        (void)usleep(10000); /* what waits is written first */
    assert_true(sk_audit_lets_change(rig.audit, false));
    tell("after");
    close_audit();
    (void)signal(SIGXFSZ, SIG_DFL);
    struct sk_audit_report report = verify();
    assert_false(report.broken);
    assert_int_equal(report.lost, 100);
    assert_int_equal(count_lines("\"sandbox\":\"crowd\""), told - 100);
    assert_int_equal(count_lines("\"sandbox\":\"during\""), 1);
    assert_int_equal(count_lines("\"sandbox\":\"after\""), 1);
    assert_int_equal(count_lines("\"event\":\"audit.gap\",\"lost\":100"), 1);
}

/* However much one reads, there is room left for others' reads, and for all else. */
static void test_a_crowd_of_reads(void **state)
{
    struct sk_audit_share loud = {0}, quiet = {0}, third = {0};
    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    open_audit();
    await_lines(1);
    limit_files(100);
    tell("during");
    await_failing(true);
    assert_true(sk_audit_has_share(rig.audit, &loud));
    struct sk_audit_share *const shares[] = {&loud, &quiet};
    for (size_t i = 0; i < 2; i++) {
        for (; sk_audit_has_share(rig.audit, shares[i]); tell("crowd"))
            sk_audit_charge(rig.audit, shares[i], 256);
        assert_true(sk_audit_has_share(rig.audit, &third));
        assert_true(sk_audit_has_room(rig.audit));
    }
    assert_false(sk_audit_has_share(rig.audit, &loud));
    assert_int_equal(sk_audit_stats(rig.audit).lost, 0);
    sk_audit_miss(rig.audit);
    limit_files(RLIM_INFINITY);
    await_failing(false);
    for (int i = 0; i < PATIENCE && !sk_audit_has_share(rig.audit, &loud); i++)
        (void)usleep(10000);
    assert_true(sk_audit_has_share(rig.audit, &loud));
    close_audit();
    (void)signal(SIGXFSZ, SIG_DFL);
    struct sk_audit_report report = verify();
    assert_false(report.broken);
    assert_int_equal(report.lost, 1);
}

/* Not required: nothing is refused, ever; and a daemon that ends leaves what waits to the next. */
static void test_an_end_while_it_refuses(void **state)
{
    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    open_audit();
    await_lines(1);
    limit_files(100);
    tell("kept");
    await_failing(true);
    assert_true(sk_audit_lets_change(rig.audit, false));
    close_audit();
    assert_int_equal(count_lines("kept"), 0);
    limit_files(RLIM_INFINITY);
    (void)signal(SIGXFSZ, SIG_DFL);
    open_audit();
    close_audit();
    assert_int_equal(count_lines("kept"), 1);
    assert_whole();
}

/* --- full ------------------------------------------------------------------------------- */

static void fill(void)
{
    for (int i = 0; i < 2000 && !sk_audit_stats(rig.audit).failing; i++) {
        tell("crowd");
        (void)usleep(500);
    }
    await_failing(true);
}

/* One that is soon full, and keeps what it has. */
static void open_small(void)
{
    rig.options.required = true;
    rig.options.limits.file_bytes = 4096;
    rig.options.limits.files = 2;
    rig.options.limits.keeps = true;
    open_audit();
}

/* Nothing is pushed out: changes are refused, ends go on, and what waited is written when there is room. */
static void test_full_and_keeps(void **state)
{
    (void)state;
    open_small();
    tell("first");
    assert_true(sk_audit_stats(rig.audit).room > 0.9);
    fill();
    assert_true(sk_audit_stats(rig.audit).room < 0.1);
    assert_false(sk_audit_lets_change(rig.audit, false));
    assert_true(sk_audit_lets_change(rig.audit, true));
    tell("an end");
    close_audit();
    assert_null(nth_file(2));
    assert_int_equal(count_lines("\"sandbox\":\"first\""), 1);
    assert_int_equal(count_lines("an end"), 0);
    assert_whole();
    rig.options.limits.files = 9;
    open_audit();
    assert_true(sk_audit_lets_change(rig.audit, false));
    close_audit();
    assert_int_equal(count_lines("\"sandbox\":\"first\""), 1);
    assert_int_equal(count_lines("an end"), 1);
    struct sk_audit_report report = verify();
    assert_false(report.broken);
    assert_int_equal(report.removed + report.lost, 0);
}

/* No restart is needed: other limits count within seconds, and the chain tells of them, once. */
static void test_full_until_there_may_be_more(void **state)
{
    (void)state;
    open_small();
    sk_audit_configure(rig.audit, &rig.options); /* nothing new */
    fill();
    tell("an end");
    rig.options.limits.files = 9;
    sk_audit_configure(rig.audit, &rig.options);
    sk_audit_configure(rig.audit, &rig.options);
    await_failing(false);
    assert_true(sk_audit_lets_change(rig.audit, false));
    close_audit();
    assert_int_equal(count_lines("an end"), 1);
    assert_int_equal(count_lines("\"event\":\"audit.terms\""), 1);
    assert_int_equal(count_lines("\"files\":9,\"file_bytes\":4096,\"days\":0,\"full\":\"refuse_changes\""),
                     1);
    struct sk_audit_report report = verify();
    assert_false(report.broken);
    assert_int_equal(report.removed + report.lost, 0);
}

/* Whoever takes files away has room at once; that they are missing stays to be seen. */
static void test_full_until_somebody_takes_a_file_away(void **state)
{
    (void)state;
    open_small();
    fill();
    SK_AUTO_FREE char *oldest = nth_file(0);
    assert_int_equal(unlink(oldest), 0);
    await_failing(false);
    assert_true(sk_audit_lets_change(rig.audit, false));
    close_audit();
    assert_true(verify().broken);
}

/* What is older than it must be makes room, and is told of. */
static void test_full_until_it_is_old(void **state)
{
    const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    (void)state;
    rig.options.required = true;
    rig.options.limits.file_bytes = 4096;
    rig.options.limits.files = 2;
    rig.options.limits.days = 30;
    rig.options.limits.keeps = true;
    open_audit();
    fill();
    SK_AUTO_FREE char *oldest = nth_file(0);
    assert_int_equal(utimensat(AT_FDCWD, oldest, long_ago, 0), 0);
    await_failing(false);
    assert_true(sk_audit_lets_change(rig.audit, false));
    close_audit();
    struct sk_audit_report report = verify();
    assert_false(report.broken);
    assert_int_equal(report.removed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kills, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_a_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_strange_ring, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_disk_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_crowd_of_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_end_while_it_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_and_keeps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_until_there_may_be_more, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_until_somebody_takes_a_file_away, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_until_it_is_old, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
