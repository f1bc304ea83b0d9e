#include "base/own.h"
#include "drivers/agent/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Encodes, decodes, and compares what comes out with what went in. */
static struct sk_frame round_trip(enum sk_frame_sender sender, struct sk_frame frame)
{
    uint8_t data[SK_WIRE_HEADER];
    struct sk_frame out;
    sk_frame_encode(&frame, data);
    assert_true(sk_frame_decode(sender, data, sizeof data, &out));
    assert_int_equal(out.type, frame.type);
    assert_int_equal(out.flags, frame.flags);
    assert_true(out.key == frame.key);
    assert_false(sk_frame_decode(!sender, data, sizeof data, &out)); /* the other side may not say it */
    return out;
}

static void frames_survive_the_wire(void **state)
{
    (void)state;
    struct sk_frame f = {.type = SK_FRAME_SIGNAL, .key = 0x1122334455667788, .flags = SK_FRAME_TREE};
    f.signal.signo = 15;
    assert_int_equal(round_trip(SK_FRAME_FROM_DAEMON, f).signal.signo, 15);
    (void)round_trip(SK_FRAME_FROM_DAEMON, (struct sk_frame){.type = SK_FRAME_RELEASE, .key = 1});
    (void)round_trip(SK_FRAME_FROM_GUEST, (struct sk_frame){.type = SK_FRAME_READY});
    f = (struct sk_frame){.type = SK_FRAME_HELLO};
    f.hello.features = 0x80000001;
    assert_int_equal(round_trip(SK_FRAME_FROM_GUEST, f).hello.features, 0x80000001);
    f = (struct sk_frame){.type = SK_FRAME_FOUND, .key = UINT64_MAX};
    f.flags = SK_FRAME_MAIN | SK_FRAME_FD_KEEP_STDERR;
    assert_int_equal(sk_frame_fd_count(&f), 1);
    (void)round_trip(SK_FRAME_FROM_GUEST, f);
    f = (struct sk_frame){.type = SK_FRAME_STARTED, .key = 3};
    f.started.sys = 2;
    f.started.stage = SK_STAGE_EXEC;
    assert_int_equal(round_trip(SK_FRAME_FROM_GUEST, f).started.stage, SK_STAGE_EXEC);
    f = (struct sk_frame){.type = SK_FRAME_EXITED, .key = 3};
    f.exited.status = 255;
    assert_int_equal(round_trip(SK_FRAME_FROM_GUEST, f).exited.status, 255);
    f = (struct sk_frame){.type = SK_FRAME_START, .key = 3, .flags = SK_FRAME_FD_ALL | SK_FRAME_MAIN};
    f.start.argc = 1;
    f.start.envc = 2;
    f.start.text_len = SK_WIRE_TEXT_MAX;
    assert_int_equal(sk_frame_fd_count(&f), SK_WIRE_FDS_MAX);
    assert_int_equal(round_trip(SK_FRAME_FROM_DAEMON, f).start.text_len, SK_WIRE_TEXT_MAX);
}

static void file_frames_survive_the_wire(void **state)
{
    (void)state;
    (void)round_trip(SK_FRAME_FROM_DAEMON, (struct sk_frame){.type = SK_FRAME_COMMIT, .key = 1});
    (void)round_trip(SK_FRAME_FROM_DAEMON, (struct sk_frame){.type = SK_FRAME_ABANDON, .key = 1});
    struct sk_frame f = {.type = SK_FRAME_OPENED, .key = 4, .flags = SK_FRAME_FD_FILE};
    assert_int_equal(sk_frame_fd_count(&f), 1);
    assert_int_equal(round_trip(SK_FRAME_FROM_GUEST, f).opened.sys, 0);
    f = (struct sk_frame){.type = SK_FRAME_OPENED, .key = 4};
    f.opened.sys = 13;
    assert_int_equal(round_trip(SK_FRAME_FROM_GUEST, f).opened.sys, 13);
    f = (struct sk_frame){.type = SK_FRAME_COMMITTED, .key = 4};
    assert_int_equal(round_trip(SK_FRAME_FROM_GUEST, f).committed.sys, 0);
    f.committed.sys = 28;
    assert_int_equal(round_trip(SK_FRAME_FROM_GUEST, f).committed.sys, 28);
}

