#include "drivers/agent/denial.h"

#include <errno.h>

struct denial {
    int sys;
    enum sk_code code;
    const char *reason;
};

static const struct denial denials[] = {
    {ENOENT, SK_NOT_FOUND, "FILE_NOT_FOUND"},
    {ENOTDIR, SK_NOT_FOUND, "FILE_NOT_FOUND"},
    {EISDIR, SK_FAILED_PRECONDITION, "FILE_IS_DIRECTORY"},
    {EACCES, SK_PERMISSION_DENIED, "FILE_PERMISSION_DENIED"},
    {EPERM, SK_PERMISSION_DENIED, "FILE_PERMISSION_DENIED"},
    {EROFS, SK_PERMISSION_DENIED, "FILE_PERMISSION_DENIED"},
    {ENAMETOOLONG, SK_INVALID_ARGUMENT, NULL},
    {ELOOP, SK_INVALID_ARGUMENT, NULL},
    {EINVAL, SK_INVALID_ARGUMENT, NULL},
    {ENXIO, SK_INVALID_ARGUMENT, NULL},
    {ENODEV, SK_INVALID_ARGUMENT, NULL},
    {EOPNOTSUPP, SK_INVALID_ARGUMENT, NULL},
    {EXDEV, SK_INVALID_ARGUMENT, NULL},
    {ENOSPC, SK_RESOURCE_EXHAUSTED, NULL},
    {EDQUOT, SK_RESOURCE_EXHAUSTED, NULL},
    {EFBIG, SK_RESOURCE_EXHAUSTED, NULL},
    {ENOMEM, SK_RESOURCE_EXHAUSTED, NULL},
    {EMFILE, SK_RESOURCE_EXHAUSTED, NULL},
    {ENFILE, SK_RESOURCE_EXHAUSTED, NULL},
    {EAGAIN, SK_RESOURCE_EXHAUSTED, NULL},
};

static const struct denial *denial_of(int sys)
{
    static const struct denial other = {0, SK_INTERNAL, "FILE_IO_FAILED"};
    for (size_t i = 0; i < sk_array_len(denials); i++)
        if (denials[i].sys == sys)
            return &denials[i];
    return &other;
}

void sk_denial(enum sk_open_kind kind, int sys, const char *what, struct sk_err *err)
{
    const struct denial *denial = denial_of(sys);
    if (sys == ESRCH) {
        (void)sk_fail(err, SK_INVALID_ARGUMENT, "no such user in the sandbox");
    } else if (kind == SK_OPEN_TERMINALS) {
        bool is_scarcity = denial->code == SK_RESOURCE_EXHAUSTED;
        (void)sk_fail_sys(err, is_scarcity ? SK_RESOURCE_EXHAUSTED : SK_FAILED_PRECONDITION, sys, "%s", what);
    } else {
        (void)sk_fail_sys(err, denial->code, sys, "%s", what);
        (void)sk_err_reason(err, denial->reason);
    }
}
