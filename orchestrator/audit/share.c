#include "audit/share.h"

static void move_on(struct sk_audit_share *share, uint64_t taken, uint64_t put)
{
    if (taken < share->mark)
        return;
    *share = (struct sk_audit_share){.mark = put, .before = share->since};
}

void sk_audit_share_add(struct sk_audit_share *share, uint64_t taken, uint64_t put, size_t bytes)
{
    move_on(share, taken, put);
    share->since += bytes;
}

size_t sk_audit_share_waits(struct sk_audit_share *share, uint64_t taken, uint64_t put)
{
    if (taken == put) /* nobody's wait */
        *share = (struct sk_audit_share){.mark = put};
    move_on(share, taken, put);
    return share->before + share->since;
}
