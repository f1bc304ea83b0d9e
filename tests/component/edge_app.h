/* edge_app.h: an application in the rig's sandbox: tells the request that
 * reached it as the answer's body, and echoes what follows an upgrade (with
 * the key of RFC 6455's example). "/late" is answered after two seconds, "/never"
 * not at all, and "/drip" by bytes that take longer than DRIP_S together, one
 * every fifth of a second. After "bye" it ends. */
#ifndef SK_TEST_EDGE_APP_H
#define SK_TEST_EDGE_APP_H

#include "component/edge_rig.h"

#define DRIP_S     5
#define DRIP_BYTES 26

static inline void app_say(int fd, const char *text, unsigned ms)
{
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
    (void)usleep(ms * 1000);
}

static inline void app_drip(int fd)
{
    char head[64];
    (void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", DRIP_BYTES);
    app_say(fd, head, 200);
    for (int i = 0; i < DRIP_BYTES; i++)
        app_say(fd, "x", 200);
}

static inline void app_serve(int fd)
{
    char request[16384], answer[17000];
    size_t got = 0;
    while (got + 1 < sizeof(request)) {
        ssize_t more = recv(fd, request + got, sizeof(request) - 1 - got, 0);
        if (more <= 0)
            _exit(0);
        got += (size_t)more;
        request[got] = '\0';
        if (strstr(request, "\r\n\r\n"))
            break;
    }
    if (strncmp(request, "GET /drip", 9) == 0) {
        app_drip(fd);
        _exit(0);
    }
    while (strncmp(request, "GET /never", 10) == 0) {
        if (recv(fd, answer, sizeof(answer), 0) <= 0)
            _exit(0);
    }
    if (strncmp(request, "GET /late", 9) == 0)
        app_say(fd, "", 2000);
    bool upgrades = strcasestr(request, "\r\nupgrade: websocket") != NULL;
    int len =
        upgrades
            ? snprintf(answer, sizeof(answer),
                       "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                       "Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
            : snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", got,
                       request);
    (void)!send(fd, answer, (size_t)len, MSG_NOSIGNAL);
    while (upgrades && (len = (int)recv(fd, request, sizeof(request), 0)) > 0) {
        (void)!send(fd, request, (size_t)len, MSG_NOSIGNAL);
        upgrades = len < 3 || memcmp(request + len - 3, "bye", 3) != 0;
    }
    _exit(0);
}

/* Returns when it listens. */
static inline pid_t app_start(struct edge_rig *rig, uint16_t port)
{
    int ready[2];
    char byte;
    if (pipe2(ready, O_CLOEXEC) < 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int listener = lab_enter(rig->box) == 0 ? lab_listener(AF_INET, SOCK_STREAM, port) : -1;
        if (listener < 0)
            _exit(1);
        (void)fcntl(listener, F_SETFL, 0);
        (void)signal(SIGCHLD, SIG_IGN);
        (void)!write(ready[1], "r", 1);
        for (;;) {
            int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            if (fd >= 0 && fork() == 0) {
                (void)close(listener); /* the next server's port, even if this process outlives its own */
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                app_serve(fd);
            }
            (void)close(fd);
        }
    }
    (void)close(ready[1]);
    bool serves = read(ready[0], &byte, 1) == 1;
    (void)close(ready[0]);
    return serves ? child : -1;
}

/* One request at a port of the node; what came, whole. "" = nothing, or nobody there. */
static inline const char *app_ask(uint16_t port, const char *request, char *out, size_t size)
{
    int fd = lab_connect(SOCK_STREAM, "127.0.0.1", port, LAB_COMES_MS);
    out[0] = '\0';
    if (fd < 0)
        return out;
    (void)rig_converse(fd, request, strlen(request), false, out, size, LAB_COMES_MS);
    (void)close(fd);
    return out;
}

#endif
