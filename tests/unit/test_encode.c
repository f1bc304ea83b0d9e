#include "api/encode.h"
#include "api/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static const struct sk_node_config node = {.node_id = "n1",
                                           .organization = "org",
                                           .runner_group = "group",
                                           .architecture = "amd64",
                                           .default_lifetime_seconds = 3600,
                                           .default_cpu_millis = 1500,
                                           .default_cpu_request_millis = 100,
                                           .default_memory_bytes = INT64_C(1) << 29,
                                           .ceiling_cpu_millis = 8000,
                                           .ceiling_memory_bytes = INT64_C(1) << 34};

/* A record of a small sandbox, and the arena its encodings live in. */
struct fixture {
    struct sk_arena arena;
    struct sk_record *record;
};

static int setup(void **state)
{
    struct fixture *f = sk_alloc(sizeof(*f));
    struct sk_check check = {.arena = &f->arena};
    SK_PB(Sandbox) *in = SK_PB_NEW(&f->arena, sandbox);
    SK_PB(Container) *container = SK_PB_NEW(&f->arena, container);
    SK_PB(Service) *service = SK_PB_NEW(&f->arena, service);
    service->port = 80;
    service->name = "web";
    in->display_name = "mine";
    in->spec = SK_PB_NEW(&f->arena, sandbox_spec);
    in->spec->containers = &container;
    in->spec->n_containers = 1;
    in->spec->services = &service;
    in->spec->n_services = 1;
    f->record = sk_record_new("n1-aaaaaaaaaaaaaaaaaaaaaaaaaa");
    sk_spec_decode(in, SK_FIELD(NULL, "sandbox"), &node, "", &f->record->arena, &f->record->spec, &check);
    *state = f;
    return check.count || check.refusal.code;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sk_record_free(f->record);
    sk_arena_fini(&f->arena);
    free(f);
    return 0;
}

static SK_PB(Sandbox) * encoded(struct fixture *f)
{
    return sk_encode_sandbox(&f->arena, f->record, NULL, &node);
}

static void what_was_asked_for_is_there(void **state)
{
    const SK_PB(Sandbox) *out = encoded(*state);
    assert_string_equal(out->sandbox_id, "n1-aaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_string_equal(out->display_name, "mine");
    assert_string_equal(out->spec->containers[0]->image, SK_DEFAULT_IMAGE);
    assert_int_equal(out->status->n_services, 1);
    assert_int_equal(out->status->services[0]->port, 80);
    assert_string_equal(out->status->services[0]->name, "web");
    assert_string_equal(out->status->services[0]->url, "");
    assert_string_equal(out->status->runner_id, "n1");
    assert_string_not_equal(out->status->runner_group_id, "");
    assert_int_equal(out->status->effective_max_lifetime_seconds, 3600);
}

static void defaults_are_written_as_people_would(void **state)
{
    const SK_PB(SandboxStatus) *status = encoded(*state)->status;
    assert_string_equal(status->effective_resource_requirements->requests->cpu, "100m");
    assert_string_equal(status->effective_resource_requirements->limits->cpu, "1500m");
    assert_string_equal(status->effective_resource_requirements->limits->memory, "512Mi");
    assert_string_equal(status->effective_resources->cpu, "1500m");
}

/* The daemon may come back with other defaults; the sandbox keeps what it was given. */
static void amounts_are_those_of_the_record(void **state)
{
    struct fixture *f = *state;
    struct sk_node_config later = node;
    later.default_cpu_millis = 4000;
    later.default_memory_bytes = INT64_C(1) << 30;
    const SK_PB(Sandbox) *out = sk_encode_sandbox(&f->arena, f->record, NULL, &later);
    assert_string_equal(out->status->effective_resources->cpu, "1500m");
    assert_string_equal(out->status->effective_resource_requirements->requests->memory, "512Mi");
}

/* Presence is what clients wait for: also 0 must be there, and nothing before the end. */
static void the_exit_code_is_present_or_absent(void **state)
{
    struct fixture *f = *state;
    f->record->state = SK_STATE_RUNNING;
    assert_int_equal(encoded(f)->status->_exit_code_case, 0);
    f->record->state = SK_STATE_COMPLETED;
    f->record->has_exit_code = true;
    const SK_PB(SandboxStatus) *status = encoded(f)->status;
    assert_int_equal(status->_exit_code_case, SK_PBE(SANDBOX_STATUS, _EXIT_CODE_EXIT_CODE));
    assert_int_equal(status->exit_code, 0);
    size_t len;
    const uint8_t *bytes = sk_pb_pack(&f->arena, &status->base, &len);
    const SK_PB(SandboxStatus) *back =
        sk_pb_unpack(&f->arena, &coreweave__sandbox__v1__sandbox_status__descriptor, bytes, len);
    assert_int_equal(back->_exit_code_case, SK_PBE(SANDBOX_STATUS, _EXIT_CODE_EXIT_CODE));
}

/* Older clients stumble over UNSPECIFIED and over numbers above 8. */
static void every_state_is_one_all_clients_know(void **state)
{
    struct fixture *f = *state;
    unsigned seen = 0;
    for (int s = SK_STATE_PENDING; s <= SK_STATE_TERMINATED; s++) {
        f->record->state = (enum sk_state)s;
        const SK_PB(SandboxStatus) *status = encoded(f)->status;
        assert_in_range(status->state, 1, 7);
        assert_int_equal(status->container_statuses[0]->state, status->state);
        assert_false(seen & 1U << status->state);
        seen |= 1U << status->state;
    }
}

static void times_are_set_when_they_have_come(void **state)
{
    struct fixture *f = *state;
    f->record->created.ns = 1500000000123456789;
    const SK_PB(SandboxStatus) *status = encoded(f)->status;
    assert_int_equal(status->create_time->seconds, 1500000000);
    assert_int_equal(status->create_time->nanos, 123456789);
    assert_null(status->start_time);
    assert_null(status->end_time);
}

static void a_broken_echo_still_gives_a_status(void **state)
{
    struct fixture *f = *state;
    f->record->spec.echo = (const uint8_t *)"\xff\xff";
    f->record->spec.echo_len = 2;
    f->record->state = SK_STATE_FAILED;
    const SK_PB(Sandbox) *out = encoded(f);
    assert_non_null(out->spec);
    assert_int_equal(out->status->state, SK_PBE(STATE, STATE_FAILED));
    assert_string_equal(out->sandbox_id, f->record->id);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_asked_for_is_there),        TEST(defaults_are_written_as_people_would),
        TEST(what_was_asked_for_is_there),        TEST(amounts_are_those_of_the_record),
        TEST(the_exit_code_is_present_or_absent), TEST(every_state_is_one_all_clients_know),
        TEST(times_are_set_when_they_have_come),  TEST(a_broken_echo_still_gives_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
