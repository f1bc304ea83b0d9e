/* What is asked for as a whole: what is taken over, what is refused, where it may run. */
#include "support/spec_rig.h"

#include <stdio.h>

static void add_env(struct fixture *f, const char *name, const char *value)
{
    SK_PB(Container) *c = f->container;
    SK_PB(Container__EnvironmentVariablesEntry) **grown =
        sk_arena_alloc(&f->arena, (c->n_environment_variables + 1) * sizeof(void *));
    for (size_t i = 0; i < c->n_environment_variables; i++)
        grown[i] = c->environment_variables[i];
    grown[c->n_environment_variables] = SK_PB_NEW(&f->arena, container__environment_variables_entry);
    grown[c->n_environment_variables]->key = (char *)name;
    grown[c->n_environment_variables++]->value = (char *)value;
    c->environment_variables = grown;
}

static SK_PB(Service) * service(struct fixture *f, int32_t port)
{
    SK_PB(Service) *s = SK_PB_NEW(&f->arena, service);
    s->port = port;
    f->spec->services = one(f, s);
    f->spec->n_services = 1;
    return s;
}

/* --- what is taken over ------------------------------------------------------ */

static void the_smallest_request_gets_defaults(void **state)
{
    struct fixture *f = *state;
    f->container->image = "";
    f->container->name = "";
    assert_decodes(f);
    assert_string_equal(f->out.image, "python:3.11");
    assert_null(f->out.command);
    assert_null(f->out.args);
    assert_string_equal(f->out.user, "");
    assert_string_equal(f->out.working_dir, "");
    assert_int_equal(f->out.max_lifetime_seconds, 3600);
    assert_int_equal(f->out.cpu_limit_millis, 1000);
    assert_int_equal(f->out.cpu_request_millis, 1000);
    assert_int_equal(f->out.memory_limit_bytes, GI);
    assert_non_null(f->out.tags);
    assert_non_null(f->out.drop_capabilities);
    assert_null(f->out.drop_capabilities[0]);
    assert_false(f->out.read_only_root);
}

static void the_sdks_default_request_is_taken_over(void **state)
{
    struct fixture *f = *state;
    char *args[] = {"-c", "sleep infinity"};
    char *tags[] = {"a", "b", "a"};
    f->container->command = "/bin/sh";
    f->container->args = args;
    f->container->n_args = 2;
    f->container->working_dir = "/work";
    f->spec->primary_container = "main";
    f->spec->tags = tags;
    f->spec->n_tags = 3;
    f->spec->max_lifetime_seconds = 2592000;
    add_env(f, "Z", "1");
    add_env(f, "A", "x=y");
    assert_decodes(f);
    assert_string_equal(f->out.command[0], "/bin/sh");
    assert_null(f->out.command[1]);
    assert_string_equal(f->out.args[1], "sleep infinity");
    assert_null(f->out.args[2]);
    assert_string_equal(f->out.working_dir, "/work");
    assert_string_equal(f->out.tags[2], "a");
    assert_null(f->out.tags[3]);
    assert_int_equal(f->out.max_lifetime_seconds, 2592000);
    assert_int_equal(f->out.env_count, 2);
    assert_string_equal(f->out.env[0].name, "A");
    assert_string_equal(f->out.env[0].value, "x=y");
}

static void the_echo_is_what_the_caller_wrote(void **state)
{
    struct fixture *f = *state;
    f->sandbox->display_name = "mine";
    f->sandbox->sandbox_id = "not for the caller to say";
    f->sandbox->status = SK_PB_NEW(&f->arena, sandbox_status);
    require(f, resources(f, "500m", "0.5Gi"), resources(f, "1.0", "1024Mi"));
    service(f, 8080);
    assert_decodes(f);
    SK_PB(Sandbox) *echo =
        sk_pb_unpack(&f->arena, &coreweave__sandbox__v1__sandbox__descriptor, f->out.echo, f->out.echo_len);
    assert_non_null(echo);
    assert_string_equal(echo->display_name, "mine");
    assert_string_equal(echo->sandbox_id, "");
    assert_null(echo->status);
    assert_string_equal(echo->spec->containers[0]->resource_requirements->limits->cpu, "1.0");
    assert_int_equal(echo->spec->services[0]->port, 8080);
    assert_int_equal(f->out.cpu_request_millis, 500);
    assert_int_equal(f->out.cpu_limit_millis, 1000);
    assert_int_equal(f->out.memory_request_bytes, GI / 2);
    assert_int_equal(f->out.memory_limit_bytes, GI);
}

/* A field this daemon does not know, sent by a newer client. */
static void unknown_fields_are_tolerated_and_echoed(void **state)
{
    struct fixture *f = *state;
    const uint8_t wire[] = {0x12, 0x0a, 0x0a, 0x03, 0x12, 0x01, 'i', 0xc2, 0x3e, 0x02, 'h', 'i'};
    f->sandbox = sk_pb_unpack(&f->arena, &coreweave__sandbox__v1__sandbox__descriptor, wire, sizeof(wire));
    assert_non_null(f->sandbox);
    assert_int_equal(f->sandbox->spec->base.n_unknown_fields, 1);
    assert_decodes(f);
    SK_PB(Sandbox) *echo =
        sk_pb_unpack(&f->arena, &coreweave__sandbox__v1__sandbox__descriptor, f->out.echo, f->out.echo_len);
    assert_int_equal(echo->spec->base.n_unknown_fields, 1);
    assert_int_equal(echo->spec->base.unknown_fields[0].tag, 1000);
}

