/* How creates come to their images: from the node, or by one pull for all who wait. */
#include "api/encode.h"
#include "core/images_impl.h"
#include "core/sandbox_impl.h"
#include "support/world.h"

#define NAME "ghcr.io/me/tool:1"

/* A wait of a test, and what came of it. */
struct asked {
    struct sk_image_wait wait;
    struct answer answer;
    struct sk_image *image;
};

static void ask(struct world *w, struct asked *a, const char *name, const struct sk_image_login *login)
{
    *a = (struct asked){0};
    answer_init(&a->answer);
    sk_images_ensure(sk_node_images(w->node), &a->wait, name, login, &a->image, &a->answer.done);
}

static void ask_registry(struct world *w, struct asked *a, const char *name)
{
    *a = (struct asked){0};
    answer_init(&a->answer);
    sk_images_pull(sk_node_images(w->node), &a->wait, name, NULL, &a->image, &a->answer.done);
}

static void assert_given(struct asked *a, const char *name)
{
    assert_int_equal(a->answer.count, 1);
    assert_string_equal(a->answer.err.text, "");
    assert_string_equal(a->image->name, name);
    sk_image_free(sk_take(a->image));
}

static void assert_failed(const struct asked *a, enum sk_code code, const char *text)
{
    assert_int_equal(a->answer.count, 1);
    assert_int_equal(a->answer.err.code, code);
    assert_non_null(strstr(a->answer.err.text, text));
    assert_null(a->image);
}

/* A private or public image of ten layers, each of which takes a second. */
static void publish(struct world *w, const char *username)
{
    static const char *const cmd[] = {"/bin/sh", NULL};

    sk_fake_images_publish(w->images, &(struct sk_fake_image){.name = NAME,
                                                              .cmd = cmd,
                                                              .bytes = 2000,
                                                              .layers = 10,
                                                              .username = username,
                                                              .password = username ? "secret" : NULL});
    sk_fake_images_pace(w->images, SK_SEC(1));
}

/* The world's node once more, under another policy. */
static void restart_with(struct world *w, struct sk_images_config config)
{
    world_stop(w);
    w->config.images = config;
    world_start(w);
}

/* --- the fast path ---------------------------------------------------------------- */

struct tally {
    int finds, touches, others;
};

static int count_calls(void *arg, const char *call)
{
    struct tally *tally = arg;

    if (!strcmp(call, "image.find"))
        tally->finds++;
    else if (!strcmp(call, "image.touch"))
        tally->touches++;
    else if (!strncmp(call, "image.", 6))
        tally->others++;
    return SK_FAKE_OK;
}

static void test_an_image_that_is_here_costs_one_look(void **state)
{
    struct world w;
    struct answer created;
    struct tally tally = {0};

    (void)state;
    world_init(&w);
    world_hook(&w, count_calls, &tally);
    world_create(&w, world_record(&w, ""), &created);
    world_settle(&w);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    assert_int_equal(tally.finds, 1);
    assert_int_equal(tally.touches, 1);
    world_create(&w, world_record(&w, ""), &created);
    world_settle(&w);
    assert_int_equal(tally.finds, 2);
    assert_int_equal(tally.touches, 1); /* at most once an hour */
    assert_int_equal(tally.others, 0);
    world_advance(&w, SK_SEC(3600));
    world_create(&w, world_record(&w, ""), &created);
    world_settle(&w);
    assert_int_equal(tally.touches, 2);
    world_hook(&w, NULL, NULL);
    world_fini(&w);
}

/* A use is noted behind the back of the create. */
static int hang_touch(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "image.touch") ? SK_FAKE_OK : SK_FAKE_HANG;
}

static void test_noting_a_use_holds_nobody_up(void **state)
{
    struct world w;
    struct answer created;

    (void)state;
    world_init(&w);
    world_hook(&w, hang_touch, NULL);
    world_create(&w, world_record(&w, ""), &created);
    world_settle(&w);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    world_fini(&w); /* nor a stop */
}

/* --- one pull for all --------------------------------------------------------------- */

#define CROWD 100

