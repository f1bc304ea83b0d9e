#include "net/domain.h"

#include <string.h>

#define LABEL_MAX 63

char sk_domain_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

bool sk_domain_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
}

/* What readers of addresses take the last label of a name for: a number, also "0x7f" (and "0x"). */
static bool is_number(const char *label)
{
    bool hex = label[0] == '0' && label[1] == 'x';
    for (label += hex ? 2 : 0; *label; label++) {
        if (hex ? !is_hex(*label) : !is_digit(*label))
            return false;
    }
    return true;
}

static const char *fault_of(const char *name)
{
    size_t len = 0;
    const char *label = name;
    for (const char *c = name;; c++) {
        if (*c == '.' || !*c) {
            if (len == 0 || len > LABEL_MAX)
                return "its labels are not of 1 to 63 letters";
            if (!*c)
                return is_number(label) ? "it is an address" : NULL;
            label = c + 1;
            len = 0;
            continue;
        }
        if (!sk_domain_is_letter(*c))
            return "it has other characters than letters, digits, '-' and '_'";
        len++;
    }
}

/* Lower case and without the last dot, if it is short enough. */
static bool copy_lower(const char *text, char out[SK_DOMAIN_MAX])
{
    size_t len = strnlen(text, SK_DOMAIN_MAX + 1);
    if (len > 1 && text[len - 1] == '.')
        len--;
    if (len >= SK_DOMAIN_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] = sk_domain_lower(text[i]);
    out[len] = '\0';
    return true;
}

static enum sk_code refuse(const char *text, const char *fault, struct sk_err *err)
{
    return sk_fail(err, SK_INVALID_ARGUMENT, "\"%.100s\" is not a host name: %s", text, fault);
}

enum sk_code sk_domain_normalise(const char *text, char out_name[SK_DOMAIN_MAX], struct sk_err *err)
{
    char name[SK_DOMAIN_MAX] = "";
    const char *fault = copy_lower(text, name) ? fault_of(name) : "it is longer than 253 bytes";
    if (fault)
        return refuse(text, fault, err);
    memcpy(out_name, name, strlen(name) + 1);
    return SK_OK;
}

enum sk_code sk_domain_pattern(const char *text, char out_pattern[SK_DOMAIN_MAX], struct sk_err *err)
{
    char pattern[SK_DOMAIN_MAX] = "";
    if (text[0] != '*' || text[1] != '.')
        return sk_domain_normalise(text, out_pattern, err);
    const char *fault = copy_lower(text, pattern) ? fault_of(pattern + 2) : "it is longer than 253 bytes";
    if (!fault && !strchr(pattern + 2, '.'))
        fault = "at least two labels must follow the \"*\"";
    if (fault)
        return refuse(text, fault, err);
    memcpy(out_pattern, pattern, strlen(pattern) + 1);
    return SK_OK;
}

bool sk_domain_matches(const char *pattern, const char *name)
{
    const char *dot = strchr(name, '.');
    if (pattern[0] != '*')
        return strcmp(pattern, name) == 0;
    return dot && dot != name && strcmp(pattern + 1, dot) == 0;
}
