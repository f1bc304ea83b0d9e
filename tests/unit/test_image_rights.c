/* Who gets which image: what policies say, private images, and the logins that creates bring. */
#include "core/sandbox_impl.h"
#include "support/image_ask_rig.h"

/* --- policies ----------------------------------------------------------------------------- */

static void test_always_asks_and_fetches_only_what_is_new(void **state)
{
    struct world w;
    struct image_asked a;

    (void)state;
    world_init(&w);
    image_publish(&w, NULL);
    image_restart_with(&w, (struct sk_images_config){.pull_policy = SK_PULL_ALWAYS});
    image_ask(&w, &a, IMAGE_NAME, NULL);
    world_advance(&w, SK_SEC(11));
    image_assert_given(&a, IMAGE_NAME);
    image_must_give(&w, IMAGE_NAME, NULL); /* no layer was fetched: those take time */
    assert_int_equal(sk_fake_images_pulls(w.images), 2);
    sk_fake_images_cut(w.images, true);
    image_must_refuse(&w, IMAGE_NAME, NULL, SK_UNAVAILABLE, "image_pull_policy is \"always\"");
    world_fini(&w);
}

static void test_never_asks_nobody(void **state)
{
    struct world w;
    struct image_asked a;

    (void)state;
    world_init(&w);
    image_publish(&w, NULL);
    image_restart_with(&w, (struct sk_images_config){.pull_policy = SK_PULL_NEVER});
    image_must_refuse(&w, IMAGE_NAME, NULL, SK_NOT_FOUND,
                      "image " IMAGE_NAME " is not on this node and image_pull_policy is \"never\"");
    assert_int_equal(sk_fake_images_pulls(w.images), 0);
    image_ask_registry(&w, &a, IMAGE_NAME); /* but an operator may */
    world_advance(&w, SK_SEC(11));
    image_assert_given(&a, IMAGE_NAME);
    image_must_give(&w, IMAGE_NAME, NULL);
    world_fini(&w);
}

static void test_what_is_not_allowed_is_not_looked_for(void **state)
{
    static const char *const allow[] = {"docker.io/library/*", NULL};
    struct world w;
    struct image_asked a;
    struct sk_err err = {0};

    (void)state;
    world_init(&w);
    image_publish(&w, NULL);
    image_restart_with(&w, (struct sk_images_config){.allow = allow});
    image_ask(&w, &a, IMAGE_NAME, NULL);
    assert_int_equal(a.answer.count, 0);
    world_settle(&w);
    image_assert_failed(&a, SK_PERMISSION_DENIED, IMAGE_NAME);
    assert_string_equal(a.answer.err.reason, SK_REASON_IMAGE);
    image_must_refuse(&w, "No Image", NULL, SK_INVALID_ARGUMENT, "No Image");
    assert_int_equal(sk_fake_images_pulls(w.images), 0);
    assert_int_equal(sk_images_check(sk_node_images(w.node), IMAGE_NAME, &err), SK_PERMISSION_DENIED);
    assert_int_equal(sk_images_check(sk_node_images(w.node), "python:3.11", &err), SK_OK);
    world_fini(&w);
}

static void test_a_pull_by_hand_asks_though_it_is_here(void **state)
{
    struct world w;
    struct image_asked a;

    (void)state;
    world_init(&w);
    sk_fake_images_publish(w.images,
                           &(struct sk_fake_image){.name = "docker.io/library/python:3.11", .revision = 2});
    image_ask_registry(&w, &a, "python:3.11");
    world_settle(&w);
    image_assert_given(&a, "docker.io/library/python:3.11");
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    world_fini(&w);
}

static void test_too_large(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    image_publish(&w, NULL);
    image_restart_with(&w, (struct sk_images_config){.max_bytes = 1999});
    image_must_refuse(&w, IMAGE_NAME, NULL, SK_RESOURCE_EXHAUSTED, "larger");
    world_fini(&w);
}

/* --- private images -------------------------------------------------------------------------- */

static const struct sk_image_login robot = {"ghcr.io", "robot", "secret"};
static const struct sk_image_login stranger = {"ghcr.io", "stranger", "guess"};

