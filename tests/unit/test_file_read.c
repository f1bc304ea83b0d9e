/* Reading files: exact bytes, caps, errors, and whatever goes away in the middle. */
#include "core/file_impl.h"
#include "support/world.h"

#include <fcntl.h>

static void put(struct world *w, struct sk_sandbox *s, const char *path, const void *data, size_t len)
{
    struct sk_file_write write = {.path = path, .data = data, .len = len};
    struct answer answer;

    answer_init(&answer);
    sk_file_write(s, &write, &answer.done);
    world_settle(w);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_OK);
}

static void get(struct world *w, struct sk_sandbox *s, struct sk_file_read *read, struct answer *answer)
{
    answer_init(answer);
    sk_file_read(s, read, &answer->done);
    assert_int_equal(answer->count, 0);
    world_settle(w);
}

static void fails_with(struct world *w, struct sk_sandbox *s, const char *path, enum sk_code code,
                       const char *reason)
{
    struct sk_file_read read = {.path = path, .most = SK_FILE_MAX};
    struct answer answer;

    get(w, s, &read, &answer);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, code);
    assert_string_equal(answer.err.reason, reason);
    assert_null(read.data);
}

static void test_exact_bytes(void **state)
{
    static const size_t sizes[] = {
        0, 1, 4095, 4096, 4097, SK_FILE_PIECE - 1, SK_FILE_PIECE, SK_FILE_PIECE + 1, 5 * SK_FILE_PIECE + 7};
    struct world w;
    struct answer answer;
    uint8_t *data = sk_alloc(6 * SK_FILE_PIECE);

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    for (size_t i = 0; i < 6 * SK_FILE_PIECE; i++)
        data[i] = (uint8_t)(i * 31 + i / 251);
    for (size_t i = 0; i < sk_array_len(sizes); i++) {
        struct sk_file_read read = {.path = "/tmp/f", .most = SK_FILE_MAX};
        put(&w, s, "/tmp/f", data, sizes[i]);
        get(&w, s, &read, &answer);
        assert_int_equal(answer.err.code, SK_OK);
        assert_int_equal(read.len, sizes[i]);
        assert_memory_equal(read.data, data, sizes[i]);
        free(read.data);
    }
    free(data);
    world_fini(&w);
}

static void test_relative_to_the_working_dir(void **state)
{
    struct world w;
    struct answer answer;
    struct sk_file_read read = {.path = "x", .most = 10};

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    SK_AUTO_FREE char *path = sk_printf("%s/x", s->record->process.working_dir);
    put(&w, s, path, "here", 4);
    get(&w, s, &read, &answer);
    assert_int_equal(read.len, 4);
    free(read.data);
    world_fini(&w);
}

static void test_errors(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    fails_with(&w, s, "/tmp/none", SK_NOT_FOUND, "FILE_NOT_FOUND");
    fails_with(&w, s, "/tmp", SK_FAILED_PRECONDITION, "FILE_IS_DIRECTORY");
    fails_with(&w, s, "/broken/x", SK_INTERNAL, "FILE_IO_FAILED");
    char *longest = sk_alloc(5000);
    memset(longest, 'x', 4999);
    longest[0] = '/';
    fails_with(&w, s, longest, SK_INVALID_ARGUMENT, "FILE_IO_FAILED");
    free(longest);
    world_fini(&w);
}

static void test_too_large(void **state)
{
    struct world w;
    struct answer answer;
    struct sk_file_read read = {.path = "/tmp/f", .most = 9};

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    put(&w, s, "/tmp/f", "0123456789", 10);
    get(&w, s, &read, &answer);
    assert_int_equal(answer.err.code, SK_RESOURCE_EXHAUSTED);
    assert_string_equal(answer.err.reason, "FILE_TOO_LARGE");
    assert_int_equal(read.size, 10);
    assert_null(read.data);
    read.most = 10;
    get(&w, s, &read, &answer);
    assert_int_equal(answer.err.code, SK_OK);
    assert_int_equal(read.len, 10);
    free(read.data);
    world_fini(&w);
}

/* --- it changes while it is read ------------------------------------------------- */

/* Runs until the first piece is under way, then gives what is being read. */
static struct sk_file *half_way(struct world *w, struct sk_sandbox *s, struct sk_file_read *read,
                                struct answer *answer)
{
    answer_init(answer);
    sk_file_read(s, read, &answer->done);
    struct sk_file *file = sk_list_entry(s->files.next, struct sk_file, link);
    while (!file->moving || !file->work.run)
        assert_true(sk_vloop_turn(w->loop));
    assert_true(sk_vloop_turn(w->loop));
    assert_int_equal(answer->count, 0);
    return file;
}