static void test_a_hundred_creates_make_one_pull(void **state)
{
    struct world w;
    struct answer *created = sk_alloc(CROWD * sizeof(*created));

    (void)state;
    world_init(&w);
    publish(&w, NULL);
    for (size_t i = 0; i < CROWD; i++) {
        struct sk_record *record = world_record(&w, "");
        record->spec.image = NAME;
        world_create(&w, record, &created[i]);
    }
    world_advance(&w, SK_SEC(5));
    assert_int_equal(sk_fake_images_pulling(w.images), 1);
    world_advance(&w, SK_SEC(6));
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(sk_sandbox_record(created[i].sandbox)->state, SK_STATE_RUNNING);
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    assert_true(sk_fake_images_has(w.images, NAME));
    world_fini(&w);
    free(created);
}

static void test_names_are_made_full(void **state)
{
    struct world w;
    struct asked a, b;

    (void)state;
    world_init(&w);
    sk_fake_images_publish(w.images, &(struct sk_fake_image){.name = "docker.io/library/tool:latest"});
    ask(&w, &a, "tool", NULL);
    ask(&w, &b, "docker.io/library/tool:latest", NULL);
    world_settle(&w);
    assert_given(&a, "docker.io/library/tool:latest");
    assert_given(&b, "docker.io/library/tool:latest");
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    world_fini(&w);
}

static void test_one_who_leaves_stops_nobody(void **state)
{
    struct world w;
    struct asked a, b;

    (void)state;
    world_init(&w);
    publish(&w, NULL);
    ask(&w, &a, NAME, NULL);
    ask(&w, &b, NAME, NULL);
    world_advance(&w, SK_SEC(3));
    sk_done_cancel(&a.answer.done); /* the one that began it */
    world_settle(&w);
    assert_failed(&a, SK_CANCELLED, "cancelled");
    assert_int_equal(b.answer.count, 0);
    world_advance(&w, SK_SEC(8));
    assert_given(&b, NAME);
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    world_fini(&w);
}

static void test_when_all_have_left_the_pull_ends(void **state)
{
    struct world w;
    struct asked a, b, late;

    (void)state;
    world_init(&w);
    publish(&w, NULL);
    ask(&w, &a, NAME, NULL);
    ask(&w, &b, NAME, NULL);
    world_advance(&w, SK_SEC(3));
    sk_done_cancel(&a.answer.done);
    sk_done_cancel(&b.answer.done);
    ask(&w, &late, NAME, NULL); /* while it is ending */
    world_settle(&w);
    assert_failed(&a, SK_CANCELLED, "cancelled");
    assert_failed(&b, SK_CANCELLED, "cancelled");
    assert_int_equal(sk_fake_images_pulling(w.images), 1); /* anew */
    world_advance(&w, SK_SEC(11));
    assert_given(&late, NAME);
    assert_int_equal(sk_fake_images_pulls(w.images), 2);
    world_fini(&w);
}

static void test_a_deleted_sandbox_ends_in_mid_pull(void **state)
{
    struct world w;
    struct answer created, deleted;
    struct sk_record *record;

    (void)state;
    world_init(&w);
    publish(&w, NULL);
    record = world_record(&w, "");
    record->spec.image = NAME;
    world_create(&w, record, &created);
    world_advance(&w, SK_SEC(3));
    world_delete(&w, created.sandbox, SK_SEC(30), &deleted);
    world_settle(&w);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_TERMINATED);
    assert_int_equal(sk_fake_images_pulling(w.images), 0);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_each_create_has_its_own_deadline(void **state)
{
    struct world w;
    struct answer created;
    struct asked patient;
    struct sk_record *record;

    (void)state;
    world_init(&w);
    publish(&w, NULL);
    sk_fake_images_pace(w.images, SK_SEC(10));
    record = world_record(&w, "");
    record->spec.image = NAME;
    world_create(&w, record, &created);
    ask(&w, &patient, NAME, NULL);
    world_advance(&w, SK_SEC(61)); /* create_limit is 60 */
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_FAILED);
    assert_non_null(
        strstr(sk_sandbox_record(created.sandbox)->state_reason, "no time left while pulling " NAME));
    assert_int_equal(sk_fake_images_pulling(w.images), 1);
    world_advance(&w, SK_SEC(40));
    assert_given(&patient, NAME);
    world_fini(&w);
}

