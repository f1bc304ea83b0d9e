#include "cli/session_output.h"

#include "cli/json_put.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "cli/table.h"

#include <inttypes.h>

const char *sk_session_state_name(Sandkeep__V1__SessionState state)
{
    switch (state) {
    case SANDKEEP__V1__SESSION_STATE__SESSION_STATE_OPEN:
        return "open";
    case SANDKEEP__V1__SESSION_STATE__SESSION_STATE_CLOSING:
        return "closing";
    case SANDKEEP__V1__SESSION_STATE__SESSION_STATE_CLOSED:
        return "closed";
    default:
        return "unknown";
    }
}

/* --- JSON ------------------------------------------------------------------------ */

static void put_defaults(yajl_gen gen, const Sandkeep__V1__SandboxDefaults *defaults)
{
    sk_json_put_key_text(gen, "image", defaults ? defaults->container_image : NULL);
    sk_json_put_key_texts(gen, "tags", defaults ? defaults->tags : NULL, defaults ? defaults->n_tags : 0);
    sk_json_put_key_number(gen, "idle_timeout_seconds", defaults ? defaults->idle_timeout_seconds : 0);
    sk_json_put_key_number(gen, "max_sandboxes", defaults ? defaults->max_sandboxes : 0);
    sk_json_put_key_number(gen, "lifetime_seconds", defaults ? defaults->max_lifetime_seconds : 0);
}

static void put_session(yajl_gen gen, const void *what)
{
    const Sandkeep__V1__Session *session = what;

    (void)yajl_gen_map_open(gen);
    sk_json_put_key_text(gen, "id", session->session_id);
    sk_json_put_key_text(gen, "state", sk_session_state_name(session->state));
    sk_json_put_key_text(gen, "state_reason", session->state_reason);
    sk_json_put_key_text(gen, "name", session->display_name);
    put_defaults(gen, session->defaults);
    sk_json_put_key_number(gen, "lease_seconds", session->lease_seconds);
    sk_json_put_key_number(gen, "live_sandboxes", session->live_sandboxes);
    sk_json_put_key_number(gen, "created_sandboxes", session->created_sandboxes);
    sk_json_put_key_number(gen, "holders", session->holders);
    sk_json_put_key_moment(gen, "created", session->create_time);
    sk_json_put_key_moment(gen, "lease_expires", session->lease_expire_time);
    sk_json_put_key_moment(gen, "closed", session->close_time);
    (void)yajl_gen_map_close(gen);
}

struct list {
    Sandkeep__V1__Session *const *sessions;
    size_t count;
};

static void put_list(yajl_gen gen, const void *what)
{
    const struct list *list = what;

    (void)yajl_gen_array_open(gen);
    for (size_t i = 0; i < list->count; i++)
        put_session(gen, list->sessions[i]);
    (void)yajl_gen_array_close(gen);
}

/* --- tables ------------------------------------------------------------------------ */

static const char *number(struct sk_table *table, int64_t value)
{
    return sk_arena_printf(&table->arena, "%" PRId64, value);
}

/* "held", or how long the lease still lasts. */
static const char *lease(struct sk_table *table, const Sandkeep__V1__Session *session, int64_t now)
{
    const Google__Protobuf__Timestamp *end = session->lease_expire_time;
    char left[24];

    if (session->holders)
        return "held";
    if (!end)
        return NULL;
    sk_age_print(sk_seconds_between(now, end->seconds), left, sizeof(left));
    return sk_arena_printf(&table->arena, "%s", left);
}

static void add_row(struct sk_table *table, const Sandkeep__V1__Session *session, int64_t now)
{
    char age[24] = "";

    if (session->create_time)
        sk_age_print(sk_seconds_between(session->create_time->seconds, now), age, sizeof(age));
    sk_table_add(table, session->session_id);
    sk_table_add(table, sk_session_state_name(session->state));
    sk_table_add(table, age);
    sk_table_add(table, lease(table, session, now));
    sk_table_add(table, number(table, session->live_sandboxes));
    sk_table_add(table, session->display_name);
}

static enum sk_code print_table(const struct list *list, struct sk_buf *out)
{
    static const char *const titles[] = {"ID", "STATE", "AGE", "LEASE", "LIVE", "NAME"};
    struct sk_table table = {.columns = sk_array_len(titles)};

    for (size_t i = 0; i < sk_array_len(titles); i++)
        sk_table_add(&table, titles[i]);
    for (size_t i = 0; i < list->count; i++)
        add_row(&table, list->sessions[i], sk_clock_wall().ns / 1000000000);
    enum sk_code code = sk_table_print(&table, out);
    sk_table_fini(&table);
    return code;
}

static void add_defaults(struct sk_table *table, const Sandkeep__V1__SandboxDefaults *defaults)
{
    if (!defaults)
        return;
    sk_output_add(table, "image:", defaults->container_image);
    sk_output_add(table, "tags:", sk_output_joined(&table->arena, defaults->tags, defaults->n_tags));
    if (defaults->max_lifetime_seconds)
        sk_output_add(table, "lifetime s:", number(table, defaults->max_lifetime_seconds));
    if (defaults->idle_timeout_seconds)
        sk_output_add(table, "idle timeout s:", number(table, defaults->idle_timeout_seconds));
    if (defaults->max_sandboxes)
        sk_output_add(table, "max sandboxes:", number(table, defaults->max_sandboxes));
}

static enum sk_code print_one(const Sandkeep__V1__Session *session, struct sk_buf *out)
{
    struct sk_table table = {.columns = 2};

    sk_output_add(&table, "id:", session->session_id);
    sk_output_add(&table, "name:", session->display_name);
    sk_output_add(&table, "state:", sk_session_state_name(session->state));
    sk_output_add(&table, "reason:", session->state_reason);
    sk_output_add(&table, "live sandboxes:", number(&table, session->live_sandboxes));
    sk_output_add(&table, "sandboxes ever:", number(&table, session->created_sandboxes));
    sk_output_add(&table, "held by:", number(&table, session->holders));
    sk_output_add(&table, "lease s:", number(&table, session->lease_seconds));
    sk_output_add_moment(&table, "lease expires:", session->lease_expire_time);
    sk_output_add_moment(&table, "created:", session->create_time);
    sk_output_add_moment(&table, "closed:", session->close_time);
    add_defaults(&table, session->defaults);
    enum sk_code code = sk_table_print(&table, out);
    sk_table_fini(&table);
    return code;
}

int sk_session_output_list(Sandkeep__V1__Session *const *sessions, size_t count, bool json)
{
    const struct list list = {sessions, count};
    struct sk_buf out;
    struct sk_err err = {0};

    sk_output_begin(&out);
    enum sk_code code = json ? sk_json_write(put_list, &list, &out, &err) : print_table(&list, &out);
    return sk_output_end(code, &out, &err);
}

int sk_session_output_one(const Sandkeep__V1__Session *session, bool json)
{
    struct sk_buf out;
    struct sk_err err = {0};

    sk_output_begin(&out);
    enum sk_code code = json ? sk_json_write(put_session, session, &out, &err) : print_one(session, &out);
    return sk_output_end(code, &out, &err);
}
