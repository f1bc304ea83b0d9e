/* The real sandkeepd: it starts, refuses to start, and stops as it should. */
#include "daemon_rig.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

static int connect_to(const char *address)
{
    const char *colon = strrchr(address, ':');
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_non_null(colon);
    to.sin_port = htons((uint16_t)atoi(colon + 1));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static mode_t mode_of(const struct rig *rig, const char *name)
{
    SK_AUTO_FREE char *path = sk_printf("%s/%s", rig->dir, name);
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 07777;
}

static void starts_and_stops(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *log = NULL;
    char address[64];
    int fd;

    rig_start_ready(rig);
    rig_address(rig, address);
    assert_int_equal(strncmp(address, "127.0.0.1:", 10), 0);
    assert_string_not_equal(address, "127.0.0.1:0");
    fd = connect_to(address);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(mode_of(rig, "state"), 0700);
    assert_int_equal(mode_of(rig, "run"), 0711);
    assert_int_equal(mode_of(rig, "state/sandkeep.db"), 0600);
    assert_int_equal(rig_stop(rig, SIGTERM), 0);
    rig_must_say(rig, "daemon.stopped");
    rig_address(rig, address);
    assert_string_equal(address, ""); /* taken back */
    log = rig_read(rig, "log");
    for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n"))
        if (line[0] != '{' || line[strlen(line) - 1] != '}')
            fail_msg("not a JSON line: %s", line);
}

static void stops_on_interrupt_and_reads_again_on_hangup(void **state)
{
    struct rig *rig = *state;

    rig_start_ready(rig);
    assert_int_equal(kill(rig->pid, SIGHUP), 0);
    rig_must_say(rig, "config.reloaded");
    assert_int_equal(rig_stop(rig, SIGINT), 0);
}

/* The soft limit is raised; that of the host's administrator is only spoken of. */
static void takes_the_descriptors_it_may_have(void **state)
{
    struct rig *rig = *state;
    struct rlimit usual, own;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){1024, 4096}), 0);
    rig_start_ready(rig);
    (void)setrlimit(RLIMIT_NOFILE, &usual); /* root's alone; else the rest runs with fewer */
    rig_must_say(rig, "daemon.few_files");
    assert_int_equal(prlimit(rig->pid, RLIMIT_NOFILE, NULL, &own), 0);
    assert_int_equal(own.rlim_cur, 4096);
    assert_int_equal(rig_stop(rig, SIGTERM), 0);
}

