/* One run for many: who is told what, and when, whoever leaves, comes late or comes again. */
#include "loop/flight.h"

#include "support/vloop.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct world;

/* One who waits, and what its callback does. */
struct person {
    struct world *world;
    struct sk_waiter waiter;
    struct sk_done done;
    struct sk_err err;
    int told;
    bool joins_again;
    struct person *cancels; /* this one, when told */
    struct person *frees;   /* heap; told already, or itself */
    struct sk_err *spoils;  /* what the error came in */
};

struct world {
    struct sk_loop *loop;
    struct sk_flights flights;
    /* The runs that were started. */
    struct sk_done *run;
    struct person *starter;
    int starts, cancels;
    bool answers_cancel, cancels_others; /* inside the call that cancels; inside start */
    struct person *people;
};

static void on_cancel(struct sk_done *run)
{
    struct world *w = run->callee;
    struct sk_err cancelled;

    w->cancels++;
    (void)sk_fail(&cancelled, SK_CANCELLED, "the run was cancelled");
    if (w->answers_cancel)
        sk_done_later(w->loop, sk_take(w->run), &cancelled);
}

static void start(void *arg, struct sk_flight *flight, struct sk_done *run)
{
    struct person *p = arg;

    p->world->starts++;
    p->world->starter = p;
    p->world->run = run;
    run->callee = p->world;
    run->cancel = on_cancel;
    flight->user = p->world;
    if (p->world->cancels_others)
        sk_done_cancel(&p->world->people[1].done);
}

static void join(struct person *p);

static void told(struct sk_done *done, const struct sk_err *err)
{
    struct person *p = sk_container_of(done, struct person, done);

    p->told++;
    p->err = err ? *err : (struct sk_err){0};
    if (p->spoils)
        memset(p->spoils, 'x', sizeof(*p->spoils));
    if (p->cancels)
        sk_done_cancel(&p->cancels->done);
    if (p->joins_again) {
        p->joins_again = false;
        join(p);
    }
    if (p->frees)
        free(p->frees);
}

static void join(struct person *p)
{
    sk_done_init(&p->done, told);
    sk_flights_join(&p->world->flights, "key", &p->waiter, start, p, &p->done);
}

#define PEOPLE 4

static int set_up(void **state)
{
    struct world *w = sk_alloc(sizeof(*w));

    w->loop = sk_vloop_new();
    sk_flights_init(&w->flights, w->loop);
    w->people = sk_alloc(PEOPLE * sizeof(*w->people));
    for (size_t i = 0; i < PEOPLE; i++)
        w->people[i].world = w;
    *state = w;
    return 0;
}

/* Nothing is left in the air, and nothing in the loop. */
static int tear_down(void **state)
{
    struct world *w = *state;

    sk_flights_fini(&w->flights);
    sk_loop_free(w->loop);
    free(w->people);
    free(w);
    return 0;
}

static void end_run(struct world *w, enum sk_code code)
{
    struct sk_err err;

    if (code != SK_OK)
        (void)sk_fail(&err, code, "it failed");
    sk_done_later(w->loop, sk_take(w->run), code == SK_OK ? NULL : &err);
    sk_vloop_settle(w->loop);
}

static void one_run_answers_all(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < PEOPLE; i++)
        join(&w->people[i]);
    assert_int_equal(w->starts, 1);
    assert_ptr_equal(w->starter, &w->people[0]);
    for (size_t i = 0; i < PEOPLE; i++)
        assert_ptr_equal(w->people[i].waiter.flight->user, w);
    sk_vloop_settle(w->loop);
    assert_int_equal(w->people[0].told, 0);
    end_run(w, SK_OK);
    for (size_t i = 0; i < PEOPLE; i++) {
        assert_int_equal(w->people[i].told, 1);
        assert_int_equal(w->people[i].err.code, SK_OK);
    }
    assert_int_equal(w->flights.map.len, 0);
}

static void an_error_is_told_to_all(void **state)
{
    struct world *w = *state;
    struct sk_err err;

    for (size_t i = 0; i < PEOPLE; i++)
        join(&w->people[i]);
    (void)sk_fail(&err, SK_NOT_FOUND, "no such image");
    w->people[0].spoils = &err; /* as one does that frees what the run lay in */
    sk_done_fire(sk_take(w->run), &err);
    for (size_t i = 0; i < PEOPLE; i++) {
        assert_int_equal(w->people[i].told, 1);
        assert_int_equal(w->people[i].err.code, SK_NOT_FOUND);
        assert_string_equal(w->people[i].err.text, "no such image");
    }
}

