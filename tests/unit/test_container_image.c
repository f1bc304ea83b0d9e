/* Which images a container may be made of, and with whose login. */
#include "api/container_image.h"
#include "support/spec_rig.h"

#define CREDENTIALS "sandbox.spec.containers[0].image_pull_credentials"
#define LIST(...)   ((const char *const[]){__VA_ARGS__, NULL})

/* One store, "team", with one secret, "ghcr", which is of the rig's tenant and for one registry. */
static enum sk_code find_login(void *arg, const struct sk_login_source *source, const char *tenant,
                               struct sk_arena *arena, const char **out_username, const char **out_password,
                               struct sk_err *err)
{
    const char *store = source->store, *path = source->path;
    int *asked = arg;

    ++*asked;
    assert_string_equal(tenant, "key");
    if (!strcmp(source->registry, "evil.example"))
        return sk_fail(err, SK_FAILED_PRECONDITION, "not for the registry %s", source->registry);
    if (strcmp(store, "team") != 0) {
        (void)sk_fail(err, SK_FAILED_PRECONDITION, "there is no secret store \"%s\" here", store);
        (void)sk_err_reason(err, SK_REASON_SECRET_STORE);
        return SK_FAILED_PRECONDITION;
    }
    if (strcmp(path, "ghcr") != 0)
        return sk_fail(err, SK_FAILED_PRECONDITION, "store \"%s\" has no secret \"%s\"", store, path);
    *out_username = sk_arena_strdup(arena, "robot");
    *out_password = sk_arena_strdup(arena, "hunter2");
    return SK_OK;
}

static SK_PB(SecretSource) * give_credentials(struct fixture *f, const char *registry, int *asked)
{
    SK_PB(ImagePullCredentials) *given = SK_PB_NEW(&f->arena, image_pull_credentials);
    SK_PB(SecretSource) *source = SK_PB_NEW(&f->arena, secret_source);

    given->registry = (char *)registry;
    given->credentials = source;
    source->store_name = "team";
    source->path = "ghcr";
    f->container->image = "ghcr.io/me/tool:1";
    f->container->image_pull_credentials = given;
    f->node.secrets = (struct sk_secret_lookup){find_login, asked};
    return source;
}

static void names_of_images(void **state)
{
    static const char *const wrong[] = {"UPPER", "a b", "a::b", "../x", "python:", "python@sha256:1", "x//y"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sk_array_len(wrong); i++) {
        f->container->image = (char *)wrong[i];
        assert_violates(f, "sandbox.spec.containers[0].image");
    }
    f->container->image = "ghcr.io/me/tool:1";
    assert_decodes(f);
    assert_string_equal(f->out.image, "ghcr.io/me/tool:1");
    assert_string_equal(f->out.login.store, "");
}

static void policy_speaks_of_full_names(void **state)
{
    struct fixture *f = *state;

    f->node.images.deny = LIST("docker.io/library/python:*");
    assert_refused(f, SK_PERMISSION_DENIED, SK_REASON_IMAGE, "sandbox.spec.containers[0].image");
    f->container->image = ""; /* and of the image that stands for none */
    assert_refused(f, SK_PERMISSION_DENIED, SK_REASON_IMAGE, "sandbox.spec.containers[0].image");
    f->container->image = "alpine:3";
    assert_decodes(f);
    f->node.images.allow = LIST("ghcr.io/*");
    assert_refused(f, SK_PERMISSION_DENIED, SK_REASON_IMAGE, "sandbox.spec.containers[0].image");
}

static void a_login_is_remembered_by_its_source(void **state)
{
    struct fixture *f = *state;
    int asked = 0;

    give_credentials(f, "ghcr.io", &asked)->field = "robot";
    assert_decodes(f);
    assert_int_equal(asked, 1);
    assert_string_equal(f->out.login.registry, "ghcr.io");
    assert_string_equal(f->out.login.store, "team");
    assert_string_equal(f->out.login.path, "ghcr");
    assert_string_equal(f->out.login.field, "robot");
    assert_null(memmem(f->out.echo, f->out.echo_len, "hunter2", 7));
    assert_non_null(memmem(f->out.echo, f->out.echo_len, "team", 4));
}

static void a_login_is_for_the_images_registry(void **state)
{
    struct fixture *f = *state;
    int asked = 0;

    (void)give_credentials(f, "", &asked);
    assert_decodes(f);
    assert_string_equal(f->out.login.registry, "ghcr.io");
    (void)give_credentials(f, "docker.io", &asked);
    assert_violates(f, CREDENTIALS ".registry");
    (void)give_credentials(f, "index.docker.io", &asked);
    f->container->image = "me/tool:1";
    assert_decodes(f);
    assert_string_equal(f->out.login.registry, "docker.io");
}

static void a_secret_is_asked_whether_it_may_go_there(void **state)
{
    struct fixture *f = *state;
    struct sk_err err = {0};
    int asked = 0;

    (void)give_credentials(f, "", &asked);
    f->container->image = "evil.example/x:1";
    assert_int_equal(decode(f, &err), SK_FAILED_PRECONDITION);
    assert_string_equal(err.field, CREDENTIALS ".credentials");
    assert_int_equal(asked, 1);
}

static void a_source_has_a_store_and_a_path(void **state)
{
    struct fixture *f = *state;
    int asked = 0;

    give_credentials(f, "", &asked)->store_name = "";
    assert_violates(f, CREDENTIALS ".credentials.store_name");
    give_credentials(f, "", &asked)->path = "";
    assert_violates(f, CREDENTIALS ".credentials.path");
    (void)give_credentials(f, "", &asked);
    f->container->image_pull_credentials->credentials = NULL;
    assert_violates(f, CREDENTIALS ".credentials");
    assert_int_equal(asked, 0);
}

static void secrets_that_are_not_there(void **state)
{
    struct fixture *f = *state;
    struct sk_err err = {0};
    int asked = 0;

    give_credentials(f, "", &asked)->store_name = "nobody";
    assert_refused(f, SK_FAILED_PRECONDITION, "SECRET_STORE_NOT_PROVISIONED",
                   CREDENTIALS ".credentials.store_name");
    give_credentials(f, "", &asked)->path = "nothing";
    assert_int_equal(decode(f, &err), SK_FAILED_PRECONDITION);
    assert_string_equal(err.field, CREDENTIALS ".credentials");
    assert_null(err.reason);
    (void)give_credentials(f, "", &asked);
    f->node.secrets = (struct sk_secret_lookup){0}; /* a node without any store */
    assert_refused(f, SK_FAILED_PRECONDITION, "SECRET_STORE_NOT_PROVISIONED",
                   CREDENTIALS ".credentials.store_name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_of_images, spec_rig_init, spec_rig_fini),
        cmocka_unit_test_setup_teardown(policy_speaks_of_full_names, spec_rig_init, spec_rig_fini),
        cmocka_unit_test_setup_teardown(a_login_is_remembered_by_its_source, spec_rig_init, spec_rig_fini),
        cmocka_unit_test_setup_teardown(a_login_is_for_the_images_registry, spec_rig_init, spec_rig_fini),
        cmocka_unit_test_setup_teardown(a_secret_is_asked_whether_it_may_go_there, spec_rig_init,
                                        spec_rig_fini),
        cmocka_unit_test_setup_teardown(a_source_has_a_store_and_a_path, spec_rig_init, spec_rig_fini),
        cmocka_unit_test_setup_teardown(secrets_that_are_not_there, spec_rig_init, spec_rig_fini),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
