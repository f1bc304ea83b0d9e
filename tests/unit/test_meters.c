/* What core counts is what it did. */
#include "core/drain.h"
#include "core/file.h"
#include "core/sandbox_impl.h"
#include "support/world.h"

#include <sys/statvfs.h>

struct counted {
    struct world w;
    struct sk_metrics *metrics;
};

/* The registry is there from the node's birth on, as in a daemon. */
static void begin(struct counted *c)
{
    world_init(&c->w);
    world_stop(&c->w);
    c->metrics = sk_metrics_new();
    c->w.config.metrics = c->metrics;
    world_start(&c->w);
}

static void end(struct counted *c)
{
    world_fini(&c->w);
    sk_metrics_free(c->metrics);
}

/* Lines, without "sandkeep_", that must be there as they are. */
static void expect(struct counted *c, const char *const *lines)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf out;

    sk_buf_init(&out, 1 << 20);
    assert_int_equal(sk_metrics_write(c->metrics, &out), SK_OK);
    assert_int_equal(sk_buf_append(&out, "", 1), SK_OK);
    for (; *lines; lines++) {
        SK_AUTO_FREE char *line = sk_printf("\nsandkeep_%s\n", *lines);
        if (!strstr((char *)out.data, line))
            fail_msg("no \"%s\" in:\n%s", *lines, (char *)out.data);
    }
}

#define EXPECT(c, ...) expect((c), (const char *const[]){__VA_ARGS__, NULL})

static void test_lives(void **state)
{
    struct counted c;
    struct answer answer;

    (void)state;
    begin(&c);
    EXPECT(&c, "sandboxes{state=\"running\"} 0", "creates_total{result=\"running\"} 0", "backend_up 1");
    struct sk_sandbox *s = world_running(&c.w, ARGV("sh"));
    (void)world_running(&c.w, ARGV("sh"));
    EXPECT(&c, "sandboxes{state=\"running\"} 2", "creates_total{result=\"running\"} 2",
           "create_duration_seconds_count{path=\"cold\"} 2",
           "create_duration_seconds_count{path=\"pulled\"} 0");
    world_delete(&c.w, s, SK_NS(0), &answer);
    world_settle(&c.w);
    EXPECT(&c, "sandboxes{state=\"running\"} 1", "sandboxes{state=\"terminated\"} 1");
    world_advance(&c.w, SK_SEC(70)); /* a life is a minute */
    EXPECT(&c, "sandboxes{state=\"terminated\"} 2", "expired_total{kind=\"lifetime\"} 1",
           "expired_total{kind=\"idle\"} 0");
    end(&c);
}

/* What is read was found after the reading before. */
static void test_disks(void **state)
{
    struct counted c;

    (void)state;
    begin(&c);
    sk_fake_images_set_disk(c.w.images, 1000, 400);
    EXPECT(&c, "disk_total_bytes{disk=\"images\"} 0", "disk_total_bytes{disk=\"state\"} 0");
    world_settle(&c.w);
    EXPECT(&c, "disk_total_bytes{disk=\"images\"} 1000", "disk_free_bytes{disk=\"images\"} 600");
    sk_fake_images_set_disk(c.w.images, 1000, 900);
    world_settle(&c.w);
    EXPECT(&c, "disk_free_bytes{disk=\"images\"} 600");
    world_advance(&c.w, SK_SEC(10));
    EXPECT(&c, "disk_free_bytes{disk=\"images\"} 600");
    world_settle(&c.w);
    EXPECT(&c, "disk_free_bytes{disk=\"images\"} 100");
    struct statvfs fs;
    assert_int_equal(statvfs(c.w.config.log_dir, &fs), 0);
    SK_AUTO_FREE char *line =
        sk_printf("disk_total_bytes{disk=\"state\"} %.15g", (double)fs.f_blocks * (double)fs.f_frsize);
    world_advance(&c.w, SK_SEC(10));
    EXPECT(&c, line);
    end(&c); /* whatever is under way */
}

static void test_drain(void **state)
{
    struct counted c;
    struct answer answer;
    const struct sk_drain_ask ask = {0};

    (void)state;
    begin(&c);
    EXPECT(&c, "drain_start_timestamp_seconds 0");
    answer_init(&answer);
    sk_drain_begin(c.w.node, &ask, &answer.done);
    world_settle(&c.w);
    const double began = (double)sk_drain_status(c.w.node).began.ns / 1e9;
    SK_AUTO_FREE char *line = sk_printf("drain_start_timestamp_seconds %.15g", began);
    EXPECT(&c, line);
    answer_init(&answer);
    sk_drain_end(c.w.node, &answer.done);
    world_settle(&c.w);
    EXPECT(&c, "drain_start_timestamp_seconds 0");
    end(&c);
}

static void test_pulls(void **state)
{
    static const char *const entrypoint[] = {"sh", NULL};
    struct counted c;
    struct answer answer;

    (void)state;
    begin(&c);
    sk_fake_images_publish(
        c.w.images, &(struct sk_fake_image){.name = "docker.io/library/new:1", .entrypoint = entrypoint});
    struct sk_record *record = world_record(&c.w, "one");
    record->spec.image = "docker.io/library/new:1";
    world_create(&c.w, record, &answer);
    world_advance(&c.w, SK_SEC(1));
    record = world_record(&c.w, "two");
    record->spec.image = "docker.io/library/none:1";
    world_create(&c.w, record, &answer);
    world_advance(&c.w, SK_SEC(1));
    EXPECT(&c, "image_pulls_total{result=\"done\"} 1", "image_pulls_total{result=\"failed\"} 1",
           "image_pull_duration_seconds_count 1", "create_duration_seconds_count{path=\"pulled\"} 1",
           "creates_total{result=\"failed\"} 1");
    end(&c);
}

