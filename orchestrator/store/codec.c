/* codec.c: records to bytes and back (records.h).
 *
 * A record is unpacked straight into its own arena and then points into the
 * message, so that nothing is copied twice. Both ways check what protobuf-c
 * does not: that strings are text and numbers make sense. Packing checks as
 * well, since a record that cannot be read again would be lost by a restart. */
#include "store/records.h"

#include "base/id.h"
#include "base/utf8.h"
#include "store/codec_network.h"

#include <string.h>

typedef Sandkeep__Records__V1__SandboxRecord wire_record;
typedef Sandkeep__Records__V1__Spec wire_spec;
typedef Sandkeep__Records__V1__MountedFile wire_file;
typedef Sandkeep__Records__V1__StringList wire_strings;
typedef Sandkeep__Records__V1__EnvVar wire_env;
typedef Sandkeep__Records__V1__Moment wire_moment;
typedef Sandkeep__Records__V1__ProcessDefaults wire_process;
typedef Sandkeep__Records__V1__Exit wire_exit;
typedef Sandkeep__Records__V1__LoginSource wire_login;

#define SIGNAL_MAX 64

_Static_assert((int)SANDKEEP__RECORDS__V1__STATE__STATE_PENDING == SK_STATE_PENDING &&
                   (int)SANDKEEP__RECORDS__V1__STATE__STATE_TERMINATED == SK_STATE_TERMINATED,
               "states are stored by number");

/* --- what protobuf-c does not check ---------------------------------------- */

static bool message_is_text(const ProtobufCMessage *message);

/* Whether the i-th value of a field, a string or a message, is text all through. */
static bool value_is_text(const ProtobufCFieldDescriptor *field, const void *value)
{
    const char *text = *(const char *const *)value;

    if (field->type == PROTOBUF_C_TYPE_STRING)
        return !text || sk_utf8_is_valid(text, strlen(text));
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return !text || message_is_text(*(const ProtobufCMessage *const *)value);
    return true;
}

static bool field_is_text(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *member = (const char *)message + field->offset;
    size_t count;
    const char *values;

    if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
        return true;
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return value_is_text(field, member);
    count = *(const size_t *)(const void *)((const char *)message + field->quantifier_offset);
    values = *(const char *const *)(const void *)member;
    for (size_t i = 0; i < count; i++)
        if (!value_is_text(field, values + i * sizeof(void *)))
            return false;
    return true;
}

/* Messages nest five deep by their definition; the recursion ends there. */
static bool message_is_text(const ProtobufCMessage *message)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++)
        if (!field_is_text(message, &message->descriptor->fields[i]))
            return false;
    return true;
}

static const char *spec_fault(const wire_spec *spec)
{
    if (spec->cpu_limit_millis < 0 || spec->cpu_request_millis < 0)
        return "a negative amount of cpu";
    if (spec->memory_limit_bytes < 0 || spec->memory_request_bytes < 0)
        return "a negative amount of memory";
    if (spec->max_lifetime_seconds < 0)
        return "a negative lifetime";
    for (size_t i = 0; i < spec->n_env; i++)
        if (!*spec->env[i]->name)
            return "an environment variable without a name";
    for (size_t i = 0; i < spec->n_files; i++)
        if (spec->files[i]->path[0] != '/')
            return "a mounted file without a path";
    if (spec->login && (!*spec->login->registry || !*spec->login->store || !*spec->login->path))
        return "half a source of a login";
    return spec->network ? sk_codec_network_fault(spec->network) : NULL;
}

/* What is wrong with the message, or NULL. */
static const char *record_fault(const wire_record *wire)
{
    if (!message_is_text((const ProtobufCMessage *)wire))
        return "a string that is not UTF-8";
    if (!sk_id_is_valid(wire->id))
        return *wire->id ? "an id of the wrong shape" : "no id";
    if ((int)wire->state < SK_STATE_PENDING || (int)wire->state > SK_STATE_TERMINATED)
        return "an unknown state";
    if (wire->request_hash.len != 0 &&
        wire->request_hash.len != sizeof(((struct sk_record *)0)->request_hash))
        return "a request hash of the wrong length";
    if (wire->idle_timeout_seconds < 0)
        return "a negative idle timeout";
    if (*wire->session_id && !sk_id_is_session(wire->session_id))
        return "a session id of the wrong shape";
    if (wire->exit && (wire->exit->code < 0 || wire->exit->code > 255))
        return "an exit code out of range";
    if (wire->process && (wire->process->stop_signal < 0 || wire->process->stop_signal > SIGNAL_MAX))
        return "a stop signal out of range";
    return wire->spec ? spec_fault(wire->spec) : "no spec";
}

