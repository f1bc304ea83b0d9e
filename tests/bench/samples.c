#include "bench/samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void samples_fini(struct samples *samples)
{
    free(samples->ms);
    *samples = (struct samples){0};
}

double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void samples_add(struct samples *samples, double ms)
{
    if (samples->len == samples->cap) {
        samples->cap = samples->cap ? samples->cap * 2 : 64;
        samples->ms = realloc(samples->ms, samples->cap * sizeof(*samples->ms));
        if (!samples->ms)
            abort();
    }
    samples->ms[samples->len++] = ms;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void samples_print(struct samples *samples, const char *name)
{
    size_t n = samples->len;
    if (n == 0)
        return;
    qsort(samples->ms, n, sizeof(*samples->ms), compare);
    printf("%s\t%zu\t%.3f\t%.3f\t%.3f\n", name, n, samples->ms[0], samples->ms[n / 2],
           samples->ms[(n * 99 + 99) / 100 - 1]);
    fflush(stdout);
    samples->len = 0;
}
