#include "cli/fault.h"

#include "base/own.h"
#include "base/utf8.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ERROR_INFO  "google.rpc.ErrorInfo"
#define BAD_REQUEST "google.rpc.BadRequest"

static bool is_a(const Google__Protobuf__Any *any, const char *type)
{
    size_t len = strlen(any->type_url), want = strlen(type);
    return len > want && any->type_url[len - want - 1] == '/' &&
           strcmp(any->type_url + len - want, type) == 0;
}

static void read_reason(struct sk_fault *fault, const Google__Protobuf__Any *any)
{
    Google__Rpc__ErrorInfo *info = google__rpc__error_info__unpack(NULL, any->value.len, any->value.data);

    if (!info)
        return;
    (void)snprintf(fault->reason, sizeof(fault->reason), "%s", info->reason);
    google__rpc__error_info__free_unpacked(info, NULL);
}

static void read_notes(struct sk_fault *fault, const Google__Protobuf__Any *any)
{
    Google__Rpc__BadRequest *bad = google__rpc__bad_request__unpack(NULL, any->value.len, any->value.data);
    size_t len = 0;

    for (size_t i = 0; bad && i < bad->n_field_violations; i++) {
        const char *text = bad->field_violations[i]->description;
        if (len + strlen(text) + 2 > sizeof(fault->notes))
            break;
        len += (size_t)snprintf(fault->notes + len, sizeof(fault->notes) - len, "%s\n", text);
    }
    if (bad)
        google__rpc__bad_request__free_unpacked(bad, NULL);
}

void sk_fault_set(struct sk_fault *fault, const struct sk_err *err, const uint8_t *details, size_t len)
{
    Google__Rpc__Status *status = details ? google__rpc__status__unpack(NULL, len, details) : NULL;

    *fault = (struct sk_fault){.err = *err};
    for (size_t i = 0; status && i < status->n_details; i++) {
        if (is_a(status->details[i], ERROR_INFO) && !fault->reason[0])
            read_reason(fault, status->details[i]);
        else if (is_a(status->details[i], BAD_REQUEST) && !fault->notes[0])
            read_notes(fault, status->details[i]);
    }
    if (status)
        google__rpc__status__free_unpacked(status, NULL);
}

/* One line, whatever the server says. */
static void print_line(const char *text)
{
    SK_AUTO_FREE char *line = sk_strdup(text);

    sk_utf8_disarm(line);
    (void)fputs(line, stderr);
}

void sk_fault_print(const struct sk_fault *fault)
{
    (void)fputs("sandkeep: ", stderr);
    print_line(fault->err.text[0] ? fault->err.text : sk_code_name(fault->err.code));
    if (fault->reason[0]) {
        (void)fputs(" (", stderr);
        print_line(fault->reason);
        (void)fputs(")", stderr);
    }
    (void)fputs("\n", stderr);
}

void sk_fault_print_all(const struct sk_fault *fault)
{
    sk_fault_print(fault);
    for (const char *line = fault->notes; *line; line += *line != '\0') {
        size_t len = strcspn(line, "\n");
        char text[sizeof(fault->notes)];
        (void)snprintf(text, sizeof(text), "%.*s", (int)len, line);
        (void)fputs("  ", stderr);
        print_line(text);
        (void)fputs("\n", stderr);
        line += len;
    }
}

void sk_fault_print_err(const struct sk_err *err)
{
    struct sk_fault fault = {.err = *err};
    sk_fault_print(&fault);
}