static void stops_with_clients_connected(void **state)
{
    struct rig *rig = *state;
    char address[64];
    int fds[3];

    rig_start_ready(rig);
    rig_address(rig, address);
    for (size_t i = 0; i < sk_array_len(fds); i++)
        fds[i] = connect_to(address);
    assert_int_equal(write(fds[1], "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27), 27);
    assert_int_equal(write(fds[2], "\0\xff\x16\x03garbage", 11), 11);
    assert_int_equal(rig_stop(rig, SIGTERM), 0);
    for (size_t i = 0; i < sk_array_len(fds); i++)
        (void)close(fds[i]);
}

static void a_second_daemon_is_refused(void **state)
{
    struct rig *rig = *state;
    char pid[32];

    rig_start_ready(rig);
    rig_must_refuse(rig, "another daemon uses");
    (void)snprintf(pid, sizeof(pid), "(process %d)", rig->pid);
    rig_must_say(rig, pid);
    assert_int_equal(rig_stop(rig, SIGTERM), 0);
    rig_start_ready(rig); /* the lock is free again */
}

static void starts_again_after_a_kill(void **state)
{
    struct rig *rig = *state;
    char before[64], after[64];

    rig_start_ready(rig);
    rig_address(rig, before);
    assert_int_equal(rig_stop(rig, SIGKILL), 128 + SIGKILL);
    rig_configure(rig, before, RIG_FAKE);
    rig_start_ready(rig);
    rig_address(rig, after);
    assert_string_equal(before, after);
}

static void the_node_keeps_its_name(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *first = NULL;
    SK_AUTO_FREE char *second = NULL;

    rig_start_ready(rig);
    assert_int_equal(rig_stop(rig, SIGTERM), 0);
    first = rig_read(rig, "state/node_id");
    assert_true(strlen(first) >= 2 && strlen(first) <= 13);
    rig_configure(rig, "127.0.0.1:0", RIG_FAKE ", \"node_id\": \"other0\"");
    rig_must_refuse(rig, "node_id is \\\"other0\\\"");
    second = rig_read(rig, "state/node_id");
    assert_string_equal(first, second);
}

static void the_node_has_the_name_it_is_given(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *name = NULL;

    rig_configure(rig, "127.0.0.1:0", RIG_FAKE ", \"node_id\": \"twelvechars0\"");
    rig_start_ready(rig);
    name = rig_read(rig, "state/node_id");
    assert_string_equal(name, "twelvechars0\n");
}

static void refuses_a_newer_database(void **state)
{
    struct rig *rig = *state;
    SK_AUTO_FREE char *path = sk_printf("%s/state/sandkeep.db", rig->dir);
    sqlite3 *handle = NULL;

    rig_start_ready(rig);
    assert_int_equal(rig_stop(rig, SIGTERM), 0);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "PRAGMA user_version = 7777", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    rig_must_refuse(rig, "written by a newer release");
}

static void refuses_a_port_that_is_taken(void **state)
{
    struct rig *rig = *state;
    char address[64], listen[96];

    rig_start_ready(rig);
    rig_address(rig, address);
    (void)snprintf(listen, sizeof(listen), "%s", address);
    rig_configure(rig, listen, RIG_FAKE);
    {
        struct rig other = *rig;
        FILE *file;
        (void)snprintf(other.log, sizeof(other.log), "%s/log", rig->dir);
        file = fopen(rig->config, "w");
        assert_non_null(file);
        (void)fprintf(
            file,
            "{\"listen\": [\"%s\"], \"state_dir\": \"%s/state/b\", \"run_dir\": \"%s/run/b\"" RIG_FAKE "}",
            listen, rig->dir, rig->dir);
        (void)fclose(file);
        rig_must_refuse(&other, address);
    }
    rig_remove(rig->dir, "state/b/audit");
    rig_remove(rig->dir, "state/b/logs");
    rig_remove(rig->dir, "state/b");
    rig_remove(rig->dir, "run/b");
}

static void refuses_what_is_missing(void **state)
{
    struct rig *rig = *state;

    rig_configure(rig, "127.0.0.1:0",
                  RIG_FAKE ", \"tls_certificate\": \"/nonexistent/c\", \"tls_key\": \"/k\"");
    rig_must_refuse(rig, "/nonexistent/c");
    rig_configure(rig, "127.0.0.1:0", ", \"guest_path\": \"/nonexistent/guest\", \"runtime\": \"crun\"");
    rig_must_refuse(rig, "/nonexistent/guest");
}

/* Before anything is made of it. */
static void refuses_networks_that_it_cannot_make(void **state)
{
    struct rig *rig = *state;

    rig_configure(rig, "127.0.0.1:0", RIG_REAL ", \"edge_program\": \"/nonexistent/haproxy\"");
    rig_must_refuse(rig, "/nonexistent/haproxy");
    rig_configure(rig, "127.0.0.1:0",
                  RIG_REAL ", \"network\": \"cni\", \"cni_config\": \"/nonexistent/list\"");
    rig_must_refuse(rig, "cni");
}

/* Recovery waits for containerd for ever; a signal ends the wait. */
static void stops_while_it_starts(void **state)
{
    struct rig *rig = *state;

    if (geteuid() != 0)
        skip(); /* networks are root's alone */
    rig_configure(rig, "127.0.0.1:0", RIG_REAL ", \"containerd_socket\": \"/nonexistent/sock\"");
    rig_start(rig);
    rig_must_say(rig, "recover.list_failed");
    assert_int_equal(rig_stop(rig, SIGTERM), 0);
    rig_must_say(rig, "daemon.stopped");
}

/* --- the service manager ------------------------------------------------------------ */

/* Waits until the manager has been told `what`; counts everything by the way. */
static bool told(int fd, const char *what, int *count)
{
    char text[256];
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    while (poll(&wait, 1, RIG_LIMIT_MS) == 1) {
        ssize_t len = recv(fd, text, sizeof(text) - 1, 0);
        text[len > 0 ? len : 0] = '\0';
        if (!strcmp(text, what))
            return true;
        ++*count;
    }
    return false;
}

/* What finds no room is lost: a manager has room for much, and so shall we. */
static void make_room_for_messages(void)
{
    int fd = open("/proc/sys/net/unix/max_dgram_qlen", O_WRONLY | O_CLOEXEC);

    if (fd >= 0)
        (void)!write(fd, "10000", 5);
    sk_close_fd(&fd);
}

static void tells_the_service_manager(void **state)
{
    struct rig *rig = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, beats = 0;

    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", rig->dir);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", "40000", 1), 0);
    rig_start(rig);
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    assert_true(told(fd, "READY=1", &beats));
    for (int i = 0; i < 5; i++)
        assert_true(told(fd, "WATCHDOG=1", &beats));
    assert_int_equal(kill(rig->pid, SIGTERM), 0);
    assert_true(told(fd, "STOPPING=1", &beats));
    assert_int_equal(rig_stop(rig, SIGTERM), 0); /* a second signal changes nothing */
    (void)close(fd);
}

