/* Frames in both directions, and the texts of START and OPEN. */
#include "drivers/agent/wire.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What decodes must encode to the same bytes again. */
static void check_frame(enum sk_frame_sender sender, const uint8_t *data, size_t size)
{
    struct sk_frame frame;
    uint8_t again[SK_WIRE_HEADER];
    if (!sk_frame_decode(sender, data, size, &frame))
        return;
    sk_frame_encode(&frame, again);
    if (memcmp(again, data, sizeof again) != 0 || sk_frame_fd_count(&frame) > SK_WIRE_FDS_MAX)
        abort();
}

/* Every string that is handed out must lie within the text. */
static void check_text(const uint8_t *data, size_t size, uint32_t argc, uint32_t envc)
{
    struct sk_start_text parts;
    char *text = malloc(size ? size : 1);
    char **slots = calloc(SK_START_TEXT_SLOTS(argc, envc), sizeof *slots);
    memcpy(text, data, size);
    if (sk_start_text_split(text, size, argc, envc, slots, &parts)) {
        size_t total = strlen(parts.user) + 1 + strlen(parts.working_dir) + 1;
        for (char **s = parts.argv; *s; s++)
            total += strlen(*s) + 1;
        for (char **s = parts.env; *s; s++)
            total += strlen(*s) + 1;
        if (total != size)
            abort();
    }
    free(slots);
    free(text);
}

static void check_open_text(const uint8_t *data, size_t size)
{
    struct sk_open_text parts;
    char *text = malloc(size ? size : 1);
    memcpy(text, data, size);
    if (sk_open_text_split(text, size, &parts)) {
        size_t path = strlen(parts.path) + 1;
        if (strlen(parts.user) + 1 + strlen(parts.working_dir) + 1 + path != size || path > SK_WIRE_PATH_MAX)
            abort();
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_open_text(data, size);
    check_frame(SK_FRAME_FROM_DAEMON, data, size);
    check_frame(SK_FRAME_FROM_GUEST, data, size);
    if (size >= 2)
        check_text(data + 2, size - 2, data[0] % 16 + 1u, data[1] % 16);
    return 0;
}
