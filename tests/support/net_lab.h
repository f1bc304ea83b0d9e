/* net_lab.h: a network for tests of networks, apart from the machine's: the
 * test moves to a network and a mount namespace of its own, where the driver
 * under test works as it would on a node; a further namespace is the internet,
 * with hosts (addresses) in it that answer on every port. Sockets are tried
 * from inside namespaces by children. Linux, root. */
#ifndef SK_TEST_NET_LAB_H
#define SK_TEST_NET_LAB_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct net_lab {
    char dir[64];      /* the driver's run_dir */
    char internet[96]; /* path of the namespace */
    pid_t answering;   /* who serves there */
};

/* What should come is waited for until it is there, within reason. */
#define LAB_COMES_MS 60000
/* What should not come is listened for that long: on a machine that stands still that says less, and nothing
 * false. */
#define LAB_QUIET_MS 400

#define lab_run(...)                                                                                         \
    (__extension__({                                                                                         \
        char lab_line_[1024];                                                                                \
        (void)snprintf(lab_line_, sizeof(lab_line_), __VA_ARGS__);                                           \
        system(lab_line_);                                                                                   \
    }))

static inline bool lab_await_line(const char *line)
{
    bool works = system(line) == 0;
    for (int waited = 0; waited < LAB_COMES_MS && !works; waited += 50) {
        (void)usleep(50 * 1000);
        works = system(line) == 0;
    }
    return works;
}

/* Runs a shell's line until it works; whether it did. */
#define lab_await(...)                                                                                       \
    (__extension__({                                                                                         \
        char lab_line_[1024];                                                                                \
        (void)snprintf(lab_line_, sizeof(lab_line_), __VA_ARGS__);                                           \
        lab_await_line(lab_line_);                                                                           \
    }))

static inline bool lab_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        (void)close(fd);
    return written;
}

/* False where that is not allowed. The machine's mounts and links are not seen to change by anybody. */
static inline bool lab_open(struct net_lab *lab)
{
    memset(lab, 0, sizeof(*lab));
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 || mount("", "/", "none", MS_PRIVATE | MS_REC, NULL) < 0)
        return false;
    (void)snprintf(lab->dir, sizeof(lab->dir), "/tmp/sk-net-lab-XXXXXX");
    if (!mkdtemp(lab->dir) || mount("lab", lab->dir, "tmpfs", 0, NULL) < 0)
        return false;
    return lab_run("ip link set lo up") == 0;
}

static inline int lab_enter(const char *netns)
{
    int fd = open(netns, O_RDONLY | O_CLOEXEC);
    int entered = fd < 0 ? -1 : setns(fd, CLONE_NEWNET);
    if (fd >= 0)
        (void)close(fd);
    return entered;
}

/* Runs a shell's line inside a namespace; its exit code. */
static inline int lab_inside(const char *netns, const char *line)
{
    pid_t child = fork();
    int status = -1;
    if (child == 0) {
        if (lab_enter(netns) < 0)
            _exit(126);
        (void)execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    if (child > 0)
        (void)waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- the internet ------------------------------------------------------------------------ */

static inline int lab_listener(int family, int type, uint16_t port)
{
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (type == SOCK_DGRAM)
        (void)setsockopt(fd, family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
                         family == AF_INET6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof(on));
    const struct sockaddr *at = family == AF_INET6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
    if (fd < 0 || bind(fd, at, family == AF_INET6 ? sizeof(v6) : sizeof(v4)) < 0)
        return -1;
    return type == SOCK_DGRAM || listen(fd, 64) == 0 ? fd : -1;
}

/* From the address that was asked, of the many that the host has. */
static inline void lab_answer_datagram(int fd)
{
    char bytes[512], control[128];
    struct sockaddr_storage from;
    struct iovec piece = {bytes, sizeof(bytes)};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof(from),
                             .msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(fd, &message, 0);
    if (got < 0)
        return;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at; at = CMSG_NXTHDR(&message, at))
        if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO)
            ((struct in_pktinfo *)CMSG_DATA(at))->ipi_ifindex = 0;
    piece.iov_len = (size_t)got;
    (void)!sendmsg(fd, &message, MSG_NOSIGNAL);
}

