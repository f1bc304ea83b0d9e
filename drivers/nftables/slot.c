#include "drivers/nftables/slot.h"

#include "base/file.h"
#include "drivers/nftables/namespace.h"
#include "drivers/nftables/shape.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* The network's own address, the gateway's, and the last one, which is IPv4's broadcast. */
#define NOT_SLOTS  3
#define FIRST_SLOT 2
#define SLOTS_MAX  65000 /* "<prefix>64999" still is a link's name */

static size_t size_of(const struct sk_cidr *pool)
{
    unsigned bits = (pool->base.is_v6 ? 128u : 32u) - pool->prefix;
    size_t size = bits >= 16 ? SLOTS_MAX + NOT_SLOTS : (size_t)1 << bits;
    return size > NOT_SLOTS ? size - NOT_SLOTS : 0;
}

size_t sk_slots_count(const struct sk_slots *slots)
{
    size_t count = size_of(&slots->ipv4);
    size_t other = slots->ipv6.prefix ? size_of(&slots->ipv6) : count;
    count = other < count ? other : count;
    return count < SLOTS_MAX ? count : SLOTS_MAX;
}

static struct sk_ip nth(const struct sk_cidr *pool, uint64_t index)
{
    struct sk_ip ip = {0};
    (void)sk_cidr_nth(pool, index, &ip);
    return ip;
}

struct sk_ip sk_slots_gateway(const struct sk_slots *slots, bool is_v6)
{
    return nth(is_v6 ? &slots->ipv6 : &slots->ipv4, 1);
}

/* The last eight bytes of it: more than any pool is counted by. */
static uint64_t low_of(const struct sk_ip *ip)
{
    uint64_t low = 0;
    for (int i = ip->is_v6 ? 8 : 0; i < (ip->is_v6 ? 16 : 4); i++)
        low = low << 8 | ip->bytes[i];
    return low;
}

bool sk_slots_number_of(const struct sk_slots *slots, const struct sk_ip *ip, uint32_t *out_number)
{
    const struct sk_cidr *pool = ip->is_v6 ? &slots->ipv6 : &slots->ipv4;
    if (!pool->prefix || !sk_cidr_has(pool, ip))
        return false;
    uint64_t index = low_of(ip) - low_of(&pool->base);
    if (index < FIRST_SLOT || index - FIRST_SLOT >= sk_slots_count(slots))
        return false;
    *out_number = (uint32_t)(index - FIRST_SLOT);
    return true;
}

struct sk_slot *sk_slot_new(const struct sk_slots *slots, uint32_t number, bool is_closed)
{
    struct sk_slot *slot = sk_alloc(sizeof(*slot));
    slot->number = number;
    slot->is_closed = is_closed;
    (void)snprintf(slot->netns, sizeof(slot->netns), "%s/%s%u", slots->folder, is_closed ? "c" : "", number);
    if (is_closed)
        return slot;
    slot->link = (struct sk_link){.mtu = slots->mtu,
                                  .ipv4 = nth(&slots->ipv4, (uint64_t)number + FIRST_SLOT),
                                  .gateway4 = sk_slots_gateway(slots, false),
                                  .has_ipv6 = slots->ipv6.prefix != 0};
    (void)snprintf(slot->link.name, sizeof(slot->link.name), "%.9s%u", slots->link_prefix, number % 1000000);
    if (slot->link.has_ipv6) {
        slot->link.ipv6 = nth(&slots->ipv6, (uint64_t)number + FIRST_SLOT);
        slot->link.gateway6 = sk_slots_gateway(slots, true);
    }
    return slot;
}

void sk_slot_free(struct sk_slot *slot)
{
    free(slot);
}

/* Each end limits what it sends; inside that takes powers over the network that no sandbox has to change. */
static enum sk_code shape(struct sk_slots *slots, struct sk_netlink *inside, const struct sk_link *link,
                          struct sk_err *err)
{
    uint64_t bits = slots->bandwidth_bits;
    enum sk_code code = bits ? sk_shape_link(&slots->route, link->name, bits, link->mtu, err) : SK_OK;
    return code == SK_OK && bits ? sk_shape_link(inside, "eth0", bits, link->mtu, err) : code;
}

enum sk_code sk_slot_make(struct sk_slots *slots, struct sk_slot *slot, struct sk_err *err)
{
    struct sk_netlink inside = {0};
    SK_AUTO_FD int ns = -1;
    enum sk_code code = sk_namespace_make(slot->netns, slots->home, &inside, &ns, err);
    if (code != SK_OK)
        return code;
    if (!slot->is_closed)
        code = sk_link_make(&slots->route, &inside, ns, &slot->link, err);
    if (!slot->is_closed && code == SK_OK)
        code = shape(slots, &inside, &slot->link, err);
    sk_netlink_close(&inside);
    if (code != SK_OK)
        (void)!sk_slot_drop(slot, NULL);
    return code;
}

static void beside(const struct sk_slot *slot, const char *ending, char out[200])
{
    (void)snprintf(out, 200, "%s.%s", slot->netns, ending);
}

