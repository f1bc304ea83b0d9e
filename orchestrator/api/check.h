/* check.h: what is wrong with a request, all of it at once.
 *
 * Two kinds of finding are kept apart: violations (a field breaks the rules:
 * INVALID_ARGUMENT, all of them are reported) and refusals (a field is in
 * order but cannot be had here; the first one is reported, and only when
 * nothing is violated).
 *
 * Paths are chains of structs on the stack and are written out only when
 * something is wrong. Pure. */
#ifndef SK_API_CHECK_H
#define SK_API_CHECK_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SK_TAGS_MAX       256
#define SK_VIOLATIONS_MAX 24 /* what fits a trailer; more are counted, not kept */

struct sk_path {
    const struct sk_path *parent; /* NULL at the top */
    const char *name;
    int64_t index; /* of a repeated field, else -1 */
};
#define SK_FIELD(parent, name)       (&(const struct sk_path){(parent), (name), -1})
#define SK_ITEM(parent, name, index) (&(const struct sk_path){(parent), (name), (int64_t)(index)})

struct sk_violation {
    const char *field, *text;
};

struct sk_check {
    struct sk_arena *arena; /* keeps what is found */
    struct sk_violation violations[SK_VIOLATIONS_MAX];
    size_t count;          /* found; may exceed what is kept */
    const char *reason;    /* of the violations, static; NULL = none */
    struct sk_err refusal; /* code SK_OK = none */
};

/* The API's own bound, or the node's below it; 0 = the node has none. */
static inline size_t sk_bound(size_t of_node, size_t of_api)
{
    return of_node && of_node < of_api ? of_node : of_api;
}

/* "sandbox.spec.containers[0].image" */
char *sk_path_text(struct sk_arena *arena, const struct sk_path *path);

void sk_check_violated(struct sk_check *check, const struct sk_path *path, const char *fmt, ...)
    SK_PRINTF(3, 4);
/* The sentence is "<path>: <printed>". */
void sk_check_refused(struct sk_check *check, const struct sk_path *path, enum sk_code code,
                      const char *reason, const char *fmt, ...) SK_PRINTF(5, 6);
/* Refuses the field `name` below `path` if it is used. */
void sk_check_unimplemented(struct sk_check *check, const struct sk_path *path, const char *name, bool used);
/* SK_OK, or the outcome as an error. */
SK_MUST_CHECK enum sk_code sk_check_result(const struct sk_check *check, struct sk_err *err);

/* Validators; each adds what it finds and says whether the value is fine. */
bool sk_check_range(struct sk_check *check, const struct sk_path *path, int64_t value, int64_t least,
                    int64_t most);
bool sk_check_count(struct sk_check *check, const struct sk_path *path, size_t count, size_t most);
bool sk_check_length(struct sk_check *check, const struct sk_path *path, const char *text, size_t most);
bool sk_check_enum(struct sk_check *check, const struct sk_path *path, int value, int most);
bool sk_check_env_name(struct sk_check *check, const struct sk_path *path, const char *name);
bool sk_check_request_id(struct sk_check *check, const char *request_id);

#endif
