#include "api/marks.h"
#include "api/session_merge.h"
#include "api/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#define GI (INT64_C(1024) * 1024 * 1024)

/* Texts short enough for a table: lists and maps are written "a,b" and "k=v,l=w"; NULL = not given. */
struct words {
    const char *image, *command, *args, *env, *tags, *annotations, *cpu, *working_dir;
    int lifetime;
};

static size_t split(struct sk_arena *arena, const char *text, char ***out)
{
    size_t count = 0;
    char *rest = text ? sk_arena_strdup(arena, text) : NULL, *save = NULL;
    *out = sk_arena_alloc(arena, 16 * sizeof(char *));
    for (char *one = rest ? strtok_r(rest, ",", &save) : NULL; one; one = strtok_r(NULL, ",", &save))
        (*out)[count++] = one;
    return count;
}

/* The entries of all maps look alike; those of annotations stand for them. */
static void *pairs(struct sk_arena *arena, const char *text, const ProtobufCMessageDescriptor *type,
                   size_t *out_count)
{
    char **items;
    *out_count = split(arena, text, &items);
    SK_PB(SandboxSpec__AnnotationsEntry) **out = sk_arena_alloc(arena, (*out_count + 1) * sizeof(*out));
    for (size_t i = 0; i < *out_count; i++) {
        char *equals = strchr(items[i], '=');
        *equals = '\0';
        out[i] = sk_pb_new(arena, type);
        out[i]->key = items[i];
        out[i]->value = equals + 1;
    }
    return out;
}

static SK_PB(ResourceRequirements) * limits(struct sk_arena *arena, const char *cpu)
{
    SK_PB(ResourceRequirements) *both = SK_PB_NEW(arena, resource_requirements);
    both->limits = SK_PB_NEW(arena, resources);
    both->limits->cpu = (char *)cpu;
    return both;
}

static SK_OWN_PB(SandboxDefaults) * defaults_of(struct sk_arena *arena, const struct words *w)
{
    SK_OWN_PB(SandboxDefaults) *d = SK_OWN_PB_NEW(arena, sandbox_defaults);
    if (w->image)
        d->container_image = (char *)w->image;
    if (w->working_dir)
        d->working_dir = (char *)w->working_dir;
    d->n_command = split(arena, w->command, &d->command);
    d->n_args = split(arena, w->args, &d->args);
    d->n_tags = split(arena, w->tags, &d->tags);
    d->environment_variables =
        pairs(arena, w->env, &sandkeep__v1__sandbox_defaults__environment_variables_entry__descriptor,
              &d->n_environment_variables);
    d->annotations = pairs(arena, w->annotations,
                           &sandkeep__v1__sandbox_defaults__annotations_entry__descriptor, &d->n_annotations);
    if (w->cpu)
        d->resources = limits(arena, w->cpu);
    d->max_lifetime_seconds = w->lifetime;
    sk_session_defaults_sort(d);
    return d;
}

static SK_PB(Sandbox) * sandbox_of(struct sk_arena *arena, const struct words *w)
{
    SK_PB(Sandbox) *sandbox = SK_PB_NEW(arena, sandbox);
    SK_PB(SandboxSpec) *spec = sandbox->spec = SK_PB_NEW(arena, sandbox_spec);
    SK_PB(Container) *c = SK_PB_NEW(arena, container);
    c->name = "mine";
    if (w->image)
        c->image = (char *)w->image;
    if (w->command)
        c->command = (char *)w->command;
    if (w->working_dir)
        c->working_dir = (char *)w->working_dir;
    c->n_args = split(arena, w->args, &c->args);
    c->environment_variables =
        pairs(arena, w->env, &coreweave__sandbox__v1__container__environment_variables_entry__descriptor,
              &c->n_environment_variables);
    if (w->cpu)
        c->resource_requirements = limits(arena, w->cpu);
    spec->containers = sk_arena_memdup(arena, &c, sizeof(c));
    spec->n_containers = 1;
    spec->n_tags = split(arena, w->tags, &spec->tags);
    spec->annotations =
        pairs(arena, w->annotations, &coreweave__sandbox__v1__sandbox_spec__annotations_entry__descriptor,
              &spec->n_annotations);
    spec->max_lifetime_seconds = w->lifetime;
    sk_spec_sort(sandbox);
    return sandbox;
}