/* The same file, for writing. */
static int reopened(const struct sk_file *file)
{
    SK_AUTO_FREE char *link = sk_printf("/proc/self/fd/%d", file->fd);
    int fd = open(link, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void test_grows_past_the_cap(void **state)
{
    struct world w;
    struct answer answer;
    struct sk_file_read read = {.path = "/tmp/f", .most = 2 * SK_FILE_PIECE + 5};
    uint8_t *data = sk_alloc(2 * SK_FILE_PIECE);

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    put(&w, s, "/tmp/f", data, 2 * SK_FILE_PIECE);
    SK_AUTO_FD int fd = reopened(half_way(&w, s, &read, &answer));
    assert_int_equal(pwrite(fd, data, 1000, 2 * SK_FILE_PIECE), 1000);
    world_settle(&w);
    assert_int_equal(answer.count, 1);
    assert_string_equal(answer.err.reason, "FILE_TOO_LARGE");
    assert_int_equal(read.size, 2 * SK_FILE_PIECE + 1000);
    free(data);
    world_fini(&w);
}

static void test_grows_within_the_cap(void **state)
{
    struct world w;
    struct answer answer;
    struct sk_file_read read = {.path = "/tmp/f", .most = SK_FILE_MAX};
    uint8_t *data = sk_alloc(3 * SK_FILE_PIECE);

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    put(&w, s, "/tmp/f", data, 2 * SK_FILE_PIECE);
    SK_AUTO_FD int fd = reopened(half_way(&w, s, &read, &answer));
    memset(data, 7, 3 * SK_FILE_PIECE);
    assert_int_equal(pwrite(fd, data, 3 * SK_FILE_PIECE, 2 * SK_FILE_PIECE), 3 * SK_FILE_PIECE);
    world_settle(&w);
    assert_int_equal(answer.err.code, SK_OK);
    assert_int_equal(read.len, 5 * SK_FILE_PIECE);
    assert_int_equal(read.data[2 * SK_FILE_PIECE - 1], 0);
    assert_memory_equal(read.data + 2 * SK_FILE_PIECE, data, 3 * SK_FILE_PIECE);
    free(read.data);
    free(data);
    world_fini(&w);
}

static void test_shrinks(void **state)
{
    struct world w;
    struct answer answer;
    struct sk_file_read read = {.path = "/tmp/f", .most = SK_FILE_MAX};
    uint8_t *data = sk_alloc(3 * SK_FILE_PIECE);

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    put(&w, s, "/tmp/f", data, 3 * SK_FILE_PIECE);
    SK_AUTO_FD int fd = reopened(half_way(&w, s, &read, &answer));
    assert_int_equal(ftruncate(fd, SK_FILE_PIECE + 9), 0);
    world_settle(&w);
    assert_int_equal(answer.err.code, SK_OK);
    assert_int_equal(read.len, SK_FILE_PIECE + 9);
    free(read.data);
    free(data);
    world_fini(&w);
}

/* --- the sandbox comes and goes ---------------------------------------------------- */

static void test_waits_for_running(void **state)
{
    struct world w;
    struct answer created, answer;
    struct sk_file_read read = {.path = "/tmp/none", .most = 10};

    (void)state;
    world_init(&w);
    sk_fake_agent_deaf(w.agent, true);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, SK_SEC(1));
    get(&w, created.sandbox, &read, &answer);
    assert_int_equal(answer.count, 0);
    sk_fake_agent_deaf(w.agent, false);
    world_settle(&w);
    assert_int_equal(answer.count, 1);
    assert_string_equal(answer.err.reason, "FILE_NOT_FOUND");
    world_fini(&w);
}

static void test_cancelled_while_waiting(void **state)
{
    struct world w;
    struct answer created, answer;
    struct sk_file_read read = {.path = "/tmp/none", .most = 10};

    (void)state;
    world_init(&w);
    sk_fake_agent_deaf(w.agent, true);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, SK_SEC(1));
    get(&w, created.sandbox, &read, &answer);
    sk_done_cancel(&answer.done);
    world_settle(&w);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_CANCELLED);
    world_fini(&w);
}

static void test_ends_while_waiting(void **state)
{
    struct world w;
    struct answer created, answer, deleted;
    struct sk_file_read read = {.path = "/tmp/none", .most = 10};

    (void)state;
    world_init(&w);
    sk_fake_agent_deaf(w.agent, true);
    world_create(&w, world_record(&w, ""), &created);
    world_advance(&w, SK_SEC(1));
    get(&w, created.sandbox, &read, &answer);
    world_delete(&w, created.sandbox, SK_NS(0), &deleted);
    world_settle(&w);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_FAILED_PRECONDITION);
    assert_string_equal(answer.err.reason, "SANDBOX_NOT_RUNNING");
    world_advance(&w, SK_SEC(5));
    fails_with(&w, created.sandbox, "/tmp/none", SK_FAILED_PRECONDITION, "SANDBOX_NOT_RUNNING");
    world_fini(&w);
}

static int hang_open(void *arg, const char *call)
{
    (void)arg;
    return strcmp(call, "agent.open_read") == 0 ? SK_FAKE_HANG : SK_FAKE_OK;
}

