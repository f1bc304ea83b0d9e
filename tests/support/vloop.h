/* vloop.h: the loop of loop.h without libuv, for tests: time moves only when
 * a test moves it, so that a week passes in a millisecond and every run is
 * the same. Programs that link this get its sk_loop_*, sk_timer_*, sk_watch_*
 * and sk_signal_* instead of those in loop.c.
 *
 * A turn runs, in this order: posts, descriptors that are ready now, timers
 * that are due, tasks that were queued before the turn's tasks began.
 *
 *     struct sk_loop *loop = sk_vloop_new();
 *     start_something(loop, &done);
 *     sk_vloop_settle(loop);               // everything that needs no time
 *     sk_vloop_advance(loop, SK_SEC(30));  // timer by timer
 *     assert_true(sk_vloop_is_empty(loop));
 *     sk_loop_free(loop);
 */
#ifndef SK_TESTS_VLOOP_H
#define SK_TESTS_VLOOP_H

#include "loop/loop.h"

/* Never NULL; free with sk_loop_free, which asserts that nothing is left. */
struct sk_loop *sk_vloop_new(void);
/* One turn; returns whether anything ran. */
bool sk_vloop_turn(struct sk_loop *loop);
/* Turns until nothing happens; time stands still. Aborts, with a sentence,
 * when that does not end (something keeps queuing itself). */
void sk_vloop_settle(struct sk_loop *loop);
/* Lets `by` pass, stopping at every timer on the way; settles before, at each
 * stop and at the end. The wall clock goes along. */
void sk_vloop_advance(struct sk_loop *loop, struct sk_duration by);
/* The machine stands still for `by`: timers that are due by then come before
 * descriptors that have long been ready, as they may when the loop hears of
 * all at once. Then settles. */
void sk_vloop_stall(struct sk_loop *loop, struct sk_duration by);
/* Waits, in real time and at most `real_ms`, for a watched descriptor or a
 * post from another thread, then settles. False when the time ran out. */
bool sk_vloop_wait_fd(struct sk_loop *loop, int real_ms);
/* No task, post, timer, watch or signal is left. */
bool sk_vloop_is_empty(const struct sk_loop *loop);
/* Somebody sets the clock on the wall; instants do not notice. */
void sk_vloop_jump_wall(struct sk_loop *loop, struct sk_duration by);
/* Delivers a process signal to whoever watches it, within the call. */
void sk_vloop_raise(struct sk_loop *loop, int signo);

#endif
