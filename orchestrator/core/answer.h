/* answer.h: the answers to CreateSandbox and DeleteSandbox: they wait until
 * the record is durable, and then, for a short while, until the sandbox is
 * where its client wants it. Clients poll at once and then sleep: what
 * happens within the call saves them a whole poll. */
#ifndef SK_CORE_ANSWER_H
#define SK_CORE_ANSWER_H

#include "core/sandbox_impl.h"

/* Waits for RUNNING. is_new: its record has yet to be stored, and then its
 * making begins; if it cannot be stored the sandbox is withdrawn and done has
 * the store's error. */
void sk_answer_create(struct sk_sandbox *sandbox, bool is_new, struct sk_sandbox **out_sandbox,
                      struct sk_done *done);
/* Stores the record and waits for the end. */
void sk_answer_delete(struct sk_sandbox *sandbox, struct sk_done *done);
/* Those that are held back answer now. */
void sk_answers_stop(struct sk_node *node);

#endif
