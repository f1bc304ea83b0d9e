#include "web/visitors.h"

#include <assert.h>
#include <sys/socket.h>

#define PATIENCE   SK_SEC(30)
#define LOOK_EVERY SK_SEC(5)

static void on_timer(struct sk_timer *timer);

static void look_later(struct sk_visitors *v)
{
    if (!v->timer.slot && !sk_list_is_empty(&v->list))
        sk_timer_start(v->loop, &v->timer, sk_instant_add(sk_loop_now(v->loop), LOOK_EVERY), on_timer);
}

/* The server notices that nothing more will come, and closes. */
static void cut(struct sk_visitors *v, struct sk_visitor *visitor)
{
    if (visitor->is_cut)
        return;
    (void)shutdown(visitor->fd, SHUT_RDWR);
    visitor->is_cut = true;
    v->count--;
}

static struct sk_visitor *first(struct sk_visitors *v, bool is_answered)
{
    sk_list_each(&v->list, link)
    {
        struct sk_visitor *visitor = sk_list_entry(link, struct sk_visitor, link);
        if (!visitor->is_cut && visitor->is_answered == is_answered)
            return visitor;
    }
    return NULL;
}

static void cut_first(struct sk_visitors *v)
{
    struct sk_visitor *visitor = first(v, false);

    cut(v, visitor ? visitor : first(v, true));
}

static void on_timer(struct sk_timer *timer)
{
    struct sk_visitors *v = sk_container_of(timer, struct sk_visitors, timer);
    struct sk_instant now = sk_loop_now(v->loop);

    sk_list_each(&v->list, link)
    {
        struct sk_visitor *visitor = sk_list_entry(link, struct sk_visitor, link);
        if (sk_instant_diff(now, visitor->since).ns >= PATIENCE.ns)
            cut(v, visitor);
    }
    look_later(v);
}

void sk_visitors_init(struct sk_visitors *v, struct sk_loop *loop)
{
    *v = (struct sk_visitors){.loop = loop};
    sk_list_init(&v->list);
}

void sk_visitors_fini(struct sk_visitors *v)
{
    assert(sk_list_is_empty(&v->list));
    sk_timer_stop(v->loop, &v->timer);
}

struct sk_visitor *sk_visitors_enter(struct sk_visitors *v, int fd)
{
    struct sk_visitor *visitor = sk_alloc(sizeof(*visitor));

    if (v->count == SK_VISITORS_MAX)
        cut_first(v);
    v->count++;
    visitor->fd = fd;
    visitor->since = sk_loop_now(v->loop);
    sk_list_append(&v->list, &visitor->link);
    look_later(v);
    return visitor;
}

void sk_visitor_answer(struct sk_visitor *visitor)
{
    visitor->is_answered = true;
}

void sk_visitors_served(struct sk_visitors *v, struct sk_visitor *visitor)
{
    visitor->is_answered = false;
    visitor->since = sk_loop_now(v->loop);
    sk_list_remove(&visitor->link);
    sk_list_append(&v->list, &visitor->link);
}

void sk_visitors_leave(struct sk_visitors *v, struct sk_visitor *visitor)
{
    sk_list_remove(&visitor->link);
    if (!visitor->is_cut)
        v->count--;
    if (sk_list_is_empty(&v->list))
        sk_timer_stop(v->loop, &v->timer);
    free(visitor);
}
