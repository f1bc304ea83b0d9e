#include "drivers/agent/wire.h"

#include <assert.h>
#include <string.h>

#define MAGIC        0x31474b53u /* "SKG1" */
#define ERRNO_MAX    4095        /* the kernel's MAX_ERRNO */
#define OPEN_STRINGS 3           /* in the text of an OPEN */

/* What each type may carry; the decoder is this table. */
struct rule {
    enum sk_frame_type type;
    enum sk_frame_sender sender;
    unsigned flags;
    bool has_key;
    uint32_t word_max[2];
};

static const struct rule rules[] = {
    {SK_FRAME_START,
     SK_FRAME_FROM_DAEMON,
     SK_FRAME_FD_ALL | SK_FRAME_MAIN | SK_FRAME_TERMINAL,
     true,
     {SK_WIRE_TEXT_MAX, SK_WIRE_TEXT_MAX}},
    {SK_FRAME_SIGNAL, SK_FRAME_FROM_DAEMON, SK_FRAME_TREE, true, {64, 0}},
    {SK_FRAME_RELEASE, SK_FRAME_FROM_DAEMON, 0, true, {0, 0}},
    {SK_FRAME_OPEN, SK_FRAME_FROM_DAEMON, 0, true, {SK_OPEN_LAST, 0}},
    {SK_FRAME_COMMIT, SK_FRAME_FROM_DAEMON, 0, true, {0, 0}},
    {SK_FRAME_ABANDON, SK_FRAME_FROM_DAEMON, 0, true, {0, 0}},
    {SK_FRAME_HELLO, SK_FRAME_FROM_GUEST, 0, false, {UINT32_MAX, 0}},
    {SK_FRAME_FOUND,
     SK_FRAME_FROM_GUEST,
     SK_FRAME_MAIN | SK_FRAME_FD_KEEP_STDOUT | SK_FRAME_FD_KEEP_STDERR,
     true,
     {0, 0}},
    {SK_FRAME_READY, SK_FRAME_FROM_GUEST, 0, false, {0, 0}},
    {SK_FRAME_STARTED, SK_FRAME_FROM_GUEST, 0, true, {ERRNO_MAX, SK_STAGE_LAST}},
    {SK_FRAME_EXITED, SK_FRAME_FROM_GUEST, 0, true, {255, 0}},
    {SK_FRAME_OPENED, SK_FRAME_FROM_GUEST, SK_FRAME_FD_FILE, true, {ERRNO_MAX, 0}},
    {SK_FRAME_COMMITTED, SK_FRAME_FROM_GUEST, 0, true, {ERRNO_MAX, 0}},
};

static const struct rule *rule_find(uint32_t type)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].type == type)
            return &rules[i];
    return NULL;
}

