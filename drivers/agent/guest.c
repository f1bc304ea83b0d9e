#include "drivers/agent/guest.h"

#include "drivers/agent/request.h"

#include <assert.h>
#include <stdio.h>

#define FRAMES_A_TURN 64 /* so that one guest cannot keep the loop to itself */

/* An error that a call inside the guest's own code must not give at once. */
struct answer {
    struct sk_list link;
    struct sk_done *done;
    struct sk_err err;
};

static void settle(struct sk_task *task);

static void callback_enter(struct sk_guest *guest)
{
    guest->callbacks++;
}

static void callback_leave(struct sk_guest *guest)
{
    if (--guest->callbacks > 0 || !guest->is_closed)
        return;
    free(guest->dir);
    free(guest);
}

void sk_guest_answer_later(struct sk_guest *guest, struct sk_done *done, const struct sk_err *err)
{
    struct answer *answer = sk_alloc(sizeof *answer);
    answer->done = done;
    answer->err = *err;
    done->cancel = NULL;
    sk_list_append(&guest->answers, &answer->link);
    sk_loop_defer(guest->loop, &guest->settle, settle);
}

/* --- the end of a guest --------------------------------------------------------------------------- */

/* Breaks with the guest; whoever must know is told in the next turn. */
static void give_up(struct sk_guest *guest, const struct sk_err *err)
{
    if (guest->state == SK_GUEST_LOST)
        return;
    guest->state = SK_GUEST_LOST;
    guest->why = *err;
    sk_log_err(guest->log, SK_DEBUG, "agent.lost", err, SK_STR("dir", guest->dir));
    sk_listener_close(&guest->listener);
    sk_watch_close(guest->watch);
    guest->watch = NULL;
    sk_peer_close(&guest->peer);
    sk_loop_defer(guest->loop, &guest->settle, settle);
}

static void tell_lost(struct sk_guest *guest)
{
    struct sk_known *known;
    while (!guest->is_closed && (known = sk_known_find_starting(&guest->known))) {
        struct sk_done *done = sk_take(known->done);
        sk_done_fire(done, &guest->why);
    }
    sk_guest_fail_opens(guest, &guest->why);
    if (!guest->is_closed && guest->awaiting)
        sk_guest_answer_await(guest, &guest->why);
    if (guest->is_closed)
        return;
    guest->lost_told = true;
    guest->events->on_lost(guest->arg, &guest->why);
}

/* What could not be said inside a call. */
static void settle(struct sk_task *task)
{
    struct sk_guest *guest = sk_container_of(task, struct sk_guest, settle);
    struct sk_list *node;
    callback_enter(guest);
    while (!guest->is_closed && (node = sk_list_pop(&guest->answers))) {
        struct answer *answer = sk_list_entry(node, struct answer, link);
        struct sk_done *done = answer->done;
        struct sk_err err = answer->err;
        free(answer);
        sk_done_fire(done, &err);
    }
    if (!guest->is_closed && guest->awaiting && guest->state == SK_GUEST_READY)
        sk_guest_answer_await(guest, NULL);
    if (!guest->is_closed && guest->state == SK_GUEST_LOST && !guest->lost_told)
        tell_lost(guest);
    callback_leave(guest);
}

/* --- the connection ---------------------------------------------------------------------------------- */

static void flush(struct sk_guest *guest)
{
    struct sk_err err;
    if (guest->state == SK_GUEST_LOST)
        return;
    if (sk_peer_flush(&guest->peer, &err) != SK_OK)
        give_up(guest, &err);
    else
        sk_watch_set(guest->watch,
                     SK_READABLE | (sk_list_is_empty(&guest->peer.queue) ? 0u : (unsigned)SK_WRITABLE));
}

static void read_frames(struct sk_guest *guest)
{
    struct sk_err err;
    for (int i = 0; i < FRAMES_A_TURN && !guest->is_closed && guest->state != SK_GUEST_LOST; i++) {
        struct sk_incoming incoming;
        bool got;
        bool fine = sk_peer_receive(&guest->peer, &incoming, &got, &err) == SK_OK;
        if (fine && !got)
            return;
        if (fine) {
            fine = sk_guest_take_frame(guest, &incoming, &err);
            sk_close_fd(&incoming.fds[0]);
            sk_close_fd(&incoming.fds[1]);
        }
        if (!fine)
            give_up(guest, &err);
    }
}

static void on_peer_ready(void *arg, unsigned events)
{
    struct sk_guest *guest = arg;
    callback_enter(guest);
    if (events & SK_READABLE)
        read_frames(guest);
    if ((events & SK_WRITABLE) && !guest->is_closed)
        flush(guest);
    callback_leave(guest);
}

static void on_peer(struct sk_listener *listener, int fd_take)
{
    struct sk_guest *guest = sk_container_of(listener, struct sk_guest, listener);
    struct sk_err err;
    sk_peer_open(&guest->peer, fd_take);
    guest->state = SK_GUEST_GREETING;
    if (sk_watch_open(guest->loop, guest->peer.fd, on_peer_ready, guest, &guest->watch, &err) != SK_OK)
        give_up(guest, &err);
    else
        sk_watch_set(guest->watch, SK_READABLE);
}

static void queue(struct sk_guest *guest, struct sk_outgoing *outgoing_take)
{
    struct sk_err err;
    if (sk_peer_queue(&guest->peer, outgoing_take, &err) != SK_OK)
        give_up(guest, &err);
    else
        flush(guest);
}

void sk_guest_send(struct sk_guest *guest, const struct sk_frame *frame)
{
    if (guest->state == SK_GUEST_READY)
        queue(guest, sk_outgoing_new(frame));
}

/* --- await ---------------------------------------------------------------------------------------------- */

