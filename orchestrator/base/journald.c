#include "base/journald.h"

#include "base/buf.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { ENTRY_MAX = 64 * 1024, MESSAGE_MAX = 8 * 1024, VALUE_MAX = 4 * 1024, NAME_MAX_ = 64 };

/* --- one field ----------------------------------------------------------------------- */

static size_t cut(const char *text)
{
    size_t len = strnlen(text, VALUE_MAX);
    bool is_cut = len == VALUE_MAX;
    while (is_cut && len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
        len--; /* not within a character */
    return len;
}

/* NAME=value, or where that has line ends: the name, the length, the value. */
static enum sk_code put(struct sk_buf *out, const char *name, const char *value, size_t len)
{
    uint8_t size[8];
    bool is_plain = !memchr(value, '\n', len);
    for (int i = 0; i < 8; i++)
        size[i] = (uint8_t)((uint64_t)len >> (8 * i));
    enum sk_code code = sk_buf_printf(out, "%s%c", name, is_plain ? '=' : '\n');
    if (code == SK_OK && !is_plain)
        code = sk_buf_append(out, size, sizeof(size));
    if (code == SK_OK)
        code = sk_buf_append(out, value, len);
    return code == SK_OK ? sk_buf_append(out, "\n", 1) : code;
}

/* Whole or not at all. */
static void put_if(struct sk_buf *out, const char *name, const char *value, size_t len)
{
    size_t before = out->len;
    if (put(out, name, value, len) != SK_OK)
        out->len = before;
}

/* The value as text; `number` is room for it. */
static const char *text_of(const struct sk_field *field, char number[32])
{
    if (field->kind == SK_FIELD_STR)
        return field->value.str ? field->value.str : "";
    if (field->kind == SK_FIELD_BOOL)
        return field->value.num ? "true" : "false";
    if (field->kind == SK_FIELD_MS)
        (void)snprintf(number, 32, "%.3f", (double)field->value.num / 1e6);
    else
        (void)snprintf(number, 32, "%" PRId64, field->value.num);
    return number;
}

struct entry {
    struct sk_buf fields, message;
};

static void add(struct entry *entry, const struct sk_field *field)
{
    static const char prefix[] = "SANDKEEP_";
    char name[NAME_MAX_], number[32];
    const char *unit = field->kind == SK_FIELD_MS ? "_ms" : "";
    const char *text = text_of(field, number);
    size_t len = cut(text), before = entry->message.len;
    (void)snprintf(name, sizeof(name), "%s%s%s", prefix, field->key, unit);
    for (char *at = name; *at; at++)
        *at = isalnum((unsigned char)*at) ? (char)toupper((unsigned char)*at) : '_';
    put_if(&entry->fields, name, text, len);
    if (sk_buf_printf(&entry->message, " %s%s=%.*s", field->key, unit, (int)len, text) != SK_OK)
        entry->message.len = before;
}

static void add_all(struct entry *entry, const struct sk_field *fields, size_t most)
{
    for (size_t i = 0; i < most && fields[i].key; i++)
        add(entry, &fields[i]);
}

static void add_inherited(struct entry *entry, const struct sk_log *log)
{
    if (log->parent)
        add_inherited(entry, log->parent);
    add_all(entry, log->fields, sk_array_len(log->fields));
}

/* --- an entry -------------------------------------------------------------------------- */

static bool send_it(const struct sk_journald *journald, struct entry *entry)
{
    put_if(&entry->fields, "MESSAGE", (const char *)entry->message.data, entry->message.len);
    ssize_t sent;
    do
        sent = sendto(journald->fd, entry->fields.data, entry->fields.len, MSG_NOSIGNAL | MSG_DONTWAIT,
                      (const struct sockaddr *)&journald->address, sizeof(journald->address));
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

bool sk_journald_write(const struct sk_journald *journald, enum sk_level level, const char *event,
                       const struct sk_log *log, const struct sk_field *fields, const struct sk_field *error)
{
    static const char priorities[][2] = {
        [SK_DEBUG] = "7", [SK_INFO] = "6", [SK_WARN] = "4", [SK_ERROR] = "3"};
    struct entry entry;
    int before = errno; /* logging changes nothing for its caller */
    sk_buf_init(&entry.fields, ENTRY_MAX + MESSAGE_MAX);
    sk_buf_init(&entry.message, MESSAGE_MAX);
    put_if(&entry.fields, "PRIORITY", priorities[level], 1);
    put_if(&entry.fields, "SYSLOG_IDENTIFIER", "sandkeepd", 9);
    put_if(&entry.fields, "SANDKEEP_EVENT", event, strlen(event));
    (void)!sk_buf_append(&entry.message, event, strlen(event));
    entry.fields.ceiling = ENTRY_MAX; /* the message fits in any case */
    add_inherited(&entry, log);
    add_all(&entry, fields, SIZE_MAX);
    add_all(&entry, error, SIZE_MAX);
    entry.fields.ceiling = ENTRY_MAX + 2 * MESSAGE_MAX;
    bool taken = send_it(journald, &entry);
    sk_buf_fini(&entry.fields);
    sk_buf_fini(&entry.message);
    errno = before;
    return taken;
}

/* --- open, close --------------------------------------------------------------------------- */

enum sk_code sk_journald_open(struct sk_journald *journald, const char *path, struct sk_err *err)
{
    struct sk_journald opened = {.address = {.sun_family = AF_UNIX}};
    if (strlen(path) >= sizeof(opened.address.sun_path))
        return sk_fail(err, SK_INVALID_ARGUMENT, "the path of the journal's socket is too long");
    (void)snprintf(opened.address.sun_path, sizeof(opened.address.sun_path), "%s", path);
    opened.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (opened.fd < 0)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "make a socket");
    int size = 8 << 20; /* bursts; as much of it as the system allows */
    (void)setsockopt(opened.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    SK_AUTO_FD int probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (connect(probe, (const struct sockaddr *)&opened.address, sizeof(opened.address)) != 0) {
        int sys = errno;
        (void)close(opened.fd);
        return sk_fail_sys(err, SK_UNAVAILABLE, sys, "reach the journal at %s", path);
    }
    *journald = opened;
    return SK_OK;
}

void sk_journald_close(struct sk_journald *journald)
{
    sk_close_fd(&journald->fd);
}
