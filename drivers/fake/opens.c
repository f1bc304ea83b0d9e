#include "drivers/fake/opens.h"

#include "drivers/fake/far.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

/* What one call needs; the strings are owned. */
struct opening {
    struct sk_far *far;
    struct sk_guest *guest;
    uint64_t key;
    char *path, *working_dir, *user;
    int *out_fd, *out_slave;
};

static void drop_opening(struct sk_fake_call *call)
{
    struct opening *opening = call->out;
    free(opening->path);
    free(opening->working_dir);
    free(opening->user);
    free(opening);
}

static struct sk_file_ask ask_of(const struct opening *opening)
{
    return (struct sk_file_ask){
        .path = opening->path, .working_dir = opening->working_dir, .user = opening->user};
}

static enum sk_code check_connected(const struct opening *opening, struct sk_err *err)
{
    const struct sk_guest *guest = opening->guest;
    return guest->connected && !guest->lost ? SK_OK
                                            : sk_fail(err, SK_UNAVAILABLE, "the guest is not connected");
}

static enum sk_code read_effect(struct sk_fake_call *call, struct sk_err *err)
{
    struct opening *opening = call->out;
    struct sk_file_ask ask = ask_of(opening);
    enum sk_code code = check_connected(opening, err);
    return code == SK_OK ? sk_fake_files_read(&opening->far->files, &ask, opening->out_fd, err) : code;
}

static enum sk_code write_effect(struct sk_fake_call *call, struct sk_err *err)
{
    struct opening *opening = call->out;
    struct sk_file_ask ask = ask_of(opening);
    enum sk_code code = check_connected(opening, err);
    return code == SK_OK ? sk_fake_files_write(&opening->far->files, opening->key, &ask, opening->out_fd, err)
                         : code;
}

static enum sk_code commit_effect(struct sk_fake_call *call, struct sk_err *err)
{
    struct opening *opening = call->out;
    enum sk_code code = check_connected(opening, err);
    return code == SK_OK ? sk_fake_files_commit(&opening->far->files, opening->key, err) : code;
}

/* Committed or not, nothing is left. */
static void drop_commit(struct sk_fake_call *call)
{
    struct opening *opening = call->out;
    sk_fake_files_abandon(&opening->far->files, opening->key);
    drop_opening(call);
}

/* Of the host: there is no other that behaves like one. */
static enum sk_code terminal_effect(struct sk_fake_call *call, struct sk_err *err)
{
    struct opening *opening = call->out;
    int unlocked = 0;
    enum sk_code code = check_connected(opening, err);
    if (code != SK_OK)
        return code;
    SK_AUTO_FD int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) < 0)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the sandbox has no terminals");
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the sandbox has no terminals");
    *opening->out_fd = sk_take_fd(&master);
    *opening->out_slave = slave;
    return SK_OK;
}

static enum sk_code put_one(struct sk_fake_files *to, const struct sk_guest_file *file, const char *path,
                            struct sk_err *err)
{
    const struct sk_file_ask ask = {.path = path, .working_dir = "", .user = ""};
    SK_AUTO_FD int fd = -1;
    enum sk_code code = sk_fake_files_write(to, UINT64_MAX, &ask, &fd, err);
    if (code != SK_OK)
        return code;
    if (write(fd, file->data, file->len) != (ssize_t)file->len)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "no room for the mounted files");
    return sk_fake_files_commit(to, UINT64_MAX, err);
}

static enum sk_code put_effect(struct sk_fake_call *call, struct sk_err *err)
{
    struct opening *opening = call->out;
    const struct sk_guest_file *files = call->args;
    enum sk_code code = SK_OK;
    for (int i = 0; i < call->number && code == SK_OK; i++) {
        SK_AUTO_FREE char *path = sk_printf("/.sandkeep/files/%d", i);
        code = put_one(&opening->far->files, &files[i], path, err);
    }
    return code;
}

/* A call about `opening`, which is copied. */
static void make_call(struct sk_guest *guest, const char *name, const struct opening *opening,
                      const struct sk_fake_call *how, struct sk_done *done)
{
    struct sk_fake_call call = *how;
    struct opening *made = sk_memdup(opening, sizeof(*opening));
    made->guest = guest;
    made->far = guest->far;
    call.owner = guest;
    call.out = made;
    if (!call.drop)
        call.drop = drop_opening;
    sk_fake_call(&guest->far->agent->calls, name, &call, done);
}

static struct opening opening_of(uint64_t key, const struct sk_file_ask *ask, int *out_fd)
{
    return (struct opening){.key = key,
                            .path = sk_strdup(ask->path),
                            .working_dir = sk_strdup(ask->working_dir),
                            .user = sk_strdup(ask->user),
                            .out_fd = out_fd};
}

void sk_fake_put_files(struct sk_guest *guest, const struct sk_guest_file *files, size_t count,
                       struct sk_done *done)
{
    make_call(guest, "agent.put_files", &(struct opening){0},
              &(struct sk_fake_call){.effect = put_effect, .args = files, .number = (int)count}, done);
}

void sk_fake_open_read(struct sk_guest *guest, const struct sk_file_ask *ask, int *out_fd,
                       struct sk_done *done)
{
    struct opening opening = opening_of(0, ask, out_fd);
    make_call(guest, "agent.open_read", &opening, &(struct sk_fake_call){.effect = read_effect, .asks = true},
              done);
}

/* Asks, since one that did not succeed leaves nothing to abandon. */
void sk_fake_open_write(struct sk_guest *guest, uint64_t key, const struct sk_file_ask *ask, int *out_fd,
                        struct sk_done *done)
{
    struct opening opening = opening_of(key, ask, out_fd);
    make_call(guest, "agent.open_write", &opening,
              &(struct sk_fake_call){.effect = write_effect, .asks = true}, done);
}

void sk_fake_commit(struct sk_guest *guest, uint64_t key, struct sk_done *done)
{
    make_call(guest, "agent.commit", &(struct opening){.key = key},
              &(struct sk_fake_call){.effect = commit_effect, .drop = drop_commit}, done);
}

void sk_fake_abandon(struct sk_guest *guest, uint64_t key)
{
    if (sk_fake_allowed(&guest->far->agent->calls, "agent.abandon"))
        sk_fake_files_abandon(&guest->far->files, key);
}

void sk_fake_open_terminal(struct sk_guest *guest, int *out_master, int *out_slave, struct sk_done *done)
{
    make_call(guest, "agent.open_terminal", &(struct opening){.out_fd = out_master, .out_slave = out_slave},
              &(struct sk_fake_call){.effect = terminal_effect, .asks = true}, done);
}