static void test_a_pull_has_a_limit(void **state)
{
    struct world w;
    struct asked a, b;

    (void)state;
    world_init(&w);
    publish(&w, NULL);
    restart_with(&w, (struct sk_images_config){.pull_limit = SK_SEC(5)});
    ask(&w, &a, NAME, NULL);
    world_advance(&w, SK_SEC(4));
    ask(&w, &b, NAME, NULL); /* coming late does not make it longer */
    world_advance(&w, SK_SEC(1));
    assert_failed(&a, SK_DEADLINE_EXCEEDED, "longer than 5 s");
    assert_failed(&b, SK_DEADLINE_EXCEEDED, NAME);
    assert_int_equal(sk_fake_images_pulling(w.images), 0);
    world_fini(&w);
}

static void test_a_failure_is_told_to_all_and_tried_anew(void **state)
{
    struct world w;
    struct asked a, b, again;

    (void)state;
    world_init(&w);
    publish(&w, NULL);
    sk_fake_images_cut(w.images, true);
    ask(&w, &a, NAME, NULL);
    ask(&w, &b, NAME, NULL);
    world_settle(&w);
    assert_failed(&a, SK_UNAVAILABLE, "does not answer");
    assert_failed(&b, SK_UNAVAILABLE, NAME);
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    sk_fake_images_cut(w.images, false);
    ask(&w, &again, NAME, NULL);
    world_advance(&w, SK_SEC(11));
    assert_given(&again, NAME);
    world_fini(&w);
}

static void assert_shown_reason(struct world *w, struct sk_sandbox *s, const char *reason)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    const SK_PB(Sandbox) *shown = (const void *)sk_encode_whole(&arena, s, sk_node_config(w->node));

    assert_string_equal(shown->status->state_reason, reason);
}

/* --- what is seen ---------------------------------------------------------------------- */

static void test_progress_is_told(void **state)
{
    struct world w;
    struct answer created;
    struct sk_record *record;
    char text[SK_IMAGE_WAIT_TEXT];

    (void)state;
    world_init(&w);
    publish(&w, NULL);
    record = world_record(&w, "");
    record->spec.image = NAME;
    world_create(&w, record, &created);
    world_advance(&w, SK_MSEC(500));
    sk_sandbox_describe_progress(created.sandbox, text);
    assert_string_equal(text, "pulling " NAME " 0 %");
    world_advance(&w, SK_SEC(4));
    sk_sandbox_describe_progress(created.sandbox, text);
    assert_string_equal(text, "pulling " NAME " 40 %");
    assert_shown_reason(&w, created.sandbox, text);
    assert_string_equal(sk_sandbox_record(created.sandbox)->state_reason, ""); /* shown, not stored */
    world_advance(&w, SK_SEC(7));
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    sk_sandbox_describe_progress(created.sandbox, text);
    assert_string_equal(text, "");
    assert_shown_reason(&w, created.sandbox, "");
    world_fini(&w);
}

static int hang_pull(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "image.pull") ? SK_FAKE_OK : SK_FAKE_HANG;
}

static void test_progress_without_an_answer_yet(void **state)
{
    struct world w;
    struct asked a;
    char text[SK_IMAGE_WAIT_TEXT];

    (void)state;
    world_init(&w);
    world_hook(&w, hang_pull, NULL);
    ask(&w, &a, NAME, NULL);
    world_settle(&w);
    sk_image_wait_describe(&a.wait, text);
    assert_string_equal(text, "pulling " NAME);
    sk_done_cancel(&a.answer.done);
    world_settle(&w);
    assert_null(sk_image_wait_progress(&a.wait));
    world_fini(&w);
}

/* --- policies ----------------------------------------------------------------------------- */

static void test_always_asks_and_fetches_only_what_is_new(void **state)
{
    struct world w;
    struct asked a;

    (void)state;
    world_init(&w);
    publish(&w, NULL);
    restart_with(&w, (struct sk_images_config){.pull_policy = SK_PULL_ALWAYS});
    ask(&w, &a, NAME, NULL);
    world_advance(&w, SK_SEC(11));
    assert_given(&a, NAME);
    ask(&w, &a, NAME, NULL);
    world_settle(&w); /* no layer was fetched: those take time */
    assert_given(&a, NAME);
    assert_int_equal(sk_fake_images_pulls(w.images), 2);
    sk_fake_images_cut(w.images, true);
    ask(&w, &a, NAME, NULL);
    world_settle(&w);
    assert_failed(&a, SK_UNAVAILABLE, "image_pull_policy is \"always\"");
    world_fini(&w);
}

