#include "cli/node_output.h"

#include "cli/json_put.h"
#include "cli/moment.h"
#include "cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NS 1000000000LL

typedef Sandkeep__V1__NodeStatus node_status;
typedef Sandkeep__V1__SandboxUse sandbox_use;
typedef Sandkeep__V1__SessionUse session_use;

/* --- pieces ---------------------------------------------------------------------------- */

static const char *state_word(const node_status *status)
{
    switch (status->state) {
    case SANDKEEP__V1__NODE_STATE__NODE_STATE_SERVING:
        return "serving";
    case SANDKEEP__V1__NODE_STATE__NODE_STATE_DRAINING:
        return "draining";
    case SANDKEEP__V1__NODE_STATE__NODE_STATE_DRAINED:
        return "drained";
    case SANDKEEP__V1__NODE_STATE__NODE_STATE_BACKEND_AWAY:
        return "containerd away";
    default:
        return "unknown";
    }
}

static void print_bytes(int64_t bytes, char out[24])
{
    static const char *const units[] = {"B", "Ki", "Mi", "Gi", "Ti", "Pi"};
    double value = (double)(bytes > 0 ? bytes : 0);
    size_t unit = 0;

    for (; value >= 1024 && unit + 1 < sk_array_len(units); unit++)
        value /= 1024;
    (void)snprintf(out, 24, unit && value < 10 ? "%.1f%s" : "%.0f%s", value, units[unit]);
}

static void print_cores(int64_t millis, char out[24])
{
    (void)snprintf(out, 24, "%" PRId64 ".%02" PRId64, millis / 1000, millis % 1000 / 10);
}

static int64_t seconds_since(const Google__Protobuf__Timestamp *at, struct sk_wall now)
{
    return sk_seconds_between(at->seconds, now.ns / NS);
}

/* As many as there are room for. */
static int64_t millis_of(const Google__Protobuf__Duration *time)
{
    int64_t millis;

    if (__builtin_mul_overflow(time->seconds, 1000, &millis) ||
        __builtin_add_overflow(millis, time->nanos / 1000000, &millis))
        return time->seconds > 0 ? INT64_MAX : INT64_MIN;
    return millis;
}

static void add_age(struct sk_table *table, const Google__Protobuf__Timestamp *at, struct sk_wall now)
{
    char text[24] = "";

    if (at)
        sk_age_print(seconds_since(at, now), text, sizeof(text));
    sk_table_add(table, text);
}

static void add_left(struct sk_table *table, const Google__Protobuf__Timestamp *at, struct sk_wall now)
{
    char text[24] = "";

    if (at)
        sk_age_print(sk_seconds_between(now.ns / NS, at->seconds), text, sizeof(text));
    sk_table_add(table, text);
}

static void add_words(struct sk_table *table, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sk_table_add(table, words[i]);
}

static enum sk_code print_table(struct sk_table *table, struct sk_buf *out)
{
    enum sk_code code = sk_table_print(table, out);

    sk_table_fini(table);
    return code;
}

/* What the server says may be anything. */
static void clean(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            *text = '?';
    }
}

/* --- the node ---------------------------------------------------------------------------- */

struct figures {
    char cpu[24], memory[24];
};

static struct figures figures_of(const Sandkeep__V1__Amounts *amounts)
{
    struct figures out = {"-", "-"};

    if (amounts) {
        print_cores(amounts->cpu_millis, out.cpu);
        print_bytes(amounts->memory_bytes, out.memory);
    }
    return out;
}

static enum sk_code print_node(const node_status *status, struct sk_wall now, struct sk_buf *out)
{
    char name[80], age[24] = "-";

    (void)snprintf(name, sizeof(name), "%.32s  %.32s", status->node_id, status->version);
    clean(name);
    if (status->start_time)
        sk_age_print(seconds_since(status->start_time, now), age, sizeof(age));
    return sk_buf_printf(out, "node %s  %s  up %s  streams %" PRId64 "\n", name, state_word(status), age,
                         status->streams);
}

static enum sk_code print_amounts(const node_status *status, struct sk_buf *out)
{
    const struct figures used = figures_of(status->used);
    const struct figures charged = figures_of(status->charged);
    const struct figures all = figures_of(status->capacity);

