/* remote.h: a command in a sandbox, over one StreamExec. Output comes piece by
 * piece as it is wanted, input goes as there is room, so nothing piles up. A
 * signal to this program ends it. */
#ifndef SK_CLI_REMOTE_H
#define SK_CLI_REMOTE_H

#include "base/buf.h"
#include "cli/client.h"
#include "cli/window.h"

struct sk_remote;

struct sk_remote_events {
    /* Input may be sent: once the command runs, and once what was sent is taken. */
    void (*on_room)(struct sk_remote *remote);
    /* fd is 1 or 2. The next piece comes after sk_remote_want. */
    void (*on_output)(struct sk_remote *remote, int fd, const uint8_t *data, size_t len);
    /* The last one. */
    void (*on_over)(struct sk_remote *remote);
};

/* What is to be run; borrowed for sk_remote_open. */
struct sk_remote_command {
    const char *sandbox_id;
    char *const *words;
    size_t count;
    bool terminal;
    struct sk_window window; /* of the terminal; zero = the server's default */
};

struct sk_remote {
    const struct sk_remote_events *events;
    struct sk_client *client;
    struct sk_stream_call *stream;
    struct sk_buf held; /* input that came while something else was being sent */
    struct sk_window window;
    bool ready, sending, room_due, window_due, input_ended;
    bool exited; /* with exit_code */
    bool over;
    int exit_code;
    struct sk_fault fault; /* once over and not exited: why */
};

void sk_remote_open(struct sk_remote *remote, struct sk_client *client,
                    const struct sk_remote_command *command, const struct sk_remote_events *events);
void sk_remote_want(struct sk_remote *remote);
/* Once for each on_room; at most SK_PUMP_CHUNK bytes. */
void sk_remote_send(struct sk_remote *remote, const uint8_t *data, size_t len);
/* The command sees the end of its input. No send may follow. */
void sk_remote_end_input(struct sk_remote *remote);
/* The size of its terminal is another now. */
void sk_remote_resize(struct sk_remote *remote, struct sk_window window);
/* Gives up; on_over follows. */
void sk_remote_cancel(struct sk_remote *remote);
/* No callback afterwards; a command that still runs is ended. */
void sk_remote_close(struct sk_remote *remote);

#endif
