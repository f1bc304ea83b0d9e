/* Records: what goes in comes out, and bytes are never trusted. */
#include "store/records.h"

#include "base/id.h"
#include "base/utf8.h"
#include "sandkeep/records.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CEILING (1024 * 1024)

typedef Sandkeep__Records__V1__SandboxRecord wire_record;
typedef Sandkeep__Records__V1__Spec wire_spec;

/* A small generator, so that every run sees the same "random" records. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static const char *random_text(struct sk_arena *arena, uint64_t *seed)
{
    static const char *const pieces[] = {"",   "a", "gr\xc3\xbc\xc3\x9f", "\xf0\x9f\x90\xb3",
                                         "\n", "=", "0123456789"};
    const char *text = "";

    for (uint64_t n = next_random(seed) % 6; n; n--)
        text = sk_arena_printf(arena, "%s%s", text, pieces[next_random(seed) % sk_array_len(pieces)]);
    return text;
}

static const char **random_list(struct sk_arena *arena, uint64_t *seed)
{
    uint64_t count = next_random(seed) % 5;
    const char **list = sk_arena_alloc(arena, (count + 1) * sizeof(*list));

    for (uint64_t i = 0; i < count; i++)
        list[i] = random_text(arena, seed);
    return list;
}

static void random_network(struct sk_spec *spec, struct sk_arena *arena, uint64_t *seed)
{
    static const struct sk_ip base = {false, {192, 0, 2, 0}};
    struct sk_net_rule rules[] = {
        {.peer = SK_NET_CIDR, .cidr = {base, 24}},
        {.peer = SK_NET_NAME, .name = (char *)(uintptr_t) "*.example.com"},
        {.peer = SK_NET_ANY},
    };
    struct sk_net_policy policy = {.tenant = (char *)(uintptr_t)random_text(arena, seed), .egress = rules};

    policy.egress_count = next_random(seed) % 4;
    policy.dns = (enum sk_net_dns)(next_random(seed) % 3);
    spec->network = sk_net_policy_copy(arena, &policy);
}

static void random_spec(struct sk_spec *spec, struct sk_arena *arena, uint64_t *seed)
{
    spec->image = random_text(arena, seed);
    spec->command = next_random(seed) % 2 ? random_list(arena, seed) : NULL;
    spec->args = next_random(seed) % 2 ? random_list(arena, seed) : NULL;
    spec->working_dir = random_text(arena, seed);
    spec->user = random_text(arena, seed);
    if (next_random(seed) % 2)
        spec->login = (struct sk_login_source){"ghcr.io", "team", "path", random_text(arena, seed)};
    spec->env_count = next_random(seed) % 4;
    spec->env = sk_arena_alloc(arena, (spec->env_count + 1) * sizeof(*spec->env));
    for (size_t i = 0; i < spec->env_count; i++)
        spec->env[i] = (struct sk_env){"NAME", random_text(arena, seed)};
    if (next_random(seed) % 2)
        random_network(spec, arena, seed);
    spec->tags = random_list(arena, seed);
    spec->cpu_limit_millis = (int64_t)(next_random(seed) >> 1);
    spec->cpu_request_millis = (int64_t)(next_random(seed) >> 1);
    spec->memory_limit_bytes = INT64_MAX;
    spec->memory_request_bytes = (int64_t)(next_random(seed) >> 1);
    spec->max_lifetime_seconds = (int32_t)(next_random(seed) >> 33);
    spec->read_only_root = next_random(seed) % 2;
    spec->drop_capabilities = random_list(arena, seed);
    spec->echo_len = next_random(seed) % 100;
    spec->echo = sk_arena_memdup(arena,
                                 "\0\xff\x80 any bytes may stand here, this is not text: "
                                 "..................................................",
                                 spec->echo_len);
    spec->file_count = next_random(seed) % 3;
    spec->files = sk_arena_alloc(arena, (spec->file_count + 1) * sizeof(*spec->files));
    for (size_t i = 0; i < spec->file_count; i++)
        spec->files[i] = (struct sk_mounted_file){
            "/some/where", sk_arena_memdup(&spec->contents, "\0\xff", i), i}; /* the first is empty */
}

