/* dns_talk.h: for the tests of drivers/dns: askers by TCP. All static: one
 * program includes it once. */
#ifndef SK_TESTS_DNS_TALK_H
#define SK_TESTS_DNS_TALK_H

#include "tests/unit/loop_real/dns_rig.h"

static UNUSED int talk_open(struct rig *rig)
{
    return asker_open(rig, "127.0.0.9", SOCK_STREAM);
}

/* All of it, however slowly it is taken. */
static UNUSED void say_bytes(struct rig *rig, int fd, const void *data, size_t len)
{
    const uint8_t *at = data;
    for (int turns = 0; len > 0 && turns < PATIENCE; turns++) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            at += sent;
            len -= (size_t)sent;
        } else {
            rig_run_for(rig, 1);
        }
    }
    assert_int_equal(len, 0);
}

static UNUSED void ask_tcp(struct rig *rig, int fd, const char *name, unsigned type, uint16_t id)
{
    uint8_t data[SK_DNS_FRAME_HEAD + 512];
    size_t len = ask_bytes(name, type, id, data);
    say_bytes(rig, fd, data, SK_DNS_FRAME_HEAD + len);
}

/* False: the connection ended, or nothing came in time. */
static UNUSED bool hear_bytes(struct rig *rig, int fd, uint8_t *out, size_t len)
{
    for (int turns = 0; len > 0 && turns < PATIENCE; turns++) {
        ssize_t got = recv(fd, out, len, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            return false;
        if (got > 0) {
            out += got;
            len -= (size_t)got;
        } else {
            rig_run_for(rig, 1);
        }
    }
    return len == 0;
}

static UNUSED bool hear_tcp(struct rig *rig, int fd, const char *name, unsigned type, uint16_t id,
                            struct heard *out_heard)
{
    uint8_t head[SK_DNS_FRAME_HEAD];
    if (!hear_bytes(rig, fd, head, sizeof(head)))
        return false;
    out_heard->len = head[0] << 8 | head[1];
    assert_in_range(out_heard->len, SK_DNS_HEADER_LEN, sizeof(out_heard->bytes));
    if (!hear_bytes(rig, fd, out_heard->bytes, (size_t)out_heard->len))
        return false;
    heard_read(out_heard, name, type, id);
    return true;
}

/* Whether it is over within that time. */
static UNUSED bool ends_within(struct rig *rig, int fd, int ms)
{
    uint8_t byte;
    for (int turns = 0; turns < ms; turns++) {
        ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            return true;
        rig_run_for(rig, 1);
    }
    return false;
}

/* Whether it is over at last. */
static UNUSED bool ends(struct rig *rig, int fd)
{
    return ends_within(rig, fd, PATIENCE);
}

static UNUSED void assert_answered(struct rig *rig, int fd, const char *name, uint16_t id)
{
    struct heard heard;
    assert_true(hear_tcp(rig, fd, name, SK_DNS_A, id, &heard));
    assert_int_equal(heard.answers, 1);
    assert_address(&heard, 0, "1.2.3.4");
}

#endif
