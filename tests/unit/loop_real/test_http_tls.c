/* Certificates: trusted by the file that was named for this request, and by nothing else. */
#include "http_rig.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

/* An authority, and certificates for 127.0.0.1 and for another name. */
#define MAKE                                                                                                 \
    "cd '%s' && E='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2' && "                     \
    "for n in ca other; do openssl req -x509 $E -subj /CN=$n -keyout $n.key -out $n.pem || exit 1; done; "   \
    "for n in IP:127.0.0.1 DNS:elsewhere.invalid; do "                                                       \
    "openssl req $E -subj /CN=x -addext subjectAltName=$n -keyout $n.key -out $n.csr && "                    \
    "openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy "   \
    "-out $n.crt || exit 1; done"

/* Keeps connections, unlike openssl's own; GET /<n> answers with n bytes of the pattern. */
static const char server_program[] = "import http.server, ssl, sys\n"
                                     "unit = bytes((i * 31 + i // 251) & 255 for i in range(65521))\n"
                                     "class Handler(http.server.BaseHTTPRequestHandler):\n"
                                     "    protocol_version = 'HTTP/1.1'\n"
                                     "    def do_GET(self):\n"
                                     "        size = int(self.path[1:])\n"
                                     "        self.send_response(200)\n"
                                     "        self.send_header('Content-Length', str(size))\n"
                                     "        self.end_headers()\n"
                                     "        self.wfile.write((unit * (size // 65521 + 1))[:size])\n"
                                     "    def log_message(self, *args):\n"
                                     "        pass\n"
                                     "server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)\n"
                                     "context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
                                     "if len(sys.argv) > 2:\n"
                                     "    context.minimum_version = ssl.TLSVersion.TLSv1\n"
                                     "    context.maximum_version = ssl.TLSVersion.TLSv1_1\n"
                                     "    context.set_ciphers('ALL:@SECLEVEL=0')\n"
                                     "context.load_cert_chain(sys.argv[1] + '.crt', sys.argv[1] + '.key')\n"
                                     "server.socket = context.wrap_socket(server.socket, server_side=True)\n"
                                     "print(server.server_address[1], flush=True)\n"
                                     "server.serve_forever()\n";

static const struct page no_pages[] = {{NULL, NULL}};

struct tls {
    struct rig rig;
    char dir[32], ca[64], other[64];
    pid_t pid;
    int port;
};

static struct tls tls;

static int make_certificates(void **state)
{
    (void)state;
    (void)snprintf(tls.dir, sizeof(tls.dir), "/tmp/sk-http-XXXXXX");
    assert_non_null(mkdtemp(tls.dir));
    char *command = sk_printf("(" MAKE ") >/dev/null 2>&1", tls.dir);
    int status = system(command);
    free(command);
    assert_int_equal(status, 0);
    (void)snprintf(tls.ca, sizeof(tls.ca), "%s/ca.pem", tls.dir);
    (void)snprintf(tls.other, sizeof(tls.other), "%s/other.pem", tls.dir);
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    char *command = sk_printf("rm -r '%s'", tls.dir);
    int status = system(command);
    free(command);
    return status;
}

/* old: one that knows nothing newer than TLS 1.1. */
static void serve_as(const char *name, bool old)
{
    int fds[2];
    char said[16] = {0};
    assert_int_equal(pipe(fds), 0);
    tls.pid = fork();
    if (tls.pid == 0) {
        (void)dup2(fds[1], STDOUT_FILENO);
        if (chdir(tls.dir) == 0)
            (void)execlp("python3", "python3", "-W", "ignore", "-c", server_program, name, old ? "old" : NULL,
                         NULL);
        _exit(127);
    }
    (void)close(fds[1]);
    assert_true(read(fds[0], said, sizeof(said) - 1) > 0);
    (void)close(fds[0]);
    tls.port = atoi(said);
}

static int setup(void **state)
{
    (void)state;
    rig_open(&tls.rig, no_pages, "", 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (tls.pid > 0) {
        (void)kill(tls.pid, SIGKILL);
        (void)waitpid(tls.pid, NULL, 0);
    }
    tls.pid = 0;
    rig_close(&tls.rig);
    return 0;
}

static struct sk_http_request ask(char url[64], int bytes, const char *ca_file)
{
    (void)snprintf(url, 64, "https://127.0.0.1:%d/%d", tls.port, bytes);
    return (struct sk_http_request){
        .url = url, .internal = true, .ca_file = ca_file, .max_bytes = (int64_t)1 << 30};
}

static void check(const char *ca_file, enum sk_code want)
{
    struct probe probe = {0};
    char url[64];
    probe_run(&probe, &tls.rig, NULL, ask(url, 1000, ca_file));
    if (probe.err.code != want)
        fail_msg("%s: %s", sk_code_name(probe.err.code), probe.err.text);
    assert_int_equal(probe.received, want == SK_OK ? 1000 : 0);
}

/* In this order: neither a kept connection nor a TLS session may stand in for trust. */
static void test_trust(void **state)
{
    (void)state;
    serve_as("IP:127.0.0.1", false);
    check(tls.ca, SK_OK);
    check(NULL, SK_FAILED_PRECONDITION);
    check("", SK_FAILED_PRECONDITION);
    check(tls.other, SK_FAILED_PRECONDITION);
    check("/nonexistent/ca.pem", SK_FAILED_PRECONDITION);
    check(tls.ca, SK_OK);
}

static void test_wrong_name(void **state)
{
    (void)state;
    serve_as("DNS:elsewhere.invalid", false);
    check(tls.ca, SK_FAILED_PRECONDITION);
}

static void test_old_protocol(void **state)
{
    (void)state;
    serve_as("IP:127.0.0.1", true);
    check(tls.ca, SK_UNAVAILABLE);
}

/* Bytes that OpenSSL holds make no socket readable: nothing may be left lying there. */
static void test_pauses(void **state)
{
    enum { BYTES = 20 << 20 };
    struct probe probe = {.pause_at = AT_DATA, .pause_ms = 2};
    char url[64];
    (void)state;
    serve_as("IP:127.0.0.1", false);
    probe_start(&probe, &tls.rig, NULL, ask(url, BYTES, tls.ca));
    rig_await(&tls.rig, &probe.pieces, 50);
    assert_in_range(probe.pieces, 50, 1000);
    probe.pause_at = NEVER;
    rig_run(&tls.rig, 1);
    assert_int_equal(probe.err.code, SK_OK);
    assert_int_equal(probe.received, BYTES);
    probe_close(&probe);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_trust),
        CASE(test_wrong_name),
        CASE(test_old_protocol),
        CASE(test_pauses),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
