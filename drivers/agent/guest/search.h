/* search.h: finds a program and becomes it. */
#ifndef SK_GUEST_SEARCH_H
#define SK_GUEST_SEARCH_H

/* Executes argv[0], searched on `path` (NULL = the usual) unless it has a
 * slash. Returns only on failure: an errno. Allocates nothing and touches no
 * memory but its own stack; runs in a child that shares the guest's. */
int sk_search_exec(char *const *argv, char *const *env, const char *path);

#endif