static struct sk_record *random_record(uint64_t *seed)
{
    struct sk_record *r = sk_record_new(sk_id_make("node1").text);
    struct sk_arena *arena = &r->arena;

    r->owner = random_text(arena, seed);
    r->request_id = random_text(arena, seed);
    for (size_t i = 0; i < sizeof(r->request_hash); i++)
        r->request_hash[i] = (uint8_t)next_random(seed);
    r->template_id = random_text(arena, seed);
    r->template_revision = (int64_t)next_random(seed);
    random_spec(&r->spec, arena, seed);
    r->state = (enum sk_state)(1 + next_random(seed) % 7);
    sk_record_set_reason(r, random_text(arena, seed));
    r->created.ns = (int64_t)next_random(seed);
    r->started.ns = (int64_t)next_random(seed);
    r->ended.ns = (int64_t)next_random(seed);
    r->has_exit_code = next_random(seed) % 2;
    r->exit_code = r->has_exit_code ? (int32_t)(next_random(seed) % 256) : 0;
    r->deleted = next_random(seed) % 2;
    r->boot_id = random_text(arena, seed);
    r->deadline.ns = (int64_t)next_random(seed);
    r->kill_at_wall.ns = (int64_t)next_random(seed);
    r->process.argv = random_list(arena, seed);
    r->process.env = random_list(arena, seed);
    r->process.working_dir = random_text(arena, seed);
    r->process.user = random_text(arena, seed);
    r->process.stop_signal = (int)(next_random(seed) % 65);
    return r;
}

static void same_list(const char **a, const char **b)
{
    assert_int_equal(a == NULL, b == NULL);
    assert_int_equal(sk_strings_count(a), sk_strings_count(b));
    for (size_t i = 0; a && b && a[i]; i++)
        assert_string_equal(a[i], b[i]);
}

static void same_spec(const struct sk_spec *a, const struct sk_spec *b)
{
    assert_string_equal(a->image, b->image);
    same_list(a->command, b->command);
    same_list(a->args, b->args);
    assert_string_equal(a->working_dir, b->working_dir);
    assert_string_equal(a->user, b->user);
    assert_int_equal(a->env_count, b->env_count);
    for (size_t i = 0; i < a->env_count; i++) {
        assert_string_equal(a->env[i].name, b->env[i].name);
        assert_string_equal(a->env[i].value, b->env[i].value);
    }
    assert_int_equal(a->file_count, b->file_count);
    for (size_t i = 0; i < a->file_count; i++) {
        assert_string_equal(a->files[i].path, b->files[i].path);
        assert_int_equal(a->files[i].len, b->files[i].len);
        assert_memory_equal(a->files[i].content ? a->files[i].content : (const uint8_t *)"",
                            b->files[i].content ? b->files[i].content : (const uint8_t *)"", a->files[i].len);
    }
    assert_string_equal(a->login.registry, b->login.registry);
    assert_string_equal(a->login.store, b->login.store);
    assert_string_equal(a->login.path, b->login.path);
    assert_string_equal(a->login.field, b->login.field);
    assert_int_equal(a->network == NULL, b->network == NULL);
    if (a->network && b->network) {
        assert_string_equal(a->network->tenant, b->network->tenant);
        assert_int_equal(a->network->egress_count, b->network->egress_count);
        assert_int_equal(a->network->dns, b->network->dns);
    }
    same_list(a->tags, b->tags);
    assert_int_equal(a->cpu_limit_millis, b->cpu_limit_millis);
    assert_int_equal(a->cpu_request_millis, b->cpu_request_millis);
    assert_int_equal(a->memory_limit_bytes, b->memory_limit_bytes);
    assert_int_equal(a->memory_request_bytes, b->memory_request_bytes);
    assert_int_equal(a->max_lifetime_seconds, b->max_lifetime_seconds);
    assert_int_equal(a->read_only_root, b->read_only_root);
    same_list(a->drop_capabilities, b->drop_capabilities);
    assert_int_equal(a->echo_len, b->echo_len);
    assert_memory_equal(a->echo, b->echo, a->echo_len);
}

