#include "loop/pump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

enum { TOTAL = 10 * 1024 * 1024, PIECE = 100 * 1000 };

static struct sk_loop *new_loop(void)
{
    struct sk_loop *loop;
    assert_int_equal(sk_loop_new(&loop, NULL), SK_OK);
    return loop;
}

static void open_pipe(int fds[2])
{
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
}

/* Byte `at` of the stream that is sent; its period fits no buffer size. */
static uint8_t byte_at(size_t at)
{
    return (uint8_t)(at * 31 + at / 251);
}

/* --- a slow reader at the end of a fast writer ------------------------------ */

struct flow {
    struct sk_loop *loop;
    struct sk_reader reader;
    struct sk_writer writer;
    struct sk_timer pause;
    size_t sent, received, chunks, wrong, unasked;
    int rooms, ends;
    bool asked;
    uint8_t piece[PIECE];
};

static void send_piece(struct flow *flow)
{
    size_t len = TOTAL - flow->sent < PIECE ? TOTAL - flow->sent : PIECE;
    for (size_t i = 0; i < len; i++)
        flow->piece[i] = byte_at(flow->sent + i);
    sk_writer_write(&flow->writer, flow->piece, len);
    memset(flow->piece, 0, sizeof(flow->piece)); /* it keeps its own copy */
    flow->sent += len;
}

static void on_room(struct sk_writer *writer, const struct sk_err *err)
{
    struct flow *flow = sk_container_of(writer, struct flow, writer);
    flow->rooms++;
    flow->wrong += err != NULL;
    if (flow->sent < TOTAL)
        send_piece(flow);
    else
        sk_writer_close(writer);
}

static void ask(struct flow *flow)
{
    flow->asked = true;
    sk_reader_want(&flow->reader);
    sk_reader_want(&flow->reader);
}

static void pause_over(struct sk_timer *timer)
{
    ask(sk_container_of(timer, struct flow, pause));
}

static void on_data(struct sk_reader *reader, const uint8_t *data, size_t len)
{
    struct flow *flow = sk_container_of(reader, struct flow, reader);
    flow->unasked += !flow->asked;
    flow->asked = false;
    for (size_t i = 0; i < len; i++)
        flow->wrong += data[i] != byte_at(flow->received + i);
    flow->received += len;
    if (++flow->chunks % 8 == 0)
        sk_timer_start(flow->loop, &flow->pause, sk_instant_add(sk_loop_now(flow->loop), SK_MSEC(2)),
                       pause_over);
    else
        ask(flow);
}

static void on_end(struct sk_reader *reader, const struct sk_err *err)
{
    struct flow *flow = sk_container_of(reader, struct flow, reader);
    flow->ends++;
    flow->wrong += err != NULL;
    sk_reader_want(reader); /* in vain */
    sk_loop_stop(flow->loop);
}

static void test_slow_reader(void **state)
{
    (void)state;
    int fds[2];
    static struct flow flow;
    flow.loop = new_loop();
    open_pipe(fds);
    assert_int_equal(sk_reader_open(&flow.reader, flow.loop, fds[0], on_data, on_end, NULL), SK_OK);
    assert_int_equal(sk_writer_open(&flow.writer, flow.loop, fds[1], on_room, NULL), SK_OK);
    send_piece(&flow);
    assert_int_equal(flow.rooms, 0);
    ask(&flow);
    sk_loop_run(flow.loop);
    assert_int_equal(flow.received, TOTAL);
    assert_int_equal(flow.wrong, 0);
    assert_int_equal(flow.unasked, 0);
    assert_int_equal(flow.rooms, (TOTAL + PIECE - 1) / PIECE);
    assert_int_equal(flow.ends, 1);
    sk_reader_close(&flow.reader);
    sk_reader_close(&flow.reader);
    sk_writer_close(&flow.writer);
    sk_loop_free(flow.loop);
}

/* --- small cases ------------------------------------------------------------- */

struct probe {
    struct sk_loop *loop;
    struct sk_reader *reader; /* heap, so that use after free shows */
    struct sk_writer writer;
    struct sk_timer timer;
    int data, ends, rooms;
    struct sk_err err;
    char text[16];
};

struct probe_reader {
    struct sk_reader reader;
    struct probe *probe;
};

static struct probe *the_probe(struct sk_reader *reader)
{
    return sk_container_of(reader, struct probe_reader, reader)->probe;
}

static void probe_data(struct sk_reader *reader, const uint8_t *data, size_t len)
{
    struct probe *probe = the_probe(reader);
    probe->data++;
    memcpy(probe->text, data, len < sizeof(probe->text) ? len : sizeof(probe->text) - 1);
}

static void free_data(struct sk_reader *reader, const uint8_t *data, size_t len)
{
    struct probe *probe = the_probe(reader);
    probe_data(reader, data, len);
    sk_reader_close(reader);
    free(sk_container_of(reader, struct probe_reader, reader));
    probe->reader = NULL;
}