/* All of it, by a socket that does not wait by itself; false = the other end takes no more. */
static inline bool lab_send(int fd, const void *data, size_t len)
{
    const char *at = data;
    struct pollfd poll_it = {.fd = fd, .events = POLLOUT};
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno != EAGAIN || poll(&poll_it, 1, LAB_COMES_MS) != 1))
            return false;
        at += sent > 0 ? sent : 0;
        len -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

static inline void lab_answer(struct pollfd *polls, size_t *count, size_t at, size_t max)
{
    char bytes[512];
    int type = 0, listening = 0;
    socklen_t len = sizeof(type);
    (void)getsockopt(polls[at].fd, SOL_SOCKET, SO_TYPE, &type, &len);
    len = sizeof(listening);
    (void)getsockopt(polls[at].fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len);
    if (type == SOCK_DGRAM) {
        lab_answer_datagram(polls[at].fd);
    } else if (listening) {
        int fd = accept4(polls[at].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0 && *count < max)
            polls[(*count)++] = (struct pollfd){.fd = fd, .events = POLLIN};
        else if (fd >= 0)
            (void)close(fd);
    } else {
        ssize_t got = recv(polls[at].fd, bytes, sizeof(bytes), 0);
        if (got > 0)
            (void)lab_send(polls[at].fd, bytes, (size_t)got);
        else if (got == 0 || errno != EAGAIN) {
            (void)close(polls[at].fd);
            polls[at] = polls[--*count];
        }
    }
}

/* A child that echoes on those ports, TCP and UDP, IPv4 and IPv6, in that namespace (NULL = here) until it is
 * killed. Returns when it listens; -1 = it does not. */
static inline pid_t lab_serve(const char *netns, const uint16_t *ports, size_t port_count)
{
    int ready[2];
    char byte;
    if (pipe2(ready, O_CLOEXEC) < 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        struct pollfd polls[512];
        size_t count = 0;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (netns && lab_enter(netns) < 0)
            _exit(1);
        for (size_t i = 0; i < port_count; i++)
            for (int kind = 0; kind < 4; kind++) {
                int fd = lab_listener(kind & 1 ? AF_INET6 : AF_INET, kind & 2 ? SOCK_DGRAM : SOCK_STREAM,
                                      ports[i]);
                if (fd < 0)
                    _exit(1);
                polls[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
            }
        (void)!write(ready[1], "r", 1);
        for (;;) {
            if (poll(polls, count, -1) < 0)
                continue;
            for (size_t i = count; i-- > 0;)
                if (polls[i].revents)
                    lab_answer(polls, &count, i, sizeof(polls) / sizeof(polls[0]));
        }
    }
    (void)close(ready[1]);
    bool serves = read(ready[0], &byte, 1) == 1;
    (void)close(ready[0]);
    return serves ? child : -1;
}

/* A namespace behind a link of its own: the node is 203.0.113.1 and 2a00:0:0:1::1 there; default routes lead
 * to it. `addresses`: its hosts, separated by spaces, with prefixes. */
static inline bool lab_add_internet(struct net_lab *lab, const char *addresses)
{
    char line[2048];
    (void)snprintf(lab->internet, sizeof(lab->internet), "%s/internet", lab->dir);
    int made = lab_run("touch %s && unshare --net=%s true && ip link add up0 type veth peer name net0 && "
                       "nsenter --net=%s true && ip link set net0 netns %s",
                       lab->internet, lab->internet, lab->internet, lab->internet);
    if (made != 0)
        return false;
    (void)snprintf(
        line, sizeof(line),
        "ip link set lo up && ip addr add 203.0.113.2/24 dev net0 && "
        "ip -6 addr add 2a00:0:0:1::2/64 dev net0 nodad && ip link set net0 up && "
        "ip -6 route add default via 2a00:0:0:1::1 && "
        "for a in %s; do ip addr add $a dev lo nodad 2>/dev/null || ip addr add $a dev lo || exit 1; done",
        addresses);
    return lab_run("ip addr add 203.0.113.1/24 dev up0 && ip -6 addr add 2a00:0:0:1::1/64 dev up0 nodad && "
                   "ip link set up0 up && ip route add default via 203.0.113.2 && "
                   "ip -6 route add default via 2a00:0:0:1::2 dev up0") == 0 &&
           lab_inside(lab->internet, line) == 0;
}

static inline void lab_close(struct net_lab *lab)
{
    if (lab->answering > 0) {
        (void)kill(lab->answering, SIGKILL);
        (void)waitpid(lab->answering, NULL, 0);
    }
    (void)umount2(lab->dir, MNT_DETACH);
    (void)rmdir(lab->dir);
}

/* --- trying -------------------------------------------------------------------------------- */

static inline socklen_t lab_address(const char *host, uint16_t port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof(*v4);
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
        abort();
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return sizeof(*v6);
}

/* Whether an echo comes back. */
static inline bool lab_echo(int fd, int limit_ms)
{
    char bytes[8] = {0};
    struct pollfd poll_it = {.fd = fd, .events = POLLIN};
    if (send(fd, "ping", 4, MSG_NOSIGNAL) != 4 || poll(&poll_it, 1, limit_ms) != 1)
        return false;
    return recv(fd, bytes, sizeof(bytes), 0) == 4;
}

static inline bool lab_echoes(int fd)
{
    return lab_echo(fd, LAB_COMES_MS);
}

static inline bool lab_is_cut(int fd)
{
    return !lab_echo(fd, LAB_QUIET_MS);
}

static inline int lab_connect(int type, const char *host, uint16_t port, int limit_ms)
{
    struct sockaddr_storage at;
    socklen_t len = lab_address(host, port, &at);
    int fd = socket(at.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct pollfd poll_it = {.fd = fd, .events = POLLOUT};
    int fault = 0;
    socklen_t fault_len = sizeof(fault);
    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&at, len) == 0)
        return fd;
    if (errno == EINPROGRESS && poll(&poll_it, 1, limit_ms) == 1 &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &fault_len) == 0 && fault == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* Moves there, opens, and comes back: the socket stays there. */
static inline int lab_connect_within(const char *netns, int type, const char *host, uint16_t port,
                                     int limit_ms)
{
    int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0 || lab_enter(netns) < 0)
        abort();
    int fd = lab_connect(type, host, port, limit_ms);
    if (setns(home, CLONE_NEWNET) < 0)
        abort();
    (void)close(home);
    return fd;
}

