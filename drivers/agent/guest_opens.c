/* guest_opens.c: files and terminals of a guest: what is asked for, what
 * comes back, and who still wants it then. */
#include "drivers/agent/denial.h"
#include "drivers/agent/guest.h"
#include "drivers/agent/request.h"
#include "drivers/agent/terminal.h"
#include "drivers/agent/vet.h"

#include <assert.h>
#include <errno.h>

/* --- asking ------------------------------------------------------------------------- */

static void open_cancel(struct sk_done *done)
{
    struct sk_open *open = done->callee;
    struct sk_err err;
    open->done = NULL;
    open->caller = 0;
    (void)sk_fail(&err, SK_CANCELLED, "opening a file or terminal was cancelled");
    sk_guest_answer_later(open->guest, done, &err);
}

static void wait_for(struct sk_guest *guest, struct sk_open *open, struct sk_done *done)
{
    open->guest = guest;
    open->done = done;
    done->cancel = open_cancel;
    done->callee = open;
}

static enum sk_code may_open(struct sk_guest *guest, struct sk_err *err)
{
    if (guest->state != SK_GUEST_READY)
        return sk_fail(err, SK_UNAVAILABLE, "the guest is not connected");
    if (sk_opens_is_full(&guest->opens) || !sk_peer_has_room(&guest->peer))
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "too many files of the sandbox are being opened");
    return SK_OK;
}

/* What the caller wants and where it goes. */
struct want {
    enum sk_open_kind kind;
    uint64_t caller;
    int *out_fd, *out_slave;
};

static void open_start(struct sk_guest *guest, const struct sk_file_ask *ask, const struct want *want,
                       struct sk_done *done)
{
    struct sk_err err;
    struct sk_buf text;
    sk_buf_init(&text, SK_WIRE_FRAME_MAX - SK_WIRE_HEADER);
    enum sk_code code = may_open(guest, &err);
    if (code == SK_OK)
        code = sk_request_open_text(ask, &text, &err);
    if (code != SK_OK) {
        sk_guest_answer_later(guest, done, &err);
    } else {
        struct sk_open *open = sk_opens_add(&guest->opens, want->kind);
        struct sk_frame frame = {.type = SK_FRAME_OPEN, .key = open->key};
        open->caller = want->caller;
        open->out_fd = want->out_fd;
        open->out_slave = want->out_slave;
        frame.open.kind = want->kind;
        frame.open.text_len = (uint32_t)text.len;
        frame.open.text = text.data;
        wait_for(guest, open, done);
        sk_guest_send(guest, &frame);
    }
    sk_buf_fini(&text);
}

void sk_guest_open_read(struct sk_guest *guest, const struct sk_file_ask *ask, int *out_fd,
                        struct sk_done *done)
{
    assert(ask->path[0]);
    open_start(guest, ask, &(struct want){.kind = SK_OPEN_READ, .out_fd = out_fd}, done);
}

void sk_guest_open_write(struct sk_guest *guest, uint64_t key, const struct sk_file_ask *ask, int *out_fd,
                         struct sk_done *done)
{
    assert(ask->path[0] && key && !sk_opens_find_held(&guest->opens, key));
    open_start(guest, ask, &(struct want){.kind = SK_OPEN_WRITE, .caller = key, .out_fd = out_fd}, done);
}

void sk_guest_open_terminal(struct sk_guest *guest, int *out_master, int *out_slave, struct sk_done *done)
{
    const struct sk_file_ask nothing = {.path = "", .working_dir = "", .user = ""};
    open_start(guest, &nothing,
               &(struct want){.kind = SK_OPEN_TERMINALS, .out_fd = out_master, .out_slave = out_slave}, done);
}

static void say(struct sk_guest *guest, enum sk_frame_type type, uint64_t key)
{
    sk_guest_send(guest, &(struct sk_frame){.type = type, .key = key});
}

void sk_guest_commit(struct sk_guest *guest, uint64_t key, struct sk_done *done)
{
    struct sk_open *open = sk_opens_find_held(&guest->opens, key);
    struct sk_err err;
    assert(open);
    if (guest->state != SK_GUEST_READY) {
        sk_opens_drop(&guest->opens, open);
        (void)sk_fail(&err, SK_UNAVAILABLE, "the guest is gone");
        sk_guest_answer_later(guest, done, &err);
        return;
    }
    open->state = SK_OPEN_COMMITTING;
    open->caller = 0;
    wait_for(guest, open, done);
    say(guest, SK_FRAME_COMMIT, open->key);
}

