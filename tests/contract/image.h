/* image.h: the suite of the image contract (drivers/image.h), run on every
 * driver. A program that includes it opens a driver, fills in a struct
 * image_suite, and calls run_image_suite(). */
#ifndef SK_CONTRACT_IMAGE_H
#define SK_CONTRACT_IMAGE_H

#include "drivers/image.h"
#include "support/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct image_suite {
    struct sk_loop *loop;
    struct sk_image_driver *driver;
    const char *known;      /* short name of an image that is there */
    const char *known_full; /* its full name */
};

static enum sk_code ensure(struct image_suite *s, const char *reference, struct sk_image **out_image,
                           struct sk_err *err)
{
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->driver->ops->find(s->driver, reference, out_image, &w.done);
    enum sk_code code = sk_wait(&w);
    *err = w.err;
    return code;
}

static struct sk_image *ensure_ok(struct image_suite *s, const char *reference)
{
    struct sk_image *image = NULL;
    struct sk_err err;
    assert_int_equal(ensure(s, reference, &image, &err), SK_OK);
    assert_non_null(image);
    return image;
}

static void assert_refused(struct image_suite *s, const char *reference, enum sk_code code,
                           struct sk_err *err)
{
    struct sk_image *image = NULL;
    assert_int_equal(ensure(s, reference, &image, err), code);
    assert_null(image); /* untouched */
}

static void test_a_known_image_is_described(void **state)
{
    struct image_suite *s = *state;
    struct sk_image *image = ensure_ok(s, s->known);
    assert_string_equal(image->name, s->known_full);
    assert_int_equal(strncmp(image->digest, "sha256:", 7), 0);
    assert_true(*image->snapshot_parent != '\0');
    assert_non_null(image->entrypoint);
    assert_non_null(image->cmd);
    assert_non_null(image->env);
    for (char **entry = image->env; *entry; entry++)
        assert_non_null(strchr(*entry, '='));
    assert_non_null(image->working_dir);
    assert_non_null(image->user);
    assert_true(image->stop_signal > 0);
    sk_image_free(image);
}

static void test_each_answer_is_the_callers_own(void **state)
{
    struct image_suite *s = *state;
    struct sk_image *first = ensure_ok(s, s->known), *second = ensure_ok(s, s->known_full);
    assert_ptr_not_equal(first, second);
    assert_ptr_not_equal(first->name, second->name);
    assert_string_equal(first->digest, second->digest);
    sk_image_free(first);
    assert_string_equal(second->name, s->known_full);
    sk_image_free(second);
}

static void test_an_unknown_image_is_named_in_full(void **state)
{
    struct sk_err err;
    assert_refused(*state, "nobody/has-this:1", SK_NOT_FOUND, &err);
    assert_non_null(strstr(err.text, "docker.io/nobody/has-this:1"));
}

static void test_nonsense_is_no_reference(void **state)
{
    static const char *const rows[] = {
        "", "UPPER CASE", "a b", "python:", "\n", "../../etc/passwd", "python@sha256:1"};
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        struct sk_err err;
        assert_refused(*state, rows[i], SK_INVALID_ARGUMENT, &err);
        assert_true(*err.text != '\0');
    }
}

#define CROWD 8

static void test_many_at_once(void **state)
{
    struct image_suite *s = *state;
    struct sk_image *images[CROWD] = {NULL};
    struct sk_wait w[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        sk_wait_init(&w[i], s->loop);
        s->driver->ops->find(s->driver, s->known, &images[i], &w[i].done);
    }
    for (size_t i = 0; i < CROWD; i++) {
        assert_true(sk_wait_until(s->loop, &w[i].fired, SK_SEC(60)));
        assert_int_equal(w[i].err.code, SK_OK);
        assert_string_equal(images[i]->name, s->known_full);
        sk_image_free(images[i]);
    }
}

static void test_cancelling_is_answered_once(void **state)
{
    struct image_suite *s = *state;
    struct sk_image *image = NULL;
    struct sk_wait w;
    sk_wait_init(&w, s->loop);
    s->driver->ops->find(s->driver, s->known, &image, &w.done);
    sk_done_cancel(&w.done);
    enum sk_code code = sk_wait(&w);
    assert_true(code == SK_CANCELLED || code == SK_OK);
    assert_int_equal(image != NULL, code == SK_OK);
    sk_image_free(image);
}

static int run_image_suite(struct image_suite *s)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_a_known_image_is_described, s),
        cmocka_unit_test_prestate(test_cancelling_is_answered_once, s),
        cmocka_unit_test_prestate(test_each_answer_is_the_callers_own, s),
        cmocka_unit_test_prestate(test_an_unknown_image_is_named_in_full, s),
        cmocka_unit_test_prestate(test_nonsense_is_no_reference, s),
        cmocka_unit_test_prestate(test_many_at_once, s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
