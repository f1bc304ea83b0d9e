/* The daemon's end against a guest that breaks the protocol. */
#include "far_end.h"

#include <sys/mman.h>

/* --- ways to be wrong: each is called after the greeting ------------------------------ */

static void says_garbage(struct rig *rig)
{
    (void)far_send(rig, "GET / HTTP/1.1\r\n\r\n................", 34, NULL, 0);
}

static void says_too_little(struct rig *rig)
{
    (void)far_send(rig, "SKG1", 4, NULL, 0);
}

static void says_too_much(struct rig *rig)
{
    static uint8_t data[60000];
    struct sk_frame frame = {.type = SK_FRAME_EXITED, .key = 1};
    sk_frame_encode(&frame, data);
    (void)far_send(rig, data, sizeof data, NULL, 0);
}

static void says_nothing_and_leaves(struct rig *rig)
{
    sk_close_fd(&of(rig)->fd);
}

static void says_empty(struct rig *rig)
{
    (void)far_send(rig, "", 0, NULL, 0);
}

static void greets_again(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_HELLO, 0);
}

static void is_ready_again(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_READY, 0);
}

static void commands(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_RELEASE, 1);
}

static void finds_too_late(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_FOUND, 7);
}

static void starts_out_of_the_blue(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_STARTED, 7);
}

static void ends_the_unknown(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_EXITED, 7);
}

static void starts_twice(struct rig *rig)
{
    start_one(rig);
    (void)far_say(rig, SK_FRAME_STARTED, 1);
}

static void ends_twice(struct rig *rig)
{
    start_one(rig);
    (void)far_say(rig, SK_FRAME_EXITED, 1);
    (void)far_say(rig, SK_FRAME_EXITED, 1);
}

static void ends_the_released(struct rig *rig)
{
    start_one(rig);
    (void)far_say(rig, SK_FRAME_EXITED, 1);
    (void)rig_wait_exit(rig, 1);
    rig->agent->ops->release(rig->guest, 1);
    (void)far_say(rig, SK_FRAME_EXITED, 1);
}

static void sends_descriptors(struct rig *rig)
{
    int fds[2] = {0, 1};
    start_one(rig);
    (void)far_say_with(rig, (struct sk_frame){.type = SK_FRAME_EXITED, .key = 1}, fds, 2);
}

static void floods_with_descriptors(struct rig *rig)
{
    int fds[253];
    for (size_t i = 0; i < sk_array_len(fds); i++)
        fds[i] = 0;
    start_one(rig);
    (void)far_say_with(rig, (struct sk_frame){.type = SK_FRAME_EXITED, .key = 1}, fds, sk_array_len(fds));
}

static void has_an_impossible_status(struct rig *rig)
{
    uint8_t data[SK_WIRE_HEADER];
    struct sk_frame frame = {.type = SK_FRAME_EXITED, .key = 1};
    start_one(rig);
    sk_frame_encode(&frame, data);
    data[17] = 1; /* status 256 */
    (void)far_send(rig, data, sizeof data, NULL, 0);
}

static void every_fault_is_the_end(void **state)
{
    static void (*const faults[])(struct rig *) = {
        says_garbage,
        says_too_little,
        says_too_much,
        says_nothing_and_leaves,
        says_empty,
        greets_again,
        is_ready_again,
        commands,
        finds_too_late,
        starts_twice,
        starts_out_of_the_blue,
        ends_the_unknown,
        ends_twice,
        ends_the_released,
        sends_descriptors,
        floods_with_descriptors,
        has_an_impossible_status,
    };
    struct rig *rig = *state;
    int fds_before = count_fds();
    for (size_t i = 0; i < sk_array_len(faults); i++) {
        rig->lost = 0;
        memset(rig->keys, 0, sizeof rig->keys);
        up(rig);
        faults[i](rig);
        assert_true(rig_until(rig, &rig->lost, 1));
        assert_int_equal(rig->lost_err.code, SK_UNAVAILABLE);
        assert_true(rig->keys[1].exits <= 1);
        rig_down(rig);
        sk_close_fd(&of(rig)->fd);
        assert_int_equal(count_fds(), fds_before);
    }
}

/* --- faults in the greeting ----------------------------------------------------------- */

static void says_ready_first(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_READY, 0);
}

static void ends_before_ready(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_HELLO, 0);
    (void)far_say(rig, SK_FRAME_FOUND, 1);
    (void)far_say(rig, SK_FRAME_EXITED, 1);
}

static void finds_twice(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_HELLO, 0);
    (void)far_say(rig, SK_FRAME_FOUND, 1);
    (void)far_say(rig, SK_FRAME_FOUND, 1);
}

static void keeps_what_is_no_pipe(struct rig *rig)
{
    int fd = memfd_create("no pipe", MFD_CLOEXEC);
    (void)far_say(rig, SK_FRAME_HELLO, 0);
    (void)far_say_with(
        rig, (struct sk_frame){.type = SK_FRAME_FOUND, .key = 1, .flags = SK_FRAME_FD_KEEP_STDOUT}, &fd, 1);
    (void)close(fd);
}

static void forgets_the_descriptor(struct rig *rig)
{
    (void)far_say(rig, SK_FRAME_HELLO, 0);
    (void)far_say_with(
        rig, (struct sk_frame){.type = SK_FRAME_FOUND, .key = 1, .flags = SK_FRAME_FD_KEEP_STDOUT}, NULL, 0);
}

static void faults_in_the_greeting(void **state)
{
    static void (*const faults[])(struct rig *) = {
        says_ready_first,      ends_before_ready,      finds_twice,
        keeps_what_is_no_pipe, forgets_the_descriptor, says_nothing_and_leaves};
    struct rig *rig = *state;
    int fds_before = count_fds();
    for (size_t i = 0; i < sk_array_len(faults); i++) {
        struct rig_call call;
        rig->lost = 0;
        rig_open(rig);
        rig->pid = rig->launch(rig);
        rig_call_init(&call, rig, 0);
        rig->agent->ops->await(rig->guest, rig->pid, &call.done);
        faults[i](rig);
        assert_true(rig_until(rig, &rig->lost, 1));
        assert_int_equal(call.fired, 1); /* before on_lost */
        assert_int_equal(call.err.code, SK_UNAVAILABLE);
        rig_down(rig);
        sk_close_fd(&of(rig)->fd);
        assert_int_equal(count_fds(), fds_before);
    }
}

/* More processes than there may be. */
static void too_many_found(void **state)
{
    struct rig *rig = *state;
    struct rig_call call;
    rig_open(rig);
    rig->pid = rig->launch(rig);
    rig_call_init(&call, rig, 0);
    rig->agent->ops->await(rig->guest, rig->pid, &call.done);
    (void)far_say(rig, SK_FRAME_HELLO, 0);
    for (uint64_t key = 1; key <= SK_WIRE_KEYS_MAX + 1;) {
        if (far_say(rig, SK_FRAME_FOUND, key))
            key++;
        else if (rig->lost)
            break;
        else
            rig_idle(rig, 1);
    }
    assert_true(rig_until(rig, &rig->lost, 1));
    assert_int_equal(rig->keys[SK_WIRE_KEYS_MAX].found, 1);
    assert_int_equal(rig->keys[SK_WIRE_KEYS_MAX + 1].found, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANNEL_TEST(every_fault_is_the_end),
        CHANNEL_TEST(faults_in_the_greeting),
        CHANNEL_TEST(too_many_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