/* --- the table -------------------------------------------------------------- */

static void assert_list(char *const *items, size_t count, const char *want)
{
    char text[256] = "";
    for (size_t i = 0; i < count; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? "," : "", items[i]);
    assert_string_equal(text, want ? want : "");
}

static void assert_map(const void *map, size_t count, const char *want)
{
    SK_PB(SandboxSpec__AnnotationsEntry) *const *items = map;
    char text[256] = "";
    for (size_t i = 0; i < count; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s=%s", i ? "," : "",
                       items[i]->key, items[i]->value);
    assert_string_equal(text, want ? want : "");
}

static void assert_is(const SK_PB(Sandbox) * sandbox, const struct words *want)
{
    const SK_PB(SandboxSpec) *spec = sandbox->spec;
    const SK_PB(Container) *c = spec->containers[0];
    size_t len;
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    assert_string_equal(c->image, want->image ? want->image : "");
    assert_string_equal(c->command, want->command ? want->command : "");
    assert_string_equal(c->working_dir, want->working_dir ? want->working_dir : "");
    assert_list(c->args, c->n_args, want->args);
    assert_list(spec->tags, spec->n_tags, want->tags);
    assert_map(c->environment_variables, c->n_environment_variables, want->env);
    assert_map(spec->annotations, spec->n_annotations, want->annotations);
    assert_string_equal(c->resource_requirements ? c->resource_requirements->limits->cpu : "",
                        want->cpu ? want->cpu : "");
    assert_int_equal(spec->max_lifetime_seconds, want->lifetime);
    /* Entries of the wrong type would not come through this. */
    const uint8_t *packed = sk_pb_pack(&arena, &sandbox->base, &len);
    assert_non_null(sk_pb_unpack(&arena, &coreweave__sandbox__v1__sandbox__descriptor, packed, len));
}

static const struct {
    struct words session, own, want;
} rows[] = {
    {{0}, {0}, {0}},
    {{.image = "s"}, {0}, {.image = "s"}},
    {{.image = "s"}, {.image = "o"}, {.image = "o"}},
    {{.working_dir = "/s"}, {.image = "o"}, {.image = "o", .working_dir = "/s"}},
    {{.working_dir = "/s"}, {.working_dir = "/o"}, {.working_dir = "/o"}},
    {{.command = "sh", .args = "-c,x"}, {0}, {.command = "sh", .args = "-c,x"}},
    {{.command = "sh,-e", .args = "-c,x"}, {0}, {.command = "sh", .args = "-e,-c,x"}},
    {{.command = "sh,-e", .args = "-c,x"}, {.args = "y"}, {.command = "sh", .args = "-e,y"}},
    {{.command = "sh", .args = "-c,x"}, {.args = "y"}, {.command = "sh", .args = "y"}},
    {{.command = "sh,-e", .args = "-c,x"}, {.command = "ls"}, {.command = "ls"}},
    {{.command = "sh", .args = "x"}, {.command = "ls", .args = "y"}, {.command = "ls", .args = "y"}},
    {{.args = "x"}, {0}, {.args = "x"}},
    {{.args = "x"}, {.command = "ls"}, {.command = "ls"}},
    {{.tags = "s,t"}, {.tags = "o,s"}, {.tags = "s,t,o,s"}},
    {{.tags = "s"}, {0}, {.tags = "s"}},
    {{0}, {.tags = "o"}, {.tags = "o"}},
    {{.env = "A=1,C=3"}, {.env = "B=2"}, {.env = "A=1,B=2,C=3"}},
    {{.env = "C=3,A=1"}, {.env = "A=9"}, {.env = "A=9,C=3"}},
    {{.env = "B=1"}, {.env = "A=1,C=1,D=1"}, {.env = "A=1,B=1,C=1,D=1"}},
    {{0}, {.env = "A=1"}, {.env = "A=1"}},
    {{.annotations = "a=1,b=2"}, {.annotations = "b="}, {.annotations = "a=1,b="}},
    {{.cpu = "2"}, {0}, {.cpu = "2"}},
    {{.cpu = "2"}, {.cpu = "1"}, {.cpu = "1"}},
    {{.lifetime = 60}, {0}, {.lifetime = 60}},
    {{.lifetime = 60}, {.lifetime = 5}, {.lifetime = 5}},
    {{.lifetime = 60}, {.lifetime = -1}, {.lifetime = -1}},
};

