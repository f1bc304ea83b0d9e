/* own.h: ownership helpers: guarded locals, hand-over, the way home from an
 * embedded struct, and allocation that does not fail.
 *
 * Memory policy: small allocations abort the process when the system is out
 * of memory. Sandboxes outlive the daemon, so a restart is a cleaner recovery
 * than error paths nobody can exercise. Sizes chosen by a peer are always
 * capped before they reach an allocator. */
#ifndef SK_BASE_OWN_H
#define SK_BASE_OWN_H

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define sk_container_of(ptr, type, field) ((type *)((char *)(ptr)-offsetof(type, field)))
#define sk_array_len(a)                   (sizeof(a) / sizeof((a)[0]))

#define SK_MUST_CHECK        __attribute__((warn_unused_result))
#define SK_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Declares a local whose value is released by `fn(&local)` at end of scope. */
#define SK_CLEANUP(fn) __attribute__((cleanup(fn)))
#define SK_AUTO_FREE   SK_CLEANUP(sk_cleanup_free)
#define SK_AUTO_FD     SK_CLEANUP(sk_cleanup_fd)
#define SK_AUTO_DIR    SK_CLEANUP(sk_cleanup_dir)
#define SK_AUTO_FILE   SK_CLEANUP(sk_cleanup_file)

/* Moves a pointer out of `p`, leaving NULL behind. */
#define sk_take(p)                                                                                           \
    __extension__({                                                                                          \
        __typeof__(p) taken_ = (p);                                                                          \
        (p) = NULL;                                                                                          \
        taken_;                                                                                              \
    })

static inline void sk_cleanup_free(void *p)
{
    free(*(void **)p);
}

static inline void sk_cleanup_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static inline void sk_cleanup_dir(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

static inline void sk_cleanup_file(FILE **file)
{
    if (*file)
        (void)fclose(*file);
}

/* Moves a descriptor out of `*fd`, leaving -1 behind. */
static inline int sk_take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

/* Closes `*fd` if open and sets it to -1. */
static inline void sk_close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* From here on blocks are the system's own, and go back to it when they are freed. */
#define SK_LARGE ((size_t)4 << 20)

/* Once, before anything else allocates: how much freed memory libc may keep, and in how many heaps. Left to
 * itself it keeps as much as the largest block that was ever freed, in every heap, or faults in the same
 * memory for each message anew. */
void sk_alloc_settle(void);
/* Zeroed memory, never NULL; aborts when there is none. Free with free(). */
void *sk_alloc(size_t size) __attribute__((returns_nonnull, malloc));
void *sk_realloc(void *ptr, size_t size) __attribute__((returns_nonnull));
/* Copies; NULL in gives NULL out. Free with free(). */
char *sk_strdup(const char *text);
char *sk_strndup(const char *text, size_t len);
void *sk_memdup(const void *data, size_t len);
/* A printed string on the heap. Free with free(). */
char *sk_printf(const char *fmt, ...) SK_PRINTF(1, 2);

#endif
