#include "cli/fault.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ERROR_INFO "google.rpc.ErrorInfo"

static bool is_error_info(const Google__Protobuf__Any *any)
{
    size_t len = strlen(any->type_url), want = strlen(ERROR_INFO);
    return len > want && any->type_url[len - want - 1] == '/' &&
           strcmp(any->type_url + len - want, ERROR_INFO) == 0;
}

static void read_reason(struct sk_fault *fault, const Google__Protobuf__Any *any)
{
    Google__Rpc__ErrorInfo *info = google__rpc__error_info__unpack(NULL, any->value.len, any->value.data);

    if (!info)
        return;
    (void)snprintf(fault->reason, sizeof(fault->reason), "%s", info->reason);
    google__rpc__error_info__free_unpacked(info, NULL);
}

void sk_fault_set(struct sk_fault *fault, const struct sk_err *err, const uint8_t *details, size_t len)
{
    Google__Rpc__Status *status = details ? google__rpc__status__unpack(NULL, len, details) : NULL;

    *fault = (struct sk_fault){.err = *err};
    for (size_t i = 0; status && i < status->n_details && !fault->reason[0]; i++) {
        if (is_error_info(status->details[i]))
            read_reason(fault, status->details[i]);
    }
    if (status)
        google__rpc__status__free_unpacked(status, NULL);
}

/* One line, whatever the server says. */
static void print_line(const char *text)
{
    for (; *text; text++)
        (void)fputc((unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text, stderr);
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

void sk_fault_print_err(const struct sk_err *err)
{
    struct sk_fault fault = {.err = *err};
    sk_fault_print(&fault);
}