static void probe_end(struct sk_reader *reader, const struct sk_err *err)
{
    struct probe *probe = the_probe(reader);
    probe->ends++;
    probe->err = err ? *err : (struct sk_err){0};
}

static void free_end(struct sk_reader *reader, const struct sk_err *err)
{
    struct probe *probe = the_probe(reader);
    probe_end(reader, err);
    sk_reader_close(reader);
    free(sk_container_of(reader, struct probe_reader, reader));
    probe->reader = NULL;
}

static void open_reader(struct probe *probe, int fd,
                        void (*data)(struct sk_reader *, const uint8_t *, size_t),
                        void (*end)(struct sk_reader *, const struct sk_err *))
{
    struct probe_reader *made = sk_alloc(sizeof(*made));
    made->probe = probe;
    probe->reader = &made->reader;
    assert_int_equal(sk_reader_open(probe->reader, probe->loop, fd, data, end, NULL), SK_OK);
}

static void close_reader(struct probe *probe)
{
    sk_reader_close(probe->reader);
    free(sk_container_of(probe->reader, struct probe_reader, reader));
    probe->reader = NULL;
}

static void stop_loop(struct sk_timer *timer)
{
    sk_loop_stop(sk_container_of(timer, struct probe, timer)->loop);
}

static void run_for(struct probe *probe, int ms)
{
    sk_timer_start(probe->loop, &probe->timer, sk_instant_add(sk_clock_boot(), SK_MSEC(ms)), stop_loop);
    sk_loop_run(probe->loop);
}

/* Nothing comes unasked, one chunk for one want, and the end only when asked. */
static void test_one_for_one(void **state)
{
    (void)state;
    int fds[2];
    struct probe probe = {.loop = new_loop()};
    open_pipe(fds);
    open_reader(&probe, fds[0], probe_data, probe_end);
    assert_int_equal(write(fds[1], "one", 3), 3);
    run_for(&probe, 5);
    assert_int_equal(probe.data, 0);
    sk_reader_want(probe.reader);
    assert_int_equal(probe.data, 0);
    run_for(&probe, 5);
    assert_string_equal(probe.text, "one");
    assert_int_equal(write(fds[1], "two", 3), 3);
    (void)close(fds[1]);
    run_for(&probe, 5);
    assert_int_equal(probe.data, 1);
    sk_reader_want(probe.reader);
    run_for(&probe, 5);
    assert_string_equal(probe.text, "two");
    assert_int_equal(probe.ends, 0);
    sk_reader_want(probe.reader);
    run_for(&probe, 5);
    assert_int_equal(probe.ends, 1);
    assert_int_equal(probe.err.code, SK_OK);
    close_reader(&probe);
    sk_loop_free(probe.loop);
}

static void test_closed_from_inside(void **state)
{
    (void)state;
    int fds[2];
    struct probe probe = {.loop = new_loop()};
    open_pipe(fds);
    open_reader(&probe, fds[0], free_data, probe_end);
    assert_int_equal(write(fds[1], "x", 1), 1);
    sk_reader_want(probe.reader);
    run_for(&probe, 10);
    assert_int_equal(probe.data, 1);
    assert_null(probe.reader);
    (void)close(fds[1]);
    open_pipe(fds);
    open_reader(&probe, fds[0], probe_data, free_end);
    (void)close(fds[1]);
    sk_reader_want(probe.reader);
    run_for(&probe, 10);
    assert_int_equal(probe.ends, 1);
    assert_null(probe.reader);
    sk_loop_free(probe.loop);
}

static void test_closed_while_wanted(void **state)
{
    (void)state;
    int fds[2];
    struct probe probe = {.loop = new_loop()};
    open_pipe(fds);
    open_reader(&probe, fds[0], probe_data, probe_end);
    sk_reader_want(probe.reader);
    assert_int_equal(write(fds[1], "x", 1), 1);
    close_reader(&probe);
    run_for(&probe, 5);
    assert_int_equal(probe.data + probe.ends, 0);
    struct sk_reader zeroed = {.fd = -1};
    sk_reader_close(&zeroed);
    (void)close(fds[1]);
    sk_loop_free(probe.loop);
}

static void test_read_error(void **state)
{
    (void)state;
    int fds[2];
    struct probe probe = {.loop = new_loop()};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(write(fds[0], "unread", 6), 6); /* closing with data unread is a reset */
    (void)close(fds[1]);
    open_reader(&probe, fds[0], probe_data, probe_end);
    sk_reader_want(probe.reader);
    run_for(&probe, 10);
    assert_int_equal(probe.ends, 1);
    assert_int_equal(probe.err.sys, ECONNRESET);
    close_reader(&probe);
    sk_loop_free(probe.loop);
}

static void probe_room(struct sk_writer *writer, const struct sk_err *err)
{
    struct probe *probe = sk_container_of(writer, struct probe, writer);
    probe->rooms++;
    probe->err = err ? *err : (struct sk_err){0};
}

