/* calls.h: any unary call, its request as bytes from standard input, again and again. */
#ifndef SK_BENCH_CALLS_H
#define SK_BENCH_CALLS_H

/* Prints "calls <tab> calls a second". */
void calls_measure(const char *path, int total, int width);

#endif
