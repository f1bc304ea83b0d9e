#include "net/dns_wire.h"

#include <assert.h>
#include <string.h>

#define NAME_MAX_LEN  255 /* as it stands in a message, pointers followed */
#define LABEL_MAX_LEN 63
#define POINTER       0xC0

bool sk_dns_read_u16(struct sk_dns_reader *r, uint16_t *out)
{
    if (r->len - r->at < 2)
        return false;
    *out = (uint16_t)(r->data[r->at] << 8 | r->data[r->at + 1]);
    r->at += 2;
    return true;
}

bool sk_dns_read_u32(struct sk_dns_reader *r, uint32_t *out)
{
    uint16_t high, low;
    if (!sk_dns_read_u16(r, &high) || !sk_dns_read_u16(r, &low))
        return false;
    *out = (uint32_t)high << 16 | low;
    return true;
}

bool sk_dns_read_header(struct sk_dns_reader *r, struct sk_dns_header *out)
{
    return sk_dns_read_u16(r, &out->id) && sk_dns_read_u16(r, &out->flags) &&
           sk_dns_read_u16(r, &out->questions) && sk_dns_read_u16(r, &out->answers) &&
           sk_dns_read_u16(r, &out->authorities) && sk_dns_read_u16(r, &out->additions);
}

/* One label after `len` bytes of text; returns the text's length then. */
static size_t append(struct sk_dns_name *name, size_t len, const uint8_t *label, size_t label_len)
{
    if (len)
        name->text[len++] = '.';
    for (size_t i = 0; i < label_len; i++) {
        char c = sk_domain_lower((char)label[i]);
        name->is_plain = name->is_plain && sk_domain_is_letter(c);
        name->text[len++] = c;
    }
    return len;
}

/* Follows the pointer at *at; it must lead to before `before`. */
static bool follow(const struct sk_dns_reader *r, size_t *at, size_t before)
{
    if (r->len - *at < 2)
        return false;
    size_t target = (size_t)(r->data[*at] & ~POINTER) << 8 | r->data[*at + 1];
    *at = target;
    return target >= SK_DNS_HEADER_LEN && target < before;
}

bool sk_dns_read_name(struct sk_dns_reader *r, struct sk_dns_name *out)
{
    size_t at = r->at, part = at, text_len = 0, wire_len = 1, end = 0;
    out->is_plain = true;
    for (;;) {
        if (at >= r->len)
            return false;
        size_t len = r->data[at];
        if (len >= POINTER) {
            end = end ? end : at + 2;
            if (!follow(r, &at, part))
                return false;
            part = at;
            continue;
        }
        if (len == 0)
            break;
        wire_len += len + 1;
        if (len > LABEL_MAX_LEN || len >= r->len - at || wire_len > NAME_MAX_LEN)
            return false;
        text_len = append(out, text_len, r->data + at + 1, len);
        at += len + 1;
    }
    out->text[out->is_plain ? text_len : 0] = '\0';
    r->at = end ? end : at + 1;
    return true;
}

bool sk_dns_read_record(struct sk_dns_reader *r, struct sk_dns_record *out)
{
    if (!sk_dns_read_name(r, &out->owner) || !sk_dns_read_u16(r, &out->type) ||
        !sk_dns_read_u16(r, &out->class) || !sk_dns_read_u32(r, &out->ttl) ||
        !sk_dns_read_u16(r, &out->data_len) || r->len - r->at < out->data_len)
        return false;
    out->data_at = r->at;
    r->at += out->data_len;
    return true;
}

void sk_dns_write(struct sk_dns_writer *w, const void *data, size_t len)
{
    w->is_full = w->is_full || w->max - w->len < len;
    if (w->is_full)
        return;
    memcpy(w->out + w->len, data, len);
    w->len += len;
}

void sk_dns_write_u16(struct sk_dns_writer *w, unsigned number)
{
    const uint8_t bytes[] = {(uint8_t)(number >> 8), (uint8_t)number};
    sk_dns_write(w, bytes, sizeof(bytes));
}

void sk_dns_write_u32(struct sk_dns_writer *w, uint32_t number)
{
    sk_dns_write_u16(w, number >> 16);
    sk_dns_write_u16(w, number);
}

void sk_dns_write_header(struct sk_dns_writer *w, const struct sk_dns_header *header)
{
    sk_dns_write_u16(w, header->id);
    sk_dns_write_u16(w, header->flags);
    sk_dns_write_u16(w, header->questions);
    sk_dns_write_u16(w, header->answers);
    sk_dns_write_u16(w, header->authorities);
    sk_dns_write_u16(w, header->additions);
}

void sk_dns_write_name(struct sk_dns_writer *w, const char *name)
{
    while (*name) {
        size_t len = strcspn(name, ".");
        uint8_t head = (uint8_t)len;
        assert(len >= 1 && len <= LABEL_MAX_LEN);
        sk_dns_write(w, &head, 1);
        sk_dns_write(w, name, len);
        name += len + (name[len] == '.');
    }
    sk_dns_write(w, "", 1);
}
