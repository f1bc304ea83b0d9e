#include "api/call_meters.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void expect(struct sk_metrics *metrics, const char *line)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf out;

    sk_buf_init(&out, 1 << 20);
    assert_int_equal(sk_metrics_write(metrics, &out), SK_OK);
    assert_int_equal(sk_buf_append(&out, "", 1), SK_OK);
    if (!strstr((char *)out.data, line))
        fail_msg("no \"%s\" in:\n%s", line, (char *)out.data);
}

static struct sk_call_meter *begin(struct sk_call_meters *meters, const char *path)
{
    struct sk_method method = {0};

    (void)sk_method_find(path, &method);
    return sk_call_meters_begin(meters, &method);
}

static const struct sk_instant began = {1000}, now = {1000 + 2000000};

static void test_calls(void **state)
{
    struct sk_metrics *metrics = sk_metrics_new();
    struct sk_call_meters meters;

    (void)state;
    sk_call_meters_init(&meters, metrics);
    struct sk_call_meter *get = begin(&meters, "/coreweave.sandbox.v1.SandboxService/GetSandbox");
    struct sk_call_meter *again = begin(&meters, "/coreweave.sandbox.v1.SandboxService/GetSandbox");
    struct sk_call_meter *stream = begin(&meters, "/coreweave.sandbox.v1.SandboxService/StreamExec");
    assert_ptr_equal(get, again);
    expect(metrics, "sandkeep_rpc_under_way{kind=\"unary\"} 2\n");
    expect(metrics, "sandkeep_rpc_under_way{kind=\"stream\"} 1\n");
    sk_call_meters_end(&meters, get, SK_OK, began, now);
    sk_call_meters_end(&meters, again, SK_NOT_FOUND, began, now);
    sk_call_meters_end(&meters, stream, SK_OK, began, now);
    expect(metrics, "sandkeep_rpc_calls_total{method=\"SandboxService/GetSandbox\",code=\"ok\"} 1\n");
    expect(metrics, "sandkeep_rpc_calls_total{method=\"SandboxService/GetSandbox\",code=\"not_found\"} 1\n");
    expect(metrics, "sandkeep_rpc_duration_seconds_count{method=\"SandboxService/GetSandbox\"} 2\n");
    expect(metrics, "sandkeep_rpc_calls_total{method=\"SandboxService/StreamExec\",code=\"ok\"} 1\n");
    expect(metrics, "sandkeep_rpc_under_way{kind=\"unary\"} 0\n");
    sk_call_meters_fini(&meters);
    sk_metrics_free(metrics);
}

/* What callers make up becomes one name, not many. */
static void test_unknown_methods(void **state)
{
    struct sk_metrics *metrics = sk_metrics_new();
    struct sk_call_meters meters;

    (void)state;
    sk_call_meters_init(&meters, metrics);
    struct sk_call_meter *one = begin(&meters, "/x/y"), *two = begin(&meters, "evil\"\n");
    assert_ptr_equal(one, two);
    sk_call_meters_end(&meters, one, SK_UNIMPLEMENTED, began, now);
    sk_call_meters_end(&meters, two, SK_UNIMPLEMENTED, began, now);
    expect(metrics, "sandkeep_rpc_calls_total{method=\"unknown\",code=\"unimplemented\"} 2\n");
    sk_call_meters_fini(&meters);
    sk_metrics_free(metrics);
}

static void test_without_a_registry(void **state)
{
    struct sk_call_meters meters;

    (void)state;
    sk_call_meters_init(&meters, NULL);
    struct sk_call_meter *none = begin(&meters, "/coreweave.sandbox.v1.SandboxService/GetSandbox");
    assert_null(none);
    sk_call_meters_end(&meters, none, SK_OK, began, now);
    sk_call_meters_fini(&meters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_unknown_methods),
        cmocka_unit_test(test_without_a_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