/* --- packing: a message that borrows everything from the record ------------- */

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)(text ? text : "");
}

static char **borrow_list(const char **list, size_t *out_count)
{
    *out_count = sk_strings_count(list);
    return (char **)(uintptr_t)list;
}

/* NULL stands for a list that was not given. */
static wire_strings *fill_strings(wire_strings *wire, const char **list)
{
    sandkeep__records__v1__string_list__init(wire);
    wire->items = borrow_list(list, &wire->n_items);
    return list ? wire : NULL;
}

static wire_moment *fill_moment(wire_moment *wire, struct sk_instant boot, struct sk_wall wall)
{
    sandkeep__records__v1__moment__init(wire);
    wire->boot_ns = boot.ns;
    wire->wall_ns = wall.ns;
    return boot.ns || wall.ns ? wire : NULL;
}

static void fill_env(wire_spec *wire, const struct sk_spec *spec, struct sk_arena *scratch)
{
    wire_env *vars = sk_arena_alloc(scratch, (spec->env_count + 1) * sizeof(*vars));

    wire->env = sk_arena_alloc(scratch, (spec->env_count + 1) * sizeof(wire_env *));
    for (size_t i = 0; i < spec->env_count; i++) {
        sandkeep__records__v1__env_var__init(&vars[i]);
        vars[i].name = borrow(spec->env[i].name);
        vars[i].value = borrow(spec->env[i].value);
        wire->env[i] = &vars[i];
    }
    wire->n_env = spec->env_count;
}

static void fill_files(wire_spec *wire, const struct sk_spec *spec, struct sk_arena *scratch)
{
    wire_file *files = sk_arena_alloc(scratch, (spec->file_count + 1) * sizeof(*files));

    wire->files = sk_arena_alloc(scratch, (spec->file_count + 1) * sizeof(wire_file *));
    for (size_t i = 0; i < spec->file_count; i++) {
        sandkeep__records__v1__mounted_file__init(&files[i]);
        files[i].path = borrow(spec->files[i].path);
        files[i].content.data = (uint8_t *)(uintptr_t)spec->files[i].content;
        files[i].content.len = spec->files[i].len;
        wire->files[i] = &files[i];
    }
    wire->n_files = spec->file_count;
}

static wire_login *fill_login(const struct sk_login_source *login, struct sk_arena *scratch)
{
    wire_login *wire = sk_arena_alloc(scratch, sizeof(*wire));

    sandkeep__records__v1__login_source__init(wire);
    wire->registry = borrow(login->registry);
    wire->store = borrow(login->store);
    wire->path = borrow(login->path);
    wire->field = borrow(login->field);
    return *wire->store ? wire : NULL;
}

static wire_spec *fill_spec(const struct sk_spec *spec, struct sk_arena *scratch)
{
    wire_spec *wire = sk_arena_alloc(scratch, sizeof(*wire));

    sandkeep__records__v1__spec__init(wire);
    wire->image = borrow(spec->image);
    wire->command = fill_strings(sk_arena_alloc(scratch, sizeof(wire_strings)), spec->command);
    wire->args = fill_strings(sk_arena_alloc(scratch, sizeof(wire_strings)), spec->args);
    wire->working_dir = borrow(spec->working_dir);
    wire->user = borrow(spec->user);
    fill_env(wire, spec, scratch);
    wire->tags = borrow_list(spec->tags, &wire->n_tags);
    wire->cpu_limit_millis = spec->cpu_limit_millis;
    wire->cpu_request_millis = spec->cpu_request_millis;
    wire->memory_limit_bytes = spec->memory_limit_bytes;
    wire->memory_request_bytes = spec->memory_request_bytes;
    wire->devices = borrow_list(spec->devices, &wire->n_devices);
    wire->max_lifetime_seconds = spec->max_lifetime_seconds;
    wire->read_only_root = spec->read_only_root;
    wire->drop_capabilities = borrow_list(spec->drop_capabilities, &wire->n_drop_capabilities);
    wire->echo.data = (uint8_t *)(uintptr_t)spec->echo;
    wire->echo.len = spec->echo_len;
    fill_files(wire, spec, scratch);
    wire->login = fill_login(&spec->login, scratch);
    if (spec->network)
        wire->network = sk_codec_fill_network(spec->network, scratch);
    return wire;
}

