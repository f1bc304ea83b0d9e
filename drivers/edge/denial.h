/* denial.h: HAProxy's lines about what it cut at the gate. Pure. */
#ifndef SK_EDGE_DENIAL_H
#define SK_EDGE_DENIAL_H

#include "drivers/edge.h"

/* "gate|<source>|<destination>|<port>|<name>|<why>|<bytes>", "-" = none. False = the line is not exactly
 * that. */
bool sk_denial_read(const char *line, struct sk_edge_denial *out_denial);

#endif