static void test_never_asks_nobody(void **state)
{
    struct world w;
    struct asked a;

    (void)state;
    world_init(&w);
    publish(&w, NULL);
    restart_with(&w, (struct sk_images_config){.pull_policy = SK_PULL_NEVER});
    ask(&w, &a, NAME, NULL);
    world_settle(&w);
    assert_failed(&a, SK_NOT_FOUND, "image " NAME " is not on this node and image_pull_policy is \"never\"");
    assert_int_equal(sk_fake_images_pulls(w.images), 0);
    ask_registry(&w, &a, NAME); /* but an operator may */
    world_advance(&w, SK_SEC(11));
    assert_given(&a, NAME);
    ask(&w, &a, NAME, NULL);
    world_settle(&w);
    assert_given(&a, NAME);
    world_fini(&w);
}

static void test_what_is_not_allowed_is_not_looked_for(void **state)
{
    static const char *const allow[] = {"docker.io/library/*", NULL};
    struct world w;
    struct asked a;
    struct sk_err err = {0};

    (void)state;
    world_init(&w);
    publish(&w, NULL);
    restart_with(&w, (struct sk_images_config){.allow = allow});
    ask(&w, &a, NAME, NULL);
    assert_int_equal(a.answer.count, 0);
    world_settle(&w);
    assert_failed(&a, SK_PERMISSION_DENIED, NAME);
    assert_string_equal(a.answer.err.reason, SK_REASON_IMAGE);
    ask(&w, &a, "No Image", NULL);
    world_settle(&w);
    assert_failed(&a, SK_INVALID_ARGUMENT, "No Image");
    assert_int_equal(sk_fake_images_pulls(w.images), 0);
    assert_int_equal(sk_images_check(sk_node_images(w.node), NAME, &err), SK_PERMISSION_DENIED);
    assert_int_equal(sk_images_check(sk_node_images(w.node), "python:3.11", &err), SK_OK);
    world_fini(&w);
}

static void test_a_pull_by_hand_asks_though_it_is_here(void **state)
{
    struct world w;
    struct asked a;

    (void)state;
    world_init(&w);
    sk_fake_images_publish(w.images,
                           &(struct sk_fake_image){.name = "docker.io/library/python:3.11", .revision = 2});
    ask_registry(&w, &a, "python:3.11");
    world_settle(&w);
    assert_given(&a, "docker.io/library/python:3.11");
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    world_fini(&w);
}

static void test_too_large(void **state)
{
    struct world w;
    struct asked a;

    (void)state;
    world_init(&w);
    publish(&w, NULL);
    restart_with(&w, (struct sk_images_config){.max_bytes = 1999});
    ask(&w, &a, NAME, NULL);
    world_settle(&w);
    assert_failed(&a, SK_RESOURCE_EXHAUSTED, "larger");
    world_fini(&w);
}

/* --- private images -------------------------------------------------------------------------- */

static const struct sk_image_login robot = {"ghcr.io", "robot", "secret"};
static const struct sk_image_login stranger = {"ghcr.io", "stranger", "guess"};

static void fetch_as_robot(struct world *w)
{
    struct asked a;

    world_init(w);
    publish(w, "robot");
    ask(w, &a, NAME, &robot);
    world_advance(w, SK_SEC(11));
    assert_given(&a, NAME);
}

static void test_a_private_image_is_the_login_s_that_fetched_it(void **state)
{
    struct world w;
    struct asked a;

    (void)state;
    fetch_as_robot(&w);
    ask(&w, &a, NAME, &robot);
    world_settle(&w);
    assert_given(&a, NAME);
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    world_stop(&w);
    world_start(&w); /* and is that of the next daemon too */
    ask(&w, &a, NAME, &robot);
    world_settle(&w);
    assert_given(&a, NAME);
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    world_fini(&w);
}

