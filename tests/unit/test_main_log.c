/* The way of the output to the disk: its rate, a disk that refuses, the last of it, and when a log goes. */
#include "core/sandbox_impl.h"
#include "support/log_rig.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files of this process may not grow beyond this. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static uint64_t end_of(const struct sk_sandbox *s)
{
    return sk_journal_end(s->log_file.journal);
}

static bool has_folder(const struct world *w, const char *id)
{
    SK_AUTO_FREE char *path = sk_printf("%s/%s", w->config.log_dir, id);

    return access(path, F_OK) == 0;
}

struct id {
    char text[64];
};

static struct id id_of(const struct sk_sandbox *s)
{
    struct id id;

    (void)snprintf(id.text, sizeof(id.text), "%s", sk_sandbox_record(s)->id);
    return id;
}

/* All of the log as text, in r->text. */
static const char *read_log(struct world *w, struct sk_sandbox *s, struct reader *r)
{
    reader_read_all(w, s, (struct sk_log_ask){0}, r);
    return reader_text(r);
}

/* --- rate ------------------------------------------------------------------------- */

static void test_too_fast_a_process_is_held_back(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    w.config.log_rate = 1000000;
    world_stop(&w);
    world_start(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "fill:5000000", "sleep:infinity"));
    world_advance(&w, SK_SEC(2));
    assert_in_range(end_of(s), 2500000, 3200000);
    world_advance(&w, SK_SEC(3));
    assert_int_equal(end_of(s), 5000000);
    world_fini(&w);
}

static void test_an_end_does_not_wait_for_the_rate(void **state)
{
    struct world w;
    struct reader r;

    (void)state;
    world_init(&w);
    w.config.log_rate = 1000;
    world_stop(&w);
    world_start(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "fill:60000", "sleep:1", "fill:60000", "exit:0"));
    world_advance(&w, SK_SEC(2));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_COMPLETED);
    (void)read_log(&w, s, &r);
    assert_int_equal(r.text.len, 120000);
    reader_close(&r);
    world_fini(&w);
}

/* --- a disk that refuses -------------------------------------------------------------- */

static void test_a_short_refusal_loses_nothing(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "sleep:1", "fill:500000", "sleep:infinity"));
    limit_files(50000);
    world_advance(&w, SK_SEC(2));
    assert_true(end_of(s) <= 50000);
    limit_files(RLIM_INFINITY);
    world_advance(&w, SK_SEC(1));
    assert_int_equal(end_of(s), 500000);
    assert_int_equal(s->main_log.dropped, 0);
    world_fini(&w);
}

static void test_a_long_refusal_does_not_hang_the_process(void **state)
{
    struct world w;
    struct reader r;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(
        &w, ARGV("play", "out:before\n", "sleep:1", "fill:500000", "sleep:9", "out:\nafter\n", "exit:0"));
    world_settle(&w);
    limit_files(0);
    world_advance(&w, SK_SEC(8));
    limit_files(RLIM_INFINITY);
    world_advance(&w, SK_SEC(10));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_COMPLETED);
    assert_string_equal(read_log(&w, s, &r),
                        "before\n[sandkeep: 500000 bytes of output were dropped]\n\nafter\n");
    reader_close(&r);
    world_fini(&w);
}

static void test_an_end_on_a_disk_that_refuses(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "sleep:1", "fill:60000", "exit:3"));
    limit_files(0);
    world_advance(&w, SK_SEC(12));
    limit_files(RLIM_INFINITY);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_COMPLETED);
    assert_int_equal(sk_sandbox_record(s)->exit_code, 3);
    assert_int_equal(s->log_file.users, 0);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_a_create_needs_a_log(void **state)
{
    struct world w;
    struct answer created;

    (void)state;
    world_init(&w);
    assert_int_equal(rmdir(w.config.log_dir), 0);
    world_create(&w, world_record(&w, ""), &created);
    world_settle(&w);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_FAILED);
    assert_non_null(strstr(sk_sandbox_record(created.sandbox)->state_reason, "No such file or directory"));
    world_assert_clean(&w);
    assert_int_equal(mkdir(w.config.log_dir, 0700), 0);
    world_fini(&w);
}

/* The daemon came back and its log cannot be opened: the process goes on all the same. */
static void test_an_adopted_process_without_a_log(void **state)
{
    struct world w;
    char folder[sizeof(w.config.log_dir)];

    (void)state;
    world_init(&w);
    struct id id = id_of(world_running(&w, ARGV("play", "sleep:5", "fill:500000", "exit:6")));
    world_crash(&w);
    (void)snprintf(folder, sizeof(folder), "%s", w.config.log_dir);
    (void)snprintf(w.config.log_dir, sizeof(w.config.log_dir), "/nowhere");
    world_start(&w);
    world_advance(&w, SK_SEC(7));
    struct sk_sandbox *s = sk_node_find(w.node, id.text);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_COMPLETED);
    assert_int_equal(sk_sandbox_record(s)->exit_code, 6);
    world_assert_clean(&w);
    (void)snprintf(w.config.log_dir, sizeof(w.config.log_dir), "%s", folder);
    world_fini(&w);
}

/* --- the last of it --------------------------------------------------------------------- */