static void same_record(const struct sk_record *a, const struct sk_record *b)
{
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->owner, b->owner);
    assert_string_equal(a->request_id, b->request_id);
    assert_memory_equal(a->request_hash, b->request_hash, sizeof(a->request_hash));
    assert_string_equal(a->template_id, b->template_id);
    assert_int_equal(a->template_revision, b->template_revision);
    same_spec(&a->spec, &b->spec);
    assert_int_equal(a->state, b->state);
    assert_string_equal(a->state_reason, b->state_reason);
    assert_int_equal(a->created.ns, b->created.ns);
    assert_int_equal(a->started.ns, b->started.ns);
    assert_int_equal(a->ended.ns, b->ended.ns);
    assert_int_equal(a->has_exit_code, b->has_exit_code);
    assert_int_equal(a->exit_code, b->exit_code);
    assert_int_equal(a->deleted, b->deleted);
    assert_string_equal(a->boot_id, b->boot_id);
    assert_int_equal(a->deadline.ns, b->deadline.ns);
    assert_int_equal(a->deadline_wall.ns, b->deadline_wall.ns);
    assert_int_equal(a->kill_at.ns, b->kill_at.ns);
    assert_int_equal(a->kill_at_wall.ns, b->kill_at_wall.ns);
    same_list(a->process.argv, b->process.argv);
    same_list(a->process.env, b->process.env);
    assert_string_equal(a->process.working_dir, b->process.working_dir);
    assert_string_equal(a->process.user, b->process.user);
    assert_int_equal(a->process.stop_signal, b->process.stop_signal);
}

static void comes_back_as_it_went(void **state)
{
    uint64_t seed = 4711;

    (void)state;
    for (int i = 0; i < 500; i++) {
        struct sk_record *before = random_record(&seed), *after = NULL;
        struct sk_buf bytes;
        sk_buf_init(&bytes, CEILING);
        assert_int_equal(sk_record_pack(before, &bytes, NULL), SK_OK);
        assert_int_equal(sk_record_unpack(bytes.data, bytes.len, &after, NULL), SK_OK);
        same_record(before, after);
        sk_record_free(before);
        sk_record_free(after);
        sk_buf_fini(&bytes);
    }
}

static void a_fresh_record_is_complete(void **state)
{
    struct sk_id id = sk_id_make("n");
    struct sk_record *fresh = sk_record_new(id.text), *after = NULL;
    struct sk_buf bytes;

    (void)state;
    sk_buf_init(&bytes, CEILING);
    assert_int_equal(sk_record_pack(fresh, &bytes, NULL), SK_OK);
    assert_int_equal(sk_record_unpack(bytes.data, bytes.len, &after, NULL), SK_OK);
    same_record(fresh, after);
    assert_int_equal(after->state, SK_STATE_PENDING);
    assert_null(after->spec.command);
    assert_non_null(after->spec.tags);
    assert_non_null(after->process.argv);
    sk_record_free(fresh);
    sk_record_free(after);
    sk_record_free(NULL);
    sk_buf_fini(&bytes);
}

