/* The uplink that CNI plugins make, with Debian's bridge and host-local, in a lab of the test's own; root. */
#include "support/net_lab.h"

#include "base/own.h"
#include "drivers/cni/cni.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PLUGINS "/usr/lib/cni"

static struct net_lab lab;
static const uint16_t ports[] = {80, 81};
/* What may be reached of the node. */
static const struct sk_nftables_exception gaps[] = {{{{false, {10, 99, 0, 1}}, 32}, 6, 80}};

/* `more` follows the bridge. */
static void write_config(const char *more)
{
    SK_AUTO_FREE char *path = sk_printf("%s/net.conflist", lab.dir);
    SK_AUTO_FREE char *text = sk_printf(
        "{\"cniVersion\":\"1.0.0\",\"name\":\"lab\",\"plugins\":[{\"type\":\"bridge\",\"bridge\":\"cni9\","
        "\"isGateway\":true,\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.99.0.0/24\",\"dataDir\":"
        "\"%s/ipam\",\"routes\":[{\"dst\":\"0.0.0.0/0\"}]}}%s]}",
        lab.dir, more);
    SK_AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static enum sk_code call(bool join, const char *plugins, struct sk_cni_place *out_place, struct sk_err *err)
{
    SK_AUTO_FREE char *config = sk_printf("%s/net.conflist", lab.dir);
    const struct sk_cni_options options = {.config = config,
                                           .plugins = plugins,
                                           .run_dir = lab.dir,
                                           .state_dir = lab.dir,
                                           .id = "n1",
                                           .fence = "fence9",
                                           .gaps = gaps,
                                           .gap_count = 1};
    return join ? sk_cni_join(&options, out_place, err) : sk_cni_leave(&options, err);
}

static enum sk_code join(struct sk_cni_place *out_place, struct sk_err *err)
{
    return call(true, PLUGINS, out_place, err);
}

static enum sk_code leave(void)
{
    struct sk_err err = {0};
    return call(false, PLUGINS, NULL, &err);
}

/* Links on the bridge, addresses given out, files of ours. The kernel takes links down behind our back. */
static void assert_nothing_is_left(void)
{
    assert_true(lab_await("test $(ip -o link show master cni9 2>/dev/null | wc -l) = 0"));
    assert_int_equal(lab_run("nft list table inet fence9 2>/dev/null") == 0, 0);
    assert_int_equal(lab_run("test $(ls -d %s/net/* %s/cni.json* %s/ipam/lab/1* 2>/dev/null | wc -l) = 0",
                             lab.dir, lab.dir, lab.dir),
                     0);
}

static int leave_all(void **state)
{
    (void)state;
    write_config("");
    return leave() == SK_OK ? 0 : -1;
}

static void joined_it_reaches_what_it_may(void **state)
{
    struct sk_cni_place place, again;
    struct sk_err err;
    char text[SK_IP_TEXT_MAX];
    (void)state;
    write_config("");
    assert_int_equal(join(&place, &err), SK_OK);
    sk_ip_print(&place.addresses.items[0], text);
    assert_int_equal(strncmp(text, "10.99.0.", 8), 0);
    pid_t server = lab_serve(NULL, ports, 2);
    bool reached = lab_reaches(place.netns, SOCK_STREAM, "10.99.0.1", 80);
    bool fenced = lab_is_kept_from(place.netns, SOCK_STREAM, "10.99.0.1", 81) &&
                  lab_is_kept_from(place.netns, SOCK_DGRAM, "10.99.0.1", 80);
    bool is_open = lab_reaches(NULL, SOCK_STREAM, "10.99.0.1", 81);
    lab_stop(server);
    assert_true(reached && fenced && is_open);
    assert_int_equal(join(&again, &err), SK_OK);
    assert_true(sk_ip_equal(&place.addresses.items[0], &again.addresses.items[0]));
    assert_int_equal(leave(), SK_OK);
    assert_nothing_is_left();
    assert_int_equal(leave(), SK_OK);
}

static void a_failure_leaves_nothing(void **state)
{
    struct sk_cni_place place;
    struct sk_err err = {0};
    (void)state;
    /* It cannot change what is not there. */
    write_config(",{\"type\":\"tuning\",\"sysctl\":{\"net.ipv4.no_such_thing\":\"1\"}}");
    assert_int_equal(join(&place, &err), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(err.text, "the CNI plugin tuning failed ADD: "));
    assert_nothing_is_left();
}

static void a_plugin_that_is_not_there_is_named(void **state)
{
    struct sk_cni_place place;
    struct sk_err err = {0};
    (void)state;
    write_config("");
    assert_int_equal(call(true, "/nonexistent", &place, &err), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(err.text, "/nonexistent/bridge"));
}

/* A daemon that was killed while the plugins were at it: they were asked, and nobody heard them. */
static void half_made_is_made_anew(void **state)
{
    struct sk_cni_place first, second;
    struct sk_err err;
    (void)state;
    write_config("");
    assert_int_equal(join(&first, &err), SK_OK);
    assert_int_equal(lab_run(": > %s/cni.json", lab.dir), 0);
    assert_int_equal(join(&second, &err), SK_OK);
    assert_int_equal(lab_run("test $(ls %s/ipam/lab | grep -c '^10') = 1", lab.dir), 0);
    assert_int_equal(lab_run("test $(ip -o link show master cni9 | wc -l) = 1"), 0);
    assert_int_equal(leave(), SK_OK);
    assert_nothing_is_left();
}

/* The machine was started again: the pin is gone, the plugins' own notes are not. */
static void a_pin_that_is_gone_is_made_anew(void **state)
{
    struct sk_cni_place first, second;
    struct sk_err err;
    (void)state;
    write_config("");
    assert_int_equal(join(&first, &err), SK_OK);
    assert_int_equal(lab_run("umount %s && rm %s", first.netns, first.netns), 0);
    assert_int_equal(join(&second, &err), SK_OK);
    assert_int_equal(lab_run("test $(ls %s/ipam/lab | grep -c '^10') = 1", lab.dir), 0);
    assert_int_equal(leave(), SK_OK);
    assert_nothing_is_left();
}

static void a_bad_configuration_is_told(void **state)
{
    struct sk_cni_place place;
    struct sk_err err = {0};
    (void)state;
    assert_int_equal(lab_run("echo '{}' > %s/net.conflist", lab.dir), 0);
    assert_int_equal(join(&place, &err), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "cni_config "));
    assert_non_null(strstr(err.text, "net.conflist: name: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(joined_it_reaches_what_it_may, leave_all),
        cmocka_unit_test_teardown(a_failure_leaves_nothing, leave_all),
        cmocka_unit_test_teardown(a_plugin_that_is_not_there_is_named, leave_all),
        cmocka_unit_test_teardown(half_made_is_made_anew, leave_all),
        cmocka_unit_test_teardown(a_pin_that_is_gone_is_made_anew, leave_all),
        cmocka_unit_test_teardown(a_bad_configuration_is_told, leave_all),
    };
    if (geteuid() != 0 || access(PLUGINS "/bridge", X_OK) != 0 || !lab_open(&lab)) {
        fprintf(stderr, "skipped: wants root and the CNI plugins of " PLUGINS "\n");
        return 77;
    }
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    lab_close(&lab);
    return result;
}