    return sk_buf_printf(out, "cpu %s used, %s charged of %s  memory %s used, %s charged of %s\n", used.cpu,
                         charged.cpu, all.cpu, used.memory, charged.memory, all.memory);
}

static enum sk_code print_counts(const node_status *status, struct sk_buf *out)
{
    enum sk_code code = sk_buf_printf(out, "sandboxes");
    bool any = false;

    for (size_t i = 0; i < status->n_sandboxes_by_state && code == SK_OK; i++) {
        const Sandkeep__V1__NodeStatus__SandboxesByStateEntry *entry = status->sandboxes_by_state[i];
        char word[32];
        if (!entry->value)
            continue;
        (void)snprintf(word, sizeof(word), "%s", entry->key);
        clean(word);
        for (char *c = word; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        code = sk_buf_printf(out, "%s %" PRId64 " %s", any ? "," : "", entry->value, word);
        any = true;
    }
    if (code != SK_OK)
        return code;
    return sk_buf_printf(out, "%s  sessions %" PRId64 " open\n", any ? "" : " none", status->open_sessions);
}

enum sk_code sk_node_print_summary(const node_status *status, struct sk_wall now, struct sk_buf *out)
{
    enum sk_code code = print_node(status, now, out);

    if (code == SK_OK)
        code = print_amounts(status, out);
    return code == SK_OK ? print_counts(status, out) : code;
}

/* --- sandboxes ----------------------------------------------------------------------------- */

static int64_t age_of(const sandbox_use *use)
{
    return use->create_time ? use->create_time->seconds : 0;
}

static int by_id(const sandbox_use *a, const sandbox_use *b)
{
    return strcmp(a->sandbox_id, b->sandbox_id);
}

static int descending(int64_t a, int64_t b)
{
    return a < b ? 1 : a > b ? -1 : 0;
}

static int by_cpu(const void *a, const void *b)
{
    const sandbox_use *x = *(sandbox_use *const *)a;
    const sandbox_use *y = *(sandbox_use *const *)b;
    int order = descending(x->cpu_millis, y->cpu_millis);

    return order ? order : by_id(x, y);
}

static int by_memory(const void *a, const void *b)
{
    const sandbox_use *x = *(sandbox_use *const *)a;
    const sandbox_use *y = *(sandbox_use *const *)b;
    int order = descending(x->memory_bytes, y->memory_bytes);

    return order ? order : by_id(x, y);
}

static int by_age(const void *a, const void *b)
{
    const sandbox_use *x = *(sandbox_use *const *)a;
    const sandbox_use *y = *(sandbox_use *const *)b;
    int order = descending(age_of(y), age_of(x));

    return order ? order : by_id(x, y);
}

static void sort(node_status *status, enum sk_top_order order)
{
    static int (*const orders[SK_TOP_ORDERS])(const void *, const void *) = {
        [SK_TOP_CPU] = by_cpu, [SK_TOP_MEMORY] = by_memory, [SK_TOP_AGE] = by_age};

    if (status->n_sandboxes)
        qsort(status->sandboxes, status->n_sandboxes, sizeof(void *), orders[order]);
}

static void add_use(struct sk_table *table, const sandbox_use *use)
{
    char text[24] = "";

    if (use->cpu_time)
        print_cores(use->cpu_millis, text);
    sk_table_add(table, text);
    if (use->cpu_time)
        print_bytes(use->memory_bytes, text);
    sk_table_add(table, text);
    if (use->limits && use->limits->memory_bytes)
        print_bytes(use->limits->memory_bytes, text);
    sk_table_add(table, use->limits && use->limits->memory_bytes ? text : "");
}

static void add_sandbox(struct sk_table *table, const sandbox_use *use, struct sk_wall now)
{
    char execs[24];
    char state[16];

    (void)snprintf(state, sizeof(state), "%s", use->state);
    for (char *c = state; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    (void)snprintf(execs, sizeof(execs), "%" PRId64, use->execs);
    sk_table_add(table, use->sandbox_id);
    sk_table_add(table, state);
    add_use(table, use);
    add_age(table, use->create_time, now);
    add_left(table, use->deadline, now);
    sk_table_add(table, execs);
    sk_table_add(table, use->tenant);
    sk_table_add(table, use->display_name[0] ? use->display_name : use->session_id);
    sk_table_add(table, use->image);
}

enum sk_code sk_node_print_sandboxes(node_status *status, enum sk_top_order order, struct sk_wall now,
                                     struct sk_buf *out)
{
    static const char *const titles[] = {"SANDBOX", "STATE", "CPU",    "MEMORY", "LIMIT", "AGE",
                                         "LEFT",    "EXECS", "TENANT", "NAME",   "IMAGE"};
    struct sk_table table = {.columns = sk_array_len(titles)};

    if (!status->n_sandboxes)
        return SK_OK;
    sort(status, order);
    add_words(&table, titles, sk_array_len(titles));
    for (size_t i = 0; i < status->n_sandboxes; i++)
        add_sandbox(&table, status->sandboxes[i], now);
    return print_table(&table, out);
}

/* --- sessions ------------------------------------------------------------------------------- */

static void add_session(struct sk_table *table, const session_use *use, struct sk_wall now)
{
    char number[24];

    sk_table_add(table, use->session_id);
    sk_table_add(table, strcasecmp(use->state, "OPEN") == 0 ? "open" : "closing");
    (void)snprintf(number, sizeof(number), "%" PRId32, use->live_sandboxes);
    sk_table_add(table, number);
    (void)snprintf(number, sizeof(number), "%" PRId32, use->holders);
    sk_table_add(table, number);
    add_age(table, use->create_time, now);
    add_left(table, use->lease_expire_time, now);
    sk_table_add(table, use->tenant);
    sk_table_add(table, use->display_name);
}

enum sk_code sk_node_print_sessions(const node_status *status, struct sk_wall now, struct sk_buf *out)
{
    static const char *const titles[] = {"SESSION", "STATE", "LIVE",   "HOLDERS",
                                         "AGE",     "LEASE", "TENANT", "NAME"};
    struct sk_table table = {.columns = sk_array_len(titles)};

    if (!status->n_sessions)
        return SK_OK;
    add_words(&table, titles, sk_array_len(titles));
    for (size_t i = 0; i < status->n_sessions; i++)
        add_session(&table, status->sessions[i], now);
    return print_table(&table, out);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void put_amounts(yajl_gen gen, const char *key, const Sandkeep__V1__Amounts *amounts)
{
    sk_json_put_text(gen, key);
    if (!amounts) {
        (void)yajl_gen_null(gen);
        return;
    }
    (void)yajl_gen_map_open(gen);
    sk_json_put_key_number(gen, "cpu_millis", amounts->cpu_millis);
    sk_json_put_key_number(gen, "memory_bytes", amounts->memory_bytes);
    sk_json_put_key_number(gen, "gpus", amounts->gpus);
    (void)yajl_gen_map_close(gen);
}

static void put_measured(yajl_gen gen, const char *key, bool is_measured, int64_t number)
{
    sk_json_put_text(gen, key);
    if (is_measured)
        (void)yajl_gen_integer(gen, number);
    else
        (void)yajl_gen_null(gen);
}

static void put_sandbox(yajl_gen gen, const sandbox_use *use)
{
    (void)yajl_gen_map_open(gen);
    sk_json_put_key_text(gen, "id", use->sandbox_id);
    sk_json_put_key_text(gen, "tenant", use->tenant);
    sk_json_put_key_text(gen, "state", use->state);
    sk_json_put_key_text(gen, "image", use->image);
    sk_json_put_key_text(gen, "session_id", use->session_id);
    sk_json_put_key_text(gen, "display_name", use->display_name);
    sk_json_put_key_texts(gen, "tags", use->tags, use->n_tags);
    sk_json_put_key_moment(gen, "created", use->create_time);
    sk_json_put_key_moment(gen, "started", use->start_time);
    sk_json_put_key_moment(gen, "deadline", use->deadline);
    put_amounts(gen, "limits", use->limits);
    put_measured(gen, "cpu_time_ms", use->cpu_time, use->cpu_time ? millis_of(use->cpu_time) : 0);
    put_measured(gen, "cpu_millis", use->cpu_time, use->cpu_millis);
    put_measured(gen, "memory_bytes", use->cpu_time, use->memory_bytes);
    put_measured(gen, "processes", use->cpu_time, use->processes);
    sk_json_put_key_number(gen, "execs", use->execs);
    (void)yajl_gen_map_close(gen);
}

static void put_session(yajl_gen gen, const session_use *use)
{
    (void)yajl_gen_map_open(gen);
    sk_json_put_key_text(gen, "id", use->session_id);
    sk_json_put_key_text(gen, "tenant", use->tenant);
    sk_json_put_key_text(gen, "state", use->state);
    sk_json_put_key_text(gen, "display_name", use->display_name);
    sk_json_put_key_moment(gen, "created", use->create_time);
    sk_json_put_key_moment(gen, "lease_expires", use->lease_expire_time);
    sk_json_put_key_number(gen, "live_sandboxes", use->live_sandboxes);
    sk_json_put_key_number(gen, "holders", use->holders);
    (void)yajl_gen_map_close(gen);
}

static void put_lists(yajl_gen gen, const node_status *status)
{
    sk_json_put_text(gen, "sandboxes_by_state");
    (void)yajl_gen_map_open(gen);
    for (size_t i = 0; i < status->n_sandboxes_by_state; i++)
        sk_json_put_key_number(gen, status->sandboxes_by_state[i]->key, status->sandboxes_by_state[i]->value);
    (void)yajl_gen_map_close(gen);
    sk_json_put_text(gen, "sandboxes");
    (void)yajl_gen_array_open(gen);
    for (size_t i = 0; i < status->n_sandboxes; i++)
        put_sandbox(gen, status->sandboxes[i]);
    (void)yajl_gen_array_close(gen);
    sk_json_put_text(gen, "sessions");
    (void)yajl_gen_array_open(gen);
    for (size_t i = 0; i < status->n_sessions; i++)
        put_session(gen, status->sessions[i]);
    (void)yajl_gen_array_close(gen);
}

static void put_status(yajl_gen gen, const void *what)
{
    const node_status *status = what;

    (void)yajl_gen_map_open(gen);
    sk_json_put_key_text(gen, "node_id", status->node_id);
    sk_json_put_key_text(gen, "version", status->version);
    sk_json_put_key_moment(gen, "started", status->start_time);
    sk_json_put_key_text(gen, "state", state_word(status));
    sk_json_put_key_text(gen, "state_reason", status->state_reason);
    put_amounts(gen, "capacity", status->capacity);
    put_amounts(gen, "charged", status->charged);
    put_amounts(gen, "used", status->used);
    sk_json_put_key_number(gen, "open_sessions", status->open_sessions);
    sk_json_put_key_number(gen, "streams", status->streams);
    put_lists(gen, status);
    (void)yajl_gen_map_close(gen);
}

enum sk_code sk_node_print_json(const node_status *status, struct sk_buf *out, struct sk_err *err)
{
    enum sk_code code = sk_json_write(put_status, status, out, err);

    return code == SK_OK ? sk_buf_append(out, "\n", 1) : code;
}

int sk_node_output(node_status *status, enum sk_top_order order, bool json)
{
    struct sk_wall now = sk_clock_wall();
    struct sk_err err = {0};
    struct sk_buf out;
    enum sk_code code;

    sk_output_begin(&out);
    if (json)
        return sk_output_end(sk_node_print_json(status, &out, &err), &out, &err);
    code = sk_node_print_summary(status, now, &out);
    if (code == SK_OK && status->n_sandboxes)
        code = sk_buf_append(&out, "\n", 1);
    if (code == SK_OK)
        code = sk_node_print_sandboxes(status, order, now, &out);
    if (code == SK_OK && status->n_sessions)
        code = sk_buf_append(&out, "\n", 1);
    if (code == SK_OK)
        code = sk_node_print_sessions(status, now, &out);
    return sk_output_end(code, &out, &err);
}