void sk_guest_abandon(struct sk_guest *guest, uint64_t key)
{
    struct sk_open *open = sk_opens_find_held(&guest->opens, key);
    if (!open)
        return;
    uint64_t on_wire = open->key;
    sk_opens_drop(&guest->opens, open);
    say(guest, SK_FRAME_ABANDON, on_wire);
}

/* --- answers ---------------------------------------------------------------------------- */

static bool fault(const char *what, struct sk_err *err)
{
    (void)sk_fail(err, SK_UNAVAILABLE, "the guest broke the protocol: %s", what);
    return false;
}

/* The open has ended, or is held from now on, and its done fires. */
static void answer(struct sk_guest *guest, struct sk_open *open, const struct sk_err *err)
{
    struct sk_done *done = sk_take(open->done);
    if (!err && open->kind == SK_OPEN_WRITE && open->state == SK_OPEN_ASKED)
        open->state = SK_OPEN_HELD;
    else
        sk_opens_drop(&guest->opens, open);
    sk_done_fire(done, err);
}

/* The answer came too late. */
static void undo(struct sk_guest *guest, struct sk_open *open, bool is_open)
{
    bool is_write = open->kind == SK_OPEN_WRITE;
    uint64_t key = open->key;
    sk_opens_drop(&guest->opens, open);
    if (is_open && is_write)
        say(guest, SK_FRAME_ABANDON, key);
}

static void refuse(struct sk_guest *guest, struct sk_open *open, int sys, const char *what)
{
    struct sk_err err;
    sk_denial(open->kind, sys, what, &err);
    answer(guest, open, &err);
}

static void give_terminal(struct sk_guest *guest, struct sk_open *open, int terminals_fd)
{
    struct sk_err err;
    bool is_open = sk_terminal_open(terminals_fd, open->out_fd, open->out_slave, &err) == SK_OK;
    answer(guest, open, is_open ? NULL : &err);
}

/* The guest did its part, but the daemon has no descriptor left. */
static void lack_descriptor(struct sk_guest *guest, struct sk_open *open)
{
    if (open->kind == SK_OPEN_WRITE)
        say(guest, SK_FRAME_ABANDON, open->key);
    refuse(guest, open, EMFILE, "take the file from the guest");
}

bool sk_guest_on_opened(struct sk_guest *guest, struct sk_incoming *incoming, struct sk_err *err)
{
    struct sk_open *open = sk_opens_find(&guest->opens, incoming->frame.key);
    int sys = (int)incoming->frame.opened.sys, *fd = &incoming->fds[0];
    if (!open || open->state != SK_OPEN_ASKED)
        return fault("nothing was being opened", err);
    if (*fd >= 0) {
        bool is_file = open->kind != SK_OPEN_TERMINALS;
        const char *wrong = is_file ? sk_vet_file(*fd, open->kind) : sk_vet_terminals(*fd);
        if (wrong)
            return fault(wrong, err);
    }
    if (!open->done)
        undo(guest, open, sys == 0);
    else if (sys)
        refuse(guest, open, sys, open->kind == SK_OPEN_TERMINALS ? "find the terminals" : "open the file");
    else if (*fd < 0)
        lack_descriptor(guest, open);
    else if (open->kind == SK_OPEN_TERMINALS)
        give_terminal(guest, open, *fd);
    else {
        *open->out_fd = sk_take_fd(fd);
        answer(guest, open, NULL);
    }
    return true;
}

bool sk_guest_on_committed(struct sk_guest *guest, const struct sk_frame *frame, struct sk_err *err)
{
    struct sk_open *open = sk_opens_find(&guest->opens, frame->key);
    if (!open || open->state != SK_OPEN_COMMITTING)
        return fault("nothing was being committed", err);
    if (!open->done)
        sk_opens_drop(&guest->opens, open);
    else if (frame->committed.sys)
        refuse(guest, open, (int)frame->committed.sys, "put the file in its place");
    else
        answer(guest, open, NULL);
    return true;
}

void sk_guest_fail_opens(struct sk_guest *guest, const struct sk_err *err)
{
    struct sk_open *open;
    while (!guest->is_closed && (open = sk_opens_find_waiting(&guest->opens)))
        answer(guest, open, err);
}