static void explicit_beats_session(void **state)
{
    (void)state;
    for (size_t i = 0; i < sk_array_len(rows); i++) {
        SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
        SK_PB(Sandbox) *sandbox = sandbox_of(&arena, &rows[i].own);
        (void)sk_session_merge(defaults_of(&arena, &rows[i].session), sandbox, &arena);
        assert_is(sandbox, &rows[i].want);
        assert_string_equal(sandbox->spec->containers[0]->name, "mine");
    }
}

static void nothing_at_all_becomes_the_session(void **state)
{
    (void)state;
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    const struct words all = {"s", "sh", "-c", "A=1", "t", "a=1", "2", "/s", 60};
    SK_PB(Sandbox) *bare = SK_PB_NEW(&arena, sandbox);
    (void)sk_session_merge(defaults_of(&arena, &all), bare, &arena);
    assert_is(bare, &all);
    assert_int_equal(bare->spec->n_containers, 1);
    assert_string_equal(bare->spec->containers[0]->name, "main");
}

/* The older way to name resources is explicit as well. */
static void old_resources_beat_those_of_the_session(void **state)
{
    (void)state;
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    const struct words own = {0}, session = {.cpu = "2"};
    SK_PB(Sandbox) *sandbox = sandbox_of(&arena, &own);
    sandbox->spec->containers[0]->resources = SK_PB_NEW(&arena, resources);
    struct sk_merged merged = sk_session_merge(defaults_of(&arena, &session), sandbox, &arena);
    assert_null(sandbox->spec->containers[0]->resource_requirements);
    assert_int_equal(merged.parts, 0);
}

/* Twice the same key is the caller's fault, for the decoder to find. */
static void a_key_given_twice_stays_given_twice(void **state)
{
    (void)state;
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    const struct words own = {.env = "A=1,A=2"}, session = {.env = "A=3,B=1"};
    SK_PB(Sandbox) *sandbox = sandbox_of(&arena, &own);
    (void)sk_session_merge(defaults_of(&arena, &session), sandbox, &arena);
    assert_map(sandbox->spec->containers[0]->environment_variables,
               sandbox->spec->containers[0]->n_environment_variables, "A=1,A=2,B=1");
}

static void equal_defaults_have_equal_bytes(void **state)
{
    (void)state;
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    const struct words a = {.env = "A=1,B=2", .annotations = "x=1,y=2"},
                       b = {.env = "B=2,A=1", .annotations = "y=2,x=1"};
    size_t a_len, b_len;
    const uint8_t *a_bytes = sk_pb_pack(&arena, &defaults_of(&arena, &a)->base, &a_len);
    const uint8_t *b_bytes = sk_pb_pack(&arena, &defaults_of(&arena, &b)->base, &b_len);
    assert_int_equal(a_len, b_len);
    assert_memory_equal(a_bytes, b_bytes, a_len);
}

/* --- whose fault it is -------------------------------------------------------- */

