#include "loop/done.h"
#include "support/vloop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct answer {
    struct sk_done done;
    struct sk_err err;
    int count, cancels;
};

static void answered(struct sk_done *done, const struct sk_err *err)
{
    struct answer *answer = sk_container_of(done, struct answer, done);
    answer->count++;
    answer->err = err ? *err : (struct sk_err){0};
}

static void note_cancel(struct sk_done *done)
{
    sk_container_of(done, struct answer, done)->cancels++;
}

static void test_later(void **state)
{
    (void)state;
    struct sk_loop *loop = sk_vloop_new();
    struct answer well = {0}, ill = {0};
    struct sk_err err;
    sk_done_init(&well.done, answered);
    sk_done_init(&ill.done, answered);
    sk_done_later(loop, &well.done, NULL);
    (void)!sk_fail(&err, SK_ABORTED, "no");
    sk_done_later(loop, &ill.done, &err);
    err = (struct sk_err){0}; /* it was copied */
    assert_int_equal(well.count + ill.count, 0);
    assert_true(sk_vloop_turn(loop));
    assert_int_equal(well.count, 1);
    assert_int_equal(well.err.code, SK_OK);
    assert_int_equal(ill.count, 1);
    assert_int_equal(ill.err.code, SK_ABORTED);
    assert_string_equal(ill.err.text, "no");
    assert_false(sk_vloop_turn(loop));
    sk_loop_free(loop);
}

static void free_whole(struct sk_done *done, const struct sk_err *err)
{
    free(sk_container_of(done, struct answer, done));
    assert_string_equal(err->text, "gone"); /* the error outlives the struct it came in */
}

static void test_freed_inside(void **state)
{
    (void)state;
    struct sk_loop *loop = sk_vloop_new();
    struct answer *answer = sk_alloc(sizeof(*answer));
    struct sk_err err;
    (void)!sk_fail(&err, SK_ABORTED, "gone");
    sk_done_init(&answer->done, free_whole);
    sk_done_later(loop, &answer->done, &err);
    sk_vloop_settle(loop);
    sk_loop_free(loop);
}

static void test_cancel(void **state)
{
    (void)state;
    struct answer answer = {0};
    sk_done_init(&answer.done, answered);
    sk_done_cancel(&answer.done); /* nobody to ask */
    answer.done.cancel = note_cancel;
    sk_done_cancel(&answer.done);
    sk_done_cancel(&answer.done);
    assert_int_equal(answer.cancels, 1);
    assert_int_equal(answer.count, 0); /* asking is not answering */
    answer.done.cancel = note_cancel;
    sk_done_fire(&answer.done, NULL);
    sk_done_cancel(&answer.done);
    assert_int_equal(answer.cancels, 1);
    assert_int_equal(answer.count, 1);
}

static void test_cancel_when_later(void **state)
{
    (void)state;
    struct sk_loop *loop = sk_vloop_new();
    struct answer answer = {0};
    sk_done_init(&answer.done, answered);
    answer.done.cancel = note_cancel;
    sk_done_later(loop, &answer.done, NULL);
    sk_done_cancel(&answer.done); /* the answer is already on its way */
    assert_int_equal(answer.cancels, 0);
    sk_vloop_settle(loop);
    assert_int_equal(answer.count, 1);
    sk_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_freed_inside),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_when_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
