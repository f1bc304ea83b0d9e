/* frames.c: what each frame of a guest means, and when it is out of order. */
#include "drivers/agent/guest.h"
#include "drivers/agent/request.h"
#include "loop/pump.h"

#include <fcntl.h>
#include <signal.h>

static bool fault(const struct sk_frame *frame, const char *what, struct sk_err *err)
{
    (void)sk_fail(err, SK_UNAVAILABLE, "the guest broke the protocol: frame type %d: %s", (int)frame->type,
                  what);
    return false;
}

/* A private description of a kept pipe. When the daemon has no descriptor left the output is lost, not
 * the sandbox. False when it is no pipe. */
static bool pipe_reopen(int *fd)
{
    int opened = -1;
    struct sk_err err;
    enum sk_code code = *fd < 0 ? SK_OK : sk_fd_reopen_pipe(*fd, O_RDONLY, &opened, &err);
    sk_close_fd(fd);
    *fd = opened;
    return code != SK_INVALID_ARGUMENT;
}

static bool on_found(struct sk_guest *guest, struct sk_incoming *incoming, struct sk_err *err)
{
    const struct sk_frame *frame = &incoming->frame;
    bool has_stdout = frame->flags & SK_FRAME_FD_KEEP_STDOUT;
    int *out = has_stdout ? &incoming->fds[0] : &incoming->fds[1];
    int *error = has_stdout ? &incoming->fds[1] : &incoming->fds[0];
    if (guest->known.len >= SK_WIRE_KEYS_MAX || sk_known_find(&guest->known, frame->key))
        return fault(frame, "key known already, or too many", err);
    if (!pipe_reopen(out) || !pipe_reopen(error))
        return fault(frame, "not a pipe", err);
    (void)sk_known_add(&guest->known, frame->key, SK_KNOWN_RUNNING);
    guest->events->on_found(guest->arg, frame->key, frame->flags & SK_FRAME_MAIN, sk_take_fd(out),
                            sk_take_fd(error));
    return true;
}

/* Nobody waits for it any more: it is killed, and forgotten when it has ended. */
static void kill_abandoned(struct sk_guest *guest, uint64_t key)
{
    struct sk_frame frame = {.type = SK_FRAME_SIGNAL, .key = key, .flags = SK_FRAME_TREE};
    frame.signal.signo = SIGKILL;
    sk_guest_send(guest, &frame);
}

static bool on_started(struct sk_guest *guest, const struct sk_frame *frame, struct sk_err *err)
{
    struct sk_known *known = sk_known_find(&guest->known, frame->key);
    struct sk_err refusal;
    if (!known || known->state != SK_KNOWN_STARTING)
        return fault(frame, "nothing was being started", err);
    struct sk_done *done = sk_take(known->done);
    bool runs = frame->started.sys == 0, is_abandoned = known->is_abandoned;
    known->state = SK_KNOWN_RUNNING;
    if (!runs) {
        sk_known_drop(&guest->known, known);
        sk_request_refusal(frame, &refusal);
    } else if (is_abandoned) {
        kill_abandoned(guest, frame->key);
    }
    if (done)
        sk_done_fire(done, runs ? NULL : &refusal);
    return true;
}

static bool on_exited(struct sk_guest *guest, const struct sk_frame *frame, struct sk_err *err)
{
    struct sk_known *known = sk_known_find(&guest->known, frame->key);
    if (!known || known->state != SK_KNOWN_RUNNING)
        return fault(frame, "no such process runs", err);
    known->state = SK_KNOWN_ENDED;
    if (known->is_abandoned)
        sk_guest_release(guest, frame->key);
    else
        guest->events->on_exit(guest->arg, frame->key, (int)frame->exited.status);
    return true;
}

static bool on_greeting(struct sk_guest *guest, struct sk_incoming *incoming, struct sk_err *err)
{
    const struct sk_frame *frame = &incoming->frame;
    if (guest->state == SK_GUEST_GREETING && frame->type == SK_FRAME_HELLO) {
        guest->state = SK_GUEST_REPORTING;
        return true;
    }
    if (guest->state == SK_GUEST_REPORTING && frame->type == SK_FRAME_FOUND)
        return on_found(guest, incoming, err);
    if (guest->state == SK_GUEST_REPORTING && frame->type == SK_FRAME_READY) {
        guest->state = SK_GUEST_READY;
        sk_guest_answer_await(guest, NULL);
        return true;
    }
    return fault(frame, "out of order in the greeting", err);
}

bool sk_guest_take_frame(struct sk_guest *guest, struct sk_incoming *incoming, struct sk_err *err)
{
    if (guest->state != SK_GUEST_READY)
        return on_greeting(guest, incoming, err);
    if (incoming->frame.type == SK_FRAME_STARTED)
        return on_started(guest, &incoming->frame, err);
    if (incoming->frame.type == SK_FRAME_EXITED)
        return on_exited(guest, &incoming->frame, err);
    if (incoming->frame.type == SK_FRAME_OPENED)
        return sk_guest_on_opened(guest, incoming, err);
    if (incoming->frame.type == SK_FRAME_COMMITTED)
        return sk_guest_on_committed(guest, &incoming->frame, err);
    return fault(&incoming->frame, "out of order", err);
}
