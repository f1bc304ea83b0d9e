#include "core/capacity.h"

#include "base/quantity.h"

#include <assert.h>
#include <stdio.h>

#define AMOUNT_TEXT 128

int64_t sk_capacity_of(int64_t host, int64_t kept_back, int64_t percent)
{
    int64_t left = host > kept_back ? host - kept_back : 0;

    if (percent <= 0)
        return 0;
    if (left / 100 > INT64_MAX / percent - 1)
        return INT64_MAX;
    return left / 100 * percent + left % 100 * percent / 100;
}

static int64_t left_of(int64_t total, int64_t charged)
{
    return total > charged ? total - charged : 0;
}

struct sk_amount sk_capacity_free(const struct sk_capacity *capacity)
{
    const struct sk_amount *total = &capacity->total, *charged = &capacity->charged;

    return (struct sk_amount){
        .cpu_millis = left_of(total->cpu_millis, charged->cpu_millis),
        .memory_bytes = left_of(total->memory_bytes, charged->memory_bytes),
        .gpus = left_of(total->gpus, charged->gpus),
    };
}

static void print(const struct sk_amount *amount, char out[AMOUNT_TEXT])
{
    char cpu[SK_QUANTITY_TEXT], memory[SK_QUANTITY_TEXT], gpus[40] = "";

    sk_quantity_print_millis(amount->cpu_millis, cpu);
    sk_quantity_print_bytes(amount->memory_bytes, memory);
    if (amount->gpus)
        (void)snprintf(gpus, sizeof(gpus), ", %lld GPUs", (long long)amount->gpus);
    (void)snprintf(out, AMOUNT_TEXT, "cpu %s, memory %s%s", cpu, memory, gpus);
}

enum sk_code sk_capacity_check(const struct sk_capacity *capacity, const struct sk_amount *wanted,
                               struct sk_err *err)
{
    struct sk_amount rest = sk_capacity_free(capacity);
    char asked[AMOUNT_TEXT], left[AMOUNT_TEXT];

    if (wanted->cpu_millis <= rest.cpu_millis && wanted->memory_bytes <= rest.memory_bytes &&
        wanted->gpus <= rest.gpus)
        return SK_OK;
    print(wanted, asked);
    print(&rest, left);
    (void)sk_fail(err, SK_RESOURCE_EXHAUSTED, "the node has not enough left: asked for %s; free: %s", asked,
                  left);
    (void)sk_err_reason(err, SK_REASON_CAPACITY);
    return SK_RESOURCE_EXHAUSTED;
}

void sk_charge_take(struct sk_charge *charge, struct sk_capacity *capacity, const struct sk_amount *amount)
{
    assert(!charge->capacity);
    *charge = (struct sk_charge){capacity, *amount};
    capacity->charged.cpu_millis += amount->cpu_millis;
    capacity->charged.memory_bytes += amount->memory_bytes;
    capacity->charged.gpus += amount->gpus;
    capacity->charges++;
}

void sk_charge_drop(struct sk_charge *charge)
{
    struct sk_capacity *capacity = charge->capacity;

    if (!capacity)
        return;
    charge->capacity = NULL;
    assert(capacity->charges > 0);
    capacity->charges--;
    capacity->charged.cpu_millis -= charge->amount.cpu_millis;
    capacity->charged.memory_bytes -= charge->amount.memory_bytes;
    capacity->charged.gpus -= charge->amount.gpus;
}
