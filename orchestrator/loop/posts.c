#include "loop/posts.h"

bool sk_posts_push(struct sk_posts *posts, struct sk_post *post)
{
    struct sk_post *top = atomic_load_explicit(&posts->stack, memory_order_relaxed);
    do {
        post->next = top;
    } while (!atomic_compare_exchange_weak_explicit(&posts->stack, &top, post, memory_order_release,
                                                    memory_order_relaxed));
    return top == NULL; /* whoever pushed on an empty stack wakes for all that follow */
}

/* Empties the stack, oldest first. */
static struct sk_post *take_all(struct sk_posts *posts)
{
    struct sk_post *newest = atomic_exchange_explicit(&posts->stack, NULL, memory_order_acquire);
    struct sk_post *oldest = NULL;
    while (newest) {
        struct sk_post *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

size_t sk_posts_run(struct sk_posts *posts, size_t most)
{
    size_t ran = 0;
    for (; ran < most; ran++) {
        if (!posts->inbox)
            posts->inbox = take_all(posts);
        struct sk_post *post = posts->inbox;
        if (!post)
            break;
        posts->inbox = post->next; /* first: the task may free itself */
        post->fn(post);
    }
    return ran;
}

bool sk_posts_is_empty(const struct sk_posts *posts)
{
    return !posts->inbox && !atomic_load_explicit(&posts->stack, memory_order_acquire);
}
