#include "drivers/agent/guest/link.h"

#include "drivers/agent/seqpacket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define WAIT_FIRST_MS 50
#define WAIT_LAST_MS  1000

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sk_link_init(struct sk_link *link, const char *path)
{
    *link = (struct sk_link){.path = path, .fd = -1, .wait_ms = WAIT_FIRST_MS};
}

static int socket_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

bool sk_link_connect(struct sk_link *link)
{
    if (link->fd >= 0 || now_ms() < link->retry_at)
        return false;
    link->fd = socket_connect(link->path);
    if (link->fd >= 0)
        return true;
    link->retry_at = now_ms() + link->wait_ms;
    link->wait_ms = link->wait_ms * 2 > WAIT_LAST_MS ? WAIT_LAST_MS : link->wait_ms * 2;
    return false;
}

int sk_link_wait(const struct sk_link *link)
{
    if (link->fd >= 0)
        return -1;
    int64_t left = link->retry_at - now_ms();
    return left < 0 ? 0 : (int)left;
}

void sk_link_drop(struct sk_link *link)
{
    if (link->fd < 0)
        return;
    (void)close(link->fd);
    link->fd = -1;
    /* A daemon that accepts and drops must not be met by a busy loop. */
    link->wait_ms = WAIT_FIRST_MS;
    link->retry_at = now_ms() + WAIT_FIRST_MS;
}

/* ETOOMANYREFS: too many descriptors are on their way to readers, of whatever sandbox. */
static bool is_passing(int sys)
{
    return sys == EAGAIN || sys == EINTR || sys == ENOBUFS || sys == ENOMEM || sys == ETOOMANYREFS;
}

enum sk_link_result sk_link_send(struct sk_link *link, const struct sk_frame *frame, const int *fds,
                                 size_t fd_count)
{
    uint8_t data[SK_WIRE_HEADER];
    sk_frame_encode(frame, data);
    if (sk_seqpacket_send(link->fd, data, sizeof data, fds, fd_count) >= 0)
        return SK_LINK_DONE;
    return is_passing(errno) ? SK_LINK_LATER : SK_LINK_BROKEN;
}

enum sk_link_result sk_link_receive(struct sk_link *link, struct sk_packet *packet)
{
    struct sk_seqpacket_extra extra;
    packet->fd_count = 0;
    ssize_t got = sk_seqpacket_receive(link->fd, packet->data, sizeof packet->data, packet->fds,
                                       SK_WIRE_FDS_MAX, &extra);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR || errno == ENOMEM ? SK_LINK_LATER : SK_LINK_BROKEN;
    packet->fd_count = extra.fd_count;
    packet->lost_fds = extra.lost_fds;
    packet->len = (size_t)got;
    if (got > 0 && !extra.is_cut)
        return SK_LINK_DONE;
    sk_packet_close(packet);
    return SK_LINK_BROKEN;
}

void sk_packet_close(struct sk_packet *packet)
{
    for (size_t i = 0; i < packet->fd_count; i++)
        if (packet->fds[i] >= 0)
            (void)close(packet->fds[i]);
    packet->fd_count = 0;
}
