#include "drivers/edge/voice.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define PIECES_A_TURN 16

enum sk_code sk_voice_open(struct sk_voice *voice, const char *path,
                           void (*on_line)(void *arg, const char *line), void *arg, struct sk_err *err)
{
    struct stat is;
    *voice = (struct sk_voice){.in = -1, .out = -1, .on_line = on_line, .arg = arg};
    if (mkfifo(path, 0600) < 0 && errno != EEXIST)
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "make %s", path);
    voice->in = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    /* For both, so that a writer without a reader is none that fails. */
    voice->out = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (voice->in >= 0 && voice->out >= 0 && fstat(voice->in, &is) == 0 && S_ISFIFO(is.st_mode))
        return SK_OK;
    int sys = errno;
    sk_voice_close(voice);
    return sk_fail_sys(err, SK_FAILED_PRECONDITION, sys, "open %s", path);
}

static void on_ready(void *arg, unsigned events)
{
    (void)events;
    sk_voice_read(arg);
}

enum sk_code sk_voice_watch(struct sk_voice *voice, struct sk_loop *loop, struct sk_err *err)
{
    enum sk_code code = sk_watch_open(loop, voice->in, on_ready, voice, &voice->watch, err);
    if (code == SK_OK)
        sk_watch_set(voice->watch, SK_READABLE);
    return code;
}

static void take(struct sk_voice *voice, char byte)
{
    if (byte != '\n' && voice->len == sizeof(voice->line) - 1)
        voice->is_long = true;
    else if (byte != '\n')
        voice->line[voice->len++] = byte;
    if (byte != '\n')
        return;
    voice->line[voice->len] = '\0';
    if (!voice->is_long && voice->len > 0)
        voice->on_line(voice->arg, voice->line);
    voice->len = 0;
    voice->is_long = false;
}

void sk_voice_read(struct sk_voice *voice)
{
    char bytes[4096];
    for (int i = 0; i < PIECES_A_TURN; i++) {
        ssize_t got = read(voice->in, bytes, sizeof(bytes));
        if (got <= 0)
            return;
        for (ssize_t at = 0; at < got; at++)
            take(voice, bytes[at]);
    }
}

void sk_voice_close(struct sk_voice *voice)
{
    sk_watch_close(voice->watch);
    voice->watch = NULL;
    sk_close_fd(&voice->in);
    sk_close_fd(&voice->out);
}