static enum sk_code write_file(const char *path, const char *text, struct sk_err *err)
{
    SK_AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text))
        return SK_OK;
    int sys = errno;
    return sk_fail_sys(err, sk_code_from_errno(sys), sys, "write %s", path);
}

enum sk_code sk_slot_assign(struct sk_slot *slot, const char *id, struct sk_err *err)
{
    char path[200], draft[210];
    if (strlen(id) > SK_SLOT_ID_MAX || !*id)
        return sk_fail(err, SK_INVALID_ARGUMENT, "an id of %zu bytes", strlen(id));
    beside(slot, "id", path);
    (void)snprintf(draft, sizeof(draft), "%s.new", path);
    enum sk_code code = write_file(draft, id, err);
    if (code == SK_OK && rename(draft, path) < 0)
        code = sk_fail_sys(err, SK_INTERNAL, errno, "write %s", path);
    if (code == SK_OK)
        (void)snprintf(slot->id, sizeof(slot->id), "%s", id);
    return code;
}

enum sk_code sk_slot_drop(const struct sk_slot *slot, struct sk_err *err)
{
    char id[200], left[200];
    beside(slot, "id", id);
    beside(slot, "left", left);
    /* The namespace first: a pin without an id is nobody's, an id without a pin is one who left. */
    enum sk_code code = sk_namespace_drop(slot->netns, err);
    if (code == SK_OK && (slot->is_closed || rename(id, left) < 0))
        (void)unlink(id);
    return code;
}

void sk_slot_forget(const struct sk_slot *slot)
{
    char left[200];
    beside(slot, "left", left);
    (void)unlink(left);
}

/* --- what an earlier daemon left ------------------------------------------------------- */

static void read_id(struct sk_slot *slot)
{
    char path[200];
    SK_AUTO_FREE char *text = NULL;
    size_t len = 0;
    mode_t mode;
    beside(slot, "id", path);
    if (sk_file_load(path, SK_SLOT_ID_MAX, &text, &len, &mode, NULL) == SK_OK && strlen(text) == len)
        (void)snprintf(slot->id, sizeof(slot->id), "%s", text);
}

/* Digits alone, after a "c" for closed ones. */
static bool read_name(const char *name, uint32_t *out_number, bool *out_is_closed)
{
    char *end;
    *out_is_closed = *name == 'c';
    name += *out_is_closed;
    if (*name < '0' || *name > '9' || strlen(name) > 9 || (*name == '0' && name[1]))
        return false;
    *out_number = (uint32_t)strtoul(name, &end, 10);
    return *end == '\0';
}

/* A file beside a pin: whose it is; NULL = nobody's. */
static struct sk_slot *slot_beside(const struct sk_slots *slots, const char *name)
{
    char stem[16];
    uint32_t number;
    bool is_closed;
    size_t len = strcspn(name, ".");
    if (len >= sizeof(stem) || (strcmp(name + len, ".id") != 0 && strcmp(name + len, ".left") != 0))
        return NULL;
    (void)snprintf(stem, sizeof(stem), "%.*s", (int)len, name);
    return read_name(stem, &number, &is_closed) ? sk_slot_new(slots, number, is_closed) : NULL;
}

static void look_beside(const struct sk_slots *slots, int dir, const char *name,
                        void (*found)(void *arg, struct sk_slot *slot_take), void *arg)
{
    struct sk_slot *slot = slot_beside(slots, name);
    bool is_pinned = slot && sk_namespace_is_pinned(slot->netns);
    if (slot && !is_pinned && !slot->is_closed) {
        (void)!sk_slot_drop(slot, NULL);
        slot->has_left = true;
        found(arg, slot);
        return;
    }
    if (!is_pinned || strstr(name, ".left"))
        (void)unlinkat(dir, name, 0);
    sk_slot_free(slot);
}

static void look_at(const struct sk_slots *slots, int dir, const char *name,
                    void (*found)(void *arg, struct sk_slot *slot_take), void *arg)
{
    uint32_t number;
    bool is_closed;
    if (*name == '.')
        return;
    if (!read_name(name, &number, &is_closed)) {
        look_beside(slots, dir, name, found, arg);
        return;
    }
    struct sk_slot *slot = sk_slot_new(slots, number, is_closed);
    if (sk_namespace_is_pinned(slot->netns)) {
        read_id(slot);
        found(arg, slot);
        return;
    }
    (void)!sk_slot_drop(slot, NULL);
    sk_slot_free(slot);
}

enum sk_code sk_slots_find(const struct sk_slots *slots, void (*found)(void *arg, struct sk_slot *slot_take),
                           void *arg, struct sk_err *err)
{
    SK_AUTO_DIR DIR *dir = opendir(slots->folder);
    const struct dirent *entry;
    if (!dir)
        return sk_fail_sys(err, SK_INTERNAL, errno, "read %s", slots->folder);
    while ((entry = readdir(dir)))
        look_at(slots, dirfd(dir), entry->d_name, found, arg);
    return SK_OK;
}
