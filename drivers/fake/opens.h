/* opens.h (fake): the files and terminals of a fake guest. For agent.c alone;
 * the functions are slots of struct sk_agent_ops. */
#ifndef SK_FAKE_OPENS_H
#define SK_FAKE_OPENS_H

#include "drivers/agent.h"

/* Those can be read at SK_GUEST_DIR "/files/0" and so on. */
void sk_fake_put_files(struct sk_guest *guest, const struct sk_guest_file *files, size_t count,
                       struct sk_done *done);
void sk_fake_open_read(struct sk_guest *guest, const struct sk_file_ask *ask, int *out_fd,
                       struct sk_done *done);
void sk_fake_open_write(struct sk_guest *guest, uint64_t key, const struct sk_file_ask *ask, int *out_fd,
                        struct sk_done *done);
void sk_fake_commit(struct sk_guest *guest, uint64_t key, struct sk_done *done);
void sk_fake_abandon(struct sk_guest *guest, uint64_t key);
void sk_fake_open_terminal(struct sk_guest *guest, int *out_master, int *out_slave, struct sk_done *done);

#endif
