#include "cli/feed.h"

#include <errno.h>

static void on_data(struct sk_input *input, const uint8_t *data, size_t len)
{
    struct sk_feed *feed = sk_container_of(input, struct sk_feed, input);

    feed->due = false;
    if (sk_buf_append(&feed->piece, data, len) != SK_OK)
        feed->ended = true; /* never: a piece is no longer than that */
    sk_loop_stop(feed->client->loop);
}

static void on_end(struct sk_input *input)
{
    struct sk_feed *feed = sk_container_of(input, struct sk_feed, input);

    feed->due = false;
    feed->ended = true;
    sk_loop_stop(feed->client->loop);
}

enum sk_code sk_feed_open(struct sk_feed *feed, struct sk_client *client, int fd_take, struct sk_err *err)
{
    *feed = (struct sk_feed){.client = client, .fd = fd_take};
    sk_buf_init(&feed->piece, SK_PUMP_CHUNK);
    if (fd_take >= 0)
        return SK_OK;
    return sk_input_open(&feed->input, client->loop, on_data, on_end, err);
}

static void read_file(struct sk_feed *feed)
{
    uint8_t chunk[SK_PUMP_CHUNK];
    ssize_t n;

    do
        n = read(feed->fd, chunk, sizeof(chunk));
    while (n < 0 && errno == EINTR);
    feed->ended = n <= 0 || sk_buf_append(&feed->piece, chunk, (size_t)n) != SK_OK;
}

bool sk_feed_read(struct sk_feed *feed, const bool *give_up, const uint8_t **out_data, size_t *out_len)
{
    sk_buf_clear(&feed->piece);
    if (feed->fd >= 0 && !feed->ended)
        read_file(feed);
    if (feed->fd < 0 && !feed->ended) {
        feed->due = true;
        sk_input_want(&feed->input);
    }
    while (feed->due && !feed->client->signo && !*give_up)
        sk_loop_run(feed->client->loop);
    *out_data = feed->piece.data;
    *out_len = feed->piece.len;
    return feed->piece.len > 0;
}

void sk_feed_close(struct sk_feed *feed)
{
    sk_input_close(&feed->input);
    sk_close_fd(&feed->fd);
    sk_buf_fini(&feed->piece);
}