static void test_execs(void **state)
{
    struct counted c;
    struct run ok, none, left;

    (void)state;
    begin(&c);
    struct sk_sandbox *s = world_running(&c.w, ARGV("sh"));
    run_start(&ok, s, ARGV("echo", "hello"), false, true);
    world_settle(&c.w);
    run_close(&ok);
    run_start(&none, s, ARGV("play", "exit:3"), false, true);
    world_settle(&c.w);
    run_close(&none);
    run_start(&left, s, ARGV("play", "sleep:infinity"), false, true);
    world_settle(&c.w);
    EXPECT(&c, "execs_total{path=\"unary\",result=\"exited\"} 2", "execs_open 1",
           "exec_duration_seconds_count{path=\"unary\"} 2", "exec_duration_seconds_count{path=\"stream\"} 0",
           "exec_first_byte_seconds_count{path=\"unary\"} 1");
    run_close(&left);
    world_settle(&c.w);
    EXPECT(&c, "execs_total{path=\"unary\",result=\"abandoned\"} 1", "execs_open 0");
    end(&c);
}

static void test_files(void **state)
{
    struct counted c;
    struct sk_file_write write = {.path = "/tmp/a", .data = (const uint8_t *)"12345", .len = 5};
    struct sk_file_read read = {.path = "/tmp/a", .most = SK_FILE_MAX}, lost = {.path = "/b", .most = 9};
    struct answer answer;

    (void)state;
    begin(&c);
    struct sk_sandbox *s = world_running(&c.w, ARGV("sh"));
    answer_init(&answer);
    sk_file_write(s, &write, &answer.done);
    world_settle(&c.w);
    assert_int_equal(answer.err.code, SK_OK);
    answer_init(&answer);
    sk_file_read(s, &read, &answer.done);
    world_settle(&c.w);
    free(read.data);
    answer_init(&answer);
    sk_file_read(s, &lost, &answer.done);
    world_settle(&c.w);
    EXPECT(&c, "file_bytes_total{op=\"write\"} 5", "file_bytes_total{op=\"read\"} 5",
           "file_duration_seconds_count{op=\"read\"} 1", "file_failures_total{op=\"read\"} 1",
           "file_failures_total{op=\"write\"} 0");
    end(&c);
}

static void test_what_did_not_pass(void **state)
{
    struct counted c;

    (void)state;
    begin(&c);
    struct sk_sandbox *s = world_running(&c.w, ARGV("sh"));
    const struct sk_network_place *place = sk_sandbox_place(s);
    struct sk_network_event event = {.kind = SK_NETWORK_DENIED,
                                     .id = sk_sandbox_record(s)->id,
                                     .source = place->ipv4,
                                     .protocol = 6,
                                     .port = 25,
                                     .rule = "platform"};
    sk_fake_network_tell(c.w.network, &event);
    sk_fake_network_tell(c.w.network, &event);
    event.kind = SK_NETWORK_RESTORED;
    sk_fake_network_tell(c.w.network, &event);
    sk_fake_names_deny(c.w.names, &place->ipv4, "evil.example", "refused");
    world_settle(&c.w);
    EXPECT(&c, "egress_denied_total{reason=\"platform\"} 2", "egress_denied_total{reason=\"refused\"} 1",
           "names_denied_total 1", "network_restored_total 1");
    end(&c);
}

static void test_orphans(void **state)
{
    struct counted c;

    (void)state;
    begin(&c);
    sk_fake_runtime_litter(c.w.runtime, "cgroup", "nobodys", true);
    world_advance(&c.w, SK_SEC(35));
    EXPECT(&c, "gc_pending{kind=\"cgroup\"} 1", "gc_pending{kind=\"container\"} 0");
    world_advance(&c.w, SK_SEC(70));
    EXPECT(&c, "orphans_found_total{kind=\"cgroup\"} 1", "gc_reaped_total{kind=\"cgroup\"} 1",
           "gc_pending{kind=\"cgroup\"} 0");
    end(&c);
}

static void test_kills(void **state)
{
    struct counted c;

    (void)state;
    begin(&c);
    struct sk_sandbox *s = world_running(&c.w, ARGV("sh"));
    sk_fake_runtime_oom(c.w.runtime, sk_sandbox_record(s)->id);
    sk_fake_runtime_away(c.w.runtime, true);
    world_settle(&c.w);
    EXPECT(&c, "limit_kills_total{kind=\"memory\"} 1", "backend_up 0");
    sk_fake_runtime_away(c.w.runtime, false);
    world_settle(&c.w);
    EXPECT(&c, "backend_up 1");
    end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lives),
        cmocka_unit_test(test_disks),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_pulls),
        cmocka_unit_test(test_execs),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_what_did_not_pass),
        cmocka_unit_test(test_orphans),
        cmocka_unit_test(test_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
