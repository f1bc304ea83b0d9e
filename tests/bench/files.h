/* files.h: files of three sizes, written and read, beside archives through a command. */
#ifndef SK_BENCH_FILES_H
#define SK_BENCH_FILES_H

#include <stddef.h>

/* n of the smaller sizes, a quarter of it of the largest. */
void files_measure(const char *image, int n);

#endif
