/* WWW-Authenticate headers: what is taken from one, written as a header again, is taken again. */
#include "base/own.h"
#include "drivers/registry/challenge.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void quote(FILE *out, const char *name, const char *value)
{
    (void)fprintf(out, ", %s=\"", name);
    for (; *value; value++)
        (void)fprintf(out, "\\%c", *value);
    (void)fputc('"', out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SK_AUTO_FREE char *text = sk_strndup((const char *)data, size);
    SK_AUTO_FREE char *again = NULL;
    struct sk_challenge once, twice;
    size_t len;
    sk_challenge_parse(text, &once);
    if (!once.bearer)
        return 0;
    FILE *out = open_memstream(&again, &len);
    (void)fprintf(out, "%sBearer x=y", once.basic ? "Basic, " : "");
    quote(out, "realm", once.realm);
    quote(out, "service", once.service);
    quote(out, "scope", once.scope);
    (void)fclose(out);
    sk_challenge_parse(again, &twice);
    if (!twice.bearer || twice.basic != once.basic || strcmp(once.realm, twice.realm) != 0 ||
        strcmp(once.service, twice.service) != 0 || strcmp(once.scope, twice.scope) != 0)
        __builtin_trap();
    return 0;
}
