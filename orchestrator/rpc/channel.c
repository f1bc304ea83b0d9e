#include "rpc/channel.h"

#include "rpc/common.h"

#include <assert.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <string.h>

/* That one attempt to connect may take, whatever gRPC calls it; then the calls that wait for it fail. */
#define CONNECT_MS          10000
#define RECEIVE_MAX_DEFAULT ((size_t)16 * 1024 * 1024) /* containerd's own limit */

/* --- headers ---------------------------------------------------------------- */

static void headers_free(grpc_metadata *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        grpc_slice_unref(items[i].key);
        grpc_slice_unref(items[i].value);
    }
    free(items);
}

static size_t header_count(const struct sk_header *headers)
{
    size_t count = 0;
    while (headers && headers[count].name)
        count++;
    return count;
}

static enum sk_code header_make(const struct sk_header *header, grpc_metadata *out_item, struct sk_err *err)
{
    grpc_metadata item = {.key = grpc_slice_from_copied_string(header->name),
                          .value = grpc_slice_from_copied_string(header->value)};

    if (!grpc_header_key_is_legal(item.key) || !grpc_header_nonbin_value_is_legal(item.value)) {
        grpc_slice_unref(item.key);
        grpc_slice_unref(item.value);
        return sk_fail(err, SK_INVALID_ARGUMENT, "header %s has characters that cannot be sent",
                       header->name);
    }
    *out_item = item;
    return SK_OK;
}

enum sk_code sk_call_headers_init(struct sk_call_headers *headers, const struct sk_channel *channel,
                                  const struct sk_header *own, struct sk_err *err)
{
    size_t count = 0, own_count = header_count(own);
    grpc_metadata *items = sk_alloc((channel->header_count + own_count + 1) * sizeof(*items));

    for (size_t i = 0; i < channel->header_count; i++, count++) {
        items[count].key = grpc_slice_ref(channel->headers[i].key);
        items[count].value = grpc_slice_ref(channel->headers[i].value);
    }
    for (size_t i = 0; i < own_count; i++, count++) {
        enum sk_code code = header_make(&own[i], &items[count], err);
        if (code) {
            headers_free(items, count);
            return code;
        }
    }
    *headers = (struct sk_call_headers){items, count};
    return SK_OK;
}

void sk_call_headers_fini(struct sk_call_headers *headers)
{
    headers_free(headers->items, headers->count);
    *headers = (struct sk_call_headers){0};
}

/* --- the channel ------------------------------------------------------------ */

static grpc_channel *connect(const struct sk_channel_options *options)
{
    size_t max = options->max_receive_bytes ? options->max_receive_bytes : RECEIVE_MAX_DEFAULT;
    grpc_arg args[] = {
        sk_rpc_int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, max > INT32_MAX ? INT32_MAX : (int)max),
        sk_rpc_int_arg(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1),
        sk_rpc_int_arg(GRPC_ARG_MAX_METADATA_SIZE, SK_RPC_HEADERS_MAX),
        /* No surprises from outside: no proxy, no retries nor configuration that nobody here asked for. */
        sk_rpc_int_arg(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        sk_rpc_int_arg(GRPC_ARG_ENABLE_RETRIES, 0),
        sk_rpc_int_arg(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        sk_rpc_int_arg(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
        sk_rpc_int_arg(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
        /* A server that is being restarted is found again soon. */
        sk_rpc_int_arg(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100),
        sk_rpc_int_arg(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_MS),
        sk_rpc_int_arg(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000),
        {.type = GRPC_ARG_STRING,
         .key = GRPC_ARG_DEFAULT_AUTHORITY,
         .value.string = (char *)options->authority},
    };
    grpc_channel_args all = {sk_array_len(args) - (options->authority ? 0 : 1), args};
    grpc_channel_credentials *credentials =
        options->tls ? grpc_ssl_credentials_create(options->root_certificates, NULL, NULL, NULL)
                     : grpc_insecure_credentials_create();
    grpc_channel *channel = grpc_channel_create(options->target, credentials, &all);

    grpc_channel_credentials_release(credentials);
    return channel;
}

enum sk_code sk_channel_new(struct sk_bridge *bridge, const struct sk_channel_options *options,
                            struct sk_channel **out_channel, struct sk_err *err)
{
    struct sk_channel *channel = sk_alloc(sizeof(*channel));
    struct sk_call_headers headers;
    enum sk_code code = sk_call_headers_init(&headers, channel, options->headers, err);

    if (code) {
        free(channel);
        return code;
    }
    channel->bridge = bridge;
    channel->headers = headers.items;
    channel->header_count = headers.count;
    channel->grpc = connect(options);
    *out_channel = channel;
    return SK_OK;
}

void sk_channel_free(struct sk_channel *channel)
{
    if (!channel)
        return;
    assert(!channel->calls);
    grpc_channel_destroy(channel->grpc);
    headers_free(channel->headers, channel->header_count);
    free(channel);
}

struct sk_call_failure sk_channel_failure(const struct sk_channel *channel)
{
    return channel->failure;
}

grpc_call *sk_channel_call(struct sk_channel *channel, const char *path, struct sk_duration timeout)
{
    gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    grpc_slice method = grpc_slice_from_copied_string(path);

    if (timeout.ns > 0)
        deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(timeout.ns, GPR_TIMESPAN));
    grpc_call *call =
        grpc_channel_create_call(channel->grpc, NULL, GRPC_PROPAGATE_DEFAULTS,
                                 sk_bridge_queue(channel->bridge), method, NULL, deadline, NULL);
    grpc_slice_unref(method);
    return call;
}

/* --- how a call ended -------------------------------------------------------- */

void sk_call_end_init(struct sk_call_end *end)
{
    *end = (struct sk_call_end){.text = grpc_empty_slice()};
    grpc_metadata_array_init(&end->initial);
    grpc_metadata_array_init(&end->trailing);
}

void sk_call_end_fini(struct sk_call_end *end)
{
    grpc_metadata_array_destroy(&end->initial);
    grpc_metadata_array_destroy(&end->trailing);
    grpc_slice_unref(end->text);
}

enum sk_code sk_call_end_code(const struct sk_call_end *end, struct sk_err *err)
{
    const char *text = (const char *)GRPC_SLICE_START_PTR(end->text);
    bool known = end->status >= GRPC_STATUS_OK && end->status <= GRPC_STATUS_UNAUTHENTICATED;
    enum sk_code code = known ? (enum sk_code)end->status : SK_UNKNOWN;
    size_t len = GRPC_SLICE_LENGTH(end->text);

    if (end->status == GRPC_STATUS_OK)
        return SK_OK;
    if (!len)
        return sk_fail(err, code, "%s", sk_code_name(code));
    return sk_fail(err, code, "%.*s", len > INT32_MAX ? INT32_MAX : (int)len, text);
}

struct sk_call_failure sk_call_end_failure(const struct sk_call_end *end)
{
    for (size_t i = 0; i < end->trailing.count; i++) {
        const grpc_metadata *item = &end->trailing.metadata[i];
        if (grpc_slice_str_cmp(item->key, SK_RPC_DETAILS_KEY) == 0)
            return (struct sk_call_failure){GRPC_SLICE_START_PTR(item->value),
                                            GRPC_SLICE_LENGTH(item->value)};
    }
    return (struct sk_call_failure){0};
}