static void keys_fly_apart(void **state)
{
    struct world *w = *state;
    struct sk_done *first;

    join(&w->people[0]);
    first = w->run;
    sk_done_init(&w->people[1].done, told);
    sk_flights_join(&w->flights, "other", &w->people[1].waiter, start, &w->people[1], &w->people[1].done);
    assert_int_equal(w->starts, 2);
    end_run(w, SK_ABORTED);
    assert_int_equal(w->people[1].told, 1);
    assert_int_equal(w->people[0].told, 0);
    sk_done_fire(first, NULL);
    assert_int_equal(w->people[0].told, 1);
}

/* Also the one who started it. */
static void who_is_cancelled_leaves_alone(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < PEOPLE; i++)
        join(&w->people[i]);
    sk_done_cancel(&w->people[0].done);
    sk_done_cancel(&w->people[2].done);
    sk_done_cancel(&w->people[2].done);     /* asked twice */
    assert_int_equal(w->people[0].told, 0); /* never inside the call */
    sk_vloop_settle(w->loop);
    assert_int_equal(w->people[0].told, 1);
    assert_int_equal(w->people[0].err.code, SK_CANCELLED);
    assert_int_equal(w->people[2].told, 1);
    assert_int_equal(w->people[1].told, 0);
    assert_int_equal(w->cancels, 0);
    end_run(w, SK_OK);
    assert_int_equal(w->people[1].told, 1);
    assert_int_equal(w->people[1].err.code, SK_OK);
    assert_int_equal(w->people[3].told, 1);
    assert_int_equal(w->people[0].told, 1);
}

static void the_last_to_leave_cancels_the_run(void **state)
{
    struct world *w = *state;

    w->answers_cancel = true;
    join(&w->people[0]);
    join(&w->people[1]);
    sk_done_cancel(&w->people[0].done);
    assert_int_equal(w->cancels, 0);
    sk_done_cancel(&w->people[1].done);
    assert_int_equal(w->cancels, 1);
    sk_vloop_settle(w->loop);
    assert_int_equal(w->people[0].told, 1);
    assert_int_equal(w->people[1].told, 1);
    assert_int_equal(w->flights.map.len, 0);
}

/* They are answered at once though the run takes its time to end. */
static void who_comes_late_waits_for_the_end_and_starts_anew(void **state)
{
    struct world *w = *state;

    join(&w->people[0]);
    sk_done_cancel(&w->people[0].done);
    sk_vloop_settle(w->loop);
    assert_int_equal(w->people[0].told, 1);
    for (size_t i = 1; i < PEOPLE; i++)
        join(&w->people[i]);
    assert_int_equal(w->starts, 1);
    sk_done_cancel(&w->people[1].done); /* before anything was started for them */
    sk_vloop_settle(w->loop);
    assert_int_equal(w->people[1].told, 1);
    assert_int_equal(w->cancels, 1);
    end_run(w, SK_CANCELLED);
    assert_int_equal(w->starts, 2);
    assert_ptr_equal(w->starter, &w->people[2]);
    assert_int_equal(w->people[2].told, 0); /* the end of the first run is not theirs */
    end_run(w, SK_OK);
    assert_int_equal(w->people[2].told, 1);
    assert_int_equal(w->people[2].err.code, SK_OK);
    assert_int_equal(w->people[3].told, 1);
    assert_int_equal(w->people[0].told, 1);
}

static void nothing_is_started_for_late_ones_who_left(void **state)
{
    struct world *w = *state;

    join(&w->people[0]);
    sk_done_cancel(&w->people[0].done);
    join(&w->people[1]);
    sk_done_cancel(&w->people[1].done);
    end_run(w, SK_OK); /* it did not heed the cancel */
    assert_int_equal(w->starts, 1);
    assert_int_equal(w->people[0].told + w->people[1].told, 2);
    assert_int_equal(w->people[1].err.code, SK_CANCELLED);
}

