/* drivers/edge: ways in to a sandbox's services, by port and by host name. */
#include "component/edge_app.h"

#define APP 8080
#define TLS 8443

#define GET(host) "GET /path?q HTTP/1.1\r\nHost: " host "\r\nConnection: close\r\n\r\n"

static bool make_certificate(struct edge_rig *rig, const char *name)
{
    return lab_run("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 "
                   "-keyout key -out cert -subj /CN=%s -addext subjectAltName=DNS:%s 2>/dev/null && "
                   "umask 077 && cat cert key >pem.new && mv pem.new pem",
                   rig->lab.dir, name, name) == 0;
}

static int setup(void **state)
{
    struct edge_rig *rig = *state;
    static char path[128];
    struct sk_err err;
    (void)snprintf(path, sizeof(path), "%s/pem", rig->lab.dir);
    rig->options.domain = "boxes.test";
    rig->options.https_port = TLS;
    rig->options.certificate = path;
    rig->app = app_start(rig, APP);
    if (rig->app > 0 && make_certificate(rig, "*.boxes.test") && rig_open(rig, &err) == SK_OK)
        return 0;
    print_error("%s\n", err.text);
    return -1;
}

static int teardown(void **state)
{
    struct edge_rig *rig = *state;
    lab_stop(rig->app);
    rig->app = 0;
    assert_int_equal(rig_remove(rig, "n1-a"), SK_OK);
    int pid = rig_pid(rig);
    rig_close(rig);
    assert_false(rig_lives(pid));
    return 0;
}

static void set_doors(struct edge_rig *rig)
{
    struct rig_box box;
    rig_box_init(&box, "n1-a");
    rig_add_door(&box, RIG_PORTS, NULL, APP);
    rig_add_door(&box, RIG_PORTS + 1, NULL, APP + 1);
    rig_add_door(&box, 0, "n1-a-8080.boxes.test", APP);
    assert_int_equal(rig_set(rig, &box), SK_OK);
}

static void test_a_port_leads_to_the_service(void **state)
{
    char out[20000];
    set_doors(*state);
    app_ask(RIG_PORTS, GET("example.test:20000"), out, sizeof(out));
    assert_non_null(strstr(out, "HTTP/1.1 200 OK"));
    assert_non_null(strstr(out, "GET /path?q HTTP/1.1\r\n"));
    assert_non_null(strcasestr(out, "\r\nhost: example.test:20000\r\n"));
    assert_non_null(strcasestr(out, "\r\nx-forwarded-for: 127.0.0.1\r\n"));
    assert_non_null(strcasestr(out, "\r\nx-forwarded-proto: http\r\n"));
}

static void test_a_caller_cannot_say_who_it_is(void **state)
{
    char out[20000];
    set_doors(*state);
    app_ask(RIG_PORTS,
            "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\nx-forwarded-proto: https\r\n"
            "X-Forwarded-User: root\r\nForwarded: for=6.6.6.6\r\nX-Mine: stays\r\nConnection: close\r\n\r\n",
            out, sizeof(out));
    assert_non_null(strstr(out, "200 OK"));
    assert_null(strstr(out, "6.6.6.6"));
    assert_null(strcasestr(out, "x-forwarded-user"));
    assert_null(strcasestr(out, "proto: https"));
    assert_non_null(strcasestr(out, "x-mine: stays"));
}

static void test_nobody_listens_yet(void **state)
{
    char out[20000];
    set_doors(*state);
    app_ask(RIG_PORTS + 1, GET("a"), out, sizeof(out));
    assert_memory_equal(out, "HTTP/1.1 503 ", 13);
}

static void test_a_port_without_a_service_refuses(void **state)
{
    char out[20000];
    set_doors(*state);
    assert_string_equal(app_ask(RIG_PORTS + 2, GET("a"), out, sizeof(out)), "");
    assert_int_equal(rig_remove(*state, "n1-a"), SK_OK);
    assert_string_equal(app_ask(RIG_PORTS, GET("a"), out, sizeof(out)), "");
}

static bool is_whole_answer(const char *out, size_t got)
{
    const char *body = strstr(out, "\r\n\r\n"), *length = strcasestr(out, "\r\ncontent-length: ");
    return body && (!length || got >= (size_t)(body + 4 - out) + (size_t)atol(length + 18));
}

/* On a connection that goes on. */
static void ask_on(int fd, const char *request, char *out, size_t size)
{
    (void)lab_send(fd, request, strlen(request));
    (void)rig_hear(fd, out, size, is_whole_answer, LAB_COMES_MS);
}

