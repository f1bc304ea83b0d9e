#include "cli/image_upload.h"
#include "cli/progress.h"
#include "cli/target.h"
#include "cli/verbs.h"

#include <locale.h>
#include <stdio.h>

struct import {
    struct sk_upload upload;
    const struct sk_bundle_image *image;
    struct sk_progress progress;
};

static enum sk_code told(const struct sk_upload *upload, enum sk_code code, struct sk_err *err)
{
    if (code)
        *err = upload->fault.err;
    return code;
}

/* --- blobs that lie in the archive, as they come ------------------------------------------- */

static enum sk_code on_file(void *arg, const struct sk_archive_entry *entry, bool *out_wanted,
                            struct sk_err *err)
{
    struct import *import = arg;
    const struct sk_bundle_image *image = import->image;

    for (size_t i = 0; i < image->count; i++) {
        const struct sk_oci_descriptor *what = &image->blobs[i].what;
        if (image->blobs[i].entry != entry)
            continue;
        enum sk_code code = sk_upload_blob(&import->upload, what, out_wanted);
        if (!code && !*out_wanted)
            sk_progress_add(&import->progress, (size_t)what->size);
        return told(&import->upload, code, err);
    }
    return SK_OK;
}

static enum sk_code on_bytes(void *arg, const uint8_t *data, size_t len, struct sk_err *err)
{
    struct import *import = arg;

    sk_progress_add(&import->progress, len);
    return told(&import->upload, sk_upload_write(&import->upload, data, len), err);
}

static enum sk_code on_end(void *arg, struct sk_err *err)
{
    struct import *import = arg;
    return told(&import->upload, sk_upload_end_blob(&import->upload), err);
}

/* --- blobs that were made here ------------------------------------------------------------------ */

static enum sk_code send_made(struct import *import, struct sk_err *err)
{
    enum sk_code code = SK_OK;

    for (size_t i = 0; !code && i < import->image->count; i++) {
        const struct sk_bundle_blob *blob = &import->image->blobs[i];
        bool wanted = false;
        if (blob->entry)
            continue;
        code = sk_upload_blob(&import->upload, &blob->what, &wanted);
        if (!code && wanted)
            code = sk_upload_write(&import->upload, blob->data, (size_t)blob->what.size);
        if (!code && wanted)
            code = sk_upload_end_blob(&import->upload);
    }
    return told(&import->upload, code, err);
}

/* --- an image -------------------------------------------------------------------------------------- */

static enum sk_code import_image(struct sk_client *client, struct sk_image_archive *archive,
                                 const struct sk_bundle_image *image, bool quiet, struct sk_fault *fault)
{
    struct import import = {.image = image};
    const struct sk_archive_visitor visitor = {on_file, on_bytes, on_end, &import};
    struct sk_image_bar bar;

    sk_upload_open(&import.upload, client, image->name);
    sk_progress_init(&import.progress, image->name, image->bytes);
    import.progress.off |= quiet;
    enum sk_code code = sk_image_archive_visit(archive, &visitor, &fault->err);
    if (!code)
        code = send_made(&import, &fault->err);
    sk_progress_fini(&import.progress);
    sk_image_bar_init(&bar, image->name, quiet);
    if (!code)
        code = sk_upload_finish(&import.upload, &image->target, &bar);
    sk_image_bar_fini(&bar);
    if (code && import.upload.fault.err.code)
        *fault = import.upload.fault;
    if (!code && !sk_image_made_print(&import.upload.made, quiet))
        code = sk_fail(&fault->err, SK_UNAVAILABLE, "it is imported, and its name could not be written");
    sk_upload_close(&import.upload);
    return code;
}

static int import_all(const struct sk_args *args, struct sk_image_archive *archive,
                      const struct sk_bundle *bundle)
{
    struct sk_client client;
    struct sk_fault fault = {0};
    int exit_code = 0;

    if (sk_client_open(&client, args->address, &fault.err)) {
        sk_fault_print(&fault);
        return 1;
    }
    for (size_t i = 0; i < bundle->count && !exit_code; i++) {
        if (!import_image(&client, archive, &bundle->images[i], args->quiet, &fault))
            continue;
        exit_code = client.signo ? 128 + client.signo : 1;
        if (!client.signo)
            sk_fault_print(&fault);
    }
    sk_client_close(&client);
    return exit_code;
}

/* What can be wrong with the archive is found before the server is asked for anything. */
static int run_import(const struct sk_args *args)
{
    const char *path = args->words.items[0];
    struct sk_image_archive archive = {0};
    struct sk_bundle bundle = {0};
    struct sk_err err;
    int exit_code = 1;

    /* As for copies: libarchive reads names only in a locale that has them. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    enum sk_code code = sk_image_archive_open(&archive, path, &err);
    if (!code)
        code = sk_bundle_read(&archive, args->name, &bundle, &err);
    if (code) {
        (void)sk_err_wrap(&err, "image import");
        sk_fault_print_err(&err);
    } else {
        exit_code = import_all(args, &archive, &bundle);
    }
    sk_bundle_fini(&bundle);
    sk_image_archive_fini(&archive);
    return exit_code;
}

static const struct sk_option options[] = {
    {"name", 0, SK_OPTION_TEXT, offsetof(struct sk_args, name), "NAME",
     "what the image is called; default: as the archive says"},
    {"quiet", 'q', SK_OPTION_FLAG, offsetof(struct sk_args, quiet), NULL, "print the digest, nothing else"},
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_image_import = {
    .name = "image import",
    .synopsis = "[OPTION]... FILE",
    .summary = "Bring images that lie in a file. Prints their full names and digests.",
    .notes =
        "FILE is an OCI layout (a folder, or a tar archive of one) or what \"docker save\" writes, plain or\n"
        "compressed by gzip or zstd; \"-\" is standard input. Every image that the archive names is\n"
        "imported. What the node has already is not sent.",
    .options = options,
    .words_min = 1,
    .words_max = 1,
    .missing = "which file?",
    .run = run_import,
};
