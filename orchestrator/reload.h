/* reload.h: the configuration read again while the daemon serves: all of it is
 * read and judged before anything changes, then all of it is swapped in one
 * turn of the loop, or nothing is.
 *
 * Who asks while a reload is under way gets the next one. What only a restart
 * takes over is told by name and stays as it is (config/change.h).
 *
 * Threads: loop only; files are read by the pool (loop/work.h). */
#ifndef SK_RELOAD_H
#define SK_RELOAD_H

#include "api/reloader.h"
#include "config/config.h"
#include "metrics/metrics.h"
#include "reload_parts.h"

struct sk_reload;

/* Heap. config: of the start, borrowed, as parts go on borrowing from it what a reload does not touch;
 * targets and metrics (may be NULL) are borrowed too, and read when a reload is applied. */
struct sk_reload *sk_reload_new(struct sk_loop *loop, struct sk_log *log, const char *path,
                                const struct sk_config *config, const struct sk_reload_targets *targets,
                                struct sk_metrics *metrics);
/* wait may be NULL: nobody waits. */
void sk_reload_start(struct sk_reload *reload, struct sk_reload_wait *wait, struct sk_done *done);
struct sk_reloader sk_reload_base(struct sk_reload *reload);
/* Changes nothing any more: the targets are about to go. Who waits is told so. */
void sk_reload_stop(struct sk_reload *reload);
/* Stopped first. Waits for the pool, frees, then fires. */
void sk_reload_close(struct sk_reload *reload_take, struct sk_done *done);

#endif
