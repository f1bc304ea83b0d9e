/* vet.h: checks of descriptors that came from a guest, before any byte is
 * read from or written to them. All are quick calls that touch no disk. */
#ifndef SK_AGENT_VET_H
#define SK_AGENT_VET_H

#include "drivers/agent/wire.h"

/* What is wrong with it, or NULL: static storage. kind: SK_OPEN_READ or SK_OPEN_WRITE. */
const char *sk_vet_file(int fd, enum sk_open_kind kind);
/* The same for the directory of a devpts. */
const char *sk_vet_terminals(int fd);

#endif
