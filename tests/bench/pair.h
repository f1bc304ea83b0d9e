/* pair.h: commands in turn through two daemons, so that whatever else the
 * machine does falls on both alike. */
#ifndef SK_BENCH_PAIR_H
#define SK_BENCH_PAIR_H

/* n on each; the second is found by SANDKEEP_ADDRESS_2 and SANDKEEP_API_KEY_2. Rows: "first", "second". */
void pair_measure(const char *image, int n);

#endif