void sk_guest_answer_await(struct sk_guest *guest, const struct sk_err *err)
{
    struct sk_done *done = sk_take(guest->awaiting);
    if (done)
        sk_done_fire(done, err);
}

static void await_cancel(struct sk_done *done)
{
    struct sk_guest *guest = done->callee;
    struct sk_err err;
    guest->awaiting = NULL;
    if (guest->state == SK_GUEST_ACCEPTING) {
        sk_listener_rest(&guest->listener);
        guest->state = SK_GUEST_RESTING;
    }
    (void)sk_fail(&err, SK_CANCELLED, "waiting for the guest was cancelled");
    sk_guest_answer_later(guest, done, &err);
}

void sk_guest_await(struct sk_guest *guest, int pid, struct sk_done *done)
{
    struct sk_err err;
    assert(!guest->awaiting);
    if (guest->lost_told) {
        sk_guest_answer_later(guest, done, &guest->why);
        return;
    }
    done->cancel = await_cancel;
    done->callee = guest;
    guest->awaiting = done;
    if (guest->state == SK_GUEST_RESTING) {
        guest->state = SK_GUEST_ACCEPTING;
        if (sk_listener_accept(&guest->listener, pid, on_peer, &err) != SK_OK)
            give_up(guest, &err);
    } else if (guest->state == SK_GUEST_READY) {
        sk_loop_defer(guest->loop, &guest->settle, settle);
    }
}

/* --- processes ------------------------------------------------------------------------------------------ */

static void start_cancel(struct sk_done *done)
{
    struct sk_known *known = done->callee;
    struct sk_err err;
    known->is_abandoned = true;
    known->done = NULL;
    (void)sk_fail(&err, SK_CANCELLED, "starting the process was cancelled");
    sk_guest_answer_later(known->guest, done, &err);
}

static enum sk_code may_start(struct sk_guest *guest, struct sk_err *err)
{
    if (guest->state == SK_GUEST_LOST)
        return sk_fail(err, SK_UNAVAILABLE, "the guest is gone");
    if (guest->state != SK_GUEST_READY)
        return sk_fail(err, SK_UNAVAILABLE, "the guest is not connected yet");
    if (guest->known.len >= SK_WIRE_KEYS_MAX)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "the sandbox has %d processes already", SK_WIRE_KEYS_MAX);
    if (!sk_peer_has_room(&guest->peer))
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "too many processes wait to be started in the sandbox");
    return SK_OK;
}

void sk_guest_start(struct sk_guest *guest, const struct sk_process *process, struct sk_done *done)
{
    struct sk_err err;
    struct sk_outgoing *outgoing;
    assert(process->key && !sk_known_find(&guest->known, process->key));
    enum sk_code code = may_start(guest, &err);
    if (code != SK_OK)
        sk_process_close(process);
    else
        code = sk_request_make(process, &outgoing, &err);
    if (code != SK_OK) {
        sk_guest_answer_later(guest, done, &err);
        return;
    }
    struct sk_known *known = sk_known_add(&guest->known, process->key, SK_KNOWN_STARTING);
    known->guest = guest;
    known->done = done;
    done->cancel = start_cancel;
    done->callee = known;
    queue(guest, outgoing);
}

void sk_guest_signal(struct sk_guest *guest, uint64_t key, int signo, bool tree)
{
    struct sk_known *known = sk_known_find(&guest->known, key);
    struct sk_frame frame = {.type = SK_FRAME_SIGNAL, .key = key};
    assert(signo >= 1 && signo <= 64);
    frame.flags = tree ? SK_FRAME_TREE : 0;
    frame.signal.signo = (uint32_t)signo;
    if (known && (tree || known->state != SK_KNOWN_ENDED))
        sk_guest_send(guest, &frame);
}

void sk_guest_release(struct sk_guest *guest, uint64_t key)
{
    struct sk_known *known = sk_known_find(&guest->known, key);
    struct sk_frame frame = {.type = SK_FRAME_RELEASE, .key = key};
    if (!known || known->state != SK_KNOWN_ENDED)
        return;
    sk_known_drop(&guest->known, known);
    sk_guest_send(guest, &frame);
}

/* --- life ------------------------------------------------------------------------------------------------
 */

enum sk_code sk_guest_open(struct sk_loop *loop, const struct sk_log *log, char *dir_take,
                           const struct sk_guest_events *events, void *arg, struct sk_guest **out_guest,
                           struct sk_err *err)
{
    struct sk_guest *guest = sk_alloc(sizeof *guest);
    SK_AUTO_FREE char *path = sk_printf("%s/sock", dir_take);
    guest->loop = loop;
    guest->log = log;
    guest->dir = dir_take;
    guest->events = events;
    guest->arg = arg;
    sk_peer_init(&guest->peer);
    sk_known_init(&guest->known);
    sk_opens_init(&guest->opens);
    sk_list_init(&guest->answers);
    enum sk_code code = sk_listener_open(&guest->listener, loop, path, err);
    if (code != SK_OK) {
        sk_guest_close(guest);
        return code;
    }
    *out_guest = guest;
    return SK_OK;
}

void sk_guest_close(struct sk_guest *guest)
{
    struct sk_list *node;
    sk_loop_undefer(&guest->settle);
    while ((node = sk_list_pop(&guest->answers)))
        free(sk_list_entry(node, struct answer, link));
    sk_listener_close(&guest->listener);
    sk_watch_close(guest->watch);
    sk_peer_close(&guest->peer);
    sk_known_fini(&guest->known);
    sk_opens_fini(&guest->opens);
    if (guest->awaiting)
        guest->awaiting->cancel = NULL;
    guest->watch = NULL;
    guest->awaiting = NULL;
    guest->is_closed = true;
    callback_enter(guest);
    callback_leave(guest);
}