static void layout_is_fixed(void **state)
{
    (void)state;
    static const uint8_t expected[SK_WIRE_HEADER] = {'S', 'K', 'G', '1', 20, 0, 0, 0, 8, 7, 6, 5, 4, 3,
                                                     2,   1,   137, 0,   0,  0, 0, 0, 0, 0, 0, 0, 0, 0};
    struct sk_frame f = {.type = SK_FRAME_EXITED, .key = 0x0102030405060708};
    uint8_t data[SK_WIRE_HEADER];
    f.exited.status = 137;
    sk_frame_encode(&f, data);
    assert_memory_equal(data, expected, sizeof data);
}

/* Every single bit flipped in a frame makes another valid one or none; the
 * fields that allow no freedom must refuse. */
static void rigid_bits_refuse(void **state)
{
    (void)state;
    struct sk_frame f = {.type = SK_FRAME_RELEASE, .key = 1}, out;
    uint8_t data[SK_WIRE_HEADER];
    sk_frame_encode(&f, data);
    for (size_t bit = 0; bit < sizeof data * 8; bit++) {
        bool is_key = bit >= 64 && bit < 128;
        data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (!is_key)
            assert_false(sk_frame_decode(SK_FRAME_FROM_DAEMON, data, sizeof data, &out));
        data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_true(sk_frame_decode(SK_FRAME_FROM_DAEMON, data, sizeof data, &out));
    for (size_t len = 0; len < sizeof data; len++)
        assert_false(sk_frame_decode(SK_FRAME_FROM_DAEMON, data, len, &out));
}

/* A START whose lengths are as given; whether it decodes. */
static bool start_decodes(uint32_t argc, uint32_t envc, uint32_t text_len, size_t inline_len, unsigned flags)
{
    static uint8_t data[SK_WIRE_FRAME_MAX + 64];
    struct sk_frame f = {.type = SK_FRAME_START, .key = 1, .flags = flags}, out;
    f.start.argc = argc;
    f.start.envc = envc;
    f.start.text_len = text_len;
    sk_frame_encode(&f, data);
    return sk_frame_decode(SK_FRAME_FROM_DAEMON, data, SK_WIRE_HEADER + inline_len, &out);
}

static void start_lengths_must_agree(void **state)
{
    (void)state;
    assert_true(start_decodes(1, 0, 10, 10, 0));
    assert_false(start_decodes(1, 0, 10, 9, 0));
    assert_false(start_decodes(1, 0, 10, 11, 0));
    assert_false(start_decodes(0, 0, 10, 10, 0));
    assert_false(start_decodes(9, 0, 10, 10, 0)); /* eleven strings in ten bytes */
    assert_true(start_decodes(8, 0, 10, 10, 0));
    assert_false(start_decodes(UINT32_MAX, UINT32_MAX, 10, 10, 0));
    assert_true(start_decodes(1, 0, 100000, 0, SK_FRAME_FD_TEXT));
    assert_false(start_decodes(1, 0, 100, 100, SK_FRAME_FD_TEXT));
    assert_false(start_decodes(1, 0, SK_WIRE_TEXT_MAX + 1, 0, SK_FRAME_FD_TEXT));
    assert_false(start_decodes(1, 0, SK_WIRE_FRAME_MAX, SK_WIRE_FRAME_MAX, 0));
}

static void a_terminal_comes_alone(void **state)
{
    (void)state;
    const unsigned terminal = SK_FRAME_TERMINAL;
    assert_true(start_decodes(1, 0, 10, 10, terminal | SK_FRAME_FD_STDIN));
    assert_true(start_decodes(1, 0, 10, 10, terminal | SK_FRAME_FD_STDIN | SK_FRAME_MAIN));
    assert_true(start_decodes(1, 0, 10, 0, terminal | SK_FRAME_FD_STDIN | SK_FRAME_FD_TEXT));
    assert_false(start_decodes(1, 0, 10, 10, terminal));
    assert_false(start_decodes(1, 0, 10, 0, terminal | SK_FRAME_FD_TEXT));
    assert_false(start_decodes(1, 0, 10, 10, terminal | SK_FRAME_FD_STDOUT));
    for (unsigned bit = SK_FRAME_FD_STDOUT; bit <= SK_FRAME_FD_KEEP_STDERR; bit <<= 1)
        assert_false(start_decodes(1, 0, 10, 10, terminal | SK_FRAME_FD_STDIN | bit));
}

/* An OPEN whose text is `inline_len` of `text_len` bytes; whether it decodes. */
static bool open_decodes(unsigned kind, uint32_t text_len, size_t inline_len)
{
    static uint8_t data[SK_WIRE_FRAME_MAX + 64];
    struct sk_frame f = {.type = SK_FRAME_OPEN, .key = 1}, out;
    f.open.kind = kind;
    f.open.text_len = text_len;
    sk_frame_encode(&f, data);
    if (!sk_frame_decode(SK_FRAME_FROM_DAEMON, data, SK_WIRE_HEADER + inline_len, &out))
        return false;
    assert_int_equal(out.open.kind, kind);
    assert_int_equal(out.open.text_len, text_len);
    assert_ptr_equal(out.open.text, data + SK_WIRE_HEADER);
    return true;
}

static void opens_carry_their_text(void **state)
{
    (void)state;
    assert_true(open_decodes(SK_OPEN_READ, 10, 10));
    assert_true(open_decodes(SK_OPEN_WRITE, 10, 10));
    assert_false(open_decodes(SK_OPEN_READ, 10, 9));
    assert_false(open_decodes(SK_OPEN_READ, 10, 11));
    assert_false(open_decodes(SK_OPEN_READ, 10, 0));
    assert_false(open_decodes(SK_OPEN_READ, 3, 3)); /* no path */
    assert_true(open_decodes(SK_OPEN_TERMINALS, 3, 3));
    assert_false(open_decodes(SK_OPEN_TERMINALS, 4, 4));
    assert_false(open_decodes(0, 10, 10));
    assert_false(open_decodes(SK_OPEN_LAST + 1, 10, 10));
    const uint32_t most = SK_WIRE_FRAME_MAX - SK_WIRE_HEADER;
    assert_true(open_decodes(SK_OPEN_READ, most, most));
    assert_false(open_decodes(SK_OPEN_READ, most + 1, most + 1));
}

/* An answer brings a descriptor or an error, never both and never neither. */
static void opened_is_a_file_or_an_error(void **state)
{
    (void)state;
    struct sk_frame f = {.type = SK_FRAME_OPENED, .key = 1}, out;
    uint8_t data[SK_WIRE_HEADER];
    sk_frame_encode(&f, data);
    assert_false(sk_frame_decode(SK_FRAME_FROM_GUEST, data, sizeof data, &out));
    f.flags = SK_FRAME_FD_FILE;
    f.opened.sys = 2;
    sk_frame_encode(&f, data);
    assert_false(sk_frame_decode(SK_FRAME_FROM_GUEST, data, sizeof data, &out));
    f.flags = 0;
    f.opened.sys = (uint32_t)-2;
    sk_frame_encode(&f, data);
    assert_false(sk_frame_decode(SK_FRAME_FROM_GUEST, data, sizeof data, &out));
}

static void open_text_is_cut_exactly(void **state)
{
    (void)state;
    static char longest[SK_WIRE_PATH_MAX + 3];
    struct sk_open_text t;
    assert_true(sk_open_text_split("me\0/tmp\0a b\0", 12, &t));
    assert_string_equal(t.user, "me");
    assert_string_equal(t.working_dir, "/tmp");
    assert_string_equal(t.path, "a b");
    assert_true(sk_open_text_split("\0\0\0", 3, &t));
    assert_string_equal(t.path, "");
    assert_false(sk_open_text_split("\0\0a", 3, &t));     /* no last NUL */
    assert_false(sk_open_text_split("\0\0a\0\0", 5, &t)); /* one too many */
    assert_false(sk_open_text_split("\0\0", 2, &t));
    assert_false(sk_open_text_split("", 0, &t));
    memset(longest + 2, 'a', SK_WIRE_PATH_MAX - 1);
    assert_true(sk_open_text_split(longest, SK_WIRE_PATH_MAX + 2, &t));
    longest[SK_WIRE_PATH_MAX + 1] = 'a';
    assert_false(sk_open_text_split(longest, SK_WIRE_PATH_MAX + 3, &t));
}

static bool splits(const char *text, size_t len, uint32_t argc, uint32_t envc, struct sk_start_text *out)
{
    static char copy[256];
    static char *slots[64];
    memcpy(copy, text, len);
    return sk_start_text_split(copy, len, argc, envc, slots, out);
}

static void text_is_cut_exactly(void **state)
{
    (void)state;
    struct sk_start_text t;
    assert_true(splits("me\0/tmp\0ls\0-l\0A=1\0", 18, 2, 1, &t));
    assert_string_equal(t.user, "me");
    assert_string_equal(t.working_dir, "/tmp");
    assert_string_equal(t.argv[1], "-l");
    assert_null(t.argv[2]);
    assert_string_equal(t.env[0], "A=1");
    assert_null(t.env[1]);
    assert_true(splits("\0\0ls\0", 5, 1, 0, &t));
    assert_null(t.env[0]);
    assert_false(splits("\0\0ls\0", 4, 1, 0, &t));    /* no last NUL */
    assert_false(splits("\0\0ls\0x\0", 7, 1, 0, &t)); /* one too many */
    assert_false(splits("\0\0ls\0", 5, 2, 0, &t));    /* one too few */
    assert_false(splits("\0\0ls\0", 5, 1, 1, &t));
    assert_false(splits("\0\0\0", 3, 1, 0, &t)); /* no program */
    assert_false(splits("", 0, 1, 0, &t));
}

static void errors_name_their_stage(void **state)
{
    (void)state;
    struct sk_frame f = {.type = SK_FRAME_STARTED, .key = 1}, out;
    uint8_t data[SK_WIRE_HEADER];
    f.started.sys = 2; /* but no stage */
    sk_frame_encode(&f, data);
    assert_false(sk_frame_decode(SK_FRAME_FROM_GUEST, data, sizeof data, &out));
    f.started.stage = SK_STAGE_LAST + 1;
    sk_frame_encode(&f, data);
    assert_false(sk_frame_decode(SK_FRAME_FROM_GUEST, data, sizeof data, &out));
    f.started.sys = 5000;
    f.started.stage = SK_STAGE_EXEC;
    sk_frame_encode(&f, data);
    assert_false(sk_frame_decode(SK_FRAME_FROM_GUEST, data, sizeof data, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_survive_the_wire),
        cmocka_unit_test(layout_is_fixed),
        cmocka_unit_test(rigid_bits_refuse),
        cmocka_unit_test(start_lengths_must_agree),
        cmocka_unit_test(text_is_cut_exactly),
        cmocka_unit_test(errors_name_their_stage),
        cmocka_unit_test(file_frames_survive_the_wire),
        cmocka_unit_test(a_terminal_comes_alone),
        cmocka_unit_test(opens_carry_their_text),
        cmocka_unit_test(opened_is_a_file_or_an_error),
        cmocka_unit_test(open_text_is_cut_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
