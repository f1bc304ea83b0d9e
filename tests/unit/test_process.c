#include "metrics/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double value_of(struct sk_metrics *metrics, const char *name)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf out;
    SK_AUTO_FREE char *start = sk_printf("\n%s ", name);

    sk_buf_init(&out, 1 << 20);
    assert_int_equal(sk_metrics_write(metrics, &out), SK_OK);
    assert_int_equal(sk_buf_append(&out, "", 1), SK_OK);
    char *at = strstr((char *)out.data, start);
    if (!at)
        fail_msg("no %s in:\n%s", name, (char *)out.data);
    return strtod(at + strlen(start), NULL);
}

static void test_what_is_told_is_true(void **state)
{
    struct sk_metrics *metrics = sk_metrics_new();
    struct sk_process_metrics process;
    int fds[20];

    (void)state;
    sk_process_metrics_init(&process, metrics);
    double before = value_of(metrics, "process_open_fds");
    for (size_t i = 0; i < sk_array_len(fds); i++)
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal((int)(value_of(metrics, "process_open_fds") - before), (int)sk_array_len(fds));
    for (size_t i = 0; i < sk_array_len(fds); i++)
        sk_close_fd(&fds[i]);
    assert_true(value_of(metrics, "process_max_fds") >= before);
    assert_true(value_of(metrics, "process_resident_memory_bytes") > 100000);
    assert_true(value_of(metrics, "process_virtual_memory_bytes") >
                value_of(metrics, "process_resident_memory_bytes"));
    assert_true(value_of(metrics, "process_cpu_seconds_total") >= 0);
    assert_true(value_of(metrics, "process_start_time_seconds") <= (double)time(NULL) + 1);
    assert_true(value_of(metrics, "process_start_time_seconds") > (double)time(NULL) - 3600);
    assert_int_equal(value_of(metrics, "sandkeep_build_info{version=\"" SK_VERSION "\"}"), 1);
    sk_process_metrics_fini(&process);
    sk_metrics_free(metrics);
}

static void test_without_a_registry(void **state)
{
    struct sk_process_metrics process;

    (void)state;
    sk_process_metrics_init(&process, NULL);
    sk_process_metrics_fini(&process);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_told_is_true),
        cmocka_unit_test(test_without_a_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
