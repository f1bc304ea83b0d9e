#include "drivers/dns/frame.h"

#include <assert.h>

uint8_t *sk_dns_frame_room(struct sk_dns_frame *frame, size_t *out_room)
{
    assert(!sk_dns_frame_is_whole(frame));
    if (frame->got < SK_DNS_FRAME_HEAD) {
        *out_room = SK_DNS_FRAME_HEAD - frame->got;
        return frame->head + frame->got;
    }
    size_t at = frame->got - SK_DNS_FRAME_HEAD;
    *out_room = frame->body_len - at;
    return frame->body + at;
}

bool sk_dns_frame_add(struct sk_dns_frame *frame, size_t len)
{
    frame->got += len;
    if (frame->body || frame->got < SK_DNS_FRAME_HEAD)
        return true;
    frame->body_len = (size_t)frame->head[0] << 8 | frame->head[1];
    if (frame->body_len == 0 || frame->body_len > frame->max)
        return false;
    frame->body = sk_alloc(frame->body_len);
    return true;
}

bool sk_dns_frame_is_whole(const struct sk_dns_frame *frame)
{
    return frame->body && frame->got == SK_DNS_FRAME_HEAD + frame->body_len;
}

void sk_dns_frame_clear(struct sk_dns_frame *frame)
{
    free(frame->body);
    *frame = (struct sk_dns_frame){.max = frame->max};
}

void sk_dns_frame_write_head(size_t len, uint8_t out[SK_DNS_FRAME_HEAD])
{
    assert(len > 0 && len <= UINT16_MAX);
    out[0] = (uint8_t)(len >> 8);
    out[1] = (uint8_t)len;
}
