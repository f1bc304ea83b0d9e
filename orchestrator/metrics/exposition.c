/* exposition.c: a registry as text, format 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */
#include "metrics/metrics_impl.h"

#include <math.h>
#include <string.h>

#define NUMBER_SIZE 32

/* Shortest of the two that reads back as the same. */
static const char *number(double value, char out[NUMBER_SIZE])
{
    if (isnan(value))
        return "NaN";
    if (isinf(value))
        return value > 0 ? "+Inf" : "-Inf";
    (void)snprintf(out, NUMBER_SIZE, "%.15g", value);
    if (strtod(out, NULL) != value)
        (void)snprintf(out, NUMBER_SIZE, "%.17g", value);
    return out;
}

/* What every program's client library calls so is called so here. */
static const char *prefix_of(const struct sk_metric *metric)
{
    return strncmp(metric->name, "process_", 8) == 0 ? "" : "sandkeep_";
}

/* Help texts escape backslashes and line feeds, values of labels quotes as well. */
static enum sk_code put_escaped(struct sk_buf *out, const char *text, const char *special)
{
    enum sk_code code = SK_OK;

    while (code == SK_OK && *text) {
        size_t plain = strcspn(text, special);
        code = sk_buf_append(out, text, plain);
        text += plain;
        if (code == SK_OK && *text) {
            code = sk_buf_printf(out, "\\%c", *text == '\n' ? 'n' : *text);
            text++;
        }
    }
    return code;
}

static enum sk_code put_head(struct sk_buf *out, const struct sk_metric *metric)
{
    static const char *const kinds[] = {
        [SK_COUNTER] = "counter", [SK_GAUGE] = "gauge", [SK_HISTOGRAM] = "histogram"};
    enum sk_code code = sk_buf_printf(out, "# HELP %s%s ", prefix_of(metric), metric->name);

    if (code == SK_OK)
        code = put_escaped(out, metric->help, "\\\n");
    if (code == SK_OK)
        code = sk_buf_printf(out, "\n# TYPE %s%s %s\n", prefix_of(metric), metric->name, kinds[metric->kind]);
    return code;
}

static enum sk_code put_label(struct sk_buf *out, char *opening, const char *name, const char *value)
{
    if (!name)
        return SK_OK;
    enum sk_code code = sk_buf_printf(out, "%c%s=\"", *opening, name);
    *opening = ',';
    if (code == SK_OK)
        code = put_escaped(out, value, "\\\n\"");
    return code == SK_OK ? sk_buf_append(out, "\"", 1) : code;
}

/* One line. le: the bucket's bound, NULL = it is no bucket. */
static enum sk_code put_line(struct sk_buf *out, const struct sk_series *series, const char *suffix,
                             const char *le, double value)
{
    const struct sk_metric *metric = series->family->metric;
    char text[NUMBER_SIZE], opening = '{';
    enum sk_code code = sk_buf_printf(out, "%s%s%s", prefix_of(metric), metric->name, suffix);

    if (code == SK_OK)
        code = put_label(out, &opening, metric->label, series->value);
    if (code == SK_OK)
        code = put_label(out, &opening, metric->label2, series->value2);
    if (code == SK_OK)
        code = put_label(out, &opening, le ? "le" : NULL, le);
    if (code == SK_OK)
        code = sk_buf_printf(out, "%s %s\n", opening == ',' ? "}" : "", number(value, text));
    return code;
}

static enum sk_code put_histogram(struct sk_buf *out, const struct sk_series *series)
{
    enum sk_code code = SK_OK;
    uint64_t below = 0;
    char text[NUMBER_SIZE];

    for (size_t i = 0; code == SK_OK && i < series->bound_count; i++) {
        below += series->buckets[i];
        code = put_line(out, series, "_bucket", number(series->bounds[i], text), (double)below);
    }
    if (code == SK_OK)
        code = put_line(out, series, "_bucket", "+Inf", (double)series->count);
    if (code == SK_OK)
        code = put_line(out, series, "_sum", NULL, series->number);
    return code == SK_OK ? put_line(out, series, "_count", NULL, (double)series->count) : code;
}

static enum sk_code put_family(struct sk_buf *out, const struct sk_family *family)
{
    enum sk_code code = put_head(out, family->metric);

    sk_list_each(&family->series, link)
    {
        const struct sk_series *series = sk_list_entry(link, struct sk_series, link);
        if (code == SK_OK)
            code = family->metric->kind == SK_HISTOGRAM ? put_histogram(out, series)
                                                        : put_line(out, series, "", NULL, series->number);
    }
    return code;
}

enum sk_code sk_metrics_write(struct sk_metrics *metrics, struct sk_buf *out)
{
    enum sk_code code = SK_OK;
    struct sk_metrics_reader *next;

    for (struct sk_metrics_reader *reader = metrics->readers; reader; reader = next) {
        next = reader->next;
        reader->fn(reader);
    }
    sk_list_each(&metrics->families, link)
    {
        if (code == SK_OK)
            code = put_family(out, sk_list_entry(link, struct sk_family, link));
    }
    return code;
}
