/* tarball.h: archives made byte by byte, so that they can say what no sane
 * program would. */
#ifndef SK_TEST_TARBALL_H
#define SK_TEST_TARBALL_H

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

/* One entry (ustar); type '0' file, '1' hard link, '2' symbolic link, '3' character device, '5' folder. */
static inline void tarball_add(struct sk_buf *tar, const char *name, char type, const char *link,
                               const char *text)
{
    char header[512] = {0}, zeros[512] = {0};
    size_t len = text ? strlen(text) : 0;
    unsigned sum = 0;

    (void)snprintf(header, 100, "%s", name);
    (void)snprintf(header + 100, 8, "%07o", type == '5' ? 0755u : 0644u);
    (void)snprintf(header + 108, 8, "%07o", 0u);
    (void)snprintf(header + 116, 8, "%07o", 0u);
    (void)snprintf(header + 124, 12, "%011o", (unsigned)len);
    (void)snprintf(header + 136, 12, "%011o", 1000000000u);
    memset(header + 148, ' ', 8);
    header[156] = type;
    (void)snprintf(header + 157, 100, "%s", link ? link : "");
    memcpy(header + 257, "ustar\00000", 8);
    (void)snprintf(header + 329, 8, "%07o", 1u);
    (void)snprintf(header + 337, 8, "%07o", 3u);
    for (size_t i = 0; i < sizeof(header); i++)
        sum += (unsigned char)header[i];
    (void)snprintf(header + 148, 8, "%06o", sum);
    (void)!sk_buf_append(tar, header, sizeof(header));
    (void)!sk_buf_append(tar, text, len);
    (void)!sk_buf_append(tar, zeros, (512 - len % 512) % 512);
}

static inline void tarball_end(struct sk_buf *tar)
{
    char zeros[1024] = {0};
    (void)!sk_buf_append(tar, zeros, sizeof(zeros));
}

/* An archive of one file. */
static inline struct sk_buf tarball_of(const char *name, const char *text)
{
    struct sk_buf tar;
    sk_buf_init(&tar, SIZE_MAX / 2);
    tarball_add(&tar, name, '0', NULL, text);
    tarball_end(&tar);
    return tar;
}

#endif
