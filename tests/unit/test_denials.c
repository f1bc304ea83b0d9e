#include "drivers/nftables/denials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t v4[] = {0x46, 0, 0,   28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0,
                             0,    2, 192, 0,  2, 1, 1, 1, 1,  0,  9, 9, 0,  53};
static const uint8_t v6[44] = {0x60, [6] = 6, [8] = 0xFD, [23] = 2, [24] = 0x2A, [39] = 7, 9, 9, 1, 0xBB};

static void test_v4_with_options(void **state)
{
    struct sk_network_event event = {0};
    char text[SK_IP_TEXT_MAX];
    (void)state;
    assert_true(sk_denial_parse(v4, sizeof(v4), &event));
    sk_ip_print(&event.source, text);
    assert_string_equal(text, "10.0.0.2");
    sk_ip_print(&event.destination, text);
    assert_string_equal(text, "192.0.2.1");
    assert_int_equal(event.protocol, 17);
    assert_int_equal(event.port, 53);
}

static void test_v6(void **state)
{
    struct sk_network_event event = {0};
    char text[SK_IP_TEXT_MAX];
    (void)state;
    assert_true(sk_denial_parse(v6, sizeof(v6), &event));
    sk_ip_print(&event.destination, text);
    assert_string_equal(text, "2a00::7");
    assert_int_equal(event.protocol, 6);
    assert_int_equal(event.port, 443);
}

/* Every shorter piece on the heap, so that a read behind it is seen by the sanitizer. */
static void test_cut_short(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(v4); len++) {
        struct sk_network_event event = {0};
        uint8_t *piece = sk_memdup(v4, len);
        assert_int_equal(sk_denial_parse(piece, len, &event), len >= 20);
        assert_int_equal(event.port, 0);
        free(piece);
    }
    for (size_t len = 0; len < sizeof(v6); len++) {
        struct sk_network_event event = {0};
        uint8_t *piece = sk_memdup(v6, len);
        assert_int_equal(sk_denial_parse(piece, len, &event), len >= 40);
        assert_int_equal(event.port, 0);
        free(piece);
    }
}

static void test_no_packet(void **state)
{
    struct sk_network_event event = {0};
    uint8_t other[64] = {0x50};
    (void)state;
    assert_false(sk_denial_parse(other, sizeof(other), &event));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v4_with_options),
        cmocka_unit_test(test_v6),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_no_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
