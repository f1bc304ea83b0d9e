/* image_stream_rig.h: streams of ImageService on a world (world.h), with its virtual clock. */
#ifndef SK_TESTS_IMAGE_STREAM_RIG_H
#define SK_TESTS_IMAGE_STREAM_RIG_H

#include "support/fake_call.h"

struct rig {
    struct world w;
    unsigned imports;
    struct sk_server_call rpc, others[5];
};

static inline int set_up(void **state)
{
    struct rig *rig = sk_alloc(sizeof(*rig));

    world_init(&rig->w);
    *state = rig;
    return 0;
}

static inline int tear_down(void **state)
{
    struct rig *rig = *state;

    fake_fini(&rig->rpc);
    for (size_t i = 0; i < sk_array_len(rig->others); i++)
        fake_fini(&rig->others[i]);
    world_fini(&rig->w);
    free(rig);
    return 0;
}

static inline void must_end(struct sk_server_call *rpc, enum sk_code code, const char *why)
{
    assert_true(rpc->over);
    if (rpc->code != code || !strstr(rpc->text, why))
        fail_msg("%s: \"%s\", and should be %s: \"%s\"", sk_code_name(rpc->code), rpc->text,
                 sk_code_name(code), why);
}

#endif
