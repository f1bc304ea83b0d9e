#include "metrics/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

static const struct sk_metric creates = {.name = "creates_total", .help = "Creates.", .kind = SK_COUNTER};
static const struct sk_metric boxes = {.name = "boxes", .help = "Boxes.", .kind = SK_GAUGE, .label = "state"};
static const struct sk_metric calls = {.name = "calls_total",
                                       .help = "A \\ and\na line.",
                                       .kind = SK_COUNTER,
                                       .label = "method",
                                       .label2 = "code"};
static const double bounds[] = {0.1, 1};
static const struct sk_metric took = {.name = "took_seconds",
                                      .help = "How long.",
                                      .kind = SK_HISTOGRAM,
                                      .label = "path",
                                      .buckets = bounds,
                                      .bucket_count = 2};
static const struct sk_metric usual = {.name = "usual_seconds", .help = "How long.", .kind = SK_HISTOGRAM};
static const struct sk_metric process = {
    .name = "process_things", .help = "As others call it.", .kind = SK_GAUGE};

static int setup(void **state)
{
    *state = sk_metrics_new();
    return 0;
}

static int teardown(void **state)
{
    sk_metrics_free(*state);
    return 0;
}

static void expect(struct sk_metrics *metrics, const char *text)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf out;

    sk_buf_init(&out, 1 << 20);
    assert_int_equal(sk_metrics_write(metrics, &out), SK_OK);
    assert_int_equal(sk_buf_append(&out, "", 1), SK_OK);
    assert_string_equal((char *)out.data, text);
}

static void test_counter(void **state)
{
    struct sk_series *series = sk_metrics_series(*state, &creates, NULL, NULL);

    sk_series_add(series, 1);
    sk_series_add(series, 2);
    expect(*state, "# HELP sandkeep_creates_total Creates.\n"
                   "# TYPE sandkeep_creates_total counter\n"
                   "sandkeep_creates_total 3\n");
}

static void test_series_is_made_once(void **state)
{
    struct sk_series *running = sk_metrics_series(*state, &boxes, "running", NULL);

    assert_ptr_equal(running, sk_metrics_series(*state, &boxes, "running", NULL));
    sk_series_set(running, 7);
    sk_series_set(sk_metrics_series(*state, &boxes, "failed", NULL), -0.25);
    expect(*state, "# HELP sandkeep_boxes Boxes.\n"
                   "# TYPE sandkeep_boxes gauge\n"
                   "sandkeep_boxes{state=\"running\"} 7\n"
                   "sandkeep_boxes{state=\"failed\"} -0.25\n");
}

/* A family that is declared in two files is one family. */
static void test_family_is_known_by_name(void **state)
{
    struct sk_metric twin = creates;

    assert_ptr_equal(sk_metrics_series(*state, &creates, NULL, NULL),
                     sk_metrics_series(*state, &twin, NULL, NULL));
}

static void test_what_is_special_is_escaped(void **state)
{
    char name[] = "a\"b";

    sk_series_add(sk_metrics_series(*state, &calls, name, "\\\n"), 1);
    name[0] = 'x'; /* values are copied */
    expect(*state, "# HELP sandkeep_calls_total A \\\\ and\\na line.\n"
                   "# TYPE sandkeep_calls_total counter\n"
                   "sandkeep_calls_total{method=\"a\\\"b\",code=\"\\\\\\n\"} 1\n");
}

static void test_histogram(void **state)
{
    struct sk_series *series = sk_metrics_series(*state, &took, "cold", NULL);

    sk_series_observe(series, 0.1); /* bounds belong to their bucket */
    sk_series_observe(series, 0.5);
    sk_series_observe(series, 8);
    sk_series_observe(series, NAN);
    expect(*state, "# HELP sandkeep_took_seconds How long.\n"
                   "# TYPE sandkeep_took_seconds histogram\n"
                   "sandkeep_took_seconds_bucket{path=\"cold\",le=\"0.1\"} 1\n"
                   "sandkeep_took_seconds_bucket{path=\"cold\",le=\"1\"} 2\n"
                   "sandkeep_took_seconds_bucket{path=\"cold\",le=\"+Inf\"} 3\n"
                   "sandkeep_took_seconds_sum{path=\"cold\"} 8.6\n"
                   "sandkeep_took_seconds_count{path=\"cold\"} 3\n");
}