static wire_process *fill_process(const struct sk_process_defaults *process, struct sk_arena *scratch)
{
    wire_process *wire = sk_arena_alloc(scratch, sizeof(*wire));

    sandkeep__records__v1__process_defaults__init(wire);
    wire->argv = borrow_list(process->argv, &wire->n_argv);
    wire->env = borrow_list(process->env, &wire->n_env);
    wire->working_dir = borrow(process->working_dir);
    wire->user = borrow(process->user);
    wire->stop_signal = process->stop_signal;
    return wire;
}

static wire_exit *fill_exit(const struct sk_record *record, struct sk_arena *scratch)
{
    wire_exit *wire = sk_arena_alloc(scratch, sizeof(*wire));

    sandkeep__records__v1__exit__init(wire);
    wire->code = record->exit_code;
    return record->has_exit_code ? wire : NULL;
}

static wire_record *fill_record(const struct sk_record *record, struct sk_arena *scratch)
{
    wire_record *wire = sk_arena_alloc(scratch, sizeof(*wire));

    sandkeep__records__v1__sandbox_record__init(wire);
    wire->id = borrow(record->id);
    wire->owner = borrow(record->owner);
    wire->tenant = borrow(record->tenant);
    wire->request_id = borrow(record->request_id);
    wire->request_hash.data = (uint8_t *)(uintptr_t)record->request_hash;
    wire->request_hash.len = sizeof(record->request_hash);
    wire->template_id = borrow(record->template_id);
    wire->template_revision = record->template_revision;
    wire->session_id = borrow(record->session_id);
    wire->idle_timeout_seconds = record->idle_timeout_seconds;
    wire->start_on_first_use = record->start_on_first_use;
    wire->spec = fill_spec(&record->spec, scratch);
    wire->state = (Sandkeep__Records__V1__State)record->state;
    wire->state_reason = borrow(record->state_reason);
    wire->created_wall_ns = record->created.ns;
    wire->started_wall_ns = record->started.ns;
    wire->ended_wall_ns = record->ended.ns;
    wire->exit = fill_exit(record, scratch);
    wire->deleted = record->deleted;
    wire->boot_id = borrow(record->boot_id);
    wire->deadline =
        fill_moment(sk_arena_alloc(scratch, sizeof(wire_moment)), record->deadline, record->deadline_wall);
    wire->kill_at =
        fill_moment(sk_arena_alloc(scratch, sizeof(wire_moment)), record->kill_at, record->kill_at_wall);
    wire->process = fill_process(&record->process, scratch);
    return wire;
}

enum sk_code sk_record_pack(const struct sk_record *record, struct sk_buf *out, struct sk_err *err)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena scratch = {0};
    const wire_record *wire = fill_record(record, &scratch);
    const char *fault = record_fault(wire);
    uint8_t *bytes;
    size_t len;

    if (fault)
        return sk_fail(err, SK_INVALID_ARGUMENT, "a record with %s cannot be stored", fault);
    len = sandkeep__records__v1__sandbox_record__get_packed_size(wire);
    bytes = sk_arena_alloc(&scratch, len);
    sandkeep__records__v1__sandbox_record__pack(wire, bytes);
    if (sk_buf_append(out, bytes, len) != SK_OK)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "a record of %zu bytes is too large to be stored", len);
    return SK_OK;
}

/* --- unpacking: the record borrows from the message, both in its arena ------ */

static const char **take_list(struct sk_arena *arena, char **items, size_t count)
{
    const char **list = sk_arena_alloc(arena, (count + 1) * sizeof(*list));

    for (size_t i = 0; i < count; i++)
        list[i] = items[i];
    return list;
}

static const char **take_strings(struct sk_arena *arena, const wire_strings *wire)
{
    return wire ? take_list(arena, wire->items, wire->n_items) : NULL;
}

static void take_files(struct sk_spec *spec, struct sk_arena *arena, const wire_spec *wire)
{
    spec->files = sk_arena_alloc(arena, (wire->n_files + 1) * sizeof(*spec->files));
    spec->file_count = wire->n_files;
    for (size_t i = 0; i < wire->n_files; i++) {
        const ProtobufCBinaryData *content = &wire->files[i]->content;
        spec->files[i] = (struct sk_mounted_file){wire->files[i]->path, content->data, content->len};
    }
}