/* A guest that says nothing must not keep a call for ever. */
static void test_silent_guest(void **state)
{
    struct world w;
    struct answer answer;
    struct sk_file_read read = {.path = "/tmp/f", .most = 10};

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    world_hook(&w, hang_open, NULL);
    get(&w, s, &read, &answer);
    world_advance(&w, SK_SEC(29));
    assert_int_equal(answer.count, 0);
    world_advance(&w, SK_SEC(2));
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_UNAVAILABLE);
    world_fini(&w);
}

static void test_deleted_while_asking(void **state)
{
    struct world w;
    struct answer answer, deleted;
    struct sk_file_read read = {.path = "/tmp/f", .most = 10};

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    world_hook(&w, hang_open, NULL);
    get(&w, s, &read, &answer);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(5));
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_FAILED_PRECONDITION);
    assert_string_equal(answer.err.reason, "SANDBOX_NOT_RUNNING");
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_node_stops_while_asking(void **state)
{
    struct world w;
    struct answer answer, waiting;
    struct sk_file_read read = {.path = "/tmp/f", .most = 10}, second = read;

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    world_hook(&w, hang_open, NULL);
    get(&w, s, &read, &answer);
    get(&w, s, &second, &waiting);
    world_stop(&w);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_UNAVAILABLE);
    assert_string_equal(answer.err.reason, "RUNNER_UNAVAILABLE");
    assert_int_equal(waiting.count, 1);
    world_fini(&w);
}

/* The descriptor is ours: what was opened is read to its end. */
static void test_deleted_half_way(void **state)
{
    struct world w;
    struct answer answer, deleted;
    struct sk_file_read read = {.path = "/tmp/f", .most = SK_FILE_MAX};
    uint8_t *data = sk_alloc(9 * SK_FILE_PIECE);

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    put(&w, s, "/tmp/f", data, 9 * SK_FILE_PIECE);
    (void)half_way(&w, s, &read, &answer);
    world_delete(&w, s, SK_NS(0), &deleted);
    world_advance(&w, SK_SEC(5));
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_OK);
    assert_int_equal(read.len, 9 * SK_FILE_PIECE);
    free(read.data);
    free(data);
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_cancelled_half_way(void **state)
{
    struct world w;
    struct answer answer;
    struct sk_file_read read = {.path = "/tmp/f", .most = SK_FILE_MAX};
    uint8_t *data = sk_alloc(9 * SK_FILE_PIECE);

    (void)state;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    put(&w, s, "/tmp/f", data, 9 * SK_FILE_PIECE);
    (void)half_way(&w, s, &read, &answer);
    sk_done_cancel(&answer.done);
    for (int turns = 0; turns < 4; turns++)
        (void)sk_vloop_turn(w.loop); /* not to its end */
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err.code, SK_CANCELLED);
    assert_null(read.data);
    free(data);
    world_fini(&w);
}

/* --- sweep ------------------------------------------------------------------------- */

static void cancel_answer(void *arg)
{
    sk_done_cancel(&((struct answer *)arg)->done);
}

static void reading(struct sk_sweep *sweep, void *arg)
{
    struct world w;
    struct answer answer;
    struct sk_file_read read = {.path = "/tmp/f", .most = SK_FILE_MAX};

    (void)arg;
    world_init(&w);
    struct sk_sandbox *s = world_running(&w, NULL);
    put(&w, s, "/tmp/f", "12345", 5);
    world_sweep(&w, sweep);
    sk_sweep_on_cancel(sweep, w.loop, cancel_answer, &answer);
    get(&w, s, &read, &answer);
    sk_sweep_pause(sweep, true);
    world_advance(&w, SK_SEC(40));
    assert_int_equal(answer.count, 1);
    if (sk_sweep_is_clean(sweep))
        assert_int_equal(answer.err.code, SK_OK);
    else if (sk_sweep_flavour(sweep) != SK_SWEEP_CANCEL)
        assert_int_not_equal(answer.err.code, SK_OK);
    free(read.data);
    world_hook(&w, NULL, NULL);
    world_advance(&w, SK_SEC(60));
    world_assert_clean(&w);
    world_fini(&w);
}

static void test_sweep(void **state)
{
    (void)state;
    sk_sweep_run(reading, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_bytes),
        cmocka_unit_test(test_relative_to_the_working_dir),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_grows_past_the_cap),
        cmocka_unit_test(test_grows_within_the_cap),
        cmocka_unit_test(test_shrinks),
        cmocka_unit_test(test_waits_for_running),
        cmocka_unit_test(test_cancelled_while_waiting),
        cmocka_unit_test(test_ends_while_waiting),
        cmocka_unit_test(test_silent_guest),
        cmocka_unit_test(test_deleted_while_asking),
        cmocka_unit_test(test_node_stops_while_asking),
        cmocka_unit_test(test_deleted_half_way),
        cmocka_unit_test(test_cancelled_half_way),
        cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
