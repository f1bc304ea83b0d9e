/* image.h: the contract of image drivers: from a name to something a root
 * file system can be made of.
 *
 * Names are normalised by the caller (oci/reference.h), except where it says
 * otherwise.
 *
 * Threads: loop only. Every call answers through `done`, exactly once, never
 * inside the call, and answers within a few seconds of being cancelled even
 * when what lies behind it hangs. Texts and structs given are copied before a
 * call returns, unless it says otherwise. */
#ifndef SK_DRIVERS_IMAGE_H
#define SK_DRIVERS_IMAGE_H

#include "base/arena.h"
#include "base/strings.h"
#include "drivers/disk.h"
#include "drivers/litter.h"
#include "loop/done.h"
#include "oci/manifest.h"

#include <string.h>

/* What a sandbox needs to know of an image. Immutable. */
struct sk_image {
    struct sk_arena arena; /* holds everything below; the struct itself is on the heap */
    char *name;            /* normalised, e.g. "docker.io/library/python:3.11" */
    char *digest;          /* of the manifest, "sha256:…" */
    char *snapshot_parent; /* what sk_runtime prepares a root from (a chain id) */
    char **entrypoint;     /* NULL-terminated; these three are never NULL */
    char **cmd;
    char **env;        /* "K=V" */
    char *working_dir; /* never NULL; "" = / */
    char *user;        /* as the image says, e.g. "", "1000:1000", "app" */
    int stop_signal;   /* SIGTERM unless the image says otherwise */
    char *puller;      /* as kept with the name, see sk_image_row; never NULL */
};

/* How somebody shows who they are to a registry. */
struct sk_image_login {
    const char *registry; /* "docker.io", "ghcr.io", "registry.corp:5000": sent there and nowhere else */
    const char *username; /* SK_IMAGE_LOGIN_TOKEN: the password is an identity token */
    const char *password;
};
/* As Docker writes it. */
#define SK_IMAGE_LOGIN_TOKEN "<token>"

enum sk_image_phase {
    SK_IMAGE_WAITING,     /* for a registry's answer, or for room */
    SK_IMAGE_DOWNLOADING, /* and unpacking what has come */
    SK_IMAGE_UNPACKING,
    SK_IMAGE_DONE,
};

/* Where a pull or an import stands; written by the driver, on the loop. */
struct sk_image_progress {
    enum sk_image_phase phase;
    int64_t done_bytes, total_bytes; /* compressed; what was there already counts as done */
    unsigned layers_done, layers;    /* unpacked */
};

struct sk_image_pull {
    const char *name;
    const struct sk_image_login *login; /* NULL: the node's own for that registry, if it has one */
    const char *puller;                 /* kept with the image, see sk_image_row; "" = anybody may use it. Not
                                         * when the name stands for the same already, and anybody may use that. */
    int64_t max_bytes;                  /* of the layers, compressed, and of the unpacked image */
    struct sk_image_progress *progress; /* not NULL; borrowed until done fires */
};

/* One name on this node. */
struct sk_image_row {
    char *name, *digest;       /* digest: of what the name points to */
    char *puller;              /* see sk_image_pull */
    int64_t created_s, used_s; /* wall time; 0 = never used */
    int64_t bytes;             /* unpacked; layers that it shares count in each */
};

struct sk_image_rows {
    struct sk_arena arena; /* holds it all */
    struct sk_image_row *items;
    size_t len;
};

struct sk_image_driver;
struct sk_image_import;

struct sk_image_ops {
    /* What is on this node, without asking anybody else. *out_image is set on success, before done fires, and
     * is the caller's: sk_image_free. Errors: SK_INVALID_ARGUMENT (not a valid reference), SK_NOT_FOUND (not
     * here, or not all of it, or not unpacked), SK_FAILED_PRECONDITION (not for this platform; damaged),
     * SK_UNAVAILABLE (what holds images does not answer). */
    void (*find)(struct sk_image_driver *driver, const char *name, struct sk_image **out_image,
                 struct sk_done *done);
    /* Asks the registry what the name stands for now, fetches what is not here, unpacks it. Errors, beside
     * those of find: SK_NOT_FOUND (no such image, says the registry), SK_UNAUTHENTICATED,
     * SK_PERMISSION_DENIED, SK_RESOURCE_EXHAUSTED (above max_bytes; no room on the disk; the registry's
     * limits), SK_UNAVAILABLE (the registry does not answer), SK_DATA_LOSS (it lies). After an error that
     * another try would meet again nothing of the image stays; after others, and a cancel, what was fetched
     * stays for an hour, before it is litter, and the next pull goes on from there. */
    void (*pull)(struct sk_image_driver *driver, const struct sk_image_pull *pull,
                 struct sk_image **out_image, struct sk_done *done);

