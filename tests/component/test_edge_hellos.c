/* drivers/edge: thousands of first messages, spoilt in every way, through the
 * gate. Whatever reaches the server is read there as the most forgiving server
 * would: all names in it, whatever way they are found, must be granted ones.
 *
 * SK_FUZZ_SECONDS: how long (8), if that is enough for LEAST; SK_FUZZ_SEED: another course. */
#include "component/client_hello.h"
#include "component/edge_rig.h"

#include <ctype.h>

#define LEAST 500 /* messages: of few nothing follows */

static const char *const granted[] = {"good.example.com", "a.wild.example.com"};
static const char *const others[] = {"evil.example.com",     "good.example.com.evil.example.com",
                                     "a.b.wild.example.com", "wild.example.com",
                                     "bad.wild.example.com", "evil.example.net"};

/* --- chance, the same each time ---------------------------------------------------------------- */

struct chance {
    uint64_t state;
};

static size_t below(struct chance *chance, size_t bound)
{
    chance->state = chance->state * 6364136223846793005U + 1442695040888963407U;
    return bound ? (size_t)(chance->state >> 33) % bound : 0;
}

/* --- reading, forgivingly ------------------------------------------------------------------------- */

/* "good.example.com", and one label before ".wild.example.com", but for "bad". */
static bool is_granted(const uint8_t *bytes, size_t len)
{
    static const char wild[] = ".wild.example.com";
    const char *name = (const char *)bytes;
    size_t rest = sizeof(wild) - 1, label = len > rest ? len - rest : 0;
    if (len == strlen(granted[0]) && strncasecmp(name, granted[0], len) == 0)
        return true;
    if (label == 0 || strncasecmp(name + label, wild, rest) != 0)
        return false;
    for (size_t i = 0; i < label; i++) {
        if (!isalnum(bytes[i]) && bytes[i] != '-' && bytes[i] != '_')
            return false;
    }
    return label != 3 || strncasecmp(name, "bad", 3) != 0;
}

struct names {
    size_t good, bad;
};

static size_t at16(const uint8_t *bytes)
{
    return (size_t)bytes[0] << 8 | bytes[1];
}

/* All entries of a list of server names, as far as they go. */
static void read_list(const uint8_t *bytes, size_t len, struct names *out)
{
    for (size_t at = 2; at + 3 <= len;) {
        size_t size = at16(bytes + at + 1);
        size = size < len - at - 3 ? size : len - at - 3;
        if (is_granted(bytes + at + 3, size))
            out->good++;
        else
            out->bad++;
        at += 3 + size;
    }
}

static void read_extensions(const uint8_t *bytes, size_t len, struct names *out)
{
    for (size_t at = 0; at + 4 <= len;) {
        size_t size = at16(bytes + at + 2);
        size = size < len - at - 4 ? size : len - at - 4;
        if (at16(bytes + at) == 0)
            read_list(bytes + at + 4, size, out);
        at += 4 + size;
    }
}

static void read_message(const uint8_t *bytes, size_t len, struct names *out)
{
    size_t at = 4 + 2 + 32;
    if (len < at + 1 || bytes[0] != 1)
        return;
    at += 1U + bytes[at];
    if (at + 2 > len)
        return;
    at += 2 + at16(bytes + at);
    if (at + 1 > len)
        return;
    at += 1U + bytes[at];
    if (at + 2 > len)
        return;
    size_t size = at16(bytes + at);
    size = size < len - at - 2 ? size : len - at - 2;
    read_extensions(bytes + at + 2, size, out);
}

/* Puts the records together first. */
static struct names read_all(const uint8_t *bytes, size_t len)
{
    struct names names = {0};
    uint8_t message[8192];
    size_t got = 0;
    for (size_t at = 0; at + 5 <= len;) {
        size_t size = at16(bytes + at + 3);
        size = size < len - at - 5 ? size : len - at - 5;
        if (bytes[at] == 22 && got + size <= sizeof(message)) {
            memcpy(message + got, bytes + at + 5, size);
            got += size;
        }
        at += 5 + size;
    }
    read_message(message, got, &names);
    return names;
}

