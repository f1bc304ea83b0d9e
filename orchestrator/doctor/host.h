/* host.h: the host as the doctor sees it: files below a root, programs, and the few things that only the
 * kernel can say. Tests give another root, and senses of their own. Blocking. */
#ifndef SK_DOCTOR_HOST_H
#define SK_DOCTOR_HOST_H

#include "config/config.h"
#include "doctor/finding.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define SK_DOCTOR_TEXT 65536

struct sk_doctor_disk {
    uint64_t total_bytes, free_bytes, total_inodes, free_inodes; /* free: for root too */
};

struct sk_doctor_clock {
    bool is_synchronized;
    int64_t error_us; /* at most */
};

/* Each gives false when it cannot tell. */
struct sk_doctor_senses {
    bool (*disk)(const char *path, struct sk_doctor_disk *out);
    bool (*clock)(struct sk_doctor_clock *out);
    bool (*has_call)(int number); /* a system call, by its number on this machine */
    bool (*connects)(const char *unix_path);
    int64_t (*now_s)(void);
    uint64_t (*files_max)(void); /* RLIMIT_NOFILE, hard */
    unsigned int answer_ms;      /* that programs are waited for */
};
extern const struct sk_doctor_senses sk_doctor_real_senses;

struct sk_doctor {
    const char *root; /* "" = the host's own */
    const struct sk_doctor_senses *senses;
    const char *config_path; /* as asked for */
    const struct sk_config
        *config;  /* NULL: there is none that can be read; then what it would say by default */
    bool is_root; /* may look at everything */
    struct sk_findings *findings;
};

/* The beginning of a file, as text; false if it cannot be read. */
bool sk_doctor_read(const struct sk_doctor *d, const char *path, char out[SK_DOCTOR_TEXT]);
bool sk_doctor_stat(const struct sk_doctor *d, const char *path, struct stat *out);
/* Where it is below the root. Heap. */
char *sk_doctor_path(const struct sk_doctor *d, const char *path);
/* What a program prints when it is asked for its version (its first bytes); false if there is none, or it
 * fails. `name` may be an absolute path. What would end the caller waits until the program has ended. */
bool sk_doctor_ask(const struct sk_doctor *d, const char *name, const char *option, char *out, size_t size);

/* "1.6.20~ds1" or "HAProxy version 2.6.12-1": the first dotted number in it. False if there is none. */
struct sk_version {
    int part[3];
};
bool sk_version_find(const char *text, struct sk_version *out);
/* < 0, 0, > 0 */
int sk_version_compare(struct sk_version a, struct sk_version b);

/* The families; each looks at one side of the host and says what it found. */
void sk_doctor_kernel(struct sk_doctor *d);
void sk_doctor_cgroups(struct sk_doctor *d);
void sk_doctor_runtimes(struct sk_doctor *d);
void sk_doctor_network(struct sk_doctor *d);
void sk_doctor_disks(struct sk_doctor *d);
void sk_doctor_clock_check(struct sk_doctor *d);
void sk_doctor_memory(struct sk_doctor *d);
void sk_doctor_limits(struct sk_doctor *d);
void sk_doctor_config(struct sk_doctor *d, const struct sk_faults *faults, const struct sk_err *err);
void sk_doctor_files(struct sk_doctor *d);
/* All of these, in order. root NULL: the host's own. config_path NULL: where it is by default. */
void sk_doctor_look(const char *root, const char *config_path, const struct sk_doctor_senses *senses,
                    struct sk_findings *findings);

#endif