static void test_a_private_image_is_not_everybodys(void **state)
{
    struct world w;
    struct asked a, b;

    (void)state;
    fetch_as_robot(&w);
    ask(&w, &a, NAME, NULL);
    ask(&w, &b, NAME, &stranger);
    world_settle(&w);
    assert_failed(&a, SK_UNAUTHENTICATED, "401");
    assert_failed(&b, SK_UNAUTHENTICATED, "401");
    assert_int_equal(sk_fake_images_pulls(w.images), 3); /* each was asked for by itself */
    restart_with(&w, (struct sk_images_config){.pull_policy = SK_PULL_NEVER});
    ask(&w, &a, NAME, NULL);
    world_settle(&w);
    assert_failed(&a, SK_PERMISSION_DENIED, "another login");
    world_fini(&w);
}

static void test_whoever_the_registry_shows_it_to_may_use_it(void **state)
{
    struct world w;
    struct asked a;

    (void)state;
    fetch_as_robot(&w);
    publish(&w, "stranger");
    const struct sk_image_login other = {"ghcr.io", "stranger", "secret"};
    ask(&w, &a, NAME, &other);
    world_settle(&w); /* at once: its layers are here */
    assert_given(&a, NAME);
    assert_int_equal(sk_fake_images_pulls(w.images), 2);
    /* Both may from now on, without the registry. */
    ask(&w, &a, NAME, &robot);
    world_settle(&w);
    assert_given(&a, NAME);
    ask(&w, &a, NAME, &other);
    world_settle(&w);
    assert_given(&a, NAME);
    assert_int_equal(sk_fake_images_pulls(w.images), 2);
    publish(&w, NULL); /* it has become public */
    ask(&w, &a, NAME, NULL);
    world_settle(&w);
    assert_given(&a, NAME);
    ask(&w, &a, NAME, &stranger);
    world_settle(&w);
    assert_given(&a, NAME);
    assert_int_equal(sk_fake_images_pulls(w.images), 3);
    world_fini(&w);
}

/* Nobody may use an image that the registry has shown them under another digest. */
static void test_a_tag_that_moved_is_asked_for_anew(void **state)
{
    struct world w;
    struct asked a;

    (void)state;
    fetch_as_robot(&w);
    const struct sk_image_login other = {"ghcr.io", "other", "secret"};
    sk_fake_images_publish(
        w.images,
        &(struct sk_fake_image){.name = NAME, .revision = 2, .username = "other", .password = "secret"});
    ask(&w, &a, NAME, &other);
    world_advance(&w, SK_SEC(2));
    assert_given(&a, NAME);
    ask(&w, &a, NAME, &robot);
    world_settle(&w);
    assert_failed(&a, SK_UNAUTHENTICATED, "401");
    world_fini(&w);
}

/* --- logins of creates -------------------------------------------------------------------------- */

struct vault {
    const char *username; /* NULL: the secret was taken away */
    int asked;
};

static enum sk_code find_login(void *arg, const char *store, const char *path, const char *field,
                               struct sk_arena *arena, const char **out_username, const char **out_password,
                               struct sk_err *err)
{
    struct vault *vault = arg;

    (void)field;
    vault->asked++;
    if (!vault->username)
        return sk_fail(err, SK_FAILED_PRECONDITION, "store %s has no secret %s", store, path);
    *out_username = sk_arena_strdup(arena, vault->username);
    *out_password = sk_arena_strdup(arena, "secret");
    return SK_OK;
}

static void create_private(struct world *w, struct vault *vault, struct answer *created)
{
    struct sk_record *record;

    world_stop(w);
    w->config.secrets = (struct sk_secret_lookup){find_login, vault};
    world_start(w);
    record = world_record(w, "");
    record->spec.image = NAME;
    record->spec.login = (struct sk_login_source){"ghcr.io", "team", "ghcr", ""};
    world_create(w, record, created);
}

static void test_a_create_brings_its_login(void **state)
{
    struct world w;
    struct vault vault = {.username = "robot"};
    struct answer created;

    (void)state;
    world_init(&w);
    publish(&w, "robot");
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
    world_init(&w);
    publish(&w, "robot");
    create_private(&w, &vault, &created);
    world_advance(&w, SK_SEC(5));
    SK_AUTO_FREE char *id = sk_strdup(sk_sandbox_record(created.sandbox)->id);
    world_crash(&w);
    world_start(&w);
    world_advance(&w, SK_SEC(11));
    assert_int_equal(sk_sandbox_record(sk_node_find(w.node, id))->state, SK_STATE_RUNNING);
    assert_int_equal(vault.asked, 2);
    world_fini(&w);
}

