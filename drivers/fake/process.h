/* process.h: a process of the fake guest: a small script run on the loop,
 * with real pipes or a real terminal, so that everything above meets real end-of-files, full
 * pipes and broken pipes.
 *
 * By the last part of argv[0]: true, false, cat, env, pwd, tail (waits for
 * ever), `echo WORDS`, `sleep SECONDS|infinity`, `yes BYTES`, sh (waits; a
 * SIGTERM makes it exit 0), stty (the size of its terminal), and `play STEPS`, each argument one step:
 *   out:TEXT err:TEXT   writes, and goes on when all is written
 *   hex:C3A9            the same with bytes, to stdout
 *   fill:N              N bytes "x" to stdout
 *   sleep:SECONDS       fractions allowed; "infinity" waits
 *   fork:SECONDS        leaves a child behind that holds the pipes that long
 *   chatter:SECONDS     that child writes a byte to stdout this often
 *   trap:SIGNAL:STATUS  exits with STATUS on SIGNAL; no STATUS = ignores it
 *   size                "ROWS COLUMNS" of its terminal to stdout, and a newline
 *   cat                 copies stdin to stdout until end of file
 *   exit:STATUS kill:SIGNAL
 * The end of the script is exit 0. Anything else is not found. */
#ifndef SK_FAKE_PROCESS_H
#define SK_FAKE_PROCESS_H

#include "drivers/agent.h"

struct sk_fake_process;

/* Whether the fake guest could start it; does not consume descriptors. */
SK_MUST_CHECK enum sk_code sk_fake_process_check(const struct sk_process *process, struct sk_err *err);
/* Starts in the next turn; consumes the process's own three descriptors.
 * on_exit fires once, in a later turn. Heap. */
struct sk_fake_process *sk_fake_process_new(struct sk_loop *loop, const struct sk_process *process,
                                            void (*on_exit)(void *arg, int status), void *arg);
/* tree: also what fork: left behind. */
void sk_fake_process_signal(struct sk_fake_process *process, int signo, bool tree);
/* Ends it from outside, as if it had called exit. */
void sk_fake_process_exit(struct sk_fake_process *process, int status);
bool sk_fake_process_is_alive(const struct sk_fake_process *process);
/* Whether a child left behind still holds the pipes. */
bool sk_fake_process_left_child(const struct sk_fake_process *process);
/* Closes everything at once, silently. NULL is fine. */
void sk_fake_process_free(struct sk_fake_process *process);

#endif
