/* What only a real image store can show: configs, tags that move, images that are not all there. */
#include "support/private_containerd.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static enum sk_code ensure_fails(struct private_containerd *p, const char *reference, struct sk_err *err)
{
    struct sk_image *image = NULL;
    struct sk_wait w;
    sk_wait_init(&w, p->loop);
    p->images->ops->find(p->images, reference, &image, &w.done);
    enum sk_code code = sk_wait(&w);
    *err = w.err;
    sk_image_free(image);
    return code;
}

static void test_the_config_is_taken_over(void **state)
{
    struct sk_image *image = sk_test_image(*state, "sandkeep.test/configured");
    assert_non_null(image);
    assert_string_equal(image->user, "worker:extra");
    assert_string_equal(image->working_dir, "/srv/app");
    assert_string_equal(image->entrypoint[0], "/bin/sh");
    assert_string_equal(image->entrypoint[1], "-c");
    assert_null(image->entrypoint[2]);
    assert_string_equal(image->cmd[0], "exit 7");
    assert_string_equal(image->env[1], "FROM_IMAGE=yes");
    assert_int_equal(image->stop_signal, SIGTERM);
    sk_image_free(image);
}

static void test_a_tag_that_moves_is_followed(void **state)
{
    struct private_containerd *p = *state;
    assert_int_equal(sk_test_ctr(p, "images tag docker.io/library/busybox:latest sandkeep.test/moving:1"), 0);
    struct sk_image *before = sk_test_image(p, "sandkeep.test/moving:1");
    assert_int_equal(
        sk_test_ctr(p, "images tag --force sandkeep.test/configured:latest sandkeep.test/moving:1"), 0);
    struct sk_image *after = sk_test_image(p, "sandkeep.test/moving:1");
    assert_non_null(before);
    assert_non_null(after);
    assert_string_not_equal(before->digest, after->digest);
    assert_string_equal(after->user, "worker:extra");
    sk_image_free(before);
    sk_image_free(after);
}

static void test_a_name_that_is_taken_away_is_not_found(void **state)
{
    struct private_containerd *p = *state;
    struct sk_err err;
    assert_int_equal(sk_test_ctr(p, "images tag docker.io/library/busybox:latest sandkeep.test/gone:1"), 0);
    sk_image_free(sk_test_image(p, "sandkeep.test/gone:1"));
    assert_int_equal(sk_test_ctr(p, "images rm sandkeep.test/gone:1"), 0);
    assert_int_equal(ensure_fails(p, "sandkeep.test/gone:1", &err), SK_NOT_FOUND);
}

/* The same layers, imported under another containerd namespace's eyes but not unpacked. */
static void test_an_image_that_is_not_unpacked_is_not_found(void **state)
{
    struct private_containerd *p = *state;
    struct private_containerd other = *p;
    struct sk_err err;
    SK_AUTO_FREE char *import =
        sk_printf("images import --no-unpack --snapshotter native %s/build/images/busybox.tar",
                  sk_test_env("SK_SOURCE", "."));
    snprintf(other.namespace, sizeof(other.namespace), "%.24s-packed", p->namespace);
    assert_int_equal(sk_test_ctr(&other, import), 0);
    assert_int_equal(sk_test_open_driver(&other, 1, &err), SK_OK);
    assert_int_equal(ensure_fails(&other, "busybox", &err), SK_NOT_FOUND);
    assert_non_null(strstr(err.text, "not unpacked"));
    sk_test_close_driver(&other);
    assert_int_equal(sk_test_ctr(&other, "images rm docker.io/library/busybox:latest"), 0);
}

static void test_a_containerd_that_is_away_is_unavailable(void **state)
{
    struct private_containerd *p = *state;
    struct sk_err err;
    assert_int_equal(sk_test_containerd(p, "stop"), 0);
    enum sk_code code = ensure_fails(p, "busybox", &err);
    assert_int_equal(sk_test_containerd(p, "start"), 0);
    assert_int_equal(code, SK_UNAVAILABLE);
    /* The channel finds its way back by itself. */
    for (int i = 0; i < 600 && code != SK_OK; i++) {
        code = ensure_fails(p, "busybox", &err);
        usleep(100000);
    }
    assert_int_equal(code, SK_OK);
}

int main(void)
{
    struct private_containerd p = {0};
    int result = sk_test_up(&p, 1);
    if (result)
        return result;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_the_config_is_taken_over, &p),
        cmocka_unit_test_prestate(test_a_tag_that_moves_is_followed, &p),
        cmocka_unit_test_prestate(test_a_name_that_is_taken_away_is_not_found, &p),
        cmocka_unit_test_prestate(test_an_image_that_is_not_unpacked_is_not_found, &p),
        cmocka_unit_test_prestate(test_a_containerd_that_is_away_is_unavailable, &p),
    };
    return sk_test_down(&p, cmocka_run_group_tests(tests, NULL, NULL));
}