static void test_a_secret_that_was_taken_away(void **state)
{
    struct world w;
    struct vault vault = {0};
    struct answer created;

    (void)state;
    world_init(&w);
    publish(&w, "robot");
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

/* --- outages, stops ---------------------------------------------------------------------------------- */

static int no_images(void *arg, const char *call)
{
    const bool *away = arg;
    return *away && !strncmp(call, "image.", 6) ? SK_FAKE_FAIL : SK_FAKE_OK;
}

static void test_a_create_outlasts_a_restart_of_the_runtime(void **state)
{
    struct world w;
    struct answer created;
    struct sk_record *record;
    bool away = true;

    (void)state;
    world_init(&w);
    publish(&w, NULL);
    world_hook(&w, no_images, &away);
    record = world_record(&w, "");
    record->spec.image = NAME;
    world_create(&w, record, &created);
    sk_fake_runtime_away(w.runtime, true);
    world_advance(&w, SK_SEC(3));
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_CREATING);
    away = false;
    sk_fake_runtime_away(w.runtime, false);
    world_advance(&w, SK_SEC(12));
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    world_fini(&w);
}

static void test_a_stop_ends_pulls(void **state)
{
    struct world w;
    struct answer created;
    struct asked a;
    struct sk_record *record;

    (void)state;
    world_init(&w);
    publish(&w, NULL);
    record = world_record(&w, "");
    record->spec.image = NAME;
    world_create(&w, record, &created);
    ask(&w, &a, NAME, NULL); /* somebody who is not told of the stop */
    world_advance(&w, SK_SEC(3));
    SK_AUTO_FREE char *id = sk_strdup(sk_sandbox_record(created.sandbox)->id);
    world_stop(&w);
    assert_failed(&a, SK_UNAVAILABLE, "stopping");
    assert_int_equal(sk_fake_images_pulling(w.images), 0);
    world_start(&w); /* and the next daemon begins anew */
    world_advance(&w, SK_SEC(11));
    assert_int_equal(sk_sandbox_record(sk_node_find(w.node, id))->state, SK_STATE_RUNNING);
    world_fini(&w);
}

/* --- removal ---------------------------------------------------------------------------------------------
 */

static void remove_image(struct world *w, struct answer *answer, const char *name)
{
    answer_init(answer);
    sk_images_remove(sk_node_images(w->node), name, &answer->done);
}

static void test_removal(void **state)
{
    struct world w;
    struct answer removed;
    struct asked a;

    (void)state;
    world_init(&w);
    (void)world_running(&w, NULL);
    remove_image(&w, &removed, "docker.io/library/python:3.11");
    world_settle(&w);
    assert_int_equal(removed.err.code, SK_FAILED_PRECONDITION);
    assert_non_null(strstr(removed.err.text, "in use"));
    remove_image(&w, &removed, "docker.io/library/none:1");
    world_settle(&w);
    assert_int_equal(removed.err.code, SK_NOT_FOUND);
    publish(&w, NULL);
    sk_fake_images_add(w.images, &(struct sk_fake_image){.name = NAME});
    ask_registry(&w, &a, NAME);
    sk_fake_images_publish(w.images, &(struct sk_fake_image){.name = NAME, .revision = 2});
    world_settle(&w);
    remove_image(&w, &removed, NAME);
    world_settle(&w);
    assert_int_equal(removed.err.code, SK_FAILED_PRECONDITION);
    assert_non_null(strstr(removed.err.text, "being pulled"));
    world_advance(&w, SK_SEC(11));
    assert_given(&a, NAME);
    remove_image(&w, &removed, NAME);
    world_settle(&w);
    assert_int_equal(removed.err.code, SK_OK);
    assert_false(sk_fake_images_has(w.images, NAME));
    world_fini(&w);
}

