/* messages.h: the generated messages under shorter names, living in arenas. */
#ifndef SK_API_MESSAGES_H
#define SK_API_MESSAGES_H

#include "base/arena.h"

#include "coreweave/sandbox/v1/sandbox.pb-c.h"
#include "sandkeep/image.pb-c.h"
#include "sandkeep/keys.pb-c.h"
#include "sandkeep/network.pb-c.h"
#include "sandkeep/node.pb-c.h"
#include "sandkeep/session.pb-c.h"

#include <stdint.h>

/* SK_PB(Sandbox) is a message's type, SK_PBE(STATE, RUNNING) a constant of an enum whose values repeat its
 * name. */
#define SK_PB(name)           Coreweave__Sandbox__V1__##name
#define SK_PBE(enumer, value) COREWEAVE__SANDBOX__V1__##enumer##__##value
/* A fresh message in the arena: SK_PB_NEW(arena, sandbox_status). */
#define SK_PB_NEW(arena, lower) sk_pb_new((arena), &coreweave__sandbox__v1__##lower##__descriptor)
/* The same for our own messages. */
#define SK_OWN_PB(name)             Sandkeep__V1__##name
#define SK_OWN_PBE(enumer, value)   SANDKEEP__V1__##enumer##__##value
#define SK_OWN_PB_NEW(arena, lower) sk_pb_new((arena), &sandkeep__v1__##lower##__descriptor)

void *sk_pb_new(struct sk_arena *arena, const ProtobufCMessageDescriptor *type)
    __attribute__((returns_nonnull));
/* For bytes this daemon packed itself; NULL when they are broken all the same. */
void *sk_pb_unpack(struct sk_arena *arena, const ProtobufCMessageDescriptor *type, const uint8_t *data,
                   size_t len);
uint8_t *sk_pb_pack(struct sk_arena *arena, const ProtobufCMessage *message, size_t *out_len);
/* A repeated string copied as a NULL-terminated list. */
const char **sk_pb_strings(struct sk_arena *arena, char *const *items, size_t count);

#endif
