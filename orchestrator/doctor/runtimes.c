/* runtimes.c: containerd and what it starts sandboxes with, and the holes that their versions are known to
 * have.
 *
 * A version tells less than it seems to: distributions close holes without changing it. So a hole is a
 * warning. */
#include "doctor/host.h"

#include <stdio.h>
#include <string.h>

#define FAMILY "runtimes"

/* `fixed`: of each line of releases, the first without the hole; one of a line that is not listed has it if
 * it is older than all of them. `last_bad`: where the fix is not known to this table, a release from before
 * the hole was found: that one and older ones have it. */
static const struct hole {
    const char *program, *name, *what;
    struct sk_version fixed[4];
    struct sk_version last_bad;
} holes[] = {
    {"runc", "CVE-2019-5736", "a sandbox can overwrite the runtime", {{{1, 0, 0}}}, {{0}}},
    {"runc", "CVE-2024-21626", "a leaked descriptor leads out of the sandbox", {{{1, 1, 12}}}, {{0}}},
    {"runc",
     "CVE-2025-31133, -52565, -52881",
     "masked paths and consoles can be swapped for links",
     {{{1, 2, 8}}, {{1, 3, 3}}, {{1, 4, 0}}},
     {{0}}},
    {"runc", "CVE-2026-41579", "/dev of an image can be a link", {{{0}}}, {{1, 4, 0}}},
    {"crun", "CVE-2026-30892", "users are misread", {{{0}}}, {{1, 25, 0}}},
    {"crun", "CVE-2026-47766", "/dev of an image can be a link", {{{0}}}, {{1, 25, 0}}},
    {"containerd",
     "CVE-2022-23648",
     "volumes of images can show files of the host",
     {{{1, 4, 13}}, {{1, 5, 10}}, {{1, 6, 1}}},
     {{0}}},
    {"containerd",
     "CVE-2024-40635",
     "big user numbers become root",
     {{{1, 6, 38}}, {{1, 7, 27}}, {{2, 0, 4}}},
     {{0}}},
    {"containerd",
     "CVE-2024-25621",
     "its folders are open to local users",
     {{{1, 7, 29}}, {{2, 0, 7}}, {{2, 1, 5}}, {{2, 2, 0}}},
     {{0}}},
};

static bool is_set(struct sk_version version)
{
    return version.part[0] || version.part[1] || version.part[2];
}

/* Whether the version is older than the fix of its own line, or, without one, than all fixes that come later.
 */
static bool has_hole(const struct hole *hole, struct sk_version version)
{
    if (is_set(hole->last_bad))
        return sk_version_compare(version, hole->last_bad) <= 0;
    for (size_t i = 0; i < sk_array_len(hole->fixed) && is_set(hole->fixed[i]); i++) {
        const struct sk_version fix = hole->fixed[i];
        if (version.part[0] == fix.part[0] && version.part[1] == fix.part[1])
            return version.part[2] < fix.part[2];
    }
    for (size_t i = 0; i < sk_array_len(hole->fixed) && is_set(hole->fixed[i]); i++) {
        if (sk_version_compare(version, hole->fixed[i]) < 0)
            return true;
    }
    return false;
}

/* A program is the one it says it is, whatever its file is called: a version begins with its name. */
static bool says_to_be(const char *text, const char *program)
{
    size_t len = strlen(program);

    return strncmp(text, program, len) == 0 && text[len] == ' ';
}

static void look_at_holes(struct sk_doctor *d, const char *name, const char *text, struct sk_version version)
{
    for (size_t i = 0; i < sk_array_len(holes); i++) {
        if (says_to_be(text, holes[i].program) && has_hole(&holes[i], version))
            sk_finding_add(d->findings, SK_VERDICT_WARNING, FAMILY, name,
                           "upgrade, or find the number in your distribution's changelog",
                           "%d.%d.%d has %s: %s", version.part[0], version.part[1], version.part[2],
                           holes[i].name, holes[i].what);
    }
}

/* The first line, without what is of no use in a message. */
static void trim(char *text)
{
    text[strcspn(text, "\n")] = '\0';
    if (strlen(text) > 80)
        text[80] = '\0';
}

/* `name`: of the findings. */
static bool look_at_program(struct sk_doctor *d, const char *program, const char *name,
                            struct sk_version *out)
{
    char text[4096];

    if (!sk_doctor_ask(d, program, "--version", text, sizeof(text)))
        return false;
    trim(text);
    if (!sk_version_find(text, out)) {
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, name, NULL, "no version in \"%.80s\"", text);
        return true;
    }
    sk_finding_add(d->findings, SK_VERDICT_OK, FAMILY, name, NULL, "%s", text);
    look_at_holes(d, name, text, *out);
    return true;
}

static void look_at_socket(struct sk_doctor *d)
{
    const char *path = d->config ? d->config->containerd_socket : "/run/containerd/containerd.sock";
    SK_AUTO_FREE char *whole = sk_doctor_path(d, path);
    struct stat stat;

    if (!sk_doctor_stat(d, path, &stat))
        sk_finding_add(d->findings, d->is_root ? SK_VERDICT_FAILURE : SK_VERDICT_NOTE, FAMILY,
                       "containerd socket", "start containerd, or set containerd_socket", "there is no %s",
                       path);
    else if (!d->is_root)
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, "containerd socket", "run this as root",
                       "%s: only root can tell whether it answers", path);
    else if (!d->senses->connects(whole))
        sk_finding_add(d->findings, SK_VERDICT_FAILURE, FAMILY, "containerd socket", "start containerd",
                       "nobody listens on %s", path);
    else
        sk_finding_add(d->findings, SK_VERDICT_OK, FAMILY, "containerd socket", NULL, "%s", path);
}

static void look_at_containerd(struct sk_doctor *d)
{
    static const struct sk_version oldest = {{1, 6, 0}};
    struct sk_version version = {{0}};

    if (!look_at_program(d, "containerd", "containerd", &version))
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, "containerd", "install containerd",
                       "not found here; it may be the host's");
    else if (is_set(version) && sk_version_compare(version, oldest) < 0)
        sk_finding_add(d->findings, SK_VERDICT_FAILURE, FAMILY, "containerd", "use 1.6 or newer", "too old");
    look_at_socket(d);
}

void sk_doctor_runtimes(struct sk_doctor *d)
{
    struct sk_version version;
    const char *wanted = d->config ? d->config->runtime : "auto";

    look_at_containerd(d);
    bool crun = look_at_program(d, "crun", "crun", &version);
    bool runc = look_at_program(d, "runc", "runc", &version);
    bool is_other = strcmp(wanted, "auto") != 0 && strcmp(wanted, "crun") != 0 && strcmp(wanted, "runc") != 0;
    if (is_other && !look_at_program(d, wanted, "runtime", &version))
        sk_finding_add(d->findings, SK_VERDICT_FAILURE, FAMILY, "runtime",
                       "install it, or change \"runtime\"", "there is no %.200s", wanted);
    else if (!is_other && !crun && !runc)
        sk_finding_add(d->findings, SK_VERDICT_FAILURE, FAMILY, "runtime", "install crun or runc",
                       "there is neither crun nor runc");
}