/* Merges, decodes, renames; the fields at fault, in order, as "a|b". */
static void assert_faults(const struct words *session, const struct words *own, unsigned parts,
                          const char *top, const char *want)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    const struct sk_node_config node = {.node_id = "n1",
                                        .default_lifetime_seconds = 3600,
                                        .default_cpu_millis = 1000,
                                        .default_memory_bytes = GI,
                                        .ceiling_cpu_millis = 8000,
                                        .ceiling_memory_bytes = 16 * GI};
    struct sk_check check = {.arena = &arena};
    struct sk_spec spec = {0};
    SK_PB(Sandbox) *sandbox = sandbox_of(&arena, own);
    struct sk_merged merged = sk_session_merge(defaults_of(&arena, session), sandbox, &arena);
    merged.parts |= parts;
    sk_spec_sort(sandbox);
    sk_spec_decode(sandbox, SK_FIELD(NULL, top), &node, "", &arena, &spec, &check);
    sk_session_rename_faults(&check, top, &merged);
    char text[512] = "";
    for (size_t i = 0; i < check.count; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? "|" : "",
                       check.violations[i].field);
    assert_string_equal(text, want);
}

static void a_fault_is_named_as_its_giver_names_it(void **state)
{
    (void)state;
    const struct words none = {0}, image = {.image = "?"}, cpu = {.cpu = "9"}, dir = {.working_dir = "x"},
                       life = {.lifetime = -5}, env = {.env = "=1"}, fine = {.tags = "a,b"};
    assert_faults(&image, &none, 0, "overrides", "defaults.container_image");
    assert_faults(&none, &image, 0, "overrides", "overrides.spec.containers[0].image");
    assert_faults(&image, &image, 0, "overrides", "overrides.spec.containers[0].image");
    assert_faults(&cpu, &none, 0, "sandbox", "defaults.resources.limits.cpu");
    assert_faults(&none, &cpu, 0, "sandbox", "sandbox.spec.containers[0].resource_requirements.limits.cpu");
    assert_faults(&dir, &none, 0, "overrides", "defaults.working_dir");
    assert_faults(&life, &none, 0, "overrides", "defaults.max_lifetime_seconds");
    assert_faults(&life, &image, 0, "overrides",
                  "defaults.max_lifetime_seconds|overrides.spec.containers[0].image");
    assert_faults(&fine, &env, 0, "overrides", "overrides.spec.containers[0].environment_variables");
    /* As when a session is opened: all of it is the session's. */
    assert_faults(&env, &none, SK_PARTS_ALL, "defaults", "defaults.environment_variables");
    assert_faults(&cpu, &none, SK_PARTS_ALL, "defaults", "defaults.resources.limits.cpu");
}

static void tags_are_numbered_by_their_giver(void **state)
{
    (void)state;
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    char *long_tag = sk_arena_alloc(&arena, 400);
    for (size_t i = 0; i < 300; i++)
        long_tag[i] = 'x';
    const struct words own = {.tags = sk_arena_printf(&arena, "a,%s", long_tag)}, two = {.tags = "s,t"};
    const struct words bad = {.tags = sk_arena_printf(&arena, "a,%s", long_tag)}, none = {0};
    assert_faults(&two, &own, 0, "overrides", "overrides.spec.tags[1]");
    assert_faults(&bad, &two, 0, "overrides", "defaults.tags[1]");
    assert_faults(&bad, &none, SK_PARTS_ALL, "defaults", "defaults.tags[1]");
}

static void a_refusal_is_renamed_with_its_sentence(void **state)
{
    (void)state;
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_check check = {.arena = &arena};
    const struct sk_merged merged = {.parts = SK_PART_VOLUMES};
    const struct sk_path *spec = SK_FIELD(SK_FIELD(NULL, "overrides"), "spec");
    sk_check_unimplemented(&check, spec, "volumes", true);
    sk_session_rename_faults(&check, "overrides", &merged);
    assert_string_equal(check.refusal.field, "defaults.volumes");
    assert_string_equal(check.refusal.text, "defaults.volumes: is not implemented yet");
    assert_string_equal(check.refusal.reason, "NOT_IMPLEMENTED");
    assert_int_equal(check.refusal.code, SK_UNIMPLEMENTED);
}

/* --- marks -------------------------------------------------------------------- */

