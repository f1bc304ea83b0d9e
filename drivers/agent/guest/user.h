/* user.h: from a user as image configs name it to numbers.
 *
 * Files belong to the image: they are read with bounds on everything, and a
 * line that is not well-formed is as if it were not there. */
#ifndef SK_GUEST_USER_H
#define SK_GUEST_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SK_USER_GROUPS_MAX 64
#define SK_USER_HOME_MAX   1024

struct sk_user {
    uid_t uid;
    gid_t gid;
    gid_t groups[SK_USER_GROUPS_MAX]; /* supplementary */
    size_t group_count;
    char home[SK_USER_HOME_MAX]; /* never empty */
};

/* "", "name", "uid", "uid:gid", "name:group" and mixtures; "" is root. Numbers
 * are decimal digits up to 2^31-1 and nothing else. A group that is given
 * stands alone; else the user's own and those that list it as a member. False
 * when malformed or unknown. */
bool sk_user_resolve(const char *text, const char *passwd_path, const char *group_path,
                     struct sk_user *out_user);

#endif
