/* What HAProxy says: lines about what it cut, and what its maps hold; what was read leads to commands that
 * are one line of words. */
#include "drivers/edge/denial.h"
#include "drivers/edge/maps.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_words(const struct sk_buf *line)
{
    for (size_t i = 0; i + 1 < line->len; i++) {
        if (line->data[i] < ' ' || line->data[i] > '~' || line->data[i] == '\\' || line->data[i] == '<')
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SK_AUTO_FREE char *text = sk_strndup((const char *)data, size);
    SK_CLEANUP(sk_buf_fini) struct sk_buf line;
    SK_CLEANUP(sk_maps_fini) struct sk_maps maps;
    struct sk_edge_denial denial;
    if (sk_denial_read(text, &denial) && (!denial.why || strlen(denial.name) >= sizeof(denial.name)))
        abort();
    sk_buf_init(&line, (size_t)1 << 20);
    sk_maps_init(&maps);
    bool adopt = size % 2;
    (void)sk_maps_read(&maps, (enum sk_haproxy_map)(size % SK_MAP_COUNT), text, adopt);
    if (sk_maps_next(&maps, 12000, &line)) {
        if (adopt) /* what is held is what should be */
            abort();
        expect_words(&line);
        sk_maps_done(&maps);
    }
    sk_maps_forget_held(&maps);
    if (!adopt && !sk_maps_is_empty(&maps))
        abort();
    return 0;
}
