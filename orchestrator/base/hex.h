/* hex.h: bytes as hexadecimal digits, in lower case. Pure. */
#ifndef SK_BASE_HEX_H
#define SK_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* out: 2 * len digits and a NUL. */
void sk_hex_print(const uint8_t *bytes, size_t len, char *out);
/* Of the first 2 * len characters of a text, which may be shorter, or go on. False when one of them is no
 * lower-case digit: then what *out holds means nothing. */
bool sk_hex_parse(const char *text, size_t len, uint8_t *out);

#endif