static void maps_in_any_order_make_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    add_env(f, "A", "1");
    add_env(f, "B", "2");
    assert_decodes(f);
    const uint8_t *first = f->out.echo;
    size_t len = f->out.echo_len;
    SK_PB(Container__EnvironmentVariablesEntry) **env = f->container->environment_variables;
    SK_PB(Container__EnvironmentVariablesEntry) *swap = env[0];
    env[0] = env[1];
    env[1] = swap;
    assert_decodes(f);
    assert_int_equal(f->out.echo_len, len);
    assert_memory_equal(f->out.echo, first, len);
}

/* --- the whole --------------------------------------------------------------- */

static void a_spec_and_a_container_must_be_there(void **state)
{
    struct fixture *f = *state;
    f->spec->n_containers = 0;
    assert_violates(f, "sandbox.spec.containers");
    f->sandbox->spec = NULL;
    assert_violates(f, "sandbox.spec");
}

static void everything_wrong_is_said_at_once(void **state)
{
    struct fixture *f = *state;
    f->spec->max_lifetime_seconds = -1;
    f->container->working_dir = "relative";
    add_env(f, "", "x");
    service(f, 65536);
    struct sk_err err = {0};
    assert_int_equal(decode(f, &err), SK_INVALID_ARGUMENT);
    assert_int_equal(f->check.count, 4);
}

static void lifetimes_have_bounds(void **state)
{
    struct fixture *f = *state;
    f->spec->max_lifetime_seconds = 2592001;
    assert_violates(f, "sandbox.spec.max_lifetime_seconds");
    f->spec->max_lifetime_seconds = INT32_MIN;
    assert_violates(f, "sandbox.spec.max_lifetime_seconds");
}

static void a_huge_spec_is_refused_before_it_is_read(void **state)
{
    struct fixture *f = *state;
    char *value = sk_arena_alloc(&f->arena, SK_SPEC_BYTES_MAX + 2);
    memset(value, 'v', SK_SPEC_BYTES_MAX + 1);
    add_env(f, "BIG", value);
    assert_violates(f, "sandbox.spec");
}

static void doubled_map_entries_are_wrong(void **state)
{
    struct fixture *f = *state;
    add_env(f, "A", "1");
    add_env(f, "B", "1");
    add_env(f, "A", "2");
    assert_violates(f, "sandbox.spec.containers[0].environment_variables");
}

static void names_of_variables_are_checked(void **state)
{
    struct fixture *f = *state;
    add_env(f, "A=B", "1");
    assert_violates(f, "sandbox.spec.containers[0].environment_variables");
}

