/* posts.h: tasks handed over from other threads: a lock-free stack that many
 * push on and one takes from, turned round when it is taken so that each
 * sender's order is kept. */
#ifndef SK_LOOP_POSTS_H
#define SK_LOOP_POSTS_H

#include "loop/loop.h"

#include <stdatomic.h>

/* A zeroed struct is empty. */
struct sk_posts {
    _Atomic(struct sk_post *) stack; /* any thread; newest first */
    struct sk_post *inbox;           /* the taker's; oldest first */
};

/* Any thread. True when the taker has to be woken. */
bool sk_posts_push(struct sk_posts *posts, struct sk_post *post);
/* The taker only, as all below. Runs up to `most` tasks; returns how many ran. */
size_t sk_posts_run(struct sk_posts *posts, size_t most);
bool sk_posts_is_empty(const struct sk_posts *posts);

#endif
