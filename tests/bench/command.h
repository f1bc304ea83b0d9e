/* command.h: how long a command line takes. */
#ifndef SK_BENCH_COMMAND_H
#define SK_BENCH_COMMAND_H

/* "before" and "after" are shell lines around each measured command, not measured; an argument
 * "@", and BENCH_I in those lines, is the number of the round. */
void run_command(const char *name, int n, const char *before, const char *after, char **argv);

#endif
