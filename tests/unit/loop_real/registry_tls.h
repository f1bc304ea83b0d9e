/* A registry over TLS that always gives the same answer. */
#ifndef SK_TESTS_REGISTRY_TLS_H
#define SK_TESTS_REGISTRY_TLS_H

#include "registry_rig.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* `openssl s_server` hands out files that are whole responses. */
struct tls {
    char folder[32];
    char name[32], ca[64];
    pid_t pid;
    int port;
};

static inline void must_run(const char *command)
{
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): of the test's own making */
}

static inline int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    SK_AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port);
}

static inline bool can_connect(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    SK_AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

/* The rig's registry is one over TLS then: it answers questions for the manifest with `head` (status and
 * fields, for printf(1)) and no body. */
static inline void open_tls(struct tls *tls, struct rig *rig, const char *head)
{
    *tls = (struct tls){.folder = "/tmp/sk-redirect-XXXXXX", .port = free_port()};
    assert_non_null(mkdtemp(tls->folder));
    SK_AUTO_FREE char *prepare =
        sk_printf("cd %s && mkdir -p v2/app/manifests && "
                  "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out ca -days 2 -subj /CN=tests "
                  "-addext subjectAltName=IP:127.0.0.1 2>/dev/null && "
                  "printf 'HTTP/1.0 %s\\r\\n\\r\\n' >v2/app/manifests/1",
                  tls->folder, head);
    SK_AUTO_FREE char *port = sk_printf("%d", tls->port);
    must_run(prepare);
    tls->pid = fork();
    if (tls->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not come back */
        if (chdir(tls->folder) == 0)
            (void)execlp("openssl", "openssl", "s_server", "-quiet", "-accept", port, "-cert", "ca", "-key",
                         "key", "-HTTP", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 1000 && !can_connect(tls->port); i++)
        (void)usleep(10000);
    (void)snprintf(tls->name, sizeof(tls->name), "127.0.0.1:%d", tls->port);
    (void)snprintf(tls->ca, sizeof(tls->ca), "%s/ca", tls->folder);
    rig->host.name = tls->name;
    rig->host.plain_http = false;
    rig->host.ca_file = tls->ca;
}

static inline void close_tls(const struct tls *tls)
{
    SK_AUTO_FREE char *clean = sk_printf("rm -rf %s", tls->folder);
    (void)kill(tls->pid, SIGKILL);
    (void)waitpid(tls->pid, NULL, 0);
    must_run(clean);
}

#endif
