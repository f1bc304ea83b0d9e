/* seqpacket.h: one packet on a unix socket, and the descriptors beside it.
 * Both ends of the channel are built from this file; it needs nothing but
 * libc. Neither call blocks or raises SIGPIPE. */
#ifndef SK_AGENT_SEQPACKET_H
#define SK_AGENT_SEQPACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The descriptors (SK_WIRE_FDS_MAX at most) are borrowed. Returns as sendmsg(2). */
ssize_t sk_seqpacket_send(int fd, const uint8_t *data, size_t len, const int *fds, size_t fd_count);

/* What came beside the bytes. */
struct sk_seqpacket_extra {
    size_t fd_count; /* descriptors written to `fds`; close-on-exec; the caller's */
    bool lost_fds;   /* there were more than fds_max, or not all could be opened */
    bool is_cut;     /* the packet was longer than `size` */
};

/* `fds` has room for fds_max, which is SK_WIRE_FDS_MAX at most. Returns as
 * recvmsg(2); *out_extra is written when that is not -1. */
ssize_t sk_seqpacket_receive(int fd, uint8_t *data, size_t size, int *fds, size_t fds_max,
                             struct sk_seqpacket_extra *out_extra);

#endif