static void names_of_images_look_like_some(void **state)
{
    struct fixture *f = *state;
    const char *const good[] = {
        "a", "python:3.11", "localhost:5000/a/b_c-d:1.0",
        "Registry.io/x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
    const char *const bad[] = {"UPPER CASE/../x", "/a",   "a/", "a//b", "a:", "a b", "a\tb",
                               "\xc3\xa9",        "a/..", "-a"};
    for (size_t i = 0; i < sk_array_len(good); i++) {
        f->container->image = (char *)good[i];
        assert_decodes(f);
    }
    for (size_t i = 0; i < sk_array_len(bad); i++) {
        f->container->image = (char *)bad[i];
        assert_violates(f, "sandbox.spec.containers[0].image");
    }
}

static void the_primary_container_is_the_one_there_is(void **state)
{
    struct fixture *f = *state;
    f->spec->primary_container = "other";
    assert_violates(f, "sandbox.spec.primary_container");
    f->spec->primary_container = "";
    f->container->_primary_case = SK_PBE(CONTAINER, _PRIMARY_PRIMARY);
    f->container->primary = true;
    assert_decodes(f);
    f->container->primary = false;
    assert_violates(f, "sandbox.spec.containers[0].primary");
}

/* --- placement --------------------------------------------------------------- */

static void runners_need_the_mode_and_must_be_this_one(void **state)
{
    struct fixture *f = *state;
    char *ids[] = {"other", "n1"};
    f->spec->runner_ids = ids;
    f->spec->n_runner_ids = 2;
    assert_violates(f, "sandbox.spec.runner_ids");
    f->spec->mode = SK_PBE(SANDBOX_MODE, SANDBOX_MODE_CKS);
    assert_decodes(f);
    f->spec->n_runner_ids = 1;
    assert_refused(f, SK_UNAVAILABLE, "RUNNER_UNAVAILABLE", "sandbox.spec.runner_ids");
    f->spec->n_runner_ids = 0;
    assert_decodes(f);
}

static void runner_ids_are_unique_and_not_blank(void **state)
{
    struct fixture *f = *state;
    char *ids[] = {"n1", "n1"};
    f->spec->mode = SK_PBE(SANDBOX_MODE, SANDBOX_MODE_CKS);
    f->spec->runner_ids = ids;
    f->spec->n_runner_ids = 2;
    assert_violates(f, "sandbox.spec.runner_ids[1]");
    ids[1] = "  ";
    assert_violates(f, "sandbox.spec.runner_ids[1]");
}

static void classes_of_other_nodes_are_not_had(void **state)
{
    struct fixture *f = *state;
    f->spec->runtime_class = "kata";
    assert_violates(f, "sandbox.spec.runtime_class");
    f->spec->runtime_class = "<node-default>";
    f->spec->instance_type = "big";
    assert_violates(f, "sandbox.spec.instance_type");
    f->spec->instance_type = "";
    f->spec->mode = 3;
    assert_violates(f, "sandbox.spec.mode");
    f->spec->mode = 1;
    f->spec->runtime_class_selection = SK_PBE(RUNTIME_CLASS, RUNTIME_CLASS_CPU_DEFAULT);
    assert_decodes(f);
    f->spec->runtime_class_selection = SK_PBE(RUNTIME_CLASS, RUNTIME_CLASS_GPU_DEFAULT);
    assert_refused(f, SK_FAILED_PRECONDITION, "NO_SUITABLE_RUNNER", "sandbox.spec.runtime_class_selection");
    f->spec->runtime_class_selection = 99;
    assert_violates(f, "sandbox.spec.runtime_class_selection");
}

/* --- what is not there yet --------------------------------------------------- */

#define NOT_YET(owner, lower, field)                                                                         \
    do {                                                                                                     \
        owner->field = one(f, SK_PB_NEW(&f->arena, lower));                                                  \
        owner->n_##field = 1;                                                                                \
        assert_refused(f, SK_UNIMPLEMENTED, "NOT_IMPLEMENTED",                                               \
                       (void *)owner == (void *)f->spec ? "sandbox.spec." #field                             \
                                                        : "sandbox.spec.containers[0]." #field);             \
        owner->n_##field = 0;                                                                                \
    } while (0)

static void what_is_not_there_yet_is_named(void **state)
{
    struct fixture *f = *state;
    NOT_YET(f->spec, sandbox_volume, volumes);
    NOT_YET(f->spec, container, init_containers);
    NOT_YET(f->container, volume_mount, volume_mounts);
    f->container->startup_probe = SK_PB_NEW(&f->arena, probe);
    assert_refused(f, SK_UNIMPLEMENTED, "NOT_IMPLEMENTED", "sandbox.spec.containers[0].startup_probe");
    f->container->startup_probe = NULL;
    f->spec->object_storage_access = SK_PB_NEW(&f->arena, object_storage_access);
    assert_refused(f, SK_UNIMPLEMENTED, "NOT_IMPLEMENTED", "sandbox.spec.object_storage_access");
    f->spec->object_storage_access = NULL;
    f->spec->network_config_id = "x";
    assert_refused(f, SK_UNIMPLEMENTED, "NOT_IMPLEMENTED", "sandbox.spec.network_config_id");
    f->spec->network_config_id = "";
    SK_PB(Container) * two[] = {f->container, f->container};
    f->spec->containers = two;
    f->spec->n_containers = 2;
    assert_refused(f, SK_UNIMPLEMENTED, "NOT_IMPLEMENTED", "sandbox.spec.containers");
}

static void secret_stores_are_not_provisioned(void **state)
{
    struct fixture *f = *state;
    f->container->secret_stores = one(f, SK_PB_NEW(&f->arena, secret_store_reference));
    f->container->n_secret_stores = 1;
    assert_refused(f, SK_FAILED_PRECONDITION, "SECRET_STORE_NOT_PROVISIONED",
                   "sandbox.spec.containers[0].secret_stores");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(the_smallest_request_gets_defaults),
        SPEC_TEST(the_sdks_default_request_is_taken_over),
        SPEC_TEST(the_echo_is_what_the_caller_wrote),
        SPEC_TEST(unknown_fields_are_tolerated_and_echoed),
        SPEC_TEST(maps_in_any_order_make_the_same_bytes),
        SPEC_TEST(a_spec_and_a_container_must_be_there),
        SPEC_TEST(everything_wrong_is_said_at_once),
        SPEC_TEST(lifetimes_have_bounds),
        SPEC_TEST(a_huge_spec_is_refused_before_it_is_read),
        SPEC_TEST(doubled_map_entries_are_wrong),
        SPEC_TEST(names_of_variables_are_checked),
        SPEC_TEST(names_of_images_look_like_some),
        SPEC_TEST(the_primary_container_is_the_one_there_is),
        SPEC_TEST(runners_need_the_mode_and_must_be_this_one),
        SPEC_TEST(runner_ids_are_unique_and_not_blank),
        SPEC_TEST(classes_of_other_nodes_are_not_had),
        SPEC_TEST(what_is_not_there_yet_is_named),
        SPEC_TEST(secret_stores_are_not_provisioned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
