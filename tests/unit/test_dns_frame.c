/* Messages behind their lengths, in pieces of any size. */
#include "drivers/dns/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* Gives it what it wants, at most `piece` bytes at once; how many it took. */
static size_t feed(struct sk_dns_frame *frame, const uint8_t *data, size_t len, size_t piece)
{
    size_t at = 0;
    while (at < len && !sk_dns_frame_is_whole(frame)) {
        size_t room;
        uint8_t *to = sk_dns_frame_room(frame, &room);
        assert_true(room >= 1);
        size_t take = room < piece ? room : piece;
        take = take < len - at ? take : len - at;
        memcpy(to, data + at, take);
        at += take;
        if (!sk_dns_frame_add(frame, take))
            fail_msg("it is of no use after %zu bytes", at);
    }
    return at;
}

static void test_pieces(void **state)
{
    static const uint8_t data[] = "\0\5hello\0\1x\0\3end";
    (void)state;
    for (size_t piece = 1; piece <= sizeof(data); piece++) {
        struct sk_dns_frame frame = {.max = 10};
        assert_int_equal(feed(&frame, data, sizeof(data) - 1, piece), 7);
        assert_true(sk_dns_frame_is_whole(&frame));
        assert_int_equal(frame.body_len, 5);
        assert_memory_equal(frame.body, "hello", 5);
        sk_dns_frame_clear(&frame);
        assert_int_equal(feed(&frame, data + 7, sizeof(data) - 8, piece), 3); /* no byte of the next */
        assert_memory_equal(frame.body, "x", 1);
        sk_dns_frame_clear(&frame);
        assert_int_equal(feed(&frame, data + 10, 4, piece), 4);
        assert_false(sk_dns_frame_is_whole(&frame));
        sk_dns_frame_clear(&frame);
    }
}

static bool takes_head(size_t max, uint8_t high, uint8_t low)
{
    struct sk_dns_frame frame = {.max = max};
    size_t room;
    uint8_t *to = sk_dns_frame_room(&frame, &room);
    assert_int_equal(room, SK_DNS_FRAME_HEAD);
    to[0] = high;
    assert_true(sk_dns_frame_add(&frame, 1));
    *sk_dns_frame_room(&frame, &room) = low;
    assert_int_equal(room, 1);
    bool takes = sk_dns_frame_add(&frame, 1);
    assert_false(sk_dns_frame_is_whole(&frame));
    if (takes) {
        (void)sk_dns_frame_room(&frame, &room);
        assert_int_equal(room, (size_t)high << 8 | low);
    }
    sk_dns_frame_clear(&frame);
    return takes;
}

static void test_lengths(void **state)
{
    (void)state;
    assert_false(takes_head(512, 0, 0));
    assert_true(takes_head(512, 0, 1));
    assert_true(takes_head(512, 2, 0));
    assert_false(takes_head(512, 2, 1));
    assert_false(takes_head(512, 0xFF, 0xFF));
    assert_true(takes_head(65535, 0xFF, 0xFF));
}

static void test_write_head(void **state)
{
    uint8_t head[SK_DNS_FRAME_HEAD];
    (void)state;
    sk_dns_frame_write_head(0x1234, head);
    assert_memory_equal(head, "\x12\x34", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_write_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