static void test_usual_buckets(void **state)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf out;
    struct sk_series *series = sk_metrics_series(*state, &usual, NULL, NULL);

    sk_series_observe_since(series, (struct sk_instant){5}, (struct sk_instant){5 + 3000000});
    sk_series_observe_since(series, (struct sk_instant){0}, (struct sk_instant){9}); /* it never began */
    sk_buf_init(&out, 1 << 20);
    assert_int_equal(sk_metrics_write(*state, &out), SK_OK);
    assert_int_equal(sk_buf_append(&out, "", 1), SK_OK);
    assert_non_null(strstr((char *)out.data, "sandkeep_usual_seconds_bucket{le=\"0.0025\"} 0\n"));
    assert_non_null(strstr((char *)out.data, "sandkeep_usual_seconds_bucket{le=\"0.005\"} 1\n"));
    assert_non_null(strstr((char *)out.data, "sandkeep_usual_seconds_sum 0.003\n"));
    assert_non_null(strstr((char *)out.data, "sandkeep_usual_seconds_count 1\n"));
}

static void test_names_of_every_program(void **state)
{
    sk_series_set(sk_metrics_series(*state, &process, NULL, NULL), INFINITY);
    expect(*state, "# HELP process_things As others call it.\n"
                   "# TYPE process_things gauge\n"
                   "process_things +Inf\n");
}

struct counting {
    struct sk_metrics_reader reader;
    struct sk_series *series;
};

static void count(struct sk_metrics_reader *reader)
{
    sk_series_add(sk_container_of(reader, struct counting, reader)->series, 1);
}

static void test_readers_come_first(void **state)
{
    struct counting one = {.reader.fn = count, .series = sk_metrics_series(*state, &creates, NULL, NULL)};
    struct counting two = one;
    SK_CLEANUP(sk_buf_fini) struct sk_buf out;

    sk_metrics_add_reader(*state, &one.reader);
    sk_metrics_add_reader(*state, &two.reader);
    sk_buf_init(&out, 1 << 20);
    assert_int_equal(sk_metrics_write(*state, &out), SK_OK);
    sk_metrics_remove_reader(*state, &one.reader);
    expect(*state, "# HELP sandkeep_creates_total Creates.\n"
                   "# TYPE sandkeep_creates_total counter\n"
                   "sandkeep_creates_total 3\n");
    sk_metrics_remove_reader(*state, &two.reader);
    sk_metrics_remove_reader(*state, &two.reader);
}

static void test_ceiling(void **state)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf out;

    (void)sk_metrics_series(*state, &creates, NULL, NULL);
    sk_buf_init(&out, 20);
    assert_int_equal(sk_metrics_write(*state, &out), SK_RESOURCE_EXHAUSTED);
}

static void test_none(void **state)
{
    struct counting none = {.reader.fn = count};

    (void)state;
    assert_null(sk_metrics_series(NULL, &creates, NULL, NULL));
    sk_series_add(NULL, 1);
    sk_series_set(NULL, 1);
    sk_series_observe(NULL, 1);
    sk_series_observe_since(NULL, (struct sk_instant){1}, (struct sk_instant){2});
    sk_metrics_add_reader(NULL, &none.reader);
    sk_metrics_remove_reader(NULL, &none.reader);
    sk_metrics_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_series_is_made_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_family_is_known_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_special_is_escaped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_histogram, setup, teardown),
        cmocka_unit_test_setup_teardown(test_usual_buckets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_of_every_program, setup, teardown),
        cmocka_unit_test_setup_teardown(test_readers_come_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ceiling, setup, teardown),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
