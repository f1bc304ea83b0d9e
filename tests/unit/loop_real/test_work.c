#include "loop/work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { JOBS = 200 };

struct job {
    struct sk_work work;
    struct sk_done done;
    struct yard *yard;
    pthread_t ran_on;
    int answers;
    enum sk_code code;
    bool fail, again;
};

struct yard {
    struct sk_loop *loop;
    struct job jobs[JOBS];
    atomic_int runs;
    int left;
    pthread_t answered_on;
    struct sk_timer timer;
    bool timer_fired_first;
    atomic_bool timer_fired;
    struct sk_instant ended; /* the slow work */
};

static void run(struct sk_work *work)
{
    struct job *job = sk_container_of(work, struct job, work);
    job->ran_on = pthread_self();
    atomic_fetch_add(&job->yard->runs, 1);
    if (job->fail)
        (void)sk_fail(&work->err, SK_DATA_LOSS, "lost");
}

static void on_done(struct sk_done *done, const struct sk_err *err)
{
    struct job *job = sk_container_of(done, struct job, done);
    struct yard *yard = job->yard;
    job->answers++;
    job->code = err ? err->code : SK_OK;
    yard->answered_on = pthread_self();
    if (job->again) { /* the next piece, from within the answer to the last */
        job->again = job->fail = false;
        sk_done_init(&job->done, on_done);
        sk_work_start(yard->loop, &job->work, run, &job->done);
    } else if (--yard->left == 0) {
        sk_loop_stop(yard->loop);
    }
}

static void start(struct yard *yard, struct job *job)
{
    job->yard = yard;
    yard->left++;
    sk_done_init(&job->done, on_done);
    sk_work_start(yard->loop, &job->work, run, &job->done);
}

static void test_many(void **state)
{
    (void)state;
    struct yard *yard = sk_alloc(sizeof(*yard));
    assert_int_equal(sk_loop_new(&yard->loop, NULL), SK_OK);
    for (int i = 0; i < JOBS; i++) {
        yard->jobs[i].fail = i % 3 == 0;
        yard->jobs[i].again = i % 2 == 0;
        start(yard, &yard->jobs[i]);
        assert_int_equal(yard->jobs[i].answers, 0);
    }
    sk_loop_run(yard->loop);
    assert_int_equal(atomic_load(&yard->runs), JOBS + JOBS / 2);
    assert_true(pthread_equal(yard->answered_on, pthread_self()));
    for (int i = 0; i < JOBS; i++) {
        struct job *job = &yard->jobs[i];
        assert_false(pthread_equal(job->ran_on, pthread_self()));
        assert_int_equal(job->answers, i % 2 == 0 ? 2 : 1);
        /* The error of the first piece is not that of the second. */
        assert_int_equal(job->code, i % 2 && i % 3 == 0 ? SK_DATA_LOSS : SK_OK);
    }
    sk_loop_free(yard->loop);
    free(yard);
}

/* For as long as the loop needs to show that it goes on. */
static void run_slowly(struct sk_work *work)
{
    struct yard *yard = sk_container_of(work, struct job, work)->yard;
    struct timespec pause = {.tv_nsec = 1000 * 1000};
    while (!atomic_load(&yard->timer_fired))
        (void)nanosleep(&pause, NULL);
    run(work);
    yard->ended = sk_clock_boot();
}

static void on_timer(struct sk_timer *timer)
{
    struct yard *yard = sk_container_of(timer, struct yard, timer);
    yard->timer_fired_first = yard->left == 1;
    atomic_store(&yard->timer_fired, true);
}

/* The loop goes on while the work is done; a cancel changes nothing. */
static void test_loop_goes_on(void **state)
{
    (void)state;
    struct yard *yard = sk_alloc(sizeof(*yard));
    assert_int_equal(sk_loop_new(&yard->loop, NULL), SK_OK);
    struct job *job = &yard->jobs[0];
    struct sk_instant began = sk_loop_now(yard->loop);
    job->yard = yard;
    yard->left = 1;
    sk_done_init(&job->done, on_done);
    sk_work_start(yard->loop, &job->work, run_slowly, &job->done);
    sk_timer_start(yard->loop, &yard->timer, sk_instant_add(began, SK_MSEC(5)), on_timer);
    sk_done_cancel(&job->done);
    sk_loop_run(yard->loop);
    assert_true(yard->timer_fired_first);
    assert_int_equal(job->answers, 1);
    assert_int_equal(job->code, SK_OK);
    /* The answer came with the time of its coming. */
    assert_true(sk_loop_now(yard->loop).ns >= yard->ended.ns);
    sk_loop_free(yard->loop);
    free(yard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_loop_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
