/* content.h (fake): an image store in memory. Digests are real; unpacking is
 * not: a layer becomes a snapshot that takes as many bytes as its blob, times
 * what sk_fake_content_swell said, and only the diff id of a layer that is
 * plain tar is compared. What nothing keeps is collected when a lease or an
 * image goes. */
#ifndef SK_FAKE_CONTENT_H
#define SK_FAKE_CONTENT_H

#include "drivers/content.h"
#include "drivers/fake/calls.h"
#include "drivers/fake/shelf.h"

struct sk_fake_content;

/* Heap; one owner. */
struct sk_fake_content *sk_fake_content_new(struct sk_loop *loop);
/* NULL is fine. No call may be under way, no writer open. */
void sk_fake_content_free(struct sk_fake_content *fake);
struct sk_content *sk_fake_content_base(struct sk_fake_content *fake);
/* Calls are named as in the contract: "content.open_blob". */
struct sk_fake_calls *sk_fake_content_calls(struct sk_fake_content *fake);

/* What is there; for tests that look behind the contract. */
size_t sk_fake_content_count(const struct sk_fake_content *fake, enum sk_fake_kind kind);
/* NULL = not there; borrowed until the loop runs. */
const struct sk_fake_thing *sk_fake_content_find(const struct sk_fake_content *fake, enum sk_fake_kind kind,
                                                 const char *key);
/* Writers that were opened and not closed. */
size_t sk_fake_content_writers(const struct sk_fake_content *fake);
/* Layers that were unpacked ahead, and neither used nor dropped. */
size_t sk_fake_content_aheads(const struct sk_fake_content *fake);

/* A blob that is simply there, until the next collection unless something keeps it. */
void sk_fake_content_add_blob(struct sk_fake_content *fake, const void *data, size_t len,
                              char out_digest[SK_DIGEST_SIZE]);
void sk_fake_content_add_snapshot(struct sk_fake_content *fake, const char *chain, const char *parent,
                                  int64_t bytes);
/* Layers unpack to so many times their size (1 at first). */
void sk_fake_content_swell(struct sk_fake_content *fake, int64_t times);
void sk_fake_content_set_disk(struct sk_fake_content *fake, int64_t total_bytes, int64_t free_bytes);
/* As if the daemon that used it had been killed: its leases and writes are litter. No writer may be open. */
void sk_fake_content_restart(struct sk_fake_content *fake);
void sk_fake_content_collect(struct sk_fake_content *fake);

#endif
