/* client_hello.h: first messages of TLS clients, made by hand. */
#ifndef SK_TEST_CLIENT_HELLO_H
#define SK_TEST_CLIENT_HELLO_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct hello {
    uint8_t bytes[4096];
    size_t len;
};

static inline void hello_put(struct hello *hello, const void *data, size_t len)
{
    if (hello->len + len <= sizeof(hello->bytes)) {
        memcpy(hello->bytes + hello->len, data, len);
        hello->len += len;
    }
}

static inline void hello_u8(struct hello *hello, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    hello_put(hello, &byte, 1);
}

static inline void hello_u16(struct hello *hello, unsigned value)
{
    hello_u8(hello, value >> 8);
    hello_u8(hello, value & 0xFF);
}

/* Where a length of `size` bytes is filled in later. */
static inline size_t hello_open(struct hello *hello, size_t size)
{
    hello_put(hello, "\0\0\0", size);
    return hello->len;
}

static inline void hello_shut(struct hello *hello, size_t start, size_t size)
{
    size_t len = hello->len - start;
    for (size_t i = 0; i < size; i++)
        hello->bytes[start - 1 - i] = (uint8_t)(len >> (8 * i));
}

static inline void hello_extension(struct hello *hello, unsigned kind, const void *data, size_t len)
{
    hello_u16(hello, kind);
    hello_u16(hello, (unsigned)len);
    hello_put(hello, data, len);
}

static inline void hello_server_name(struct hello *hello, const char *name)
{
    size_t len = strlen(name);
    hello_u16(hello, 0);
    hello_u16(hello, (unsigned)len + 5);
    hello_u16(hello, (unsigned)len + 3);
    hello_u8(hello, 0);
    hello_u16(hello, (unsigned)len);
    hello_put(hello, name, len);
}

/* name NULL: it says none; second: another server name extension; hidden: ECH. */
static inline void hello_make(struct hello *hello, const char *name, const char *second, bool hidden)
{
    hello->len = 0;
    hello_put(hello, "\x16\x03\x01", 3);
    size_t record = hello_open(hello, 2);
    hello_u8(hello, 1);
    size_t message = hello_open(hello, 3);
    hello_u16(hello, 0x0303);
    for (unsigned i = 0; i < 32; i++)
        hello_u8(hello, i * 7);
    hello_u8(hello, 32);
    for (unsigned i = 0; i < 32; i++)
        hello_u8(hello, 0xA0 + i);
    hello_put(hello, "\0\x06\x13\x01\x13\x02\xC0\x2B\x01\0", 10);
    size_t extensions = hello_open(hello, 2);
    hello_extension(hello, 0x0A0A, "", 0);
    if (name)
        hello_server_name(hello, name);
    hello_extension(hello, 43, "\x04\x03\x04\x03\x03", 5);
    hello_extension(hello, 10, "\0\x04\0\x1D\0\x17", 6);
    hello_extension(hello, 13, "\0\x04\x04\x03\x08\x04", 6);
    hello_extension(hello, 51,
                    "\0\x24\0\x1D\0\x20"
                    "0123456789abcdef0123456789abcdef",
                    38);
    hello_extension(hello, 16, "\0\x0C\x02h2\x08http/1.1", 14);
    if (hidden)
        hello_extension(hello, 0xFE0D, "\0\0\x01\0\x01\x07\0\0\0\x04wxyz", 14);
    if (second)
        hello_server_name(hello, second);
    hello_shut(hello, extensions, 2);
    hello_shut(hello, message, 3);
    hello_shut(hello, record, 2);
}

#endif