static void keeps_under_the_ceiling(void **state)
{
    struct sk_record *record = sk_record_new(sk_id_make("n").text);
    struct sk_buf bytes;
    struct sk_err err = {0};

    (void)state;
    sk_buf_init(&bytes, 20);
    assert_int_equal(sk_record_pack(record, &bytes, &err), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(bytes.len, 0);
    assert_non_null(strstr(err.text, "too large"));
    sk_record_free(record);
    sk_buf_fini(&bytes);
}

/* Unpacks `wire` after packing it without any check; returns the code. */
static enum sk_code unpack_wire(const wire_record *wire, struct sk_err *err)
{
    size_t len = sandkeep__records__v1__sandbox_record__get_packed_size(wire);
    SK_AUTO_FREE uint8_t *bytes = sk_alloc(len + 1);
    struct sk_record *record = NULL;
    enum sk_code code;

    sandkeep__records__v1__sandbox_record__pack(wire, bytes);
    code = sk_record_unpack(bytes, len, &record, err);
    assert_int_equal(record != NULL, code == SK_OK);
    sk_record_free(record);
    return code;
}

static void refuses(const wire_record *wire, const char *because)
{
    struct sk_err err = {0};

    assert_int_equal(unpack_wire(wire, &err), SK_DATA_LOSS);
    if (!strstr(err.text, because))
        fail_msg("\"%s\" does not say \"%s\"", err.text, because);
}

static void refuses_what_makes_no_sense(void **state)
{
    struct sk_id id = sk_id_make("n");
    wire_spec spec = SANDKEEP__RECORDS__V1__SPEC__INIT, bad_spec = spec;
    Sandkeep__Records__V1__Exit over = SANDKEEP__RECORDS__V1__EXIT__INIT;
    Sandkeep__Records__V1__ProcessDefaults process = SANDKEEP__RECORDS__V1__PROCESS_DEFAULTS__INIT;
    Sandkeep__Records__V1__LoginSource half = {
        .base = PROTOBUF_C_MESSAGE_INIT(&sandkeep__records__v1__login_source__descriptor),
        .registry = "ghcr.io",
        .store = "team",
        .path = "",
        .field = ""};
    wire_record good = SANDKEEP__RECORDS__V1__SANDBOX_RECORD__INIT, bad;

    (void)state;
    good.id = id.text;
    good.spec = &spec;
    good.state = SANDKEEP__RECORDS__V1__STATE__STATE_RUNNING;
    assert_int_equal(unpack_wire(&good, NULL), SK_OK);

#define refuses_with(change, because)                                                                        \
    do {                                                                                                     \
        bad = good;                                                                                          \
        bad_spec = spec;                                                                                     \
        change;                                                                                              \
        refuses(&bad, because);                                                                              \
    } while (0)
    refuses_with(bad.id = (char *)(uintptr_t) "", "no id");
    refuses_with(bad.id = (char *)(uintptr_t) "../../etc", "wrong shape");
    refuses_with(bad.spec = NULL, "no spec");
    refuses_with(bad.state = (Sandkeep__Records__V1__State)0, "unknown state");
    refuses_with(bad.state = (Sandkeep__Records__V1__State)8, "unknown state");
    refuses_with(bad.state = (Sandkeep__Records__V1__State)-1, "unknown state");
    refuses_with(bad.owner = (char *)(uintptr_t) "caf\xe9", "not UTF-8");
    refuses_with((bad.spec = &bad_spec, bad_spec.user = (char *)(uintptr_t) "\xff"), "not UTF-8");
    refuses_with((bad.spec = &bad_spec, bad_spec.cpu_limit_millis = -1), "negative amount of cpu");
    refuses_with((bad.spec = &bad_spec, bad_spec.memory_request_bytes = -1), "negative amount of memory");
    refuses_with((bad.spec = &bad_spec, bad_spec.login = &half), "half a source of a login");
    refuses_with((bad.spec = &bad_spec, bad_spec.max_lifetime_seconds = -1), "negative lifetime");
    refuses_with((over.code = 256, bad.exit = &over), "exit code");
    refuses_with((over.code = -1, bad.exit = &over), "exit code");
    refuses_with((process.stop_signal = 65, bad.process = &process), "stop signal");
    refuses_with((bad.request_hash.data = (uint8_t *)id.text, bad.request_hash.len = 31), "request hash");
#undef refuses_with
}

static void refuses_broken_text_in_lists(void **state)
{
    struct sk_id id = sk_id_make("n");
    struct sk_record *record = sk_record_new(id.text);
    const char *broken[] = {"fine", "\xc3\x28", NULL};
    struct sk_env env = {"NAME", "\xed\xa0\x80"};
    struct sk_buf bytes;

    (void)state;
    sk_buf_init(&bytes, CEILING);
    record->spec.tags = broken;
    assert_int_equal(sk_record_pack(record, &bytes, NULL), SK_INVALID_ARGUMENT);
    record->spec.tags = sk_strings_copy(&record->arena, NULL);
    record->spec.args = broken;
    assert_int_equal(sk_record_pack(record, &bytes, NULL), SK_INVALID_ARGUMENT);
    record->spec.args = NULL;
    record->spec.env = &env;
    record->spec.env_count = 1;
    assert_int_equal(sk_record_pack(record, &bytes, NULL), SK_INVALID_ARGUMENT);
    env.value = "now well";
    assert_int_equal(sk_record_pack(record, &bytes, NULL), SK_OK);
    sk_record_free(record);
    sk_buf_fini(&bytes);
}

static void tolerates_fields_of_a_newer_release(void **state)
{
    /* field 1000, a string; field 1001, a varint */
    static const uint8_t newer[] = {0xc2, 0x3e, 0x03, 'n', 'e', 'w', 0xc8, 0x3e, 0x2a};
    struct sk_record *record = sk_record_new(sk_id_make("n").text), *after = NULL;
    struct sk_buf bytes;

    (void)state;
    sk_buf_init(&bytes, CEILING);
    assert_int_equal(sk_record_pack(record, &bytes, NULL), SK_OK);
    assert_int_equal(sk_buf_append(&bytes, newer, sizeof(newer)), SK_OK);
    assert_int_equal(sk_record_unpack(bytes.data, bytes.len, &after, NULL), SK_OK);
    same_record(record, after);
    sk_record_free(record);
    sk_record_free(after);
    sk_buf_fini(&bytes);
}

/* Every length, and every single flipped bit: an answer, never a crash (run under sanitizers). */
static void survives_torn_and_flipped_bytes(void **state)
{
    uint64_t seed = 99;
    struct sk_record *record = random_record(&seed), *after;
    size_t refused = 0;
    struct sk_buf bytes;

    (void)state;
    sk_buf_init(&bytes, CEILING);
    assert_int_equal(sk_record_pack(record, &bytes, NULL), SK_OK);
    for (size_t len = 0; len < bytes.len; len++) {
        SK_AUTO_FREE uint8_t *torn = sk_memdup(bytes.data, len);
        after = NULL;
        refused += sk_record_unpack(torn, len, &after, NULL) != SK_OK;
        sk_record_free(after);
    }
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        after = NULL;
        refused += sk_record_unpack(bytes.data, bytes.len, &after, NULL) != SK_OK;
        bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        sk_record_free(after);
    }
    assert_true(refused > bytes.len / 2);
    sk_record_free(record);
    sk_buf_fini(&bytes);
}

