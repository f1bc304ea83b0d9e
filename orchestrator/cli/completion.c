#include "cli/completion.h"

#include <string.h>

/* The verb is the first word, or the first two, of those that are no options. */
static const char head[] =
    "# Completes sandkeep in bash. Made by `sandkeep --print-completion`: do not edit.\n"
    "# shellcheck shell=bash\n"
    "_sandkeep()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb='' words='' i\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        [[ ${COMP_WORDS[i]} == -* ]] && break\n"
    "        verb=\"${verb:+$verb }${COMP_WORDS[i]}\"\n";

/* An option that takes a value: files are offered where that names one, else nothing. */
static const char values[] = "    done\n"
                             "    case $prev in\n";

static const char middle[] = "    esac\n"
                             "    case $verb in\n";

/* What is no option may be anything: files, at best. */
static const char tail[] = "    esac\n"
                           "    if [[ $cur != -* && $words == --* && -n $verb ]]; then\n"
                           "        words=''\n"
                           "    fi\n"
                           "    if [[ -n $words ]]; then\n"
                           "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                           "    else\n"
                           "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
                           "    fi\n"
                           "}\n"
                           "complete -o filenames -F _sandkeep sandkeep\n";

static bool begins(const char *name, const char *word, size_t len)
{
    return strncmp(name, word, len) == 0 && (name[len] == ' ' || !name[len]);
}

/* Each first word once. */
static bool is_news(const struct sk_verb *const *verbs, const struct sk_verb *const *at)
{
    size_t len = strcspn((*at)->name, " ");

    for (; verbs < at; verbs++) {
        if (begins((*verbs)->name, (*at)->name, len))
            return false;
    }
    return true;
}

/* "        [[ $verb == @(session|image) ]] || break" */
static enum sk_code print_families(const struct sk_verb *const *verbs, struct sk_buf *out)
{
    enum sk_code code = sk_buf_printf(out, "        [[ $verb == @(");
    const char *gap = "";

    for (const struct sk_verb *const *verb = verbs; *verb && code == SK_OK; verb++) {
        if (!strchr((*verb)->name, ' ') || !is_news(verbs, verb))
            continue;
        code = sk_buf_printf(out, "%s%.*s", gap, (int)strcspn((*verb)->name, " "), (*verb)->name);
        gap = "|";
    }
    return code == SK_OK ? sk_buf_printf(out, ") ]] || break\n") : code;
}

static enum sk_code print_first_words(const struct sk_verb *const *verbs, struct sk_buf *out)
{
    enum sk_code code = sk_buf_printf(out, "    '') words='--help --version");

    for (const struct sk_verb *const *verb = verbs; *verb && code == SK_OK; verb++) {
        if (is_news(verbs, verb))
            code = sk_buf_printf(out, " %.*s", (int)strcspn((*verb)->name, " "), (*verb)->name);
    }
    return code == SK_OK ? sk_buf_printf(out, "' ;;\n") : code;
}

/* "session": open ls show … */
static enum sk_code print_family(const struct sk_verb *const *verbs, const struct sk_verb *const *first,
                                 struct sk_buf *out)
{
    size_t len = strcspn((*first)->name, " ");
    enum sk_code code = sk_buf_printf(out, "    '%.*s') words='", (int)len, (*first)->name);
    const char *gap = "";

    for (const struct sk_verb *const *verb = verbs; *verb && code == SK_OK; verb++) {
        if (!begins((*verb)->name, (*first)->name, len) || !(*verb)->name[len])
            continue;
        code = sk_buf_printf(out, "%s%s", gap, (*verb)->name + len + 1);
        gap = " ";
    }
    return code == SK_OK ? sk_buf_printf(out, "' ;;\n") : code;
}

static enum sk_code print_options(const struct sk_verb *verb, struct sk_buf *out)
{
    enum sk_code code = sk_buf_printf(out, "    '%s') words='", verb->name);
    const char *gap = "";

    for (const struct sk_option *option = verb->options; option->name && code == SK_OK; option++) {
        if (!option->help)
            continue;
        code = sk_buf_printf(out, "%s--%s", gap, option->name);
        gap = " ";
    }
    return code == SK_OK ? sk_buf_printf(out, "' ;;\n") : code;
}

static bool names_a_file(const struct sk_option *option)
{
    return strcmp(option->metavar, "FILE") == 0 || strcmp(option->metavar, "DIR") == 0;
}

/* Those before this one; each option is told of once. */
static bool was_told(const struct sk_verb *const *verbs, const struct sk_verb *const *at,
                     const struct sk_option *option)
{
    for (; verbs < at; verbs++) {
        for (const struct sk_option *other = (*verbs)->options; other->name; other++) {
            if (strcmp(other->name, option->name) == 0 && other->help && other->metavar)
                return true;
        }
    }
    return false;
}

static enum sk_code print_values(const struct sk_verb *const *verbs, struct sk_buf *out)
{
    enum sk_code code = SK_OK;

    for (const struct sk_verb *const *verb = verbs; *verb; verb++) {
        for (const struct sk_option *option = (*verb)->options; option->name && code == SK_OK; option++) {
            if (!option->help || !option->metavar || was_told(verbs, verb, option))
                continue;
            code = sk_buf_printf(out, "    --%s) %sreturn ;;\n", option->name,
                                 names_a_file(option) ? "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); "
                                                      : "");
        }
    }
    return code;
}

static enum sk_code print_words(const struct sk_verb *const *verbs, struct sk_buf *out)
{
    enum sk_code code = print_first_words(verbs, out);

    for (const struct sk_verb *const *verb = verbs; *verb && code == SK_OK; verb++) {
        if (strchr((*verb)->name, ' ') && is_news(verbs, verb))
            code = print_family(verbs, verb, out);
        if (code == SK_OK)
            code = print_options(*verb, out);
    }
    return code;
}

enum sk_code sk_completion_print(const struct sk_verb *const *verbs, struct sk_buf *out)
{
    enum sk_code code = sk_buf_printf(out, "%s", head);

    if (code == SK_OK)
        code = print_families(verbs, out);
    if (code == SK_OK)
        code = sk_buf_printf(out, "%s", values);
    if (code == SK_OK)
        code = print_values(verbs, out);
    if (code == SK_OK)
        code = sk_buf_printf(out, "%s", middle);
    if (code == SK_OK)
        code = print_words(verbs, out);
    return code == SK_OK ? sk_buf_printf(out, "%s", tail) : code;
}
