/* capability.h: the names of Linux capabilities. Pure. */
#ifndef SK_BASE_CAPABILITY_H
#define SK_BASE_CAPABILITY_H

/* All of them, "CAP_CHOWN" first; NULL-terminated. */
extern const char *const sk_capabilities[];

/* "NET_RAW", "cap_net_raw": gives "CAP_NET_RAW" (static), or NULL if there is none. */
const char *sk_capability_find(const char *name);

#endif
