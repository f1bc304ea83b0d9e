/* What `sandkeep top` and `status` show, and that nothing shown drives the terminal. */
#include "cli/top_screen.h"

#include "base/strings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

#define NOW_S 1000000

struct scene {
    Sandkeep__V1__NodeStatus status;
    Sandkeep__V1__Amounts capacity, charged, used, limits;
    Sandkeep__V1__SandboxUse uses[30];
    Sandkeep__V1__SandboxUse *list[30];
    Sandkeep__V1__SessionUse session;
    Sandkeep__V1__SessionUse *sessions[1];
    Sandkeep__V1__NodeStatus__SandboxesByStateEntry running;
    Sandkeep__V1__NodeStatus__SandboxesByStateEntry *states[1];
    Google__Protobuf__Timestamp created, deadline;
    Google__Protobuf__Duration cpu;
    char ids[30][16];
};

static const struct sk_wall now = {NOW_S * 1000000000LL};

static void add(struct scene *s, int64_t millis, int64_t bytes)
{
    size_t n = s->status.n_sandboxes++;
    Sandkeep__V1__SandboxUse *use = &s->uses[n];

    sandkeep__v1__sandbox_use__init(use);
    (void)snprintf(s->ids[n], sizeof(s->ids[n]), "n-%02zu", n);
    use->sandbox_id = s->ids[n];
    use->state = "RUNNING";
    use->tenant = "default";
    use->image = "docker.io/library/busybox:latest";
    use->create_time = &s->created;
    use->deadline = &s->deadline;
    use->cpu_time = &s->cpu;
    use->cpu_millis = millis;
    use->memory_bytes = bytes;
    use->limits = &s->limits;
    s->list[n] = use;
}

static void init(struct scene *s)
{
    *s = (struct scene){0};
    sandkeep__v1__node_status__init(&s->status);
    sandkeep__v1__amounts__init(&s->capacity);
    s->charged = s->used = s->limits = s->capacity;
    google__protobuf__timestamp__init(&s->created);
    s->deadline = s->created;
    google__protobuf__duration__init(&s->cpu);
    s->created.seconds = NOW_S - 300;
    s->deadline.seconds = NOW_S + 90;
    s->capacity.cpu_millis = 16000;
    s->capacity.memory_bytes = (int64_t)64 << 30;
    s->used.cpu_millis = 1250;
    s->limits.memory_bytes = 512 << 20;
    s->status.node_id = "n";
    s->status.version = "1.2.3";
    s->status.state = SANDKEEP__V1__NODE_STATE__NODE_STATE_SERVING;
    s->status.capacity = &s->capacity;
    s->status.charged = &s->charged;
    s->status.used = &s->used;
    s->status.sandboxes = s->list;
    sandkeep__v1__node_status__sandboxes_by_state_entry__init(&s->running);
    s->running.key = "RUNNING";
    s->running.value = 2;
    s->states[0] = &s->running;
    s->status.sandboxes_by_state = s->states;
    s->status.n_sandboxes_by_state = 1;
    s->status.start_time = &s->created;
    sandkeep__v1__session_use__init(&s->session);
    s->session.session_id = "n-s-1";
    s->session.state = "OPEN";
    s->session.create_time = &s->created;
    s->sessions[0] = &s->session;
    s->status.sessions = s->sessions;
    s->status.n_sessions = 1;
}

static char *drawn(struct scene *s, struct sk_top_view view, struct sk_window window)
{
    struct sk_buf out;

    sk_buf_init(&out, 1 << 20);
    assert_int_equal(sk_top_draw(s ? &s->status : NULL, &view, window, now, &out), SK_OK);
    char *text = sk_buf_take_text(&out);
    sk_buf_fini(&out);
    return text;
}

static size_t lines_of(const char *text)
{
    size_t count = 1;

    for (; (text = strchr(text, '\n')); text++)
        count++;
    return count;
}

static void must_hold(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("\"%s\" is not in \"%s\"", what, text);
}

static void numbers_are_told(void **state)
{
    struct scene s;
    (void)state;
    init(&s);
    add(&s, 1250, 300 << 20);
    s.uses[0].display_name = "mine";
    char *text = drawn(&s, (struct sk_top_view){0}, (struct sk_window){200, 50});
    must_hold(text, "node n  1.2.3  serving  up 5m");
    must_hold(text, "cpu 1.25 used, 0.00 charged of 16.00");
    must_hold(text, "of 64Gi");
    must_hold(text, "sandboxes 2 running  sessions 0 open");
    must_hold(text, "n-00     running  1.25  300Mi   512Mi  5m   90s   0      default  mine  docker.io/");
    must_hold(text, "q quit");
    free(text);
}

static void what_is_not_measured_is_not_made_up(void **state)
{
    struct scene s;
    (void)state;
    init(&s);
    add(&s, 0, 0);
    s.uses[0].cpu_time = NULL;
    s.uses[0].deadline = NULL;
    s.uses[0].limits = NULL;
    s.status.capacity = NULL;
    char *text = drawn(&s, (struct sk_top_view){0}, (struct sk_window){200, 50});
    must_hold(text, "running  -    -       -      5m   -     0");
    must_hold(text, "charged of -");
    free(text);
    text = drawn(NULL, (struct sk_top_view){.fault = "no answer"}, (struct sk_window){0});
    must_hold(text, "no answer");
    free(text);
}

