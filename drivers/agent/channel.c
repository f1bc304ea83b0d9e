#include "drivers/agent/channel.h"

#include "drivers/agent/folders.h"
#include "drivers/agent/guest.h"
#include "drivers/agent/host_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct channel {
    struct sk_agent base;
    struct sk_loop *loop;
    const struct sk_log *log;
    char *dir; /* <run_dir>/agent; owned */
    size_t guests;
};

static enum sk_code dir_make(const char *path, mode_t mode, struct sk_err *err)
{
    struct stat st;
    if (mkdir(path, mode) < 0 && errno != EEXIST)
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "make %s", path);
    if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s is not a directory", path);
    if (chmod(path, mode) < 0)
        return sk_fail_sys(err, SK_INTERNAL, errno, "change the mode of %s", path);
    return SK_OK;
}

/* Names are ours, yet a path is made of them: one plain component. */
static bool id_is_plain(const char *id)
{
    return id[0] && id[0] != '.' && strlen(id) <= 64 && !strchr(id, '/');
}

static enum sk_code mount_point_make(const char *dir, struct sk_err *err)
{
    SK_AUTO_FREE char *path = sk_printf("%s/guest", dir);
    SK_AUTO_FD int fd = open(path, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0444);
    return fd < 0 ? sk_fail_sys(err, sk_code_from_errno(errno), errno, "make %s", path) : SK_OK;
}

static void dir_remove(const char *dir)
{
    SK_AUTO_FREE char *sock = sk_printf("%s/sock", dir);
    SK_AUTO_FREE char *mount_point = sk_printf("%s/guest", dir);
    sk_host_files_remove(dir);
    (void)unlink(sock);
    (void)unlink(mount_point);
    (void)rmdir(dir);
}

static enum sk_code channel_guest_open(struct sk_agent *agent, const char *id,
                                       const struct sk_guest_events *events, void *arg,
                                       struct sk_guest **out_guest, struct sk_err *err)
{
    struct channel *channel = sk_container_of(agent, struct channel, base);
    if (!id_is_plain(id))
        return sk_fail(err, SK_INVALID_ARGUMENT, "not an id");
    SK_AUTO_FREE char *dir = sk_printf("%s/%s", channel->dir, id);
    bool is_new = access(dir, F_OK) < 0;
    enum sk_code code = dir_make(dir, 0755, err);
    if (code == SK_OK)
        code = mount_point_make(dir, err);
    if (code == SK_OK)
        code = sk_guest_open(channel->loop, channel->log, sk_strdup(dir), events, arg, out_guest, err);
    if (code != SK_OK && is_new) /* else a sandbox may live on it */
        dir_remove(dir);
    if (code != SK_OK)
        return code;
    (*out_guest)->agent = agent;
    channel->guests++;
    return SK_OK;
}

static const char *channel_guest_dir(struct sk_guest *guest)
{
    return guest->dir;
}

static void channel_guest_close(struct sk_guest *guest, bool remove)
{
    struct channel *channel = sk_container_of(guest->agent, struct channel, base);
    channel->guests--;
    if (remove)
        dir_remove(guest->dir);
    sk_guest_close(guest);
}

static void channel_list_litter(struct sk_agent *agent, struct sk_litter_list *out_list, struct sk_done *done)
{
    struct channel *channel = sk_container_of(agent, struct channel, base);
    sk_folders_list(channel->loop, channel->dir, out_list, done);
}

static void channel_remove_litter(struct sk_agent *agent, const struct sk_litter *litter,
                                  struct sk_done *done)
{
    struct channel *channel = sk_container_of(agent, struct channel, base);
    assert(id_is_plain(litter->name));
    sk_folders_remove(channel->loop, channel->dir, litter->name, done);
}

static const struct sk_agent_ops channel_ops = {
    .open = channel_guest_open,
    .dir = channel_guest_dir,
    .put_files = sk_host_files_put,
    .await = sk_guest_await,
    .start = sk_guest_start,
    .signal = sk_guest_signal,
    .release = sk_guest_release,
    .open_read = sk_guest_open_read,
    .open_write = sk_guest_open_write,
    .commit = sk_guest_commit,
    .abandon = sk_guest_abandon,
    .open_terminal = sk_guest_open_terminal,
    .list_litter = channel_list_litter,
    .remove_litter = channel_remove_litter,
    .close = channel_guest_close,
};

enum sk_code sk_agent_channel_open(struct sk_loop *loop, const struct sk_log *log, const char *run_dir,
                                   struct sk_agent **out_agent, struct sk_err *err)
{
    SK_AUTO_FREE char *dir = sk_printf("%s/agent", run_dir);
    if (mkdir(run_dir, 0700) < 0 && errno != EEXIST)
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "make %s", run_dir);
    enum sk_code code = dir_make(dir, 0700, err);
    if (code != SK_OK)
        return code;
    struct channel *channel = sk_alloc(sizeof *channel);
    channel->base.ops = &channel_ops;
    channel->loop = loop;
    channel->log = log;
    channel->dir = sk_take(dir);
    *out_agent = &channel->base;
    return SK_OK;
}

void sk_agent_channel_close(struct sk_agent *agent)
{
    if (!agent)
        return;
    struct channel *channel = sk_container_of(agent, struct channel, base);
    assert(channel->guests == 0);
    free(channel->dir);
    free(channel);
}
