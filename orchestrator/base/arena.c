#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_SIZE = 4096, ALIGN = alignof(max_align_t) };

struct sk_arena_block {
    struct sk_arena_block *next;
    size_t size, used; /* of data */
    alignas(max_align_t) unsigned char data[];
};

void sk_arena_fini(struct sk_arena *arena)
{
    while (arena->blocks) {
        struct sk_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
    arena->used = 0;
}

/* A block with room for `size`. One made for something big goes behind the
 * first, which may still have room for small things. */
static struct sk_arena_block *add_block(struct sk_arena *arena, size_t size)
{
    size_t normal = BLOCK_SIZE - sizeof(struct sk_arena_block);
    size_t room = size > normal ? size : normal;
    struct sk_arena_block *block = sk_alloc(sizeof(*block) + room);
    block->size = room;
    struct sk_arena_block **place = &arena->blocks;
    if (size > normal / 2 && arena->blocks)
        place = &arena->blocks->next;
    block->next = *place;
    *place = block;
    return block;
}

void *sk_arena_alloc(struct sk_arena *arena, size_t size)
{
    if (size > PTRDIFF_MAX / 2)
        abort(); /* as any allocation that cannot be had */
    size = (size + ALIGN - 1) / ALIGN * ALIGN;
    struct sk_arena_block *block = arena->blocks;
    if (!block || size > block->size - block->used)
        block = add_block(arena, size);
    void *ptr = block->data + block->used;
    block->used += size;
    arena->used += size;
    return ptr;
}

char *sk_arena_strdup(struct sk_arena *arena, const char *text)
{
    return text ? sk_arena_strndup(arena, text, strlen(text)) : NULL;
}

char *sk_arena_strndup(struct sk_arena *arena, const char *text, size_t len)
{
    if (!text)
        return NULL;
    len = strnlen(text, len);
    return memcpy(sk_arena_alloc(arena, len + 1), text, len);
}

void *sk_arena_memdup(struct sk_arena *arena, const void *data, size_t len)
{
    if (!data)
        return NULL;
    return memcpy(sk_arena_alloc(arena, len), data, len);
}

char *sk_arena_printf(struct sk_arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0)
        abort();
    char *text = sk_arena_alloc(arena, (size_t)len + 1);
    va_start(args, fmt);
    (void)vsnprintf(text, (size_t)len + 1, fmt, args);
    va_end(args);
    return text;
}

void *sk_arena_hook_alloc(void *arena, size_t size)
{
    return sk_arena_alloc(arena, size);
}

void sk_arena_hook_free(void *arena, void *pointer)
{
    (void)arena;
    (void)pointer;
}
