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
    FILE *said; /* by the server */
};

static inline void must_run(const char *command)
{
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): of the test's own making */
}

/* Until it says at which port it listens. */
static inline int read_port(FILE *said)
{
    char line[256];
    int port = 0;
    while (port == 0 && fgets(line, sizeof(line), said))
        (void)sscanf(line, "ACCEPT 127.0.0.1:%d", &port);
    assert_int_not_equal(port, 0);
    return port;
}

/* The rig's registry is one over TLS then: it answers questions for the manifest with `head` (status and
 * fields, for printf(1)) and no body. */
static inline void open_tls(struct tls *tls, struct rig *rig, const char *head)
{
    int said[2];
    *tls = (struct tls){.folder = "/tmp/sk-redirect-XXXXXX"};
    assert_non_null(mkdtemp(tls->folder));
    SK_AUTO_FREE char *prepare =
        sk_printf("cd %s && mkdir -p v2/app/manifests && "
                  "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out ca -days 2 -subj /CN=tests "
                  "-addext subjectAltName=IP:127.0.0.1 2>/dev/null && "
                  "printf 'HTTP/1.0 %s\\r\\n\\r\\n' >v2/app/manifests/1",
                  tls->folder, head);
    must_run(prepare);
    assert_int_equal(pipe2(said, O_CLOEXEC), 0);
    tls->pid = fork();
    if (tls->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not come back */
        (void)dup2(said[1], STDOUT_FILENO);
        if (chdir(tls->folder) == 0)
            (void)execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "ca", "-key",
                         "key", "-HTTP", (char *)NULL);
        _exit(127);
    }
    (void)close(said[1]);
    tls->said = fdopen(said[0], "r");
    tls->port = read_port(tls->said);
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
    (void)fclose(tls->said);
    must_run(clean);
}

#endif