    /* out->arena is the caller's: sk_image_rows_fini. */
    void (*list)(struct sk_image_driver *driver, struct sk_image_rows *out, struct sk_done *done);
    /* Errors: SK_NOT_FOUND. */
    void (*inspect)(struct sk_image_driver *driver, const char *name, struct sk_image_rows *out_row,
                    struct sk_done *done);
    /* When done fires, what it alone held is gone. Not there is success. */
    void (*remove)(struct sk_image_driver *driver, const char *name, struct sk_done *done);
    void (*touch)(struct sk_image_driver *driver, const char *name, int64_t now_s, struct sk_done *done);
    /* Of the file system that images lie in. Errors: SK_UNIMPLEMENTED (nobody knows which that is). */
    void (*disk)(struct sk_image_driver *driver, struct sk_disk_room *out, struct sk_done *done);

    /* An image that somebody brings, blob by blob, in any order, manifest and config among them. The import
     * is the caller's: import_close. */
    void (*import_open)(struct sk_image_driver *driver, int64_t max_bytes, struct sk_image_import **out,
                        struct sk_done *done);
    /* *out_wanted false: the blob is here, its bytes need not come. Errors: SK_INVALID_ARGUMENT (no valid
     * digest or size), SK_RESOURCE_EXHAUSTED (above max_bytes together). */
    void (*import_blob)(struct sk_image_import *import, const char *digest, int64_t size, bool *out_wanted,
                        struct sk_done *done);
    /* The bytes are copied before this returns; one at a time. */
    void (*import_write)(struct sk_image_import *import, const uint8_t *data, size_t len,
                         struct sk_done *done);
    /* The end of a blob. Errors: SK_DATA_LOSS (not these bytes). */
    void (*import_commit)(struct sk_image_import *import, struct sk_done *done);
    /* Names the manifest or index: checks that all of it has come, unpacks, records. progress: borrowed until
     * done. */
    void (*import_finish)(struct sk_image_import *import, const char *name,
                          const struct sk_oci_descriptor *target, struct sk_image_progress *progress,
                          struct sk_image **out_image, struct sk_done *done);
    /* What did not become an image is collected. No callback afterwards. NULL is fine. */
    void (*import_close)(struct sk_image_import *import_take);

    void (*list_litter)(struct sk_image_driver *driver, struct sk_litter_list *out, struct sk_done *done);
    void (*remove_litter)(struct sk_image_driver *driver, const struct sk_litter *litter,
                          struct sk_done *done);
};

struct sk_image_driver {
    const struct sk_image_ops *ops;
};

static inline void sk_image_free(struct sk_image *image)
{
    if (!image)
        return;
    sk_arena_fini(&image->arena);
    free(image);
}

/* Heap, the caller's. */
static inline struct sk_image *sk_image_copy(const struct sk_image *image)
{
    struct sk_image *copy = sk_alloc(sizeof(*copy));
    struct sk_arena *arena = &copy->arena;

    copy->name = sk_arena_strdup(arena, image->name);
    copy->digest = sk_arena_strdup(arena, image->digest);
    copy->snapshot_parent = sk_arena_strdup(arena, image->snapshot_parent);
    copy->entrypoint = (char **)sk_strings_copy(arena, (const char *const *)image->entrypoint);
    copy->cmd = (char **)sk_strings_copy(arena, (const char *const *)image->cmd);
    copy->env = (char **)sk_strings_copy(arena, (const char *const *)image->env);
    copy->working_dir = sk_arena_strdup(arena, image->working_dir);
    copy->user = sk_arena_strdup(arena, image->user);
    copy->stop_signal = image->stop_signal;
    copy->puller = sk_arena_strdup(arena, image->puller);
    return copy;
}

/* The texts of the copy lie in the arena. */
static inline struct sk_image_login sk_image_login_copy(struct sk_arena *arena,
                                                        const struct sk_image_login *login)
{
    return (struct sk_image_login){
        .registry = sk_arena_strdup(arena, login->registry),
        .username = sk_arena_strdup(arena, login->username),
        .password = sk_arena_strdup(arena, login->password),
    };
}

/* Of one's own copy, before its memory goes. */
static inline void sk_image_login_wipe(const struct sk_image_login *login)
{
    explicit_bzero((char *)login->password, strlen(login->password));
}

static inline void sk_image_rows_fini(struct sk_image_rows *rows)
{
    sk_arena_fini(&rows->arena);
    *rows = (struct sk_image_rows){0};
}

#endif
