/* files.h: the server's calls for whole files. What they move fits into one
 * message; the rest goes through a command in the sandbox. */
#ifndef SK_CLI_FILES_H
#define SK_CLI_FILES_H

#include "cli/client.h"

#define SK_FILES_MAX ((size_t)32 * 1024 * 1024) /* the server's limit, both ways */

/* *out_content is in the arena. */
SK_MUST_CHECK enum sk_code sk_files_read(struct sk_client *client, const char *sandbox_id, const char *path,
                                         struct sk_arena *arena, ProtobufCBinaryData *out_content,
                                         struct sk_fault *fault);
SK_MUST_CHECK enum sk_code sk_files_write(struct sk_client *client, const char *sandbox_id, const char *path,
                                          const ProtobufCBinaryData *content, struct sk_fault *fault);
/* Whether the call failed for the size alone. */
bool sk_files_is_too_large(const struct sk_fault *fault);

#endif