/* Who asks for a name while it goes must not be given what is going. */
static void test_a_create_waits_for_a_removal(void **state)
{
    struct world w;
    struct answer removed;
    struct asked a, cancelled;

    (void)state;
    world_init(&w);
    sk_fake_images_publish(w.images, &(struct sk_fake_image){.name = "docker.io/library/alpine:3"});
    sk_fake_images_calls(w.images)->latency = SK_SEC(1);
    remove_image(&w, &removed, "docker.io/library/alpine:3");
    world_advance(&w, SK_MSEC(1500)); /* it was looked at, and is going */
    ask(&w, &a, "alpine:3", NULL);
    ask(&w, &cancelled, "alpine:3", NULL);
    sk_done_cancel(&cancelled.answer.done);
    world_advance(&w, SK_MSEC(400));
    assert_failed(&cancelled, SK_CANCELLED, "cancelled");
    assert_int_equal(removed.count, 0);
    world_advance(&w, SK_SEC(10));
    assert_int_equal(removed.err.code, SK_OK);
    assert_given(&a, "docker.io/library/alpine:3");
    assert_int_equal(sk_fake_images_pulls(w.images), 1);
    world_fini(&w);
}

/* --- what killed daemons leave
 * ------------------------------------------------------------------------------ */

static void test_litter_of_images_is_taken_away(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    sk_fake_images_litter(w.images, "image lease", "sandkeep-pull-1");
    sk_fake_images_litter(w.images, "image snapshot", "extract-1");
    world_advance(&w, SK_SEC(60));
    assert_int_equal(sk_fake_images_litter_count(w.images), 0);
    world_fini(&w);
}

/* --- sweeps
 * --------------------------------------------------------------------------------------------------- */

static void cancel_by_delete(void *arg)
{
    struct world *w = arg;
    static struct answer deleted;

    if (!sk_list_is_empty(&w->node->sandboxes))
        world_delete(w, sk_list_entry(w->node->sandboxes.next, struct sk_sandbox, link), SK_NS(0), &deleted);
}

static void birth_by_pull(struct sk_sweep *sweep, void *arg)
{
    struct world w;
    struct answer created;
    struct sk_record *record;

    (void)arg;
    world_init(&w);
    publish(&w, NULL);
    world_sweep(&w, sweep);
    sk_sweep_on_cancel(sweep, w.loop, cancel_by_delete, &w);
    record = world_record(&w, "");
    record->spec.image = NAME;
    world_create(&w, record, &created);
    world_advance(&w, SK_SEC(12));
    sk_sweep_pause(sweep, true);
    world_advance(&w, SK_SEC(30));
    if (created.err.code == SK_OK && sweep->flavour == SK_SWEEP_HANG)
        world_advance(&w, SK_SEC(35)); /* past create_limit */
    assert_int_equal(created.count, 1);
    if (sk_sweep_is_clean(sweep))
        assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    if (created.err.code == SK_OK && !sk_state_is_final(sk_sandbox_record(created.sandbox)->state))
        cancel_by_delete(&w);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(sk_fake_images_pulling(w.images), 0);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_sweep(void **state)
{
    (void)state;
    sk_sweep_run(birth_by_pull, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_image_that_is_here_costs_one_look),
        cmocka_unit_test(test_noting_a_use_holds_nobody_up),
        cmocka_unit_test(test_a_hundred_creates_make_one_pull),
        cmocka_unit_test(test_names_are_made_full),
        cmocka_unit_test(test_one_who_leaves_stops_nobody),
        cmocka_unit_test(test_when_all_have_left_the_pull_ends),
        cmocka_unit_test(test_a_deleted_sandbox_ends_in_mid_pull),
        cmocka_unit_test(test_each_create_has_its_own_deadline),
        cmocka_unit_test(test_a_pull_has_a_limit),
        cmocka_unit_test(test_a_failure_is_told_to_all_and_tried_anew),
        cmocka_unit_test(test_progress_is_told),
        cmocka_unit_test(test_progress_without_an_answer_yet),
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
        cmocka_unit_test(test_a_create_outlasts_a_restart_of_the_runtime),
        cmocka_unit_test(test_a_stop_ends_pulls),
        cmocka_unit_test(test_removal),
        cmocka_unit_test(test_a_create_waits_for_a_removal),
        cmocka_unit_test(test_litter_of_images_is_taken_away),
        cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