static const struct {
    const char *tags, *annotations, *id;
    size_t faults;
} named[] = {
    {NULL, NULL, "", 0},
    {"x,sandkeep-session", "sandkeep.dev/sessions=a", "", 0},
    {NULL, "sandkeep.dev/session=a", "a", 0},
    {"x,sandkeep-session.a", NULL, "a", 0},
    {"sandkeep-session.a,sandkeep-session.a", "sandkeep.dev/session=a", "a", 0},
    {"sandkeep-session.b", "sandkeep.dev/session=a", "a", 1},
    {"sandkeep-session.a,sandkeep-session.b", NULL, "a", 1},
    {"sandkeep-session.", NULL, "", 1},
    {NULL, "sandkeep.dev/session=", "", 1},
};

static void a_sandbox_names_its_session(void **state)
{
    (void)state;
    for (size_t i = 0; i < sk_array_len(named); i++) {
        SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
        const struct words own = {.tags = named[i].tags, .annotations = named[i].annotations};
        struct sk_check check = {.arena = &arena};
        assert_string_equal(sk_marks_session(sandbox_of(&arena, &own), SK_FIELD(NULL, "sandbox"), &check),
                            named[i].id);
        assert_int_equal(check.count, named[i].faults);
    }
}

static void the_session_is_shown_in_an_annotation(void **state)
{
    (void)state;
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    const struct words own = {.annotations = "a=1"};
    SK_PB(Sandbox) *sandbox = sandbox_of(&arena, &own);
    for (int i = 0; i < 2; i++) {
        sk_marks_set_session(sandbox, "n1-s-x", &arena);
        assert_map(sandbox->spec->annotations, sandbox->spec->n_annotations,
                   "a=1,sandkeep.dev/session=n1-s-x");
    }
}

static const struct {
    const char *annotations;
    bool on_first_use;
    int idle;
    size_t faults;
} marks[] = {
    {NULL, false, -1, 0},
    {"sandkeep.dev/start=now", false, -1, 0},
    {"sandkeep.dev/start=on-first-use", true, -1, 0},
    {"sandkeep.dev/start=later", true, -1, 1},
    {"sandkeep.dev/idle-timeout-seconds=0", false, 0, 0},
    {"sandkeep.dev/idle-timeout-seconds=2592000", false, 2592000, 0},
    {"sandkeep.dev/idle-timeout-seconds=2592001", false, -1, 1},
    {"sandkeep.dev/idle-timeout-seconds=9999999999", false, -1, 1},
    {"sandkeep.dev/idle-timeout-seconds=-1", false, -1, 1},
    {"sandkeep.dev/idle-timeout-seconds=5s", false, -1, 1},
    {"sandkeep.dev/idle-timeout-seconds=", false, -1, 1},
};

static void annotations_say_when_to_start_and_to_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sk_array_len(marks); i++) {
        SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
        const struct words own = {.annotations = marks[i].annotations};
        struct sk_check check = {.arena = &arena};
        struct sk_marks read = sk_marks_read(sandbox_of(&arena, &own), SK_FIELD(NULL, "sandbox"), &check);
        assert_int_equal(read.start_on_first_use, marks[i].on_first_use);
        assert_int_equal(read.idle_timeout_seconds, marks[i].idle);
        assert_int_equal(check.count, marks[i].faults);
        if (check.count)
            assert_string_equal(check.violations[0].field, "sandbox.spec.annotations");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explicit_beats_session),
        cmocka_unit_test(nothing_at_all_becomes_the_session),
        cmocka_unit_test(old_resources_beat_those_of_the_session),
        cmocka_unit_test(a_key_given_twice_stays_given_twice),
        cmocka_unit_test(equal_defaults_have_equal_bytes),
        cmocka_unit_test(a_fault_is_named_as_its_giver_names_it),
        cmocka_unit_test(tags_are_numbered_by_their_giver),
        cmocka_unit_test(a_refusal_is_renamed_with_its_sentence),
        cmocka_unit_test(a_sandbox_names_its_session),
        cmocka_unit_test(the_session_is_shown_in_an_annotation),
        cmocka_unit_test(annotations_say_when_to_start_and_to_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
