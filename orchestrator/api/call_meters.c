#include "api/call_meters.h"

#include "base/own.h"

#include <string.h>

#define CODES (SK_UNAUTHENTICATED + 1)

struct sk_call_meter {
    struct sk_call_meter *next;
    const ProtobufCMethodDescriptor *type; /* NULL: unknown */
    bool is_stream;
    char *name;                     /* "SandboxService/Exec" */
    struct sk_series *ended[CODES]; /* once one has */
    struct sk_series *seconds;      /* of a unary one */
};

static const struct sk_metric calls = {
    .name = "rpc_calls_total",
    .help = "Calls that were answered, by method and status.",
    .kind = SK_COUNTER,
    .label = "method",
    .label2 = "code",
};
static const struct sk_metric call_seconds = {
    .name = "rpc_duration_seconds",
    .help = "From the head of a unary call to its answer.",
    .kind = SK_HISTOGRAM,
    .label = "method",
};
static const struct sk_metric under_way = {
    .name = "rpc_under_way",
    .help = "Calls that wait for their answer.",
    .kind = SK_GAUGE,
    .label = "kind",
};

void sk_call_meters_init(struct sk_call_meters *m, struct sk_metrics *metrics)
{
    *m = (struct sk_call_meters){
        .metrics = metrics,
        .under_way = {sk_metrics_series(metrics, &under_way, "unary", NULL),
                      sk_metrics_series(metrics, &under_way, "stream", NULL)},
    };
}

void sk_call_meters_fini(struct sk_call_meters *m)
{
    struct sk_call_meter *next;

    for (struct sk_call_meter *meter = sk_take(m->methods); meter; meter = next) {
        next = meter->next;
        free(meter->name);
        free(meter);
    }
}

static struct sk_call_meter *meter_new(struct sk_call_meters *m, const struct sk_method *method)
{
    struct sk_call_meter *meter = sk_alloc(sizeof(*meter));

    meter->type = method->type;
    meter->is_stream = method->stream;
    meter->name = method->type ? sk_printf("%s/%s", method->service->short_name, method->type->name)
                               : sk_strdup("unknown");
    if (method->unary)
        meter->seconds = sk_metrics_series(m->metrics, &call_seconds, meter->name, NULL);
    meter->next = m->methods;
    m->methods = meter;
    return meter;
}

struct sk_call_meter *sk_call_meters_begin(struct sk_call_meters *m, const struct sk_method *method)
{
    struct sk_call_meter *meter = m->methods;

    if (!m->metrics)
        return NULL;
    while (meter && meter->type != method->type)
        meter = meter->next;
    if (!meter)
        meter = meter_new(m, method);
    sk_series_add(m->under_way[meter->is_stream], 1);
    return meter;
}

void sk_call_meters_end(struct sk_call_meters *m, struct sk_call_meter *meter, enum sk_code code,
                        struct sk_instant began, struct sk_instant now)
{
    if (!meter || (unsigned)code >= CODES)
        return;
    if (!meter->ended[code])
        meter->ended[code] = sk_metrics_series(m->metrics, &calls, meter->name, sk_code_name(code));
    sk_series_add(meter->ended[code], 1);
    sk_series_observe_since(meter->seconds, began, now);
    sk_series_add(m->under_way[meter->is_stream], -1);
}
