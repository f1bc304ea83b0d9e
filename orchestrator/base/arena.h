/* arena.h: memory that is freed whole: one call's, or one record's.
 *
 * A zeroed struct is an empty arena. Nothing is freed singly. Allocation
 * never returns NULL (see own.h); memory comes zeroed and aligned for any type. */
#ifndef SK_BASE_ARENA_H
#define SK_BASE_ARENA_H

#include "base/own.h"

struct sk_arena_block;

struct sk_arena {
    struct sk_arena_block *blocks;
    size_t used; /* bytes handed out, alignment included; for tests and limits */
};

void sk_arena_fini(struct sk_arena *arena);
void *sk_arena_alloc(struct sk_arena *arena, size_t size) __attribute__((returns_nonnull));
/* Copies; NULL in gives NULL out. */
char *sk_arena_strdup(struct sk_arena *arena, const char *text);
char *sk_arena_strndup(struct sk_arena *arena, const char *text, size_t len);
void *sk_arena_memdup(struct sk_arena *arena, const void *data, size_t len);
char *sk_arena_printf(struct sk_arena *arena, const char *fmt, ...) SK_PRINTF(2, 3);

/* The two hooks that libraries with allocators of their own ask for; the
 * arena is their argument. Freeing does nothing: the arena is freed whole. */
void *sk_arena_hook_alloc(void *arena, size_t size);
void sk_arena_hook_free(void *arena, void *pointer);

#endif
