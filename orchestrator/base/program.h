/* program.h: where a program of this machine is. */
#ifndef SK_BASE_PROGRAM_H
#define SK_BASE_PROGRAM_H

/* The absolute path of `name`: itself, if it is one and can be run, else the first of PATH and of the folders
 * that services' PATH may lack (/usr/sbin, /usr/local/sbin). Heap; NULL: there is none. Looks at the disk. */
char *sk_program_find(const char *name);

#endif
