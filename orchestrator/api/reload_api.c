/* reload_api.c: NodeService.Reload: the configuration, read again. */
#include "api/handlers.h"

#include "base/strings.h"

#include <string.h>

struct reload {
    struct sk_call *call;
    struct sk_reload_wait wait;
    struct sk_done done;
};

/* The key at fault in "file:line: key: what is wrong"; "" = it names none. */
static const char *key_of(struct sk_arena *arena, const char *line)
{
    const char *start = strstr(line, ": ");
    const char *end = start ? strstr(start + 2, ": ") : NULL;

    if (!end || memchr(start + 2, ' ', (size_t)(end - start - 2)))
        return "";
    return sk_arena_strndup(arena, start + 2, (size_t)(end - start - 2));
}

static void refuse(struct sk_call *call, const char *const *faults)
{
    struct sk_check check = {.arena = call->arena};

    for (; *faults; faults++)
        sk_check_violated(&check, SK_FIELD(NULL, key_of(call->arena, *faults)), "%s", *faults);
    sk_call_fail_check(call, &check);
}

static void on_reloaded(struct sk_done *done, const struct sk_err *err)
{
    struct reload *r = sk_container_of(done, struct reload, done);
    const struct sk_reload_report *report = &r->wait.report;
    Sandkeep__V1__ReloadResponse out;

    if (err && err->code == SK_INVALID_ARGUMENT && report->faults && report->faults[0]) {
        refuse(r->call, report->faults);
        return;
    }
    if (err) {
        sk_call_fail(r->call, err);
        return;
    }
    sandkeep__v1__reload_response__init(&out);
    out.changed = (char **)report->changed;
    out.n_changed = sk_strings_count(report->changed);
    out.needs_restart = (char **)report->waiting;
    out.n_needs_restart = sk_strings_count(report->waiting);
    sk_call_reply(r->call, &out.base);
}

void sk_reload_node(struct sk_call *call, ProtobufCMessage *request)
{
    struct reload *r = sk_arena_alloc(call->arena, sizeof(*r));

    (void)request;
    r->call = call;
    sk_done_init(&r->done, on_reloaded);
    call->reloader->reload(call->reloader->arg, &r->wait, &r->done);
}
