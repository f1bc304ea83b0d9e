#include "cli/landing.h"

#include "base/hex.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

static enum sk_code fail(const struct sk_landing *landing, struct sk_err *err)
{
    return sk_fail_sys(err, sk_code_from_errno(errno), errno, "%s", landing->path);
}

/* A name nobody has: beside the file, so that the rename stays in one file system. */
static char *temp_name(const char *path)
{
    uint8_t random[6];
    char digits[2 * sizeof(random) + 1];

    sk_random(random, sizeof(random));
    sk_hex_print(random, sizeof(random), digits);
    return sk_printf("%s.sandkeep-%s", path, digits);
}

enum sk_code sk_landing_open(struct sk_landing *landing, const char *path, mode_t mode, struct sk_err *err)
{
    char *real = realpath(path, NULL);
    struct stat info;

    *landing = (struct sk_landing){.fd = -1, .path = real ? real : sk_strdup(path)};
    if (stat(landing->path, &info) == 0 && !S_ISREG(info.st_mode)) {
        landing->fd = open(landing->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    } else {
        landing->temp = temp_name(landing->path);
        landing->fd = open(landing->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0777);
    }
    if (landing->fd >= 0)
        return SK_OK;
    enum sk_code code = fail(landing, err);
    free(sk_take(landing->temp)); /* there is none */
    sk_landing_close(landing);
    return code;
}

enum sk_code sk_landing_commit(struct sk_landing *landing, struct sk_err *err)
{
    if (close(sk_take_fd(&landing->fd)) != 0)
        return fail(landing, err);
    if (landing->temp && rename(landing->temp, landing->path) != 0)
        return fail(landing, err);
    free(sk_take(landing->temp));
    return SK_OK;
}

void sk_landing_close(struct sk_landing *landing)
{
    if (!landing->path)
        return;
    sk_close_fd(&landing->fd);
    if (landing->temp)
        (void)unlink(landing->temp);
    free(sk_take(landing->temp));
    free(sk_take(landing->path));
}