static void put(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static void words_of(const struct sk_frame *frame, uint32_t words[static 2])
{
    words[0] = words[1] = 0;
    switch (frame->type) {
    case SK_FRAME_START:
        words[0] = frame->start.argc;
        words[1] = frame->start.envc;
        break;
    case SK_FRAME_SIGNAL:
        words[0] = frame->signal.signo;
        break;
    case SK_FRAME_HELLO:
        words[0] = frame->hello.features;
        break;
    case SK_FRAME_STARTED:
        words[0] = frame->started.sys;
        words[1] = frame->started.stage;
        break;
    case SK_FRAME_EXITED:
        words[0] = frame->exited.status;
        break;
    case SK_FRAME_OPEN:
        words[0] = frame->open.kind;
        break;
    case SK_FRAME_OPENED:
        words[0] = frame->opened.sys;
        break;
    case SK_FRAME_COMMITTED:
        words[0] = frame->committed.sys;
        break;
    case SK_FRAME_COMMIT:
    case SK_FRAME_ABANDON:
    case SK_FRAME_RELEASE:
    case SK_FRAME_FOUND:
    case SK_FRAME_READY:
        break;
    }
}

static void words_to(struct sk_frame *frame, const uint32_t words[static 2])
{
    switch (frame->type) {
    case SK_FRAME_START:
        frame->start.argc = words[0];
        frame->start.envc = words[1];
        break;
    case SK_FRAME_SIGNAL:
        frame->signal.signo = words[0];
        break;
    case SK_FRAME_HELLO:
        frame->hello.features = words[0];
        break;
    case SK_FRAME_STARTED:
        frame->started.sys = words[0];
        frame->started.stage = words[1];
        break;
    case SK_FRAME_EXITED:
        frame->exited.status = words[0];
        break;
    case SK_FRAME_OPEN:
        frame->open.kind = words[0];
        break;
    case SK_FRAME_OPENED:
        frame->opened.sys = words[0];
        break;
    case SK_FRAME_COMMITTED:
        frame->committed.sys = words[0];
        break;
    case SK_FRAME_COMMIT:
    case SK_FRAME_ABANDON:
    case SK_FRAME_RELEASE:
    case SK_FRAME_FOUND:
    case SK_FRAME_READY:
        break;
    }
}

static uint32_t text_len_of(const struct sk_frame *frame)
{
    if (frame->type == SK_FRAME_START)
        return frame->start.text_len;
    return frame->type == SK_FRAME_OPEN ? frame->open.text_len : 0;
}

void sk_frame_encode(const struct sk_frame *frame, uint8_t out[static SK_WIRE_HEADER])
{
    const struct rule *rule = rule_find(frame->type);
    assert(rule && (frame->flags & ~rule->flags) == 0 && rule->has_key == (frame->key != 0));
    (void)rule;
    uint32_t words[2];
    words_of(frame, words);
    put(out, MAGIC, 4);
    put(out + 4, frame->type, 2);
    put(out + 6, frame->flags, 2);
    put(out + 8, frame->key, 8);
    put(out + 16, words[0], 4);
    put(out + 20, words[1], 4);
    put(out + 24, text_len_of(frame), 4);
}

static bool header_fits(const struct rule *rule, unsigned flags, uint64_t key, const uint32_t words[static 2])
{
    return (flags & ~rule->flags) == 0 && rule->has_key == (key != 0) && words[0] <= rule->word_max[0] &&
           words[1] <= rule->word_max[1];
}

static bool start_text_fits(const struct sk_frame *frame, uint32_t text_len, size_t inline_len)
{
    bool apart = frame->flags & SK_FRAME_FD_TEXT;
    uint64_t strings = (uint64_t)2 + frame->start.argc + frame->start.envc;
    return frame->start.argc >= 1 && text_len <= SK_WIRE_TEXT_MAX && strings <= text_len &&
           inline_len == (apart ? 0 : text_len);
}

/* Whether the text's length agrees with the packet's and with the counts. */
static bool text_fits(const struct sk_frame *frame, uint32_t text_len, size_t inline_len)
{
    switch (frame->type) {
    case SK_FRAME_START:
        return start_text_fits(frame, text_len, inline_len);
    case SK_FRAME_OPEN:
        return inline_len == text_len &&
               (frame->open.kind == SK_OPEN_TERMINALS ? text_len == OPEN_STRINGS : text_len > OPEN_STRINGS);
    default:
        return text_len == 0 && inline_len == 0;
    }
}

static bool start_flags_agree(unsigned flags)
{
    unsigned fds = flags & SK_FRAME_FD_ALL & ~(unsigned)SK_FRAME_FD_TEXT;
    return !(flags & SK_FRAME_TERMINAL) || fds == SK_FRAME_FD_STDIN;
}

/* Relations between the words and flags of one frame. */
static bool words_agree(const struct sk_frame *frame)
{
    switch (frame->type) {
    case SK_FRAME_START:
        return start_flags_agree(frame->flags);
    case SK_FRAME_SIGNAL:
        return frame->signal.signo >= 1;
    case SK_FRAME_OPEN:
        return frame->open.kind >= SK_OPEN_READ;
    case SK_FRAME_STARTED:
        return (frame->started.sys == 0) == (frame->started.stage == SK_STAGE_NONE);
    case SK_FRAME_OPENED:
        return (frame->opened.sys == 0) == (frame->flags == SK_FRAME_FD_FILE);
    default:
        return true;
    }
}

static void text_to(struct sk_frame *frame, uint32_t text_len, const uint8_t *text)
{
    if (frame->type == SK_FRAME_START) {
        frame->start.text_len = text_len;
        frame->start.text = frame->flags & SK_FRAME_FD_TEXT ? NULL : text;
    } else if (frame->type == SK_FRAME_OPEN) {
        frame->open.text_len = text_len;
        frame->open.text = text;
    }
}

bool sk_frame_decode(enum sk_frame_sender sender, const uint8_t *data, size_t len, struct sk_frame *out_frame)
{
    if (len < SK_WIRE_HEADER || len > SK_WIRE_FRAME_MAX || get(data, 4) != MAGIC)
        return false;
    const struct rule *rule = rule_find((uint32_t)get(data + 4, 2));
    if (!rule || rule->sender != sender)
        return false;
    struct sk_frame frame = {
        .type = rule->type, .flags = (unsigned)get(data + 6, 2), .key = get(data + 8, 8)};
    uint32_t words[2] = {(uint32_t)get(data + 16, 4), (uint32_t)get(data + 20, 4)};
    if (!header_fits(rule, frame.flags, frame.key, words))
        return false;
    words_to(&frame, words);
    uint32_t text_len = (uint32_t)get(data + 24, 4);
    if (!text_fits(&frame, text_len, len - SK_WIRE_HEADER) || !words_agree(&frame))
        return false;
    text_to(&frame, text_len, data + SK_WIRE_HEADER);
    *out_frame = frame;
    return true;
}

size_t sk_frame_fd_count(const struct sk_frame *frame)
{
    return (size_t)__builtin_popcount(frame->flags & (SK_FRAME_FD_ALL | SK_FRAME_FD_FILE));
}

/* The next string, or NULL when none is complete. */
static char *string_take(char **at, char *end)
{
    char *string = *at;
    char *nul = string < end ? memchr(string, 0, (size_t)(end - string)) : NULL;
    if (nul)
        *at = nul + 1;
    return nul ? string : NULL;
}

bool sk_start_text_split(char *text, size_t len, uint32_t argc, uint32_t envc, char **slots,
                         struct sk_start_text *out_text)
{
    char *at = text, *end = text + len;
    struct sk_start_text found = {.argv = slots, .env = slots + argc + 1};
    found.user = string_take(&at, end);
    found.working_dir = string_take(&at, end);
    for (uint32_t i = 0; i < argc; i++)
        found.argv[i] = string_take(&at, end);
    for (uint32_t i = 0; i < envc; i++)
        found.env[i] = string_take(&at, end);
    found.argv[argc] = found.env[envc] = NULL;
    /* After a missing string nothing more is found, so the last one tells of all. */
    char *last = envc ? found.env[envc - 1] : argc ? found.argv[argc - 1] : NULL;
    if (!last || at != end || !found.argv[0][0])
        return false;
    *out_text = found;
    return true;
}

bool sk_open_text_split(const char *text, size_t len, struct sk_open_text *out_text)
{
    const char *strings[OPEN_STRINGS], *at = text, *end = text + len;
    for (size_t i = 0; i < OPEN_STRINGS; i++) {
        const char *nul = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
        if (!nul)
            return false;
        strings[i] = at;
        at = nul + 1;
    }
    if (at != end || (size_t)(end - strings[2]) > SK_WIRE_PATH_MAX)
        return false;
    *out_text = (struct sk_open_text){.user = strings[0], .working_dir = strings[1], .path = strings[2]};
    return true;
}