static void test_what_it_leaves_behind_is_heard_for_a_while(void **state)
{
    struct world w;
    struct reader r;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s =
        world_running(&w, ARGV("play", "sleep:1", "out:end", "fork:1000", "chatter:0.1", "exit:2"));
    world_advance(&w, SK_SEC(3));
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_COMPLETED);
    assert_memory_equal(read_log(&w, s, &r), "end", 3);
    reader_close(&r);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_a_restart_keeps_every_byte(void **state)
{
    struct world w;
    struct reader r;

    (void)state;
    world_init(&w);
    struct id id = id_of(world_running(
        &w, ARGV("play", "out:one\n", "sleep:5", "out:two\n", "sleep:5", "out:three\n", "exit:0")));
    for (int i = 0; i < 3; i++) {
        world_advance(&w, SK_SEC(2));
        world_crash(&w);
        world_advance(&w, SK_SEC(2));
        world_start(&w);
    }
    world_advance(&w, SK_SEC(2));
    assert_string_equal(read_log(&w, sk_node_find(w.node, id.text), &r), "one\ntwo\nthree\n");
    reader_close(&r);
    world_fini(&w);
}

/* --- when a log goes ---------------------------------------------------------------------- */

static void test_a_log_goes_with_its_record(void **state)
{
    struct world w;
    struct reader r;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, ARGV("play", "out:x", "sleep:1", "exit:0"));
    struct id id = id_of(s);
    world_advance(&w, SK_SEC(10));
    reader_open(&r, s, (struct sk_log_ask){0});
    world_settle(&w);
    assert_int_equal(r.ends, 1);
    world_advance(&w, SK_SEC(25 * 3600));
    assert_non_null(sk_node_find(w.node, id.text)); /* somebody has it open */
    assert_true(has_folder(&w, id.text));
    reader_close(&r);
    world_advance(&w, SK_SEC(120));
    assert_null(sk_node_find(w.node, id.text));
    assert_false(has_folder(&w, id.text));
    world_fini(&w);
}

static void make_stray(const struct world *w, const char *name)
{
    SK_AUTO_FREE char *path = sk_printf("%s/%s", w->config.log_dir, name);

    assert_int_equal(mkdir(path, 0700), 0);
}

static void test_strays_are_found_at_the_start(void **state)
{
    struct sk_id stray = sk_id_make("n1");
    struct world w;

    (void)state;
    world_init(&w);
    struct id known = id_of(world_running(&w, NULL));
    world_crash(&w);
    make_stray(&w, stray.text);
    make_stray(&w, "lost+found");
    world_start(&w);
    world_advance(&w, SK_SEC(11)); /* seen twice by core/sweeper */
    assert_false(has_folder(&w, stray.text));
    assert_true(has_folder(&w, "lost+found"));
    assert_true(has_folder(&w, known.text));
    world_fini(&w);
}

/* What an attempt printed that a restart began anew is not the sandbox's. */
static void test_a_create_that_is_begun_anew_has_a_new_log(void **state)
{
    struct world w;
    struct answer created;
    struct reader r;
    struct sk_record *record;

    (void)state;
    world_init(&w);
    record = world_record(&w, "");
    world_command(record, ARGV("play", "out:hello\n", "sleep:infinity"));
    sk_memstore_hook(w.store, NULL, NULL);
    world_create(&w, record, &created);
    struct id id = {""};
    (void)snprintf(id.text, sizeof(id.text), "%s", record->id);
    while (!created.sandbox || !created.sandbox->main.started)
        sk_vloop_turn(w.loop);
    world_crash(&w); /* before RUNNING is stored */
    world_start(&w);
    world_advance(&w, SK_SEC(5));
    assert_string_equal(read_log(&w, sk_node_find(w.node, id.text), &r), "hello\n");
    reader_close(&r);
    world_fini(&w);
}

/* --- the sweep ------------------------------------------------------------------------------ */

/* A life with a log and a follower, failing at each driver call: the follower hears one last word, and
 * nothing is left open. */
static void life(struct sk_sweep *sweep, void *arg)
{
    struct world w;
    struct answer created, deleted;
    struct reader r;
    struct sk_record *record;

    (void)arg;
    sk_sweep_pause(sweep, true);
    world_init(&w);
    world_sweep(&w, sweep);
    record = world_record(&w, "");
    world_command(record, ARGV("play", "out:hello\n", "sleep:2", "fill:200000", "sleep:infinity"));
    struct id id;
    (void)snprintf(id.text, sizeof(id.text), "%s", record->id);
    sk_sweep_pause(sweep, false);
    world_create(&w, record, &created);
    world_advance(&w, SK_MSEC(300));
    struct sk_sandbox *s = sk_node_find(w.node, id.text);
    if (s)
        reader_open(&r, s, (struct sk_log_ask){.follow = true});
    world_advance(&w, SK_SEC(5));
    if (s)
        world_delete(&w, s, SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(120));
    sk_sweep_pause(sweep, true);
    if (s) {
        assert_int_equal(r.ends + r.breaks + r.errors, 1);
        reader_close(&r);
        assert_int_equal(s->log_file.users, 0);
        assert_true(sk_list_is_empty(&s->log_file.ears));
    }
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_sweep(void **state)
{
    (void)state;
    sk_sweep_run(life, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_fast_a_process_is_held_back),
        cmocka_unit_test(test_an_end_does_not_wait_for_the_rate),
        cmocka_unit_test(test_a_short_refusal_loses_nothing),
        cmocka_unit_test(test_a_long_refusal_does_not_hang_the_process),
        cmocka_unit_test(test_an_end_on_a_disk_that_refuses),
        cmocka_unit_test(test_a_create_needs_a_log),
        cmocka_unit_test(test_an_adopted_process_without_a_log),
        cmocka_unit_test(test_what_it_leaves_behind_is_heard_for_a_while),
        cmocka_unit_test(test_a_restart_keeps_every_byte),
        cmocka_unit_test(test_a_log_goes_with_its_record),
        cmocka_unit_test(test_strays_are_found_at_the_start),
        cmocka_unit_test(test_a_create_that_is_begun_anew_has_a_new_log),
        cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
