/* visitors.h: who is connected, and for how long they have let us wait for a
 * whole request. A limit of idleness alone lets those stay who send one byte
 * now and then, until there is no room for anybody else; and so that a crowd
 * keeps nobody out, whoever has let us wait longest goes for who comes: of
 * those who are being answered only when there is nobody else.
 *
 * Threads: loop only. */
#ifndef SK_WEB_VISITORS_H
#define SK_WEB_VISITORS_H

#include "loop/loop.h"

/* So many are let be; it takes a moment until those are gone who make room for others. */
#define SK_VISITORS_MAX 48

struct sk_visitor {
    struct sk_list link;
    int fd;                  /* borrowed */
    struct sk_instant since; /* the connection, or its last answer */
    bool is_answered;        /* an answer is on its way */
    bool is_cut;             /* its end is still to be noticed */
};

struct sk_visitors {
    struct sk_loop *loop;
    struct sk_list list; /* who has let us wait longest first */
    size_t count;        /* of them, without those who are cut */
    struct sk_timer timer;
};

void sk_visitors_init(struct sk_visitors *visitors, struct sk_loop *loop);
/* Nobody is left. */
void sk_visitors_fini(struct sk_visitors *visitors);
/* Heap, the list's until it leaves. */
struct sk_visitor *sk_visitors_enter(struct sk_visitors *visitors, int fd);
/* Its answer begins. */
void sk_visitor_answer(struct sk_visitor *visitor);
/* It has had an answer. */
void sk_visitors_served(struct sk_visitors *visitors, struct sk_visitor *visitor);
void sk_visitors_leave(struct sk_visitors *visitors, struct sk_visitor *visitor_take);

#endif