/* --- spoiling ---------------------------------------------------------------------------------------- */

static const char *any_name(struct chance *chance)
{
    size_t pick = below(chance, sk_array_len(granted) + sk_array_len(others));
    return pick < sk_array_len(granted) ? granted[pick] : others[pick - sk_array_len(granted)];
}

static void cut_in(struct hello *hello, size_t at, const void *data, size_t len)
{
    if (hello->len + len > sizeof(hello->bytes))
        return;
    memmove(hello->bytes + at + len, hello->bytes + at, hello->len - at);
    memcpy(hello->bytes + at, data, len);
    hello->len += len;
}

static void cut_out(struct hello *hello, size_t at, size_t len)
{
    len = len < hello->len - at ? len : hello->len - at;
    memmove(hello->bytes + at, hello->bytes + at + len, hello->len - at - len);
    hello->len -= len;
}

/* The lengths on the outside, so that what is inside is looked at. */
static void mend(struct hello *hello)
{
    if (hello->len < 9)
        return;
    hello_shut(hello, 5, 2);
    size_t len = hello->len - 9;
    hello->bytes[6] = (uint8_t)(len >> 16);
    hello->bytes[7] = (uint8_t)(len >> 8);
    hello->bytes[8] = (uint8_t)len;
}

/* One more record's head somewhere, with lengths that fit both. */
static void cut_records(struct hello *hello, struct chance *chance)
{
    size_t at = 5 + below(chance, hello->len - 5);
    uint8_t head[5] = {22, 3, 1};
    size_t rest = hello->len - at;
    head[3] = (uint8_t)(rest >> 8);
    head[4] = (uint8_t)rest;
    if (below(chance, 2)) {
        hello->bytes[3] = (uint8_t)((at - 5) >> 8);
        hello->bytes[4] = (uint8_t)(at - 5);
    }
    cut_in(hello, at, head, 5);
}

/* Something with a name in it, as an extension or as an entry of a list, in any place. */
static void put_name(struct hello *hello, struct chance *chance)
{
    struct hello piece = {.len = 0};
    hello_server_name(&piece, any_name(chance));
    size_t skip = below(chance, 3) ? 0 : 6;
    cut_in(hello, below(chance, hello->len), piece.bytes + skip, piece.len - skip);
}

static void swap_name(struct hello *hello, struct chance *chance)
{
    const char *name = any_name(chance);
    for (size_t at = 0; at + strlen(name) < hello->len; at++) {
        if (memcmp(hello->bytes + at, "good.", 5) == 0 && below(chance, 2))
            memcpy(hello->bytes + at, name, strlen(name) < 16 ? strlen(name) : 16);
    }
}

/* Some of it once more, elsewhere. */
static void repeat(struct hello *hello, size_t at, size_t len)
{
    uint8_t some[20];
    if (hello->len < 120)
        return;
    memcpy(some, hello->bytes + 100, len);
    cut_in(hello, at, some, len);
}

static void spoil_once(struct hello *hello, struct chance *chance)
{
    uint8_t byte = (uint8_t)below(chance, 256);
    size_t at = below(chance, hello->len);
    switch (below(chance, 9)) {
    case 0:
        hello->bytes[at] = byte;
        break;
    case 1:
        hello->bytes[at] ^= (uint8_t)(1U << below(chance, 8));
        break;
    case 2:
        cut_in(hello, at, &byte, 1);
        break;
    case 3:
        cut_out(hello, at, 1 + below(chance, 8));
        break;
    case 4:
        cut_records(hello, chance);
        break;
    case 5:
        put_name(hello, chance);
        break;
    case 6:
        swap_name(hello, chance);
        break;
    case 7: /* lengths are where the secrets are */
        hello->bytes[at] = (uint8_t)(hello->bytes[at] + below(chance, 9) - 4);
        break;
    default:
        repeat(hello, at, below(chance, 20));
        break;
    }
}

