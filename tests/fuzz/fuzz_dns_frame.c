/* A stream of DNS messages in pieces: whatever comes, no byte is lost, kept twice or read ahead. */
#include "drivers/dns/frame.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool so)
{
    if (!so)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sk_dns_frame frame = {.max = 2048};
    size_t at = 1, began = 1, piece = size > 0 ? data[0] % 16 + 1U : 1;
    bool is_sound = true;
    while (is_sound && at < size) {
        size_t room;
        uint8_t *to = sk_dns_frame_room(&frame, &room);
        expect(room > 0 && room <= frame.max);
        size_t take = room < piece ? room : piece;
        take = take < size - at ? take : size - at;
        memcpy(to, data + at, take);
        at += take;
        is_sound = sk_dns_frame_add(&frame, take);
        if (!is_sound || !sk_dns_frame_is_whole(&frame))
            continue;
        expect(frame.body_len > 0 && frame.body_len == ((size_t)data[began] << 8 | data[began + 1]));
        expect(at == began + SK_DNS_FRAME_HEAD + frame.body_len);
        expect(memcmp(frame.body, data + began + SK_DNS_FRAME_HEAD, frame.body_len) == 0);
        began = at;
        sk_dns_frame_clear(&frame);
    }
    sk_dns_frame_clear(&frame);
    return 0;
}