/* Also for a connection that was made while it was there. */
static void test_a_closed_door_is_closed(void **state)
{
    struct edge_rig *rig = *state;
    static const char kept[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    char out[20000];
    set_doors(rig);
    int fd = lab_connect(SOCK_STREAM, "127.0.0.1", RIG_PORTS, LAB_COMES_MS);
    ask_on(fd, kept, out, sizeof(out));
    assert_non_null(strstr(out, "200 OK"));
    assert_int_equal(rig_remove(rig, "n1-a"), SK_OK);
    ask_on(fd, kept, out, sizeof(out));
    assert_memory_equal(out, "HTTP/1.1 404 ", 13);
    (void)close(fd);
}

static int open_web_socket(void)
{
    static const char upgrade[] =
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    char out[20000];
    int fd = lab_connect(SOCK_STREAM, "127.0.0.1", RIG_PORTS, LAB_COMES_MS);
    ask_on(fd, upgrade, out, sizeof(out));
    assert_memory_equal(out, "HTTP/1.1 101 ", 13);
    return fd;
}

static void use_and_close_web_socket(int fd)
{
    static const char frames[] = "\x82\x05\0\xff\r\n\r";
    char out[8];
    assert_int_equal(rig_converse_for(fd, frames, 7, out, 7), 7);
    assert_memory_equal(out, frames, 7);
    (void)close(fd);
}

static void test_web_sockets_pass(void **state)
{
    set_doors(*state);
    use_and_close_web_socket(open_web_socket());
}

static void test_too_large_a_head_is_refused(void **state)
{
    static char request[40000], out[20000];
    set_doors(*state);
    size_t len = (size_t)snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(request + len, 'x', 30000);
    (void)snprintf(request + len + 30000, 10, "\r\n\r\n");
    app_ask(RIG_PORTS, request, out, sizeof(out));
    assert_null(strstr(out, "200 OK"));
}

/* --- HTTPS ------------------------------------------------------------------------------------- */

/* What openssl's client gets for what a shell's commands write; "" = no handshake. */
static const char *talk_tls(struct edge_rig *rig, const char *name, const char *commands, char *out,
                            size_t size)
{
    char line[2048];
    (void)snprintf(
        line, sizeof(line),
        "cd %s && { %s; } | timeout 60 openssl s_client -quiet -connect 127.0.0.1:%d "
        "-servername %s -CAfile cert -verify_return_error -verify_hostname %s -alpn h2,http/1.1 2>&1; "
        "sleep 0.1",
        rig->lab.dir, commands, TLS, name, name);
    FILE *pipe = popen(line, "r");
    size_t got = pipe ? fread(out, 1, size - 1, pipe) : 0;
    out[got] = '\0';
    if (pipe)
        (void)pclose(pipe);
    return out;
}

static const char *ask_tls(struct edge_rig *rig, const char *name, const char *request, char *out,
                           size_t size)
{
    SK_AUTO_FREE char *commands = sk_printf("printf '%s'", request);
    return talk_tls(rig, name, commands, out, size);
}

#define TLS_GET(host) "GET /tls HTTP/1.1\\r\\nHost: " host "\\r\\nConnection: close\\r\\n\\r\\n"

static void test_a_host_name_leads_to_the_service(void **state)
{
    char out[20000];
    set_doors(*state);
    ask_tls(*state, "n1-a-8080.boxes.test", TLS_GET("n1-a-8080.boxes.test"), out, sizeof(out));
    assert_non_null(strstr(out, "HTTP/1.1 200 OK"));
    assert_non_null(strstr(out, "GET /tls HTTP/1.1"));
    assert_non_null(strcasestr(out, "\r\nx-forwarded-proto: https\r\n"));
    assert_non_null(strcasestr(out, "\r\nx-forwarded-port: 8443\r\n"));
    ask_tls(*state, "n1-a-8080.boxes.test", TLS_GET("N1-A-8080.Boxes.Test:8443"), out, sizeof(out));
    assert_non_null(strstr(out, "HTTP/1.1 200 OK"));
}

static void test_unknown_hosts(void **state)
{
    char out[20000];
    set_doors(*state);
    ask_tls(*state, "other.boxes.test", TLS_GET("other.boxes.test"), out, sizeof(out));
    assert_non_null(strstr(out, "HTTP/1.1 404 "));
    ask_tls(*state, "n1-a-8080.boxes.test", TLS_GET("20000"), out, sizeof(out));
    assert_non_null(strstr(out, "HTTP/1.1 404 "));
    /* No certificate is shown to who asks for something else. */
    ask_tls(*state, "elsewhere.test", TLS_GET("n1-a-8080.boxes.test"), out, sizeof(out));
    assert_null(strstr(out, "HTTP/1.1"));
    assert_null(strstr(out, "boxes.test"));
}

#define SLOW           "n1-a-8080.boxes.test"
#define SLOW_GET(path) "GET " path " HTTP/1.1\\r\\nHost: " SLOW "\\r\\nConnection: close\\r\\n\\r\\n"

static void set_slow_door(struct edge_rig *rig, uint16_t timeout_s)
{
    struct rig_box box;
    rig_box_init(&box, "n1-a");
    rig_add_door(&box, 0, SLOW, APP);
    box.doors[0].timeout_s = timeout_s;
    assert_int_equal(rig_set(rig, &box), SK_OK);
}

static void test_an_answer_that_is_late(void **state)
{
    char out[20000];
    set_slow_door(*state, 1);
    ask_tls(*state, SLOW, SLOW_GET("/never"), out, sizeof(out));
    assert_non_null(strstr(out, "HTTP/1.1 504 "));
    /* One that has begun, and goes on, takes as long as it takes. */
    set_slow_door(*state, DRIP_S);
    ask_tls(*state, SLOW, SLOW_GET("/drip"), out, sizeof(out));
    assert_non_null(strstr(out, "HTTP/1.1 200 "));
    const char *body = strstr(out, "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(strspn(body + 4, "x"), DRIP_BYTES);
    /* The limit is the door's, and the next one's another. */
    set_slow_door(*state, 15);
    ask_tls(*state, SLOW, SLOW_GET("/late"), out, sizeof(out));
    assert_non_null(strstr(out, "HTTP/1.1 200 "));
    set_slow_door(*state, 0);
    ask_tls(*state, SLOW, SLOW_GET("/late"), out, sizeof(out));
    assert_non_null(strstr(out, "HTTP/1.1 200 "));
}

static void test_web_sockets_may_rest(void **state)
{
    char out[20000];
    set_slow_door(*state, 4);
    talk_tls(*state, SLOW,
             "printf 'GET / HTTP/1.1\\r\\nHost: " SLOW
             "\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n'; "
             "sleep 5; printf 'after-a-rest, bye'",
             out, sizeof(out));
    assert_non_null(strstr(out, "HTTP/1.1 101 "));
    assert_non_null(strstr(out, "\r\n\r\nafter-a-rest, bye"));
}

static void test_a_new_certificate_is_taken_under_way(void **state)
{
    struct edge_rig *rig = *state;
    char out[20000];
    set_doors(rig);
    int kept = open_web_socket(), pid = rig_pid(rig);
    assert_true(
        make_certificate(rig, "*.boxes.test")); /* another key: cert, which clients trust, is its own */
    ask_tls(rig, "n1-a-8080.boxes.test", TLS_GET("n1-a-8080.boxes.test"), out, sizeof(out));
    assert_null(strstr(out, "200 OK"));
    /* Who looks already, as at the start, does not look again. */
    for (int waited = 0; waited < LAB_COMES_MS && !strstr(out, "200 OK"); waited += 200) {
        sk_haproxy_reload(rig->edge);
        rig_run(rig, 200);
        ask_tls(rig, "n1-a-8080.boxes.test", TLS_GET("n1-a-8080.boxes.test"), out, sizeof(out));
    }
    assert_non_null(strstr(out, "200 OK"));
    assert_int_equal(rig_pid(rig), pid);
    use_and_close_web_socket(kept);
}

static void test_a_broken_certificate_changes_nothing(void **state)
{
    struct edge_rig *rig = *state;
    char out[20000];
    set_doors(rig);
    rig_run(rig, 200);
    assert_int_equal(lab_run("cd %s && umask 077 && cat key >pem.new && mv pem.new pem", rig->lab.dir), 0);
    rig->log.level = SK_ERROR + 1;
    sk_haproxy_reload(rig->edge);
    rig_run(rig, 500);
    rig->log.level = SK_WARN;
    ask_tls(rig, "n1-a-8080.boxes.test", TLS_GET("n1-a-8080.boxes.test"), out, sizeof(out));
    assert_non_null(strstr(out, "200 OK"));
    /* And maps can still be changed. */
    set_doors(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_port_leads_to_the_service, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_caller_cannot_say_who_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_listens_yet, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_port_without_a_service_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_closed_door_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_web_sockets_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_large_a_head_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_host_name_leads_to_the_service, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_hosts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_answer_that_is_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_web_sockets_may_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_new_certificate_is_taken_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_broken_certificate_changes_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, rig_setup_group, rig_teardown_group);
}
