/* journal_pipe.h: out of a pipe that never waits. Private to store/. */
#ifndef SK_STORE_JOURNAL_PIPE_H
#define SK_STORE_JOURNAL_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* All three: bytes moved; 0 = no writer is left; -1 with errno, EAGAIN = nothing there now. */

/* Moves at most `max` bytes to `place` of a file. On file systems that know no splice(2) the bytes are
 * copied, at most 64 KiB at once, and a kill at the worst moment doubles what is being copied; it is never
 * lost. */
ssize_t sk_pipe_move(int pipe_fd, int file, uint64_t place, size_t max);
/* Throws away at most `max` bytes. */
ssize_t sk_pipe_skip(int pipe_fd, size_t max);
/* Moves nothing: 1 = there are bytes. */
ssize_t sk_pipe_look(int pipe_fd);

#endif
