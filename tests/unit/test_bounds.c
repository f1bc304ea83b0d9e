/* What the node gives to creators who ask for nothing, and how much it lets them ask for. */
#include "base/capability.h"
#include "base/strings.h"
#include "support/spec_rig.h"

static void look(struct fixture *f)
{
    f->out = (struct sk_spec){.echo_len = 0};
    f->check = (struct sk_check){.arena = &f->arena};
    sk_spec_sort(f->sandbox);
    sk_spec_decode(f->sandbox, SK_FIELD(NULL, "sandbox"), &f->node, "t", &f->arena, &f->out, &f->check);
}

static void violates(struct fixture *f, const char *field)
{
    look(f);
    assert_int_equal(f->check.count, 1);
    assert_string_equal(f->check.violations[0].field, field);
}

static void is_fine(struct fixture *f)
{
    look(f);
    assert_int_equal(f->check.count, 0);
    assert_int_equal(f->check.refusal.code, SK_OK);
}

static void the_nodes_defaults_are_taken(void **state)
{
    static const char *const command[] = {"sleep", "9", NULL};
    static const struct sk_env env[] = {{"HTTP_PROXY", "http://p"}, {"A", "node"}};
    struct fixture *f = *state;

    f->container->image = "";
    f->node.box.image = "docker.io/library/busybox:1";
    f->node.box.command = command;
    f->node.box.env = (struct sk_env_list){env, 2};
    f->node.box.user = "7:8";
    f->node.box.read_only_root = true;
    f->node.box.no_egress = true;
    is_fine(f);
    assert_string_equal(f->out.image, "docker.io/library/busybox:1");
    assert_string_equal(f->out.command[0], "sleep");
    assert_string_equal(f->out.args[0], "9");
    assert_int_equal(f->out.env_count, 2);
    assert_string_equal(f->out.env[0].name, "HTTP_PROXY");
    assert_string_equal(f->out.user, "7:8");
    assert_true(f->out.read_only_root);
    assert_int_equal(f->out.network->egress_count, 0);
}

static void what_the_creator_says_goes_before(void **state)
{
    static const char *const command[] = {"sleep", "9", NULL};
    static const struct sk_env env[] = {{"A", "node"}};
    struct fixture *f = *state;
    SK_PB(SecurityContext) *security = SK_PB_NEW(&f->arena, security_context);
    SK_PB(Container__EnvironmentVariablesEntry) *own =
        SK_PB_NEW(&f->arena, container__environment_variables_entry);

    f->node.box = (struct sk_box_config){.image = "docker.io/library/busybox:1",
                                         .command = command,
                                         .env = {env, 1},
                                         .user = "7",
                                         .read_only_root = true};
    f->container->args = sk_arena_memdup(&f->arena, &(char *){"-x"}, sizeof(char *));
    f->container->n_args = 1; /* of the image's entrypoint: the node's command is no part of that */
    own->key = "A";
    own->value = "own";
    f->container->environment_variables = sk_arena_memdup(&f->arena, &own, sizeof(own));
    f->container->n_environment_variables = 1;
    security->_run_as_user_case = 1;
    security->run_as_user = 9;
    security->_read_only_root_filesystem_case = 1;
    f->container->security_context = security;
    is_fine(f);
    assert_string_equal(f->out.image, "python:3.11");
    assert_null(f->out.command);
    assert_string_equal(f->out.args[0], "-x");
    assert_int_equal(f->out.env_count, 2);
    assert_string_equal(f->out.env[1].value, "own"); /* the later one counts */
    assert_string_equal(f->out.user, "9");
    assert_false(f->out.read_only_root);
}

static void capabilities_of_both_are_dropped(void **state)
{
    static const char *const some[] = {"net_raw", NULL};
    static const char *const all[] = {"CHOWN", "ALL", NULL};
    struct fixture *f = *state;
    SK_PB(SecurityContext) *security = SK_PB_NEW(&f->arena, security_context);

    f->node.box.drop_capabilities = some;
    is_fine(f);
    assert_string_equal(f->out.drop_capabilities[0], "CAP_NET_RAW");
    assert_null(f->out.drop_capabilities[1]);
    security->capabilities_drop = sk_arena_memdup(&f->arena, &(char *){"KILL"}, sizeof(char *));
    security->n_capabilities_drop = 1;
    f->container->security_context = security;
    is_fine(f);
    assert_string_equal(f->out.drop_capabilities[0], "CAP_NET_RAW");
    assert_string_equal(f->out.drop_capabilities[1], "CAP_KILL");
    assert_null(f->out.drop_capabilities[2]);
    f->node.box.drop_capabilities = all;
    is_fine(f);
    assert_true(sk_strings_count(f->out.drop_capabilities) >= sk_strings_count(sk_capabilities));
}

static void no_more_than_the_node_allows(void **state)
{
    struct fixture *f = *state;
    char *tags[] = {"a", "b", "c"};

    f->spec->tags = sk_arena_memdup(&f->arena, tags, sizeof(tags));
    f->spec->n_tags = 3;
    is_fine(f);
    f->node.box.max_tags = 2;
    violates(f, "sandbox.spec.tags");
    f->spec->n_tags = 2;
    is_fine(f);
    f->node.box.max_lifetime_seconds = 100;
    f->spec->max_lifetime_seconds = 101;
    violates(f, "sandbox.spec.max_lifetime_seconds");
    f->spec->max_lifetime_seconds = 100;
    is_fine(f);
}

static void no_more_services_and_files_either(void **state)
{
    struct fixture *f = *state;
    SK_PB(Service) * services[2];
    SK_PB(FileMount) * files[2];

    for (int i = 0; i < 2; i++) {
        services[i] = SK_PB_NEW(&f->arena, service);
        services[i]->port = 80 + i;
        files[i] = SK_PB_NEW(&f->arena, file_mount);
        files[i]->path = i ? "/a" : "/b";
        files[i]->content = (ProtobufCBinaryData){3, sk_arena_memdup(&f->arena, "abc", 3)};
    }
    f->node.box.max_services = 1;
    f->spec->services = sk_arena_memdup(&f->arena, services, sizeof(services));
    f->spec->n_services = 2;
    violates(f, "sandbox.spec.services");
    f->spec->n_services = 1;
    is_fine(f);
    f->container->files = sk_arena_memdup(&f->arena, files, sizeof(files));
    f->container->n_files = 2;
    f->node.box.max_files = 1;
    violates(f, "sandbox.spec.containers[0].files");
    f->node.box.max_files = 0;
    f->node.box.max_files_bytes = 5;
    files[0]->content = files[1]->content = (ProtobufCBinaryData){3, sk_arena_memdup(&f->arena, "abc", 3)};
    violates(f, "sandbox.spec.containers[0].files");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_nodes_defaults_are_taken, spec_rig_init, spec_rig_fini),
        cmocka_unit_test_setup_teardown(what_the_creator_says_goes_before, spec_rig_init, spec_rig_fini),
        cmocka_unit_test_setup_teardown(capabilities_of_both_are_dropped, spec_rig_init, spec_rig_fini),
        cmocka_unit_test_setup_teardown(no_more_than_the_node_allows, spec_rig_init, spec_rig_fini),
        cmocka_unit_test_setup_teardown(no_more_services_and_files_either, spec_rig_init, spec_rig_fini),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