/* --- the command line ------------------------------------------------------------------ */

static int command(struct rig *rig, const char *const *args, const char *says)
{
    int code = rig_wait(rig_spawn(rig, args));

    rig_must_say(rig, says);
    return code;
}

static void checks_and_prints_the_configuration(void **state)
{
    struct rig *rig = *state;
    const char *const check[] = {"--config", rig->config, "--check-config", NULL};
    FILE *file;

    assert_int_equal(command(rig, check, "no faults"), 0);
    file = fopen(rig->config, "w");
    assert_non_null(file);
    (void)fputs("{\n\"listen\": 5,\n\"nope\": 1\n}\n", file);
    (void)fclose(file);
    assert_int_equal(command(rig, check, "config.json:2: listen: is a number, give a list"), 2);
    rig_must_say(rig, "config.json:3: nope: no such key");
    assert_int_equal(command(rig, (const char *const[]){"--config", rig->config, NULL}, "has 2 faults"), 2);
    assert_int_equal(command(rig, (const char *const[]){"--print-config", NULL}, "\"containerd_socket\""), 0);
    assert_int_equal(rename(rig->log, rig->config), 0);
    assert_int_equal(command(rig, check, "no faults"), 0);
}

static void knows_its_arguments(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(command(rig, (const char *const[]){"--version", NULL}, "sandkeepd " SK_VERSION), 0);
    assert_int_equal(command(rig, (const char *const[]){"--help", NULL}, "--check-config"), 0);
    assert_int_equal(command(rig, (const char *const[]){"--nope", NULL}, "Usage:"), 2);
    assert_int_equal(command(rig, (const char *const[]){"stray", NULL}, "Usage:"), 2);
    assert_int_equal(
        command(rig, (const char *const[]){"--config", "/nonexistent", NULL}, "cannot read /nonexistent"), 2);
}

#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(starts_and_stops),
        RIG_TEST(stops_on_interrupt_and_reads_again_on_hangup),
        RIG_TEST(takes_the_descriptors_it_may_have),
        RIG_TEST(stops_with_clients_connected),
        RIG_TEST(a_second_daemon_is_refused),
        RIG_TEST(starts_again_after_a_kill),
        RIG_TEST(the_node_keeps_its_name),
        RIG_TEST(the_node_has_the_name_it_is_given),
        RIG_TEST(refuses_a_newer_database),
        RIG_TEST(refuses_a_port_that_is_taken),
        RIG_TEST(refuses_what_is_missing),
        RIG_TEST(refuses_networks_that_it_cannot_make),
        RIG_TEST(stops_while_it_starts),
        RIG_TEST(tells_the_service_manager),
        RIG_TEST(checks_and_prints_the_configuration),
        RIG_TEST(knows_its_arguments),
    };

    if (rig_own_network())
        make_room_for_messages();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