static void fetch_as_robot(struct world *w)
{
    struct image_asked a;

    world_init(w);
    image_publish(w, "robot");
    image_ask(w, &a, IMAGE_NAME, &robot);
    world_advance(w, SK_SEC(11));
    image_assert_given(&a, IMAGE_NAME);
}

static void test_a_private_image_is_the_login_s_that_fetched_it(void **state)
{
    struct world w;

    (void)state;
    fetch_as_robot(&w);
    image_must_give(&w, IMAGE_NAME, &robot);
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    world_stop(&w);
    world_start(&w); /* and is that of the next daemon too */
    image_must_give(&w, IMAGE_NAME, &robot);
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    world_fini(&w);
}

static void test_a_private_image_is_not_everybodys(void **state)
{
    struct world w;
    struct image_asked a, b;

    (void)state;
    fetch_as_robot(&w);
    image_ask(&w, &a, IMAGE_NAME, NULL);
    image_ask(&w, &b, IMAGE_NAME, &stranger);
    world_settle(&w);
    image_assert_failed(&a, SK_UNAUTHENTICATED, "401");
    image_assert_failed(&b, SK_UNAUTHENTICATED, "401");
    assert_int_equal(sk_fake_images_pulls(w.images), 3); /* each was asked for by itself */
    image_restart_with(&w, (struct sk_images_config){.pull_policy = SK_PULL_NEVER});
    image_must_refuse(&w, IMAGE_NAME, NULL, SK_PERMISSION_DENIED, "another login");
    world_fini(&w);
}

static void test_whoever_the_registry_shows_it_to_may_use_it(void **state)
{
    struct world w;

    (void)state;
    fetch_as_robot(&w);
    image_publish(&w, "stranger");
    const struct sk_image_login other = {"ghcr.io", "stranger", "secret"};
    image_must_give(&w, IMAGE_NAME, &other); /* at once: its layers are here */
    assert_int_equal(sk_fake_images_pulls(w.images), 2);
    /* Both may from now on, without the registry. */
    image_must_give(&w, IMAGE_NAME, &robot);
    image_must_give(&w, IMAGE_NAME, &other);
    assert_int_equal(sk_fake_images_pulls(w.images), 2);
    image_publish(&w, NULL); /* it has become public */
    image_must_give(&w, IMAGE_NAME, NULL);
    image_must_give(&w, IMAGE_NAME, &stranger);
    assert_int_equal(sk_fake_images_pulls(w.images), 3);
    world_fini(&w);
}

/* Nobody may use an image that the registry has shown them under another digest. */
static void test_a_tag_that_moved_is_asked_for_anew(void **state)
{
    struct world w;
    struct image_asked a;

    (void)state;
    fetch_as_robot(&w);
    const struct sk_image_login other = {"ghcr.io", "other", "secret"};
    sk_fake_images_publish(w.images,
                           &(struct sk_fake_image){
                               .name = IMAGE_NAME, .revision = 2, .username = "other", .password = "secret"});
    image_ask(&w, &a, IMAGE_NAME, &other);
    world_advance(&w, SK_SEC(2));
    image_assert_given(&a, IMAGE_NAME);
    image_must_refuse(&w, IMAGE_NAME, &robot, SK_UNAUTHENTICATED, "401");
    world_fini(&w);
}

/* --- logins of creates -------------------------------------------------------------------------- */

struct vault {
    const char *username; /* NULL: the secret was taken away */
    int asked;
    char tenant[32], registry[32]; /* of the last time */
};

static enum sk_code find_login(void *arg, const struct sk_login_source *source, const char *tenant,
                               struct sk_arena *arena, const char **out_username, const char **out_password,
                               struct sk_err *err)
{
    struct vault *vault = arg;

    vault->asked++;
    (void)snprintf(vault->tenant, sizeof(vault->tenant), "%s", tenant);
    (void)snprintf(vault->registry, sizeof(vault->registry), "%s", source->registry);
    if (!vault->username)
        return sk_fail(err, SK_FAILED_PRECONDITION, "store %s has no secret %s", source->store, source->path);
    *out_username = sk_arena_strdup(arena, vault->username);
    *out_password = sk_arena_strdup(arena, "secret");
    return SK_OK;
}

