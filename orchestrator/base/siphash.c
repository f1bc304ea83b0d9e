#include "base/siphash.h"

#include <endian.h>
#include <string.h>

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static void half_round(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d, int left, int right)
{
    *a += *b;
    *b = rotate(*b, left) ^ *a;
    *a = rotate(*a, 32);
    *c += *d;
    *d = rotate(*d, right) ^ *c;
}

static void rounds(struct state *s, int count)
{
    for (int i = 0; i < count; i++) {
        half_round(&s->v0, &s->v1, &s->v2, &s->v3, 13, 16);
        half_round(&s->v2, &s->v1, &s->v0, &s->v3, 17, 21);
    }
}

static void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    rounds(s, 2);
    s->v0 ^= word;
}

uint64_t sk_siphash(const uint64_t key[2], const void *data, size_t len)
{
    struct state s = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
                      key[1] ^ 0x7465646279746573};
    const uint8_t *at = data;
    uint64_t word;
    for (size_t left = len / 8; left; left--, at += 8) {
        memcpy(&word, at, 8);
        absorb(&s, le64toh(word));
    }
    word = 0;
    if (len % 8)
        memcpy(&word, at, len % 8);
    absorb(&s, le64toh(word) | (uint64_t)len << 56);
    s.v2 ^= 0xff;
    rounds(&s, 4);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
