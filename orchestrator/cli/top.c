/* top.c: `sandkeep top`: what lives on the node, again and again until somebody has seen enough. */
#include "cli/input.h"
#include "cli/nodes.h"
#include "cli/output.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/terminal.h"
#include "cli/top_screen.h"
#include "cli/verbs.h"

#include <string.h>
#include <unistd.h>

#define INTERVAL_DEFAULT_S 2
#define ROWS_MAX           1000
#define PICTURE_MAX        ((size_t)16 << 20)

#define CTRL_C 0x03
#define CTRL_D 0x04

struct top {
    struct sk_client *client;
    struct sk_terminal terminal;
    struct sk_input keys;
    struct sk_top_view view;
    struct sk_window window;
    struct sk_arena arena; /* of the status */
    Sandkeep__V1__NodeStatus *status;
    struct sk_fault fault;
    bool quits;
    bool deaf; /* nobody types any more */
};

/* --- what is asked ------------------------------------------------------------------- */

static enum sk_code ask(struct sk_client *client, struct sk_arena *arena,
                        Sandkeep__V1__NodeStatus **out_status, struct sk_fault *fault)
{
    Sandkeep__V1__GetStatusRequest request = SANDKEEP__V1__GET_STATUS_REQUEST__INIT;

    request.with_sandboxes = request.with_sessions = true;
    request.limit = ROWS_MAX;
    return sk_nodes_status(client, &request, arena, out_status, fault);
}

static void refresh(struct top *top)
{
    struct sk_arena arena = {0};
    struct sk_fault fault = {0};
    Sandkeep__V1__NodeStatus *status = NULL;

    if (ask(top->client, &arena, &status, &fault) == SK_OK) {
        sk_arena_fini(&top->arena);
        top->arena = arena;
        top->status = status;
        top->view.fault = NULL;
        return;
    }
    sk_arena_fini(&arena);
    if (top->quits || top->client->signo)
        return;
    top->fault = fault; /* what was known stays to be seen */
    top->view.fault = top->fault.err.text;
}

/* --- what is seen ------------------------------------------------------------------------ */

static void draw(struct top *top)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf picture;

    sk_buf_init(&picture, PICTURE_MAX);
    if (sk_top_draw(top->status, &top->view, top->window, sk_clock_wall(), &picture) == SK_OK &&
        !sk_write_all(STDOUT_FILENO, picture.data, picture.len))
        top->quits = true;
}

static void wake(struct top *top)
{
    if (top->client->current)
        sk_done_cancel(top->client->current);
}

static void on_resize(void *arg, struct sk_window window)
{
    struct top *top = arg;

    top->window = window;
    draw(top);
}

/* The terminal is ours, or is given back: by us, by a signal, or while we are stopped. */
static void on_lent(void *arg, bool lent)
{
    const char *words = lent ? SK_TOP_ENTER : SK_TOP_LEAVE;

    (void)arg;
    (void)sk_write_all(STDOUT_FILENO, words, strlen(words));
}

/* --- what is typed -------------------------------------------------------------------------- */

static void press(struct top *top, uint8_t key)
{
    switch (key) {
    case 'q':
    case 'Q':
    case CTRL_C:
    case CTRL_D:
        top->quits = true;
        break;
    case 'c':
        top->view.order = SK_TOP_CPU;
        break;
    case 'm':
        top->view.order = SK_TOP_MEMORY;
        break;
    case 'a':
        top->view.order = SK_TOP_AGE;
        break;
    case 's':
        top->view.shows_sessions = !top->view.shows_sessions;
        break;
    default:
        break;
    }
}

static void on_keys(struct sk_input *input, const uint8_t *data, size_t len)
{
    struct top *top = sk_container_of(input, struct top, keys);

    for (size_t i = 0; i < len; i++)
        press(top, data[i]);
    if (top->quits)
        wake(top);
    else
        draw(top);
    sk_input_want(input);
}

/* The terminal has gone. */
static void on_no_keys(struct sk_input *input)
{
    struct top *top = sk_container_of(input, struct top, keys);

    top->quits = true;
    wake(top);
}

/* --- one picture, or many ---------------------------------------------------------------------- */

static enum sk_code open_terminal(struct top *top, struct sk_err *err)
{
    enum sk_code code = sk_terminal_open(&top->terminal, top->client, on_resize, top, err);

    if (code != SK_OK)
        return code;
    sk_terminal_follow(&top->terminal, on_lent);
    top->window = sk_terminal_window();
    if ((code = sk_input_open(&top->keys, top->client->loop, on_keys, on_no_keys, err)) != SK_OK)
        return code;
    sk_input_want(&top->keys);
    return SK_OK;
}

static enum sk_code live(struct sk_client *client, const struct sk_args *args, int *out_exit,
                         struct sk_fault *fault)
{
    struct top top = {.client = client};
    int64_t pause = args->interval > 0 ? args->interval : INTERVAL_DEFAULT_S;
    enum sk_code code = open_terminal(&top, &fault->err);

    while (code == SK_OK && !top.quits && !client->signo) {
        refresh(&top);
        if (top.quits || client->signo)
            break;
        draw(&top);
        if (!top.quits)
            sk_client_sleep(client, SK_SEC(pause));
    }
    sk_input_close(&top.keys);
    sk_terminal_close(&top.terminal);
    sk_arena_fini(&top.arena);
    *out_exit = client->signo ? 128 + client->signo : 0;
    return code;
}

/* Measured over a second: by the first question alone the use of cpu is that of a sandbox's whole life. */
static enum sk_code once(struct sk_client *client, const struct sk_args *args, struct sk_arena *arena,
                         int *out_exit, struct sk_fault *fault)
{
    Sandkeep__V1__NodeStatus *status = NULL;
    enum sk_code code = ask(client, arena, &status, fault);

    if (code != SK_OK)
        return code;
    sk_client_sleep(client, SK_MSEC(1100));
    if (!client->signo && (code = ask(client, arena, &status, fault)) != SK_OK)
        return code;
    *out_exit = client->signo ? 128 + client->signo : sk_node_output(status, SK_TOP_CPU, args->json);
    return SK_OK;
}

static enum sk_code show(struct sk_client *client, const struct sk_args *args, struct sk_arena *arena,
                         int *out_exit, struct sk_fault *fault)
{
    bool is_seen = sk_input_is_terminal() && isatty(STDOUT_FILENO) == 1;

    if (args->once || args->json || !is_seen)
        return once(client, args, arena, out_exit, fault);
    return live(client, args, out_exit, fault);
}

static int run_top(const struct sk_args *args)
{
    return sk_show(args, show);
}

static const struct sk_option options[] = {
    {"interval", 0, SK_OPTION_SECONDS, offsetof(struct sk_args, interval), "S",
     "between pictures; default 2"},
    {"once", 0, SK_OPTION_FLAG, offsetof(struct sk_args, once), NULL,
     "print it once, measured over a second"},
    {"json", 0, SK_OPTION_FLAG, offsetof(struct sk_args, json), NULL, "the same as JSON"},
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_top = {
    .name = "top",
    .synopsis = "[OPTION]...",
    .summary = "Watch what lives on the node, and what it uses.",
    .notes = "Keys: q ends it; c, m and a sort by cpu, memory and age; s changes to sessions and back.",
    .options = options,
    .run = run_top,
};