static void they_are_sorted(void **state)
{
    struct scene s;
    (void)state;
    init(&s);
    add(&s, 10, 3000);
    add(&s, 30, 1000);
    add(&s, 20, 2000);
    char *text = drawn(&s, (struct sk_top_view){.order = SK_TOP_CPU}, (struct sk_window){200, 50});
    assert_true(strstr(text, "n-01") < strstr(text, "n-02") && strstr(text, "n-02") < strstr(text, "n-00"));
    free(text);
    text = drawn(&s, (struct sk_top_view){.order = SK_TOP_MEMORY}, (struct sk_window){200, 50});
    assert_true(strstr(text, "n-00") < strstr(text, "n-02") && strstr(text, "n-02") < strstr(text, "n-01"));
    free(text);
    text = drawn(&s, (struct sk_top_view){.order = SK_TOP_AGE, .shows_sessions = true},
                 (struct sk_window){200, 50});
    assert_null(strstr(text, "n-00"));
    must_hold(text, "n-s-1");
    free(text);
}

/* However small the window is, nothing is drawn outside of it. */
static void it_fits_the_window(void **state)
{
    struct scene s;
    (void)state;
    init(&s);
    for (int i = 0; i < 30; i++)
        add(&s, i, i);
    s.uses[29].image =
        "h\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"; /* characters of two bytes are not cut apart */
    for (uint32_t width = 1; width < 130; width += 3) {
        for (uint32_t height = 1; height < 40; height += 7) {
            char *text = drawn(&s, (struct sk_top_view){0}, (struct sk_window){width, height});
            assert_true(lines_of(text) <= height);
            size_t column = 0;
            for (const char *c = text; *c; c++) {
                if (*c == '\x1b') {
                    c += strcspn(c, "HKJm");
                    continue;
                }
                column = *c == '\n' ? 0 : column + (((unsigned char)*c & 0xc0) != 0x80 && *c != '\r');
                assert_true(column <= width);
            }
            free(text);
        }
    }
}

/* Names come from strangers. */
static void no_name_drives_the_terminal(void **state)
{
    struct scene s;
    (void)state;
    init(&s);
    add(&s, 1, 1);
    char *const evil = "\x1b]0;owned\a\x1b[2J\r\n\x9b"
                       "31m\xc2\x9b"
                       "32m\x7f";
    s.uses[0].display_name = s.uses[0].image = s.uses[0].tenant = s.uses[0].sandbox_id = s.uses[0].state =
        evil;
    s.status.node_id = s.status.version = s.running.key = evil;
    s.session.session_id = s.session.display_name = s.session.tenant = evil;
    for (int sessions = 0; sessions < 2; sessions++) {
        char *text = drawn(&s, (struct sk_top_view){.shows_sessions = sessions, .fault = evil},
                           (struct sk_window){250, 50});
        for (char *c = text; *c; c++) {
            if (*c == '\x1b') { /* only what we draw with */
                assert_true(strncmp(c, "\x1b[H", 3) == 0 || strncmp(c, "\x1b[K", 3) == 0 ||
                            strncmp(c, "\x1b[J", 3) == 0 || strncmp(c, "\x1b[7m", 4) == 0 ||
                            strncmp(c, "\x1b[0m", 4) == 0);
            }
            assert_true(*c != '\a' && *c != '\x7f' && (*c != '\r' || c[1] == '\n'));
            assert_false((unsigned char)*c == 0xc2 && (unsigned char)c[1] < 0xa0);
        }
        free(text);
    }
}

static void no_number_is_too_large(void **state)
{
    static const int64_t seconds[] = {INT64_MIN, INT64_MAX};

    (void)state;
    for (size_t i = 0; i < sk_array_len(seconds); i++) {
        struct scene s;
        struct sk_err err;
        struct sk_buf out;
        init(&s);
        add(&s, seconds[i], seconds[i]);
        s.created.seconds = s.deadline.seconds = s.cpu.seconds = seconds[i];
        sk_buf_init(&out, 1 << 20);
        assert_int_equal(sk_node_print_sandboxes(&s.status, SK_TOP_AGE, now, &out), SK_OK);
        assert_int_equal(sk_node_print_json(&s.status, &out, &err), SK_OK);
        char *text = sk_buf_take_text(&out);
        must_hold(text, i ? "\"cpu_time_ms\": 9223372036854775807" : "\"cpu_time_ms\": -9223372036854775808");
        free(text);
        sk_buf_fini(&out);
    }
}

static void json_holds_all(void **state)
{
    struct scene s;
    struct sk_err err;
    struct sk_buf out;
    (void)state;
    init(&s);
    add(&s, 1250, 4096);
    sk_buf_init(&out, 1 << 20);
    assert_int_equal(sk_node_print_json(&s.status, &out, &err), SK_OK);
    char *text = sk_buf_take_text(&out);
    must_hold(text, "\"state\": \"serving\"");
    must_hold(text, "\"RUNNING\": 2");
    must_hold(text, "\"cpu_millis\": 1250");
    must_hold(text, "\"lease_expires\": null");
    free(text);
    sk_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_told),
        cmocka_unit_test(what_is_not_measured_is_not_made_up),
        cmocka_unit_test(they_are_sorted),
        cmocka_unit_test(it_fits_the_window),
        cmocka_unit_test(no_name_drives_the_terminal),
        cmocka_unit_test(no_number_is_too_large),
        cmocka_unit_test(json_holds_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