static void make(struct hello *hello, struct chance *chance)
{
    const char *first = below(chance, 3) ? granted[below(chance, 2)] : any_name(chance);
    hello_make(hello, below(chance, 20) ? first : NULL, below(chance, 10) ? NULL : any_name(chance),
               below(chance, 20) == 0);
    size_t times = below(chance, 6);
    for (size_t i = 0; i < times && hello->len > 10; i++)
        spoil_once(hello, chance);
    if (below(chance, 2))
        mend(hello);
}

/* --- through the gate ---------------------------------------------------------------------------------- */

struct tally {
    size_t sent, passed, whole;
};

static void send_one(struct edge_rig *rig, struct chance *chance, struct tally *tally)
{
    struct hello hello;
    char out[8192];
    make(&hello, chance);
    int fd = lab_connect(SOCK_STREAM, below(chance, 8) ? RIG_SHARED4 : RIG_SHARED6, 443, LAB_COMES_MS);
    assert_true(fd >= 0);
    size_t first = below(chance, 4) ? hello.len : below(chance, hello.len);
    (void)!send(fd, hello.bytes, first, MSG_NOSIGNAL);
    size_t got =
        rig_converse(fd, hello.bytes + first, hello.len - first, true, out, sizeof(out), LAB_COMES_MS);
    (void)close(fd);
    struct names names = read_all((const uint8_t *)out, got);
    tally->sent++;
    tally->passed += got > 0;
    tally->whole += got == hello.len;
    if (got > 0 && (names.good == 0 || names.bad > 0)) {
        for (size_t i = 0; i < got; i++)
            print_error("%02x", (unsigned char)out[i]);
        fail_msg("a name that was not granted has passed");
    }
    (void)rig;
}

static void test_only_granted_names_pass(void **state)
{
    struct edge_rig *rig = *state;
    const char *seconds = getenv("SK_FUZZ_SECONDS"), *seed = getenv("SK_FUZZ_SEED");
    struct chance chance = {.state = seed ? strtoull(seed, NULL, 0) : 20240229};
    struct tally tally = {0};
    struct sk_instant end = sk_instant_add(sk_clock_boot(), SK_SEC(seconds ? atoi(seconds) : 8));
    int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    assert_int_equal(lab_enter(rig->box), 0);
    while (sk_clock_boot().ns < end.ns || tally.sent < LEAST)
        send_one(rig, &chance, &tally);
    assert_int_equal(setns(home, CLONE_NEWNET), 0);
    (void)close(home);
    rig_run(rig, 1); /* the loop has stood still for long, and so have its clock and its timers */
    print_message("%zu messages, %zu passed\n", tally.sent, tally.passed);
    /* Neither is everything refused nor let through. */
    assert_true(tally.passed > tally.sent / 50);
    assert_true(tally.passed < tally.sent / 2);
    /* What is behind the first message may be cut off. */
    assert_true(tally.whole > tally.passed / 2);
    assert_true(rig_lives(rig_pid(rig)));
}

static int setup(void **state)
{
    struct edge_rig *rig = *state;
    char bad[] = "bad.wild.example.com", *except[] = {bad, NULL};
    struct rig_box box;
    struct sk_err err;
    rig_box_init(&box, "n1-a");
    rig_grant(&box, granted[0], NULL);
    rig_grant(&box, "*.wild.example.com", except);
    return rig_open(rig, &err) == SK_OK && rig_set(rig, &box) == SK_OK ? 0 : -1;
}

static int teardown(void **state)
{
    assert_int_equal(rig_remove(*state, "n1-a"), SK_OK);
    rig_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_granted_names_pass, setup, teardown),
    };
    return cmocka_run_group_tests(tests, rig_setup_group, rig_teardown_group);
}