/* Of the image that the registry shows to "robot" alone, with the login that the vault has. */
static void create_private(struct world *w, struct vault *vault, struct answer *created)
{
    struct sk_record *record;

    world_init(w);
    image_publish(w, "robot");
    world_stop(w);
    w->config.secrets = (struct sk_secret_lookup){find_login, vault};
    world_start(w);
    record = world_record(w, "");
    record->spec.image = IMAGE_NAME;
    record->tenant = "blue";
    record->spec.login = (struct sk_login_source){"ghcr.io", "team", "ghcr", ""};
    world_create(w, record, created);
}

static void test_a_create_brings_its_login(void **state)
{
    struct world w;
    struct vault vault = {.username = "robot"};
    struct answer created;

    (void)state;
    create_private(&w, &vault, &created);
    world_advance(&w, SK_SEC(11));
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    assert_int_equal(vault.asked, 1);
    world_fini(&w);
}

static void test_the_login_is_looked_up_again_after_a_restart(void **state)
{
    struct world w;
    struct vault vault = {.username = "robot"};
    struct answer created;

    (void)state;
    create_private(&w, &vault, &created);
    world_advance(&w, SK_SEC(5));
    SK_AUTO_FREE char *id = sk_strdup(sk_sandbox_record(created.sandbox)->id);
    world_crash(&w);
    world_start(&w);
    world_advance(&w, SK_SEC(11));
    assert_int_equal(sk_sandbox_record(sk_node_find(w.node, id))->state, SK_STATE_RUNNING);
    assert_int_equal(vault.asked, 2);
    assert_string_equal(vault.tenant, "blue");
    assert_string_equal(vault.registry, "ghcr.io");
    world_fini(&w);
}

static void test_a_secret_that_was_taken_away(void **state)
{
    struct world w;
    struct vault vault = {0};
    struct answer created;

    (void)state;
    create_private(&w, &vault, &created);
    world_settle(&w);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_FAILED);
    assert_string_equal(sk_sandbox_record(created.sandbox)->state_reason, "store team has no secret ghcr");
    assert_int_equal(sk_fake_images_pulls(w.images), 0);
    world_fini(&w);
}

static void test_digests_of_logins(void **state)
{
    char a[SK_DIGEST_SIZE], b[SK_DIGEST_SIZE];
    struct sk_pull_login login = {0}, none = {0};
    const struct sk_image_login shifted = {"ghcr.io", "robotsec", "ret"};

    (void)state;
    sk_pull_login_digest(&none, "salt", a);
    assert_string_equal(a, "");
    sk_pull_login_copy(&login, &robot);
    sk_pull_login_digest(&login, "salt", a);
    sk_pull_login_digest(&login, "salt", b);
    assert_string_equal(a, b);
    sk_pull_login_digest(&login, "another", b);
    assert_string_not_equal(a, b);
    sk_pull_login_copy(&login, &shifted);
    sk_pull_login_digest(&login, "salt", b);
    assert_string_not_equal(a, b);
    sk_pull_login_fini(&login);
    assert_null(login.password);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_always_asks_and_fetches_only_what_is_new),
        cmocka_unit_test(test_never_asks_nobody),
        cmocka_unit_test(test_what_is_not_allowed_is_not_looked_for),
        cmocka_unit_test(test_a_pull_by_hand_asks_though_it_is_here),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_a_private_image_is_the_login_s_that_fetched_it),
        cmocka_unit_test(test_a_private_image_is_not_everybodys),
        cmocka_unit_test(test_whoever_the_registry_shows_it_to_may_use_it),
        cmocka_unit_test(test_a_tag_that_moved_is_asked_for_anew),
        cmocka_unit_test(test_a_create_brings_its_login),
        cmocka_unit_test(test_the_login_is_looked_up_again_after_a_restart),
        cmocka_unit_test(test_a_secret_that_was_taken_away),
        cmocka_unit_test(test_digests_of_logins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
