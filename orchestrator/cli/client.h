/* client.h: the connection to the server, and the program's signals. Calls
 * are made one after the other, so each runs the loop until it is answered.
 *
 * The first SIGINT, SIGTERM, SIGHUP or SIGQUIT cancels what is under way, unless that must not
 * be left half done; the second ends the program at once. */
#ifndef SK_CLI_CLIENT_H
#define SK_CLI_CLIENT_H

#include "base/arena.h"
#include "cli/fault.h"
#include "rpc/client.h"

#define SK_CLIENT_SIGNALS 4

struct sk_client {
    struct sk_loop *loop;
    struct sk_bridge *bridge;
    struct sk_channel *channel;
    struct sk_signal *signals[SK_CLIENT_SIGNALS];
    int signo;                    /* the first signal; 0 = none yet */
    struct sk_done *current;      /* the call that a signal cancels, or NULL */
    void (*on_signal)(void *arg); /* may be NULL */
    void *arg;
    void (*before_exit)(void *arg); /* when a second signal ends the program; may be NULL */
    void *exit_arg;
    /* Takes every signal instead, so that none ends anything here; NULL = nobody. */
    void (*relay)(void *arg, int signo);
    void *relay_arg;
};

/* address NULL: CWSANDBOX_BASE_URL, else, without a key, the admin socket if it may be opened, else the
 * default. The key is CWSANDBOX_API_KEY. */
SK_MUST_CHECK enum sk_code sk_client_open(struct sk_client *client, const char *address, struct sk_err *err);
/* Safe on a zeroed struct. */
void sk_client_close(struct sk_client *client);

enum sk_patience {
    SK_ABANDON, /* a signal cancels the call */
    SK_FINISH   /* the call is waited for: its outcome must be known */
};

/* One unary call: `method` is the bare name of one of the sandbox service, or a whole path. */
SK_MUST_CHECK enum sk_code sk_client_call(struct sk_client *client, const char *method,
                                          const ProtobufCMessage *request,
                                          const ProtobufCMessageDescriptor *response_type,
                                          enum sk_patience patience, struct sk_arena *arena,
                                          ProtobufCMessage **out_response, struct sk_fault *fault);

/* The name of a method as the server knows it. */
struct sk_method_path {
    char text[128];
};
struct sk_method_path sk_client_path(const char *method);

/* Returns early at the first signal. */
void sk_client_sleep(struct sk_client *client, struct sk_duration time);

#endif
