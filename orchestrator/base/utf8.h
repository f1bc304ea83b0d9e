/* utf8.h: is this text? Strict UTF-8: no overlong forms, no surrogates,
 * nothing above U+10FFFF. A NUL is a character like any other. Pure. */
#ifndef SK_BASE_UTF8_H
#define SK_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length (1 to 4) of the well-formed sequence that text begins with; 0 when
 * it begins with none, or with one that is cut off by `len`. */
size_t sk_utf8_next(const char *text, size_t len);
/* Of one well-formed sequence. */
uint32_t sk_utf8_code_point(const char *at, size_t len);
/* Whether a well-formed sequence is a character that stands where it is put: no control, of terminals or of
 * the direction of writing, no line's end, nothing without width. */
bool sk_utf8_is_printable(const char *at, size_t len);
/* In place: whatever is not such a character, and what is not UTF-8 at all, becomes one '?'. For terminals.
 */
void sk_utf8_disarm(char *text);
/* Bytes at the end of text that begin a sequence and do not finish it: 0 to 3.
 * Bytes that can never become one are not waited for. */
size_t sk_utf8_unfinished(const char *text, size_t len);
bool sk_utf8_is_valid(const char *text, size_t len);

#endif
