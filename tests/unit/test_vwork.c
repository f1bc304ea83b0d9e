/* The virtual loop's end of work.h. */
#include "loop/work.h"
#include "support/vloop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct job {
    struct sk_loop *loop;
    struct sk_work work;
    struct sk_done done;
    int runs, answers, pieces;
    enum sk_code code;
};

static void run(struct sk_work *work)
{
    struct job *job = sk_container_of(work, struct job, work);
    if (++job->runs == 3)
        (void)sk_fail(&work->err, SK_DATA_LOSS, "lost");
}

static void on_done(struct sk_done *done, const struct sk_err *err)
{
    struct job *job = sk_container_of(done, struct job, done);
    job->answers++;
    job->code = err ? err->code : SK_OK;
    if (err || job->runs == job->pieces)
        return;
    sk_done_init(&job->done, on_done);
    sk_work_start(job->loop, &job->work, run, &job->done);
}

static void run_job(struct job *job)
{
    job->loop = sk_vloop_new();
    sk_done_init(&job->done, on_done);
    sk_work_start(job->loop, &job->work, run, &job->done);
    sk_done_cancel(&job->done);
}

static void test_a_turn_each(void **state)
{
    (void)state;
    struct job job = {.pieces = 2};
    run_job(&job);
    assert_int_equal(job.runs, 0);
    assert_false(sk_vloop_is_empty(job.loop));
    assert_true(sk_vloop_turn(job.loop));
    assert_int_equal(job.runs, 1);
    assert_int_equal(job.answers, 1);
    sk_vloop_settle(job.loop);
    assert_int_equal(job.answers, 2);
    assert_int_equal(job.code, SK_OK);
    sk_loop_free(job.loop);
}

static void test_error(void **state)
{
    (void)state;
    struct job job = {.pieces = 5};
    run_job(&job);
    sk_vloop_settle(job.loop);
    assert_int_equal(job.answers, 3);
    assert_int_equal(job.code, SK_DATA_LOSS);
    sk_loop_free(job.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_turn_each),
        cmocka_unit_test(test_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
