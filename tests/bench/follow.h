/* follow.h: how long a line takes from a sandbox's print to a follower of its log. */
#ifndef SK_BENCH_FOLLOW_H
#define SK_BENCH_FOLLOW_H

/* n lines. image: one with python, which prints the clock that both ends share. */
void follow_measure(const char *image, int n);

#endif