static inline int lab_connect_inside(const char *netns, int type, const char *host, uint16_t port)
{
    return lab_connect_within(netns, type, host, port, LAB_COMES_MS);
}

/* One question: does somebody at host:port answer somebody in that namespace (NULL = here)? */
struct lab_cell {
    const char *netns;
    int type;
    const char *host;
    uint16_t port;
    bool passes;  /* what should be: how long an answer is waited for */
    bool reached; /* the answer */
    pid_t child;
};

/* All of them at once: each may have to wait for nothing. */
static inline void lab_try(struct lab_cell *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int limit_ms = cells[i].passes ? LAB_COMES_MS : LAB_QUIET_MS;
        cells[i].child = fork();
        if (cells[i].child == 0) {
            if (cells[i].netns && lab_enter(cells[i].netns) < 0)
                _exit(2);
            int fd = lab_connect(cells[i].type, cells[i].host, cells[i].port, limit_ms);
            _exit(fd >= 0 && lab_echo(fd, limit_ms) ? 0 : 1);
        }
    }
    for (size_t i = 0; i < count; i++) {
        int status = -1;
        if (cells[i].child < 0 || waitpid(cells[i].child, &status, 0) < 0 || !WIFEXITED(status) ||
            WEXITSTATUS(status) > 1)
            abort();
        cells[i].reached = WEXITSTATUS(status) == 0;
    }
}

static inline bool lab_reaches(const char *netns, int type, const char *host, uint16_t port)
{
    struct lab_cell cell = {.netns = netns, .type = type, .host = host, .port = port, .passes = true};
    lab_try(&cell, 1);
    return cell.reached;
}

static inline bool lab_is_kept_from(const char *netns, int type, const char *host, uint16_t port)
{
    struct lab_cell cell = {.netns = netns, .type = type, .host = host, .port = port};
    lab_try(&cell, 1);
    return !cell.reached;
}

static inline void lab_stop(pid_t server)
{
    if (server > 0) {
        (void)kill(server, SIGKILL);
        (void)waitpid(server, NULL, 0);
    }
}

#endif