static void test_broken_pipe(void **state)
{
    (void)state;
    int fds[2];
    struct probe probe = {.loop = new_loop()};
    open_pipe(fds);
    assert_int_equal(sk_writer_open(&probe.writer, probe.loop, fds[1], probe_room, NULL), SK_OK);
    (void)close(fds[0]);
    for (int i = 1; i <= 2; i++) { /* twice: each write gets its answer */
        sk_writer_write(&probe.writer, (const uint8_t *)"x", 1);
        assert_int_equal(probe.rooms, i - 1);
        run_for(&probe, 5);
        assert_int_equal(probe.rooms, i);
        assert_int_equal(probe.err.code, SK_UNAVAILABLE);
        assert_int_equal(probe.err.sys, EPIPE);
    }
    sk_writer_close(&probe.writer);
    sk_writer_close(&probe.writer);
    sk_loop_free(probe.loop);
}

/* The reader goes away while the writer waits for room. */
static void test_broken_while_waiting(void **state)
{
    (void)state;
    int fds[2];
    static const uint8_t much[1 << 20];
    struct probe probe = {.loop = new_loop()};
    open_pipe(fds);
    assert_int_equal(sk_writer_open(&probe.writer, probe.loop, fds[1], probe_room, NULL), SK_OK);
    sk_writer_write(&probe.writer, much, sizeof(much));
    run_for(&probe, 5);
    assert_int_equal(probe.rooms, 0);
    (void)close(fds[0]);
    run_for(&probe, 5);
    assert_int_equal(probe.rooms, 1);
    assert_int_equal(probe.err.sys, EPIPE);
    sk_writer_close(&probe.writer);
    sk_loop_free(probe.loop);
}

static void test_writer_closed_with_pending(void **state)
{
    (void)state;
    int fds[2];
    static const uint8_t much[1 << 20];
    struct probe probe = {.loop = new_loop()};
    open_pipe(fds);
    assert_int_equal(sk_writer_open(&probe.writer, probe.loop, fds[1], probe_room, NULL), SK_OK);
    sk_writer_write(&probe.writer, much, sizeof(much));
    sk_writer_close(&probe.writer);
    run_for(&probe, 5);
    assert_int_equal(probe.rooms, 0);
    (void)close(fds[0]);
    sk_loop_free(probe.loop);
}

static void test_empty_write(void **state)
{
    (void)state;
    int fds[2];
    struct probe probe = {.loop = new_loop()};
    open_pipe(fds);
    assert_int_equal(sk_writer_open(&probe.writer, probe.loop, fds[1], probe_room, NULL), SK_OK);
    sk_writer_write(&probe.writer, NULL, 0);
    assert_int_equal(probe.rooms, 0);
    run_for(&probe, 5);
    assert_int_equal(probe.rooms, 1);
    assert_int_equal(probe.err.code, SK_OK);
    sk_writer_close(&probe.writer);
    (void)close(fds[0]);
    sk_loop_free(probe.loop);
}

/* What cannot be watched is an error, and the descriptor is consumed all the same. */
static void test_open_fails(void **state)
{
    (void)state;
    struct probe probe = {.loop = new_loop()};
    struct sk_reader reader;
    struct sk_err err;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(sk_reader_open(&reader, probe.loop, fd, probe_data, probe_end, &err), SK_INTERNAL);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    sk_reader_close(&reader);
    assert_int_equal(sk_writer_open(&probe.writer, probe.loop, -1, probe_room, &err), SK_INTERNAL);
    sk_writer_close(&probe.writer);
    sk_loop_free(probe.loop);
}

static void test_reopen_pipe(void **state)
{
    (void)state;
    int fds[2], anew = -1, pair[2];
    struct sk_err err;
    open_pipe(fds);
    assert_int_equal(sk_fd_reopen_pipe(fds[0], O_RDONLY, &anew, &err), SK_OK);
    assert_true(fcntl(anew, F_GETFL) & O_NONBLOCK);
    assert_false(fcntl(fds[0], F_GETFL) & O_NONBLOCK); /* the other description is left alone */
    assert_true(fcntl(anew, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(fds[1], "x", 1), 1);
    char byte;
    assert_int_equal(read(anew, &byte, 1), 1);
    (void)close(anew);
    anew = -7;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(sk_fd_reopen_pipe(pair[0], O_RDONLY, &anew, &err), SK_INVALID_ARGUMENT);
    (void)close(pair[0]);
    assert_int_equal(sk_fd_reopen_pipe(pair[0], O_RDONLY, &anew, &err), SK_INVALID_ARGUMENT);
    assert_int_equal(anew, -7);
    (void)close(pair[1]);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_reader),          cmocka_unit_test(test_one_for_one),
        cmocka_unit_test(test_closed_from_inside),   cmocka_unit_test(test_closed_while_wanted),
        cmocka_unit_test(test_read_error),           cmocka_unit_test(test_broken_pipe),
        cmocka_unit_test(test_broken_while_waiting), cmocka_unit_test(test_writer_closed_with_pending),
        cmocka_unit_test(test_empty_write),          cmocka_unit_test(test_open_fails),
        cmocka_unit_test(test_reopen_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
