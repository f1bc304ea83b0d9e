#include "metrics/metrics_impl.h"

#include <assert.h>
#include <math.h>
#include <string.h>

const double SK_BUCKETS_SECONDS[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                     0.5,    1,     2.5,    5,     10,   20,    30,   60};
const size_t SK_BUCKETS_SECONDS_COUNT = sk_array_len(SK_BUCKETS_SECONDS);

/* --- the registry --------------------------------------------------------------- */

struct sk_metrics *sk_metrics_new(void)
{
    struct sk_metrics *metrics = sk_alloc(sizeof(*metrics));

    sk_list_init(&metrics->families);
    return metrics;
}

static void free_family(struct sk_family *family)
{
    sk_list_each(&family->series, link)
    {
        struct sk_series *series = sk_list_entry(link, struct sk_series, link);
        free(series->value);
        free(series->value2);
        free(series);
    }
    free(family);
}

void sk_metrics_free(struct sk_metrics *metrics)
{
    if (!metrics)
        return;
    sk_list_each(&metrics->families, link) free_family(sk_list_entry(link, struct sk_family, link));
    free(metrics);
}

/* By name: two declarations of one family would be two families of one name, which no reader takes. */
static struct sk_family *find_family(struct sk_metrics *metrics, const struct sk_metric *metric)
{
    sk_list_each(&metrics->families, link)
    {
        struct sk_family *family = sk_list_entry(link, struct sk_family, link);
        if (family->metric == metric || strcmp(family->metric->name, metric->name) == 0)
            return family;
    }
    return NULL;
}

static struct sk_family *family_of(struct sk_metrics *metrics, const struct sk_metric *metric)
{
    struct sk_family *family = find_family(metrics, metric);

    if (family)
        return family;
    family = sk_alloc(sizeof(*family));
    family->metric = metric;
    sk_list_init(&family->series);
    sk_list_append(&metrics->families, &family->link);
    return family;
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct sk_series *find_series(struct sk_family *family, const char *value, const char *value2)
{
    sk_list_each(&family->series, link)
    {
        struct sk_series *series = sk_list_entry(link, struct sk_series, link);
        if (is_same(series->value, value) && is_same(series->value2, value2))
            return series;
    }
    return NULL;
}

static struct sk_series *make_series(struct sk_family *family, const char *value, const char *value2)
{
    const struct sk_metric *metric = family->metric;
    bool is_histogram = metric->kind == SK_HISTOGRAM;
    size_t bounds = !is_histogram ? 0 : metric->buckets ? metric->bucket_count : SK_BUCKETS_SECONDS_COUNT;
    struct sk_series *series = sk_alloc(sizeof(*series) + (bounds + 1) * sizeof(series->buckets[0]));

    series->family = family;
    series->value = sk_strdup(value);
    series->value2 = sk_strdup(value2);
    series->bounds = metric->buckets ? metric->buckets : SK_BUCKETS_SECONDS;
    series->bound_count = bounds;
    sk_list_append(&family->series, &series->link);
    return series;
}

struct sk_series *sk_metrics_series(struct sk_metrics *metrics, const struct sk_metric *metric,
                                    const char *value, const char *value2)
{
    if (!metrics)
        return NULL;
    assert(!metric->label == !value && !metric->label2 == !value2);
    struct sk_family *family = family_of(metrics, metric);
    struct sk_series *series = find_series(family, value, value2);
    return series ? series : make_series(family, value, value2);
}

/* --- recording -------------------------------------------------------------------- */

void sk_series_add(struct sk_series *series, double by)
{
    if (series)
        series->number += by;
}

void sk_series_set(struct sk_series *series, double to)
{
    if (series)
        series->number = to;
}

void sk_series_observe(struct sk_series *series, double value)
{
    size_t at = 0;

    if (!series || isnan(value))
        return;
    while (at < series->bound_count && value > series->bounds[at])
        at++;
    series->buckets[at]++;
    series->count++;
    series->number += value;
}

void sk_series_observe_since(struct sk_series *series, struct sk_instant began, struct sk_instant now)
{
    if (sk_instant_is_set(began))
        sk_series_observe(series, (double)sk_instant_diff(now, began).ns / 1e9);
}

/* --- readers ---------------------------------------------------------------------- */

void sk_metrics_add_reader(struct sk_metrics *metrics, struct sk_metrics_reader *reader)
{
    if (!metrics)
        return;
    reader->next = metrics->readers;
    metrics->readers = reader;
}

void sk_metrics_remove_reader(struct sk_metrics *metrics, struct sk_metrics_reader *reader)
{
    if (!metrics)
        return;
    for (struct sk_metrics_reader **at = &metrics->readers; *at; at = &(*at)->next) {
        if (*at == reader) {
            *at = reader->next;
            return;
        }
    }
}
