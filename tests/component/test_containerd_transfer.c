/* containerd fetches by itself (config key containerd_transfer): from registries with TLS and logins, which
 * it asks us for. Skipped where it has no Transfer service. */
#include "drivers/images/images.h"
#include "drivers/registry/registry.h"
#include "support/private_containerd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define USER     "robot" /* as in support/registry/registries.py */
#define PASSWORD "right horse"
#define GIB      (INT64_C(1) << 30)

struct rig {
    struct private_containerd p;
    struct sk_registry *registry;
    struct sk_images_driver *driver;
    struct sk_image_driver *images;
    struct sk_image_progress progress;
    char dir[64];
    char basic[32], token[32]; /* hosts */
    pid_t server;
    int life; /* the registries live as long as this is open */
    struct sk_err said;
};

/* --- registries -------------------------------------------------------------------- */

static pid_t spawn_registries(struct rig *r, int *out_said)
{
    SK_AUTO_FREE char *script =
        sk_printf("%s/tests/support/registry/registries.py", sk_test_env("SK_SOURCE", "."));
    int in[2], out[2];

    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execlp("python3", "python3", script, r->dir, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    r->life = in[1];
    *out_said = out[0];
    return pid;
}

static bool start_registries(struct rig *r)
{
    char plain[32];
    int said;

    snprintf(r->dir, sizeof(r->dir), "/tmp/sktest-registries-XXXXXX");
    if (!mkdtemp(r->dir))
        return false;
    r->server = spawn_registries(r, &said);
    if (r->server < 0)
        return false;
    SK_AUTO_FILE FILE *lines = fdopen(said, "r");
    return fscanf(lines, "plain %31s basic %31s token %31s", plain, r->basic, r->token) == 3;
}

static bool fill(const char *host, const char *name)
{
    SK_AUTO_FREE char *image = sk_printf("%s/build/images/busybox.tar", sk_test_env("SK_SOURCE", "."));
    SK_AUTO_FREE char *copy =
        sk_printf("skopeo --insecure-policy copy -q --dest-tls-verify=false --dest-creds '" USER ":" PASSWORD
                  "' oci-archive:%s docker://%s/%s",
                  image, host, name);

    return system(copy) == 0;
}

static void stop_registries(struct rig *r)
{
    SK_AUTO_FREE char *command = sk_printf("rm -rf %s", r->dir);

    close(r->life);
    (void)waitpid(r->server, NULL, 0);
    (void)!system(command);
}

/* --- pulls --------------------------------------------------------------------------- */

static bool open_images(struct rig *r)
{
    const struct sk_image_login login = {r->basic, USER, PASSWORD}; /* the node's own */
    const struct sk_registry_options registry = {.loop = r->p.loop,
                                                 .log = &r->p.log,
                                                 .logins = &login,
                                                 .login_count = 1,
                                                 .proxy = "",
                                                 .max_connections = 4};
    if (sk_registry_new(&registry, &r->registry, NULL) != SK_OK)
        return false;
    const struct sk_images_options images = {.loop = r->p.loop,
                                             .log = &r->p.log,
                                             .content = sk_containerd_content(r->p.driver),
                                             .registry = r->registry,
                                             .machine = "x86_64",
                                             .layers_at_once = 2,
                                             .transfer = true};
    r->driver = sk_images_driver_new(&images);
    r->images = sk_images_driver_base(r->driver);
    return true;
}

static void close_images(struct rig *r)
{
    struct sk_wait w;

    sk_wait_init(&w, r->p.loop);
    sk_images_driver_close(r->driver, &w.done);
    (void)sk_wait(&w);
    sk_registry_free(r->registry);
}

static enum sk_code pull(struct rig *r, const char *name, const struct sk_image_login *login,
                         int64_t max_bytes, struct sk_image **out_image)
{
    const struct sk_image_pull ask = {.name = name,
                                      .login = login,
                                      .puller = login ? "somebody" : "",
                                      .max_bytes = max_bytes,
                                      .progress = &r->progress};
    struct sk_wait w;
    enum sk_code code;

    sk_wait_init(&w, r->p.loop);
    r->images->ops->pull(r->images, &ask, out_image, &w.done);
    code = sk_wait(&w);
    r->said = w.err;
    return code;
}

static enum sk_code find(struct rig *r, const char *name, struct sk_image **out_image)
{
    struct sk_wait w;

    sk_wait_init(&w, r->p.loop);
    r->images->ops->find(r->images, name, out_image, &w.done);
    return sk_wait(&w);
}

/* Names on the node that the tests did not bring, and litter. */
static size_t strange_now(struct rig *r)
{
    struct sk_litter_list litter;
    struct sk_wait w;
    size_t count;

    sk_wait_init(&w, r->p.loop);
    r->images->ops->list_litter(r->images, &litter, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    count = litter.len;
    free(litter.items);
    return count + (sk_test_ctr(&r->p, "images ls -q | grep sandkeep-transfer") == 0);
}

/* A pull that succeeded lets go of its lease behind its answer. */
static size_t strange_things(struct rig *r)
{
    size_t count = strange_now(r);

    for (int i = 0; i < 3000 && count > 0; i++, usleep(20000))
        count = strange_now(r);
    return count;
}

static void assert_is_here(struct rig *r, const char *name, const char *puller)
{
    struct sk_image *image = NULL;

    assert_int_equal(find(r, name, &image), SK_OK);
    assert_string_equal(image->puller, puller);
    assert_memory_equal(image->snapshot_parent, "sha256:", 7);
    sk_image_free(image);
}

static void assert_is_not_here(struct rig *r, const char *name)
{
    struct sk_image *image = NULL;

    assert_int_equal(find(r, name, &image), SK_NOT_FOUND);
    assert_int_equal(strange_things(r), 0);
}

/* --- tests ------------------------------------------------------------------------------ */

static void test_it_pulls_with_a_login_of_the_callers(void **state)
{
    struct rig *r = *state;
    SK_AUTO_FREE char *name = sk_printf("%s/private/box:1", r->token);
    const struct sk_image_login login = {r->token, USER, PASSWORD};
    struct sk_image *image = NULL;

    assert_int_equal(pull(r, name, &login, GIB, &image), SK_OK);
    assert_string_equal(image->name, name);
    assert_string_equal(image->puller, "somebody");
    sk_image_free(image);
    assert_int_equal(r->progress.phase, SK_IMAGE_DONE);
    assert_true(r->progress.total_bytes > 0);
    assert_int_equal(r->progress.done_bytes, r->progress.total_bytes);
    assert_is_here(r, name, "somebody");
    assert_int_equal(strange_things(r), 0);
}

static void test_it_pulls_with_the_nodes_login(void **state)
{
    struct rig *r = *state;
    SK_AUTO_FREE char *name = sk_printf("%s/private/box:1", r->basic);

    for (int i = 0; i < 2; i++) { /* the second time all of it is there */
        struct sk_image *image = NULL;
        assert_int_equal(pull(r, name, NULL, GIB, &image), SK_OK);
        sk_image_free(image);
    }
    assert_is_here(r, name, "");
    const struct sk_image_login login = {r->basic, USER, PASSWORD};
    struct sk_image *image = NULL;
    assert_int_equal(pull(r, name, &login, GIB, &image), SK_OK);
    sk_image_free(image);
    assert_is_here(r, name, ""); /* what was everybody's stays so */
    assert_int_equal(strange_things(r), 0);
}

static void test_a_login_is_told_to_its_own_registry_alone(void **state)
{
    struct rig *r = *state;
    SK_AUTO_FREE char *name = sk_printf("%s/private/other:1", r->token);
    const struct sk_image_login login = {r->basic, USER, PASSWORD};
    struct sk_image *image = NULL;

    assert_int_equal(pull(r, name, &login, GIB, &image), SK_UNAUTHENTICATED);
    assert_is_not_here(r, name);
}

static void test_a_wrong_login_is_refused(void **state)
{
    struct rig *r = *state;
    SK_AUTO_FREE char *name = sk_printf("%s/private/other:1", r->basic);
    const struct sk_image_login login = {r->basic, USER, "wrong horse"};
    struct sk_image *image = NULL;

    assert_int_equal(pull(r, name, &login, GIB, &image), SK_UNAUTHENTICATED);
    assert_null(strstr(r->said.text, "wrong horse"));
    assert_is_not_here(r, name);
}

static void test_what_is_not_there_is_not_found(void **state)
{
    struct rig *r = *state;
    SK_AUTO_FREE char *name = sk_printf("%s/private/none:1", r->basic);
    struct sk_image *image = NULL;

    assert_int_equal(pull(r, name, NULL, GIB, &image), SK_NOT_FOUND);
    assert_non_null(strstr(r->said.text, name));
    assert_is_not_here(r, name);
}

static void test_nobody_is_there(void **state)
{
    struct rig *r = *state;
    struct sk_image *image = NULL;

    assert_int_equal(pull(r, "127.0.0.1:1/box:1", NULL, GIB, &image), SK_UNAVAILABLE);
    assert_is_not_here(r, "127.0.0.1:1/box:1");
}

static void test_what_is_too_large_gets_no_name(void **state)
{
    struct rig *r = *state;
    SK_AUTO_FREE char *name = sk_printf("%s/private/other:1", r->basic);
    struct sk_image *image = NULL;

    assert_int_equal(pull(r, name, NULL, 1000, &image), SK_RESOURCE_EXHAUSTED);
    assert_is_not_here(r, name);
}

struct later {
    struct sk_timer timer;
    struct sk_done *done;
};

static void cancel_it(struct sk_timer *timer)
{
    sk_done_cancel(sk_container_of(timer, struct later, timer)->done);
}

static void test_it_can_be_cancelled_at_any_time(void **state)
{
    struct rig *r = *state;
    SK_AUTO_FREE char *name = sk_printf("%s/private/other:1", r->basic);
    const struct sk_image_pull ask = {.name = name, .puller = "", .max_bytes = GIB, .progress = &r->progress};

    for (int i = 0; i < 12; i++) {
        struct sk_image *image = NULL;
        struct sk_wait w;
        struct later later = {.done = &w.done};
        sk_wait_init(&w, r->p.loop);
        r->images->ops->pull(r->images, &ask, &image, &w.done);
        sk_timer_start(r->p.loop, &later.timer, sk_instant_add(sk_loop_now(r->p.loop), SK_MSEC(2 << (i / 2))),
                       cancel_it);
        enum sk_code code = sk_wait(&w);
        sk_timer_stop(r->p.loop, &later.timer);
        assert_true(code == SK_CANCELLED || code == SK_OK);
        sk_image_free(image);
    }
    assert_int_equal(strange_things(r), 0);
}

/* 0, or what main returns. */
static int check_service(struct rig *r)
{
    SK_AUTO_FREE char *name = sk_printf("%s/private/box:1", r->basic);
    struct sk_image *image = NULL;
    enum sk_code code = pull(r, name, NULL, 1, &image);

    if (code == SK_FAILED_PRECONDITION && strstr(r->said.text, "has no Transfer service (1.7 or later)")) {
        printf("SKIPPED: this containerd has no Transfer service\n");
        return SK_TEST_SKIP;
    }
    return code == SK_RESOURCE_EXHAUSTED ? 0 : 1;
}

static int run_all(struct rig *r)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_a_login_is_told_to_its_own_registry_alone, r),
        cmocka_unit_test_prestate(test_a_wrong_login_is_refused, r),
        cmocka_unit_test_prestate(test_what_is_not_there_is_not_found, r),
        cmocka_unit_test_prestate(test_nobody_is_there, r),
        cmocka_unit_test_prestate(test_what_is_too_large_gets_no_name, r),
        cmocka_unit_test_prestate(test_it_pulls_with_a_login_of_the_callers, r),
        cmocka_unit_test_prestate(test_it_pulls_with_the_nodes_login, r),
        cmocka_unit_test_prestate(test_it_can_be_cancelled_at_any_time, r),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    struct rig r = {0};
    int result;

    if (system("command -v docker-registry skopeo openssl python3 >/dev/null") != 0) {
        printf("SKIPPED: docker-registry, skopeo, openssl or python3 is not installed\n");
        return SK_TEST_SKIP;
    }
    if (sk_test_why_not())
        return sk_test_up(&r.p, 1);
    bool runs = start_registries(&r);
    SK_AUTO_FREE char *ca = sk_printf("%s/ca.pem", r.dir);
    setenv("SSL_CERT_FILE", ca, 1); /* for containerd, which has no other way to be told */
    result = runs ? sk_test_up(&r.p, 1) : 1;
    if (result == 0) {
        bool is_full = fill(r.basic, "private/box:1") && fill(r.basic, "private/other:1") &&
                       fill(r.token, "private/box:1") && fill(r.token, "private/other:1");
        result = is_full && open_images(&r) ? check_service(&r) : 1;
        if (result == 0)
            result = run_all(&r);
        if (r.driver)
            close_images(&r);
        result = sk_test_down(&r.p, result);
    }
    stop_registries(&r);
    return result;
}