static void the_second_run_can_be_left_too(void **state)
{
    struct world *w = *state;

    join(&w->people[0]);
    sk_done_cancel(&w->people[0].done);
    join(&w->people[1]);
    end_run(w, SK_CANCELLED);
    assert_int_equal(w->starts, 2);
    w->answers_cancel = true;
    sk_done_cancel(&w->people[1].done);
    sk_vloop_settle(w->loop);
    assert_int_equal(w->cancels, 2);
    assert_int_equal(w->people[1].err.code, SK_CANCELLED);
}

/* The answer is on its way already when the last one leaves. */
static void leaving_after_the_end_changes_nothing_for_the_next(void **state)
{
    struct world *w = *state;

    join(&w->people[0]);
    sk_done_later(w->loop, sk_take(w->run), NULL);
    sk_done_cancel(&w->people[0].done);
    assert_int_equal(w->cancels, 0);
    join(&w->people[1]);
    sk_vloop_settle(w->loop);
    assert_int_equal(w->people[0].told, 1);
    assert_int_equal(w->people[0].err.code, SK_CANCELLED);
    assert_int_equal(w->people[1].told, 0);
    assert_int_equal(w->starts, 2);
    end_run(w, SK_OK);
    assert_int_equal(w->people[1].told, 1);
}

static void who_joins_again_when_told_gets_a_new_run(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < PEOPLE; i++)
        join(&w->people[i]);
    w->people[1].joins_again = w->people[2].joins_again = true;
    end_run(w, SK_UNAVAILABLE);
    assert_int_equal(w->starts, 2);
    assert_ptr_equal(w->starter, &w->people[1]);
    for (size_t i = 0; i < PEOPLE; i++)
        assert_int_equal(w->people[i].told, 1);
    end_run(w, SK_OK);
    assert_int_equal(w->people[1].told, 2);
    assert_int_equal(w->people[2].told, 2);
    assert_int_equal(w->people[3].told, 1);
}

/* The flight is gone by then; what the other one is told is settled. */
static void who_is_told_may_cancel_the_others(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < PEOPLE; i++)
        join(&w->people[i]);
    w->people[0].cancels = &w->people[3];
    w->people[1].cancels = &w->people[0]; /* told already */
    w->people[2].cancels = &w->people[2]; /* being told */
    end_run(w, SK_OK);
    for (size_t i = 0; i < PEOPLE; i++) {
        assert_int_equal(w->people[i].told, 1);
        assert_int_equal(w->people[i].err.code, SK_OK);
    }
    assert_int_equal(w->cancels, 0);
}

static void who_starts_anew_may_cancel_the_others(void **state)
{
    struct world *w = *state;

    join(&w->people[3]);
    sk_done_cancel(&w->people[3].done);
    join(&w->people[0]);
    join(&w->people[1]);
    w->cancels_others = true;
    end_run(w, SK_CANCELLED);
    assert_int_equal(w->starts, 2);
    assert_int_equal(w->people[1].told, 1);
    assert_int_equal(w->people[1].err.code, SK_CANCELLED);
    end_run(w, SK_OK);
    assert_int_equal(w->people[0].told, 1);
    assert_int_equal(w->people[0].err.code, SK_OK);
}

static void who_is_told_may_go_away(void **state)
{
    struct world *w = *state;
    struct person *heap[3];

    for (size_t i = 0; i < sk_array_len(heap); i++) {
        heap[i] = sk_alloc(sizeof(*heap[i]));
        heap[i]->world = w;
        heap[i]->frees = heap[i];
        join(heap[i]);
        join(&w->people[i]);
    }
    sk_done_cancel(&heap[1]->done);
    end_run(w, SK_ABORTED);
    for (size_t i = 0; i < sk_array_len(heap); i++)
        assert_int_equal(w->people[i].told, 1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(one_run_answers_all),
        TEST(an_error_is_told_to_all),
        TEST(keys_fly_apart),
        TEST(who_is_cancelled_leaves_alone),
        TEST(the_last_to_leave_cancels_the_run),
        TEST(who_comes_late_waits_for_the_end_and_starts_anew),
        TEST(nothing_is_started_for_late_ones_who_left),
        TEST(the_second_run_can_be_left_too),
        TEST(leaving_after_the_end_changes_nothing_for_the_next),
        TEST(who_joins_again_when_told_gets_a_new_run),
        TEST(who_is_told_may_cancel_the_others),
        TEST(who_starts_anew_may_cancel_the_others),
        TEST(who_is_told_may_go_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