static void reasons_are_cleaned_and_cut(void **state)
{
    struct sk_record *record = sk_record_new("x");
    char longer[2000];

    (void)state;
    sk_record_set_reason(record, "it said \xff\xfe and \xc3");
    assert_string_equal(record->state_reason, "it said \xef\xbf\xbd\xef\xbf\xbd and \xef\xbf\xbd");
    memset(longer, 'x', sizeof(longer));
    memcpy(longer + 510, "\xf0\x9f\x90\xb3", 4);
    longer[sizeof(longer) - 1] = '\0';
    sk_record_set_reason(record, longer);
    assert_int_equal(strlen(record->state_reason), 510);
    memset(longer, '\xff', sizeof(longer) - 1);
    sk_record_set_reason(record, longer);
    assert_int_equal(strlen(record->state_reason), 510);
    assert_true(sk_utf8_is_valid(record->state_reason, 510));
    sk_record_set_reason(record, "");
    assert_string_equal(record->state_reason, "");
    sk_record_free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_it_went),
        cmocka_unit_test(a_fresh_record_is_complete),
        cmocka_unit_test(keeps_under_the_ceiling),
        cmocka_unit_test(refuses_what_makes_no_sense),
        cmocka_unit_test(refuses_broken_text_in_lists),
        cmocka_unit_test(tolerates_fields_of_a_newer_release),
        cmocka_unit_test(survives_torn_and_flipped_bytes),
        cmocka_unit_test(reasons_are_cleaned_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