static void take_spec(struct sk_spec *spec, struct sk_arena *arena, const wire_spec *wire)
{
    spec->image = wire->image;
    spec->command = take_strings(arena, wire->command);
    spec->args = take_strings(arena, wire->args);
    spec->working_dir = wire->working_dir;
    spec->user = wire->user;
    spec->env = sk_arena_alloc(arena, (wire->n_env + 1) * sizeof(*spec->env));
    for (size_t i = 0; i < wire->n_env; i++)
        spec->env[i] = (struct sk_env){wire->env[i]->name, wire->env[i]->value};
    spec->env_count = wire->n_env;
    spec->tags = take_list(arena, wire->tags, wire->n_tags);
    spec->cpu_limit_millis = wire->cpu_limit_millis;
    spec->cpu_request_millis = wire->cpu_request_millis;
    spec->memory_limit_bytes = wire->memory_limit_bytes;
    spec->memory_request_bytes = wire->memory_request_bytes;
    spec->devices = take_list(arena, wire->devices, wire->n_devices);
    spec->gpu_count = (int64_t)wire->n_devices;
    spec->max_lifetime_seconds = wire->max_lifetime_seconds;
    spec->read_only_root = wire->read_only_root;
    spec->drop_capabilities = take_list(arena, wire->drop_capabilities, wire->n_drop_capabilities);
    spec->echo = wire->echo.data;
    spec->echo_len = wire->echo.len;
    take_files(spec, arena, wire);
    if (wire->login)
        spec->login = (struct sk_login_source){wire->login->registry, wire->login->store, wire->login->path,
                                               wire->login->field};
    if (wire->network)
        spec->network = sk_codec_take_network(arena, wire->network);
}

static void take_process(struct sk_process_defaults *process, struct sk_arena *arena,
                         const wire_process *wire)
{
    if (!wire)
        return;
    process->argv = take_list(arena, wire->argv, wire->n_argv);
    process->env = take_list(arena, wire->env, wire->n_env);
    process->working_dir = wire->working_dir;
    process->user = wire->user;
    process->stop_signal = wire->stop_signal;
}

static void take_moment(struct sk_instant *boot, struct sk_wall *wall, const wire_moment *wire)
{
    if (!wire)
        return;
    boot->ns = wire->boot_ns;
    wall->ns = wire->wall_ns;
}

static void take_record(struct sk_record *record, const wire_record *wire)
{
    record->id = wire->id;
    record->owner = wire->owner;
    record->tenant = wire->tenant[0] ? wire->tenant : SK_TENANT_DEFAULT;
    record->request_id = wire->request_id;
    if (wire->request_hash.len)
        memcpy(record->request_hash, wire->request_hash.data, sizeof(record->request_hash));
    record->template_id = wire->template_id;
    record->template_revision = wire->template_revision;
    record->session_id = wire->session_id;
    record->idle_timeout_seconds = wire->idle_timeout_seconds;
    record->start_on_first_use = wire->start_on_first_use;
    take_spec(&record->spec, &record->arena, wire->spec);
    if (record->spec.network && !wire->tenant[0])
        record->spec.network->tenant = sk_arena_strdup(&record->arena, record->tenant); /* was the key's id */
    record->state = (enum sk_state)wire->state;
    record->state_reason = wire->state_reason;
    record->created.ns = wire->created_wall_ns;
    record->started.ns = wire->started_wall_ns;
    record->ended.ns = wire->ended_wall_ns;
    record->has_exit_code = wire->exit != NULL;
    record->exit_code = wire->exit ? wire->exit->code : 0;
    record->deleted = wire->deleted;
    record->boot_id = wire->boot_id;
    take_moment(&record->deadline, &record->deadline_wall, wire->deadline);
    take_moment(&record->kill_at, &record->kill_at_wall, wire->kill_at);
    take_process(&record->process, &record->arena, wire->process);
}

static void cleanup_record(struct sk_record **record)
{
    sk_record_free(*record);
}

enum sk_code sk_record_unpack(const uint8_t *data, size_t len, struct sk_record **out_record,
                              struct sk_err *err)
{
    SK_CLEANUP(cleanup_record) struct sk_record *record = sk_record_new("");
    ProtobufCAllocator allocator = {sk_arena_hook_alloc, sk_arena_hook_free, &record->arena};
    const wire_record *wire = sandkeep__records__v1__sandbox_record__unpack(&allocator, len, data);
    const char *fault;

    if (!wire)
        return sk_fail(err, SK_DATA_LOSS, "%zu bytes that are not a record", len);
    fault = record_fault(wire);
    if (fault)
        return sk_fail(err, SK_DATA_LOSS, "a record with %s", fault);
    take_record(record, wire);
    *out_record = sk_take(record);
    return SK_OK;
}
