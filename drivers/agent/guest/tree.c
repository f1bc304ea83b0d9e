#include "drivers/agent/guest/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS_MAX  16 /* against a tree that grows as fast as it is walked */
#define ENTRIES_MAX 32768

struct entry {
    pid_t pid, parent, session;
    bool in_tree;
    bool was_known; /* signalled in an earlier round */
};

/* A picture of /proc, in memory that is reused from round to round. */
struct picture {
    struct entry *entries; /* owned */
    size_t len, cap;
    pid_t *known; /* owned; those signalled so far */
    size_t known_len, known_cap;
};

/* Reads "pid (name) state ppid pgrp session …"; the name may hold anything,
 * so the last parenthesis counts. */
static bool stat_parse(char *text, struct entry *entry)
{
    char *at = strrchr(text, ')');
    long numbers[3];
    if (!at || at[1] != ' ' || !at[2] || at[3] != ' ')
        return false;
    at += 4;
    for (int i = 0; i < 3; i++) {
        char *end;
        numbers[i] = strtol(at, &end, 10);
        if (end == at)
            return false;
        at = end;
    }
    entry->parent = (pid_t)numbers[0];
    entry->session = (pid_t)numbers[2];
    return true;
}

static bool entry_read(int proc_fd, const char *name, struct entry *entry)
{
    char path[32], text[512], *end;
    long pid = strtol(name, &end, 10);
    if (pid <= 1 || *end || strlen(name) > 10)
        return false;
    (void)stpcpy(stpcpy(path, name), "/stat");
    int fd = openat(proc_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return false;
    ssize_t len = read(fd, text, sizeof text - 1);
    (void)close(fd);
    if (len <= 0)
        return false;
    text[len] = 0;
    *entry = (struct entry){.pid = (pid_t)pid};
    return stat_parse(text, entry);
}

static bool picture_add(struct picture *picture, const struct entry *entry)
{
    if (picture->len == picture->cap) {
        size_t cap = picture->cap ? picture->cap * 2 : 64;
        struct entry *grown = cap > ENTRIES_MAX ? NULL : realloc(picture->entries, cap * sizeof *grown);
        if (!grown)
            return false;
        picture->entries = grown;
        picture->cap = cap;
    }
    picture->entries[picture->len++] = *entry;
    return true;
}

static void picture_take(struct picture *picture)
{
    DIR *dir = opendir("/proc");
    struct dirent *item;
    struct entry entry;
    picture->len = 0;
    if (!dir)
        return;
    while ((item = readdir(dir)))
        if (entry_read(dirfd(dir), item->d_name, &entry) && entry.pid != getpid() &&
            !picture_add(picture, &entry))
            break;
    (void)closedir(dir);
}

static bool is_known(const struct picture *picture, pid_t pid)
{
    for (size_t i = 0; i < picture->known_len; i++)
        if (picture->known[i] == pid)
            return true;
    return false;
}

static bool has_parent_in_tree(const struct picture *picture, const struct entry *child)
{
    for (size_t i = 0; i < picture->len; i++)
        if (picture->entries[i].pid == child->parent)
            return picture->entries[i].in_tree;
    return false;
}

/* Marks the leader's session, what was known before, and, until nothing is
 * new, the children of what is marked. */
static void picture_mark(struct picture *picture, pid_t leader)
{
    bool more = true;
    for (size_t i = 0; i < picture->len; i++) {
        struct entry *e = &picture->entries[i];
        e->was_known = is_known(picture, e->pid);
        e->in_tree = e->was_known || e->pid == leader || e->session == leader;
    }
    while (more) {
        more = false;
        for (size_t i = 0; i < picture->len; i++) {
            struct entry *e = &picture->entries[i];
            if (!e->in_tree && has_parent_in_tree(picture, e))
                more = e->in_tree = true;
        }
    }
}

static void known_add(struct picture *picture, pid_t pid)
{
    if (picture->known_len == picture->known_cap) {
        size_t cap = picture->known_cap ? picture->known_cap * 2 : 64;
        pid_t *grown = realloc(picture->known, cap * sizeof *grown);
        if (!grown)
            return;
        picture->known = grown;
        picture->known_cap = cap;
    }
    picture->known[picture->known_len++] = pid;
}

/* Signals what is new in the tree; returns how many that were. */
static size_t signal_new(struct picture *picture, int signo)
{
    size_t count = 0;
    for (size_t i = 0; i < picture->len; i++) {
        const struct entry *e = &picture->entries[i];
        if (!e->in_tree || e->was_known)
            continue;
        (void)kill(e->pid, signo);
        known_add(picture, e->pid);
        count++;
    }
    return count;
}

static void signal_all(struct picture *picture, pid_t leader, int signo)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        picture_take(picture);
        picture_mark(picture, leader);
        if (signal_new(picture, signo == SIGKILL ? SIGSTOP : signo) == 0)
            break;
    }
    if (signo == SIGKILL)
        for (size_t i = 0; i < picture->known_len; i++)
            (void)kill(picture->known[i], SIGKILL);
}

void sk_tree_signal(pid_t leader, int signo)
{
    struct picture picture = {0};
    signal_all(&picture, leader, signo);
    /* What /proc did not show: the group is reached without it. */
    if (signo == SIGKILL || picture.known_len == 0) {
        (void)kill(-leader, signo);
        (void)kill(leader, signo);
    }
    free(picture.entries);
    free(picture.known);
}

/* The kernel keeps the leader's number for as long as its session has members. */
static bool is_number_reused(const struct picture *picture, pid_t leader)
{
    for (size_t i = 0; i < picture->len; i++)
        if (picture->entries[i].pid == leader)
            return true;
    return false;
}

void sk_tree_signal_left(pid_t leader, int signo)
{
    struct picture picture = {0};
    picture_take(&picture);
    if (!is_number_reused(&picture, leader))
        signal_all(&picture, leader, signo);
    free(picture.entries);
    free(picture.known);
}
