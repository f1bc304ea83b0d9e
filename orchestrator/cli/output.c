#include "cli/output.h"

#include "base/utf8.h"
#include "cli/json.h"
#include "cli/moment.h"
#include "cli/table.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OUTPUT_MAX ((size_t)256 * 1024 * 1024)

bool sk_write_all(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;

    while (len) {
        ssize_t n = write(fd, at, len);
        if (n >= 0) {
            at += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) { /* somebody else made it non-blocking */
            struct pollfd room = {.fd = fd, .events = POLLOUT};
            (void)poll(&room, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

bool sk_output_say(FILE *to, const char *format, ...)
{
    SK_AUTO_FREE char *line = NULL;
    va_list args;

    va_start(args, format);
    int len = vasprintf(&line, format, args);
    va_end(args);
    if (len < 0)
        return false;
    sk_utf8_disarm(line);
    /* What is left in the buffer fails when nobody can tell any more. */
    return fputs(line, to) != EOF && fputc('\n', to) != EOF && fflush(to) == 0;
}

const char *sk_output_joined(struct sk_arena *arena, char *const *texts, size_t count)
{
    size_t size = 1;

    for (size_t i = 0; i < count; i++)
        size += strlen(texts[i]) + 1;
    char *all = sk_arena_alloc(arena, size), *at = all;
    for (size_t i = 0; i < count; i++) {
        if (i)
            *at++ = ',';
        at = stpcpy(at, texts[i]);
    }
    *at = '\0';
    return all;
}

static void add_row(struct sk_table *table, const sk_shown *box, int64_t now)
{
    const Coreweave__Sandbox__V1__Container *container = sk_box_main(box);
    const Google__Protobuf__Timestamp *created = box->status ? box->status->create_time : NULL;
    char age[24] = "";

    if (created)
        sk_age_print(sk_seconds_between(created->seconds, now), age, sizeof(age));
    sk_table_add(table, box->sandbox_id);
    sk_table_add(table, sk_state_name(sk_box_state(box)));
    sk_table_add(table, age);
    sk_table_add(table, container ? container->image : NULL);
    sk_table_add(table,
                 box->spec ? sk_output_joined(&table->arena, box->spec->tags, box->spec->n_tags) : NULL);
}

static enum sk_code print_table(sk_shown *const *boxes, size_t count, struct sk_buf *out)
{
    static const char *const titles[] = {"ID", "STATE", "AGE", "IMAGE", "TAGS"};
    struct sk_table table = {.columns = sk_array_len(titles)};

    for (size_t i = 0; i < sk_array_len(titles); i++)
        sk_table_add(&table, titles[i]);
    for (size_t i = 0; i < count; i++)
        add_row(&table, boxes[i], sk_clock_wall().ns / 1000000000);
    enum sk_code code = sk_table_print(&table, out);
    sk_table_fini(&table);
    return code;
}

void sk_output_add_moment(struct sk_table *table, const char *name, const Google__Protobuf__Timestamp *at)
{
    char text[48] = "";

    if (!at)
        return;
    sk_moment_print(at->seconds, at->nanos, text, sizeof(text));
    sk_table_add(table, name);
    sk_table_add(table, text);
}

void sk_output_add(struct sk_table *table, const char *name, const char *text)
{
    if (!text || !*text)
        return;
    sk_table_add(table, name);
    sk_table_add(table, text);
}

static void add_exit_code(struct sk_table *table, const Coreweave__Sandbox__V1__SandboxStatus *status)
{
    if (status->_exit_code_case != COREWEAVE__SANDBOX__V1__SANDBOX_STATUS___EXIT_CODE_EXIT_CODE)
        return;
    sk_output_add(table, "exit code:", sk_arena_printf(&table->arena, "%" PRId32, status->exit_code));
}

static enum sk_code print_box(const sk_shown *box, struct sk_buf *out)
{
    const Coreweave__Sandbox__V1__Container *container = sk_box_main(box);
    struct sk_table table = {.columns = 2};

    sk_output_add(&table, "id:", box->sandbox_id);
    sk_output_add(&table, "state:", sk_state_name(sk_box_state(box)));
    sk_output_add(&table, "reason:", box->status ? box->status->state_reason : NULL);
    sk_output_add(&table, "image:", container ? container->image : NULL);
    if (box->spec)
        sk_output_add(&table, "tags:", sk_output_joined(&table.arena, box->spec->tags, box->spec->n_tags));
    if (box->status) {
        sk_output_add_moment(&table, "created:", box->status->create_time);
        sk_output_add_moment(&table, "started:", box->status->start_time);
        sk_output_add_moment(&table, "ended:", box->status->end_time);
        add_exit_code(&table, box->status);
    }
    enum sk_code code = sk_table_print(&table, out);
    sk_table_fini(&table);
    return code;
}

void sk_output_begin(struct sk_buf *out)
{
    sk_buf_init(out, OUTPUT_MAX);
}

int sk_output_end(enum sk_code code, struct sk_buf *out, struct sk_err *err)
{
    if (code && !err->code)
        (void)sk_fail(err, code, "the answer is too large to be printed");
    if (code)
        sk_fault_print_err(err);
    else if (!sk_write_all(STDOUT_FILENO, out->data, out->len))
        code = SK_UNAVAILABLE; /* nobody reads: nothing to say either */
    sk_buf_fini(out);
    return code ? 1 : 0;
}

int sk_output_list(sk_shown *const *boxes, size_t count, bool json)
{
    struct sk_buf out;
    struct sk_err err = {0};

    sk_output_begin(&out);
    enum sk_code code =
        json ? sk_box_print_json(boxes, count, true, &out, &err) : print_table(boxes, count, &out);
    return sk_output_end(code, &out, &err);
}

int sk_output_box(const sk_shown *box, bool json)
{
    sk_shown *one = (sk_shown *)box;
    struct sk_buf out;
    struct sk_err err = {0};

    sk_output_begin(&out);
    enum sk_code code = json ? sk_box_print_json(&one, 1, false, &out, &err) : print_box(box, &out);
    return sk_output_end(code, &out, &err);
}
