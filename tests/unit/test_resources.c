/* What a container may use. */
#include "support/spec_rig.h"

static void one_side_stands_for_both(void **state)
{
    struct fixture *f = *state;
    require(f, resources(f, "250m", ""), NULL);
    assert_decodes(f);
    assert_int_equal(f->out.cpu_limit_millis, 250);
    assert_int_equal(f->out.memory_limit_bytes, GI);
    require(f, NULL, resources(f, "", "128Mi"));
    assert_decodes(f);
    assert_int_equal(f->out.memory_request_bytes, 128 * 1024 * 1024);
    assert_int_equal(f->out.cpu_request_millis, 1000);
}

static void the_older_form_works_alone(void **state)
{
    struct fixture *f = *state;
    f->container->resources = resources(f, "2", "1e9");
    assert_decodes(f);
    assert_int_equal(f->out.cpu_limit_millis, 2000);
    assert_int_equal(f->out.memory_limit_bytes, 1000000000);
    require(f, resources(f, "1", "1Gi"), NULL);
    assert_violates(f, "sandbox.spec.containers[0].resource_requirements");
}

static void quantities_must_be_some(void **state)
{
    struct fixture *f = *state;
    const char *const bad[] = {"x", "-1", "1 ", "1Gb", "0", "0m", "99999999999999999999"};
    for (size_t i = 0; i < sk_array_len(bad); i++) {
        require(f, resources(f, bad[i], "1Gi"), resources(f, bad[i], "1Gi"));
        assert_violates(f, "sandbox.spec.containers[0].resource_requirements.limits.cpu");
    }
    require(f, resources(f, "2", "1Gi"), resources(f, "1", "1Gi"));
    assert_violates(f, "sandbox.spec.containers[0].resource_requirements.requests.cpu");
    require(f, NULL, resources(f, "1", "1Mi"));
    assert_violates(f, "sandbox.spec.containers[0].resource_requirements.limits.memory");
}

static void the_nodes_ceiling_has_a_reason(void **state)
{
    struct fixture *f = *state;
    struct sk_err err = {0};
    require(f, NULL, resources(f, "8", "16Gi"));
    assert_decodes(f);
    require(f, NULL, resources(f, "8001m", "1Gi"));
    assert_violates(f, "sandbox.spec.containers[0].resource_requirements.limits.cpu");
    (void)!sk_check_result(&f->check, &err);
    assert_string_equal(err.reason, "RESOURCE_CEILING_EXCEEDED");
}

static void there_is_no_gpu(void **state)
{
    struct fixture *f = *state;
    SK_PB(Resources) *r = resources(f, "1", "1Gi");
    r->gpu = SK_PB_NEW(&f->arena, gpu);
    require(f, r, r);
    assert_decodes(f); /* none asked for */
    r->gpu->count = 1;
    assert_refused(f, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER",
                   "sandbox.spec.containers[0].resource_requirements.requests.gpu");
}

static void gpus_are_counted_by_their_type(void **state)
{
    struct fixture *f = *state;
    static const struct sk_device gpus[] = {{.name = "a.b/c=0", .type = "H100"},
                                            {.name = "a.b/c=1", .type = "H100"}};
    SK_PB(Resources) *r = resources(f, "1", "1Gi");
    f->node.gpus = gpus;
    f->node.gpu_count = 2;
    r->gpu = SK_PB_NEW(&f->arena, gpu);
    r->gpu->count = 2;
    require(f, NULL, r);
    assert_decodes(f);
    assert_int_equal(f->out.gpu_count, 2);
    r->gpu->selector_case = SK_PBE(GPU, SELECTOR_TYPE);
    r->gpu->type = "H100";
    assert_decodes(f);
    assert_string_equal(f->out.gpu_type, "H100");
    r->gpu->type = "A100";
    assert_refused(f, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER",
                   "sandbox.spec.containers[0].resource_requirements.limits.gpu");
    r->gpu->type = "H100";
    r->gpu->count = 3;
    assert_refused(f, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER",
                   "sandbox.spec.containers[0].resource_requirements.limits.gpu");
    r->gpu->count = -1;
    assert_violates(f, "sandbox.spec.containers[0].resource_requirements.limits.gpu.count");
}

static void what_nobody_names_asks_for_little(void **state)
{
    struct fixture *f = *state;
    f->node.default_cpu_request_millis = 100;
    f->node.default_memory_request_bytes = 2 * GI;
    assert_decodes(f);
    assert_int_equal(f->out.cpu_request_millis, 100);
    assert_int_equal(f->out.cpu_limit_millis, 1000);
    assert_int_equal(f->out.memory_request_bytes, GI); /* no more than the limit */
    require(f, NULL, resources(f, "2", ""));
    assert_decodes(f);
    assert_int_equal(f->out.cpu_request_millis, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(one_side_stands_for_both),
        SPEC_TEST(the_older_form_works_alone),
        SPEC_TEST(quantities_must_be_some),
        SPEC_TEST(the_nodes_ceiling_has_a_reason),
        SPEC_TEST(there_is_no_gpu),
        SPEC_TEST(gpus_are_counted_by_their_type),
        SPEC_TEST(what_nobody_names_asks_for_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
