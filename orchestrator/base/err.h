/* err.h: the error value.
 *
 * A struct sk_err is copied, never allocated. Functions that can fail return
 * enum sk_code (which must be checked) and take `struct sk_err *err` last;
 * err may be NULL when the caller has no use for the sentence, and is left
 * untouched on success. The origin writes the sentence; layers above prefix it with what
 * they were doing; api/ turns it into a gRPC status and logs it once.
 *
 * Codes mirror the canonical gRPC codes, numbers included
 * (github.com/grpc/grpc, doc/statuscodes.md), without including gRPC. */
#ifndef SK_BASE_ERR_H
#define SK_BASE_ERR_H

#include "base/own.h"

enum sk_code {
    SK_OK = 0,
    SK_CANCELLED = 1,
    SK_UNKNOWN = 2,
    SK_INVALID_ARGUMENT = 3,
    SK_DEADLINE_EXCEEDED = 4,
    SK_NOT_FOUND = 5,
    SK_ALREADY_EXISTS = 6,
    SK_PERMISSION_DENIED = 7,
    SK_RESOURCE_EXHAUSTED = 8,
    SK_FAILED_PRECONDITION = 9,
    SK_ABORTED = 10,
    SK_OUT_OF_RANGE = 11,
    SK_UNIMPLEMENTED = 12,
    SK_INTERNAL = 13,
    SK_UNAVAILABLE = 14,
    SK_DATA_LOSS = 15,
    SK_UNAUTHENTICATED = 16,
};

struct sk_err {
    enum sk_code code;
    int sys;            /* errno at the origin, 0 if none */
    const char *where;  /* function that made it; static storage */
    const char *reason; /* machine-readable reason, e.g. "SANDBOX_NOT_FOUND"; static storage, may be NULL */
    char field[96];     /* path of the request field at fault, or empty */
    char text[256];     /* one sentence, UTF-8, never secrets */
};

/* Writes *err (if not NULL; unprintable bytes become '?', too long a sentence is cut) and returns `code`, so
 * that a function can end with `return sk_fail(err, SK_NOT_FOUND, "no snapshot %s", key);`. */
#define sk_fail(err, code, ...) sk_err_set((err), (code), 0, __func__, __VA_ARGS__)
/* The same with an errno value; its text is appended after ": ". */
#define sk_fail_sys(err, code, sys, ...) sk_err_set((err), (code), (sys), __func__, __VA_ARGS__)

enum sk_code sk_err_set(struct sk_err *err, enum sk_code code, int sys, const char *where, const char *fmt,
                        ...) SK_PRINTF(5, 6);

/* Sets the machine-readable reason (static string); returns err->code, or
 * SK_UNKNOWN when err is NULL: whoever needs the code brings an err. */
enum sk_code sk_err_reason(struct sk_err *err, const char *reason);

/* Prefixes "<printed>: " to the sentence; keeps code, sys, where, reason, field.
 * Returns err->code, or SK_UNKNOWN when err is NULL. */
enum sk_code sk_err_wrap(struct sk_err *err, const char *fmt, ...) SK_PRINTF(2, 3);

/* "not_found" and so on; never NULL. */
const char *sk_code_name(enum sk_code code);

/* The code that fits an errno of the file or process family (ENOENT is
 * SK_NOT_FOUND, EEXIST SK_ALREADY_EXISTS, EACCES SK_PERMISSION_DENIED, ENOSPC
 * SK_RESOURCE_EXHAUSTED and so on; the rest SK_INTERNAL). */
enum sk_code sk_code_from_errno(int sys);

#endif
