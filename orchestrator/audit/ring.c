#include "audit/ring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define MAGIC      UINT64_C(0x736b617564697431) /* and version */
#define RECORD_MAX ((size_t)64 << 10)
#define FILE_MODE  0600

struct sk_ring_shared {
    uint64_t magic;
    char boot_id[40];
    _Atomic uint64_t put;  /* bytes, ever */
    _Atomic uint64_t lost; /* records, ever */
    struct sk_ring_state states[2];
    _Atomic uint64_t taken; /* the state's `at`, for the putter */
    _Atomic uint32_t which; /* of the two counts */
    uint8_t data[SK_RING_SIZE];
};

/* A record: its length, its bytes, and what makes the next begin at a multiple of eight. */
static size_t room_of(size_t len)
{
    return (sizeof(uint64_t) + len + 7) & ~(size_t)7;
}

/* --- opening ------------------------------------------------------------------ */

static bool is_sound(const struct sk_ring_shared *shared, const char *boot_id)
{
    uint32_t which = atomic_load(&shared->which);
    if (shared->magic != MAGIC || strncmp(shared->boot_id, boot_id, sizeof(shared->boot_id)) != 0 ||
        which > 1)
        return false;
    uint64_t at = shared->states[which].at, put = atomic_load(&shared->put);
    return put >= at && put - at <= SK_RING_SIZE && at % 8 == 0 && put % 8 == 0;
}

static void begin(struct sk_ring_shared *shared, const char *boot_id)
{
    memset(shared, 0, offsetof(struct sk_ring_shared, data));
    (void)snprintf(shared->boot_id, sizeof(shared->boot_id), "%s", boot_id);
    shared->states[0].seq = 1;
    shared->magic = MAGIC;
}

/* Its blocks are allocated: a full disk must not end the daemon by SIGBUS. */
static enum sk_code map_file(struct sk_ring *ring, int folder, const char *name, struct sk_err *err)
{
    SK_AUTO_FD int fd = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (fd < 0)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "open %s", name);
    int sys = posix_fallocate(fd, 0, (off_t)ring->len);
    if (sys)
        return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, sys, "make room for %s", name);
    void *at = mmap(NULL, ring->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "map %s", name);
    ring->shared = at;
    ring->is_file = true;
    return SK_OK;
}

static void map_memory(struct sk_ring *ring)
{
    void *at = mmap(NULL, ring->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        abort(); /* no memory, as in own.h */
    ring->shared = at;
}

void sk_ring_open(struct sk_ring *ring, int fd_folder, const char *name, const char *boot_id, bool *out_found,
                  struct sk_err *err)
{
    *ring = (struct sk_ring){.len = sizeof(struct sk_ring_shared)};
    *err = (struct sk_err){0};
    if (map_file(ring, fd_folder, name, err) != SK_OK)
        map_memory(ring);
    *out_found = is_sound(ring->shared, boot_id);
    if (!*out_found)
        begin(ring->shared, boot_id);
    atomic_store(&ring->shared->taken, sk_ring_state(ring).at);
}

void sk_ring_close(struct sk_ring *ring)
{
    if (ring->shared)
        (void)munmap(ring->shared, ring->len);
    *ring = (struct sk_ring){0};
}

/* --- putting ------------------------------------------------------------------- */

static void copy_in(struct sk_ring_shared *shared, uint64_t at, const void *data, size_t len)
{
    size_t offset = at % SK_RING_SIZE, first = SK_RING_SIZE - offset;
    if (first > len)
        first = len;
    memcpy(shared->data + offset, data, first);
    memcpy(shared->data, (const uint8_t *)data + first, len - first);
}

static void copy_out(const struct sk_ring_shared *shared, uint64_t at, void *data, size_t len)
{
    size_t offset = at % SK_RING_SIZE, first = SK_RING_SIZE - offset;
    if (first > len)
        first = len;
    memcpy(data, shared->data + offset, first);
    memcpy((uint8_t *)data + first, shared->data, len - first);
}

static uint64_t taken(const struct sk_ring_shared *shared)
{
    return atomic_load(&shared->taken);
}

size_t sk_ring_used(const struct sk_ring *ring)
{
    return (size_t)(atomic_load(&ring->shared->put) - taken(ring->shared));
}

bool sk_ring_put(struct sk_ring *ring, const void *data, size_t len)
{
    struct sk_ring_shared *shared = ring->shared;
    uint64_t put = atomic_load(&shared->put), size = len;
    assert(len <= RECORD_MAX);
    if (room_of(len) > SK_RING_SIZE - (size_t)(put - taken(shared))) {
        atomic_fetch_add(&shared->lost, 1);
        return false;
    }
    copy_in(shared, put, &size, sizeof(size));
    copy_in(shared, put + sizeof(size), data, len);
    atomic_store(&shared->put, put + room_of(len));
    return true;
}

void sk_ring_lose(struct sk_ring *ring)
{
    atomic_fetch_add(&ring->shared->lost, 1);
}

/* --- taking -------------------------------------------------------------------- */

bool sk_ring_peek(const struct sk_ring *ring, uint64_t *at, struct sk_buf *out)
{
    const struct sk_ring_shared *shared = ring->shared;
    uint8_t bytes[RECORD_MAX];
    uint64_t put = atomic_load(&shared->put), size;
    if (*at >= put)
        return false;
    copy_out(shared, *at, &size, sizeof(size));
    if (size > RECORD_MAX || room_of((size_t)size) > put - *at)
        return false; /* it was not us who wrote this */
    copy_out(shared, *at + sizeof(size), bytes, (size_t)size);
    if (sk_buf_append(out, bytes, (size_t)size) != SK_OK)
        return false;
    *at += room_of((size_t)size);
    return true;
}

struct sk_ring_state sk_ring_state(const struct sk_ring *ring)
{
    return ring->shared->states[atomic_load(&ring->shared->which) & 1];
}

void sk_ring_commit(struct sk_ring *ring, struct sk_ring_state state)
{
    struct sk_ring_shared *shared = ring->shared;
    uint32_t other = !(atomic_load(&shared->which) & 1);
    shared->states[other] = state;
    atomic_store(&shared->which, other);
    atomic_store(&shared->taken, state.at);
}

uint64_t sk_ring_end(const struct sk_ring *ring)
{
    return atomic_load(&ring->shared->put);
}

uint64_t sk_ring_lost(const struct sk_ring *ring)
{
    return atomic_load(&ring->shared->lost);
}
