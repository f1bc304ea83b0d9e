/* rpc/accept.c: connections may come and go, and use up what they like: the server goes on. */
#include "rpc_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define FILES_MAX 64
#define STRANGERS 40 /* with both ends in this process: more than fit */

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    sk_close_fd(&fd);
    return -1;
}

static struct rlimit limit_files(rlim_t soft)
{
    struct rlimit before, now;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    now = before;
    now.rlim_cur = soft;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    return before;
}

static void expect_echo(struct rig *rig, const char *target)
{
    struct rig_unary unary;
    struct sk_channel *usual = rig->channel;
    rig->channel = rig_connect(rig, target);
    for (int i = 0; i < 600; i++) { /* those turned away are still being closed on a slow machine */
        rig_call(rig, &unary, "/t/Echo", "hello");
        if (unary.response)
            break;
        sk_arena_fini(&unary.arena);
        rig_wait(rig, 100);
    }
    assert_non_null(unary.response);
    assert_string_equal(rig_text(&unary), "hello");
    sk_arena_fini(&unary.arena);
    sk_channel_free(rig->channel);
    rig->channel = usual;
}

static void test_a_full_house_is_not_the_end(void **state)
{
    struct rig rig;
    int strangers[STRANGERS];
    (void)state;
    rig_setup(&rig, NULL);
    int port = sk_server_port(rig.server, 0);
    SK_AUTO_FREE char *target = sk_printf("127.0.0.1:%d", port);
    struct rlimit before = limit_files(FILES_MAX);
    for (int i = 0; i < STRANGERS; i++)
        strangers[i] = connect_to(port);
    rig_wait(&rig, 200);
    for (int i = 0; i < STRANGERS; i++)
        sk_close_fd(&strangers[i]);
    rig_wait(&rig, 200);
    expect_echo(&rig, target);
    (void)setrlimit(RLIMIT_NOFILE, &before);
    rig_teardown(&rig);
}

static int listen_here(struct sockaddr_in *out_address)
{
    socklen_t len = sizeof(*out_address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *out_address = (struct sockaddr_in){.sin_family = AF_INET};
    out_address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)out_address, sizeof(*out_address)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)out_address, &len), 0);
    return fd;
}

static void test_one_too_many_is_turned_away(void **state)
{
    struct sockaddr_in address;
    char byte;
    (void)state;
    SK_AUTO_FD int listener = listen_here(&address);
    SK_AUTO_FD int client = connect_to(ntohs(address.sin_port));
    assert_true(client >= 0);
    struct rlimit before = limit_files((rlim_t)client + 2); /* the next number is in the last quarter */
    int got = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    int sys = errno;
    (void)setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(got, -1);
    assert_int_equal(sys, EINTR);
    assert_true(read(client, &byte, 1) <= 0); /* it learns at once */
}

static void test_no_descriptor_left_means_later(void **state)
{
    struct sockaddr_in address;
    (void)state;
    SK_AUTO_FD int listener = listen_here(&address);
    SK_AUTO_FD int client = connect_to(ntohs(address.sin_port));
    assert_true(client >= 0);
    struct rlimit before = limit_files((rlim_t)client + 1);
    int got = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    int sys = errno;
    (void)setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(got, -1);
    assert_int_equal(sys, EAGAIN);
    SK_AUTO_FD int later = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(later >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_too_many_is_turned_away),
        cmocka_unit_test(test_no_descriptor_left_means_later),
        /* Last: threads of its server may still close descriptors when it is over. */
        cmocka_unit_test(test_a_full_house_is_not_the_end),
    };
    sk_bridge_silence();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
