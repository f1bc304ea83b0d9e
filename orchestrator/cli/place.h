/* place.h: one end of a copy, as people write it. Pure.
 *
 *   "ID:/path"  in a sandbox
 *   "-"         standard input or output
 *   else        here; a name with a colon is written "./a:b" */
#ifndef SK_CLI_PLACE_H
#define SK_CLI_PLACE_H

#include "base/err.h"

#include <stdbool.h>

struct sk_place {
    enum { SK_PLACE_HERE, SK_PLACE_SANDBOX, SK_PLACE_STDIO } kind;
    char *id;         /* owned; of a sandbox, else NULL */
    const char *path; /* borrowed */
};

/* Errors: SK_INVALID_ARGUMENT. */
SK_MUST_CHECK enum sk_code sk_place_parse(const char *text, struct sk_place *out_place, struct sk_err *err);
void sk_place_fini(struct sk_place *place);

/* Whether the path as written can only mean a folder: "x/", "x/.", ".". */
bool sk_path_is_folder(const char *path);
/* Where a copy of `source` goes that is sent to `target`: into a folder under its own name ("x/." and "/"
 * have none: their content goes there), else `target` itself. Heap. */
char *sk_path_landing(const char *target, bool target_is_folder, const char *source);

#endif
