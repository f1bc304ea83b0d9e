#include "bench/archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512 };

static void put_sum(uint8_t *header)
{
    unsigned sum = 0;

    memset(header + 148, ' ', 8);
    for (int i = 0; i < BLOCK; i++)
        sum += header[i];
    snprintf((char *)header + 148, 8, "%06o", sum);
}

uint8_t *archive_new(size_t file_len, size_t *out_len)
{
    size_t padded = (file_len + BLOCK - 1) / BLOCK * BLOCK;
    uint8_t *data = calloc(1, padded + 3 * BLOCK); /* the header, and two empty blocks as the end */
    char *header = (char *)data;

    if (!data)
        abort();
    snprintf(header, 100, "bench");
    snprintf(header + 100, 8, "%07o", 0644u);
    snprintf(header + 108, 8, "%07o", 0u);
    snprintf(header + 116, 8, "%07o", 0u);
    snprintf(header + 124, 12, "%011zo", file_len);
    snprintf(header + 136, 12, "%011o", 0u);
    header[156] = '0';
    memcpy(header + 257, "ustar\00000", 8);
    put_sum(data);
    *out_len = padded + 3 * BLOCK;
    return data;
}
