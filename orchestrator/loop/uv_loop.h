/* uv_loop.h: what the files of loop/ that call libuv share of struct sk_loop;
 * for loop/ alone. */
#ifndef SK_LOOP_UV_LOOP_H
#define SK_LOOP_UV_LOOP_H

#include "loop/loop.h"

#include <uv.h>

uv_loop_t *sk_loop_uv(struct sk_loop *loop);
/* Every callback from uv begins with this. */
void sk_loop_tick(struct sk_loop *loop);
/* One thing more, or one less, that must be over before the loop may be freed. */
void sk_loop_hold(struct sk_loop *loop);
void sk_loop_unhold(struct sk_loop *loop);

#endif
