#include "bench/network/bench_network.h"

#include <netinet/tcp.h>

#define STREAM_MS   1000
#define ROUND_TRIPS 5000
#define CONNECTS    500

/* --- one measurement; the sockets are inside, the thread is not ------------------------------ */

static void be_quick(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)fcntl(fd, F_SETFL, 0);
}

static void print_value(const char *name, double value)
{
    printf("%s\t1\t%.3f\t%.3f\t%.3f\n", name, value, value, value);
}

/* MiB a second, as the far end counts them. */
static double stream(const char *netns, const char *host)
{
    static char bytes[256 * 1024];
    uint64_t taken = 0;
    int fd = lab_connect_inside(netns, SOCK_STREAM, host, SINK);
    must(fd >= 0, "connect to the sink");
    be_quick(fd);
    double start = now_ms();
    while (now_ms() - start < STREAM_MS)
        must(send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0, "send");
    (void)shutdown(fd, SHUT_WR);
    must(recv(fd, &taken, sizeof(taken), MSG_WAITALL) == sizeof(taken), "hear from the sink");
    double took = now_ms() - start;
    (void)close(fd);
    return (double)taken / 1048576 * 1000 / took;
}

static void round_trips(struct samples *samples, const char *netns, const char *host)
{
    char byte = 'x';
    int fd = lab_connect_inside(netns, SOCK_STREAM, host, ECHO);
    must(fd >= 0, "connect to the echo");
    be_quick(fd);
    for (int i = 0; i < ROUND_TRIPS; i++) {
        double start = now_ms();
        must(send(fd, &byte, 1, MSG_NOSIGNAL) == 1 && recv(fd, &byte, 1, 0) == 1, "be answered");
        samples_add(samples, now_ms() - start);
    }
    (void)close(fd);
}

/* Each one's first packet is judged by the rules. */
static void connects(struct samples *samples, const char *netns, const char *host)
{
    int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    must(home >= 0 && lab_enter(netns) == 0, "enter a sandbox");
    for (int i = 0; i < CONNECTS; i++) {
        struct linger at_once = {1, 0};
        double start = now_ms();
        int fd = lab_connect(SOCK_STREAM, host, ECHO, 1000);
        must(fd >= 0, "connect");
        samples_add(samples, now_ms() - start);
        must(lab_echo(fd, 1000), "be answered"); /* or connections come faster than they are taken */
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        (void)close(fd);
    }
    must(setns(home, CLONE_NEWNET) == 0, "come back");
    (void)close(home);
}

/* --- the far end ------------------------------------------------------------------------------- */

static void sink(int listener)
{
    static char bytes[256 * 1024];
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        uint64_t taken = 0;
        ssize_t got = fd < 0 ? 0 : 1;
        while (got > 0) {
            got = recv(fd, bytes, sizeof(bytes), 0);
            taken += got > 0 ? (uint64_t)got : 0;
        }
        if (fd >= 0) {
            (void)!send(fd, &taken, sizeof(taken), MSG_NOSIGNAL);
            (void)close(fd);
        }
    }
}

static pid_t serve_sink(const char *netns, int family)
{
    int ready[2];
    char byte;
    must(pipe(ready) == 0, "make a pipe");
    pid_t child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = lab_enter(netns) == 0 ? lab_listener(family, SOCK_STREAM, SINK) : -1;
        (void)fcntl(fd, F_SETFL, 0);
        (void)!write(ready[1], "r", 1);
        sink(fd);
    }
    must(child > 0 && read(ready[0], &byte, 1) == 1, "serve the sink");
    (void)close(ready[0]);
    (void)close(ready[1]);
    return child;
}

/* --- with more and more policies ------------------------------------------------------------------ */

struct numbers {
    double stream4, stream6;
    struct samples trip4, trip6, connect4, connect6;
};

static void measure(struct numbers *numbers, const char *netns)
{
    double stream4 = stream(netns, FAR4), stream6 = stream(netns, FAR6);
    numbers->stream4 = stream4 > numbers->stream4 ? stream4 : numbers->stream4;
    numbers->stream6 = stream6 > numbers->stream6 ? stream6 : numbers->stream6;
    round_trips(&numbers->trip4, netns, FAR4);
    round_trips(&numbers->trip6, netns, FAR6);
    connects(&numbers->connect4, netns, FAR4);
    connects(&numbers->connect6, netns, FAR6);
}

static void print_numbers(struct numbers *numbers, const char *count)
{
    const struct {
        const char *what;
        struct samples *samples;
    } rows[] = {{"trip4", &numbers->trip4},
                {"trip6", &numbers->trip6},
                {"connect4", &numbers->connect4},
                {"connect6", &numbers->connect6}};
    char row[64];
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        (void)snprintf(row, sizeof(row), "%s/%s", count, rows[i].what);
        samples_print(rows[i].samples, row);
        samples_fini(rows[i].samples);
    }
    (void)snprintf(row, sizeof(row), "%s/stream4", count);
    print_value(row, numbers->stream4);
    (void)snprintf(row, sizeof(row), "%s/stream6", count);
    print_value(row, numbers->stream6);
}

static void grow(struct network_suite *s, int from, int to, struct sk_network_place *first)
{
    struct sk_network_place place;
    char id[32];
    for (int i = from; i < to; i++) {
        (void)snprintf(id, sizeof(id), "bench-%d", i);
        must(attach(s, id, false, i ? &place : first) == SK_OK, "attach");
        must(apply(s, id, policy_get()) == SK_OK, "apply");
    }
}

static void shrink(struct network_suite *s, int from, int to)
{
    char id[32];
    for (int i = from; i < to; i++) {
        (void)snprintf(id, sizeof(id), "bench-%d", i);
        must(detach(s, id) == SK_OK, "detach");
    }
}

void measure_traffic(struct real *r, int rounds)
{
    static const int counts[] = {1, 100, BOXES};
    struct numbers numbers[sk_array_len(counts)] = {0}, node = {0};
    struct sk_network_place place = {0};
    pid_t sinks[] = {serve_sink(r->lab.internet, AF_INET), serve_sink(r->lab.internet, AF_INET6)};
    for (int round = 0; round < rounds; round++) {
        measure(&node, "/proc/thread-self/ns/net");
        for (size_t i = 0; i < sk_array_len(counts); i++) {
            grow(&r->suite, i ? counts[i - 1] : 0, counts[i], &place);
            measure(&numbers[i], place.netns);
        }
        shrink(&r->suite, 0, BOXES);
    }
    print_numbers(&node, "node");
    for (size_t i = 0; i < sk_array_len(counts); i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%d", counts[i]);
        print_numbers(&numbers[i], text);
    }
    lab_stop(sinks[0]);
    lab_stop(sinks[1]);
}
