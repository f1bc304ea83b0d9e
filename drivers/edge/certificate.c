#include "drivers/edge/certificate.h"

#include "base/file.h"
#include "drivers/edge/haproxy_config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define SIZE_MAX_PEM 15000 /* what goes into one of HAProxy's buffers */

void sk_certificate_init(struct sk_certificate *certificate, struct sk_loop *loop, const char *path,
                         const char *dir)
{
    *certificate = (struct sk_certificate){.loop = loop};
    certificate->path = sk_strdup(path);
    certificate->copy = sk_printf("%s/" SK_HAPROXY_CERTIFICATE, dir);
}

static void wipe(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(sk_take(*text));
}

void sk_certificate_fini(struct sk_certificate *certificate)
{
    wipe(&certificate->text);
    wipe(&certificate->found);
    free(sk_take(certificate->path));
    free(sk_take(certificate->copy));
}

/* Without empty lines, which would end it too early. */
static void squeeze(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        bool is_empty = *from == '\n' && (to == text || to[-1] == '\n');
        if (*from != '\r' && !is_empty)
            *to++ = *from;
    }
    *to = '\0';
}

static enum sk_code load(const char *path, char **out_text, struct sk_err *err)
{
    char *text = NULL;
    size_t len = 0;
    enum sk_code code = sk_file_load_private(path, SIZE_MAX_PEM, &text, &len, err);
    if (code == SK_OK && strlen(text) != len)
        code = sk_fail(err, SK_FAILED_PRECONDITION, "%s is not text", path);
    if (code != SK_OK) {
        free(text);
        (void)sk_err_wrap(err, "certificate");
        return code;
    }
    squeeze(text);
    *out_text = text;
    return SK_OK;
}

static enum sk_code save(const char *path, const char *text, struct sk_err *err)
{
    return sk_file_replace(path, text, strlen(text), 0600, err);
}

enum sk_code sk_certificate_take(struct sk_certificate *certificate, struct sk_err *err)
{
    wipe(&certificate->text);
    enum sk_code code = load(certificate->path, &certificate->text, err);
    return code == SK_OK ? save(certificate->copy, certificate->text, err) : code;
}

enum sk_code sk_certificate_adopt(struct sk_certificate *certificate, struct sk_err *err)
{
    wipe(&certificate->text);
    return load(certificate->copy, &certificate->text, err);
}

/* --- later ------------------------------------------------------------------------------------ */

static void run_look(struct sk_work *work)
{
    struct sk_certificate *certificate = sk_container_of(work, struct sk_certificate, work);
    if (load(certificate->path, &certificate->found, &work->err) == SK_OK && certificate->text &&
        strcmp(certificate->found, certificate->text) == 0)
        wipe(&certificate->found);
}

void sk_certificate_look(struct sk_certificate *certificate, struct sk_done *done)
{
    wipe(&certificate->found);
    sk_work_start(certificate->loop, &certificate->work, run_look, done);
}

static void run_keep(struct sk_work *work)
{
    const struct sk_certificate *certificate = sk_container_of(work, struct sk_certificate, work);
    (void)save(certificate->copy, certificate->text, &work->err);
}

void sk_certificate_keep(struct sk_certificate *certificate, struct sk_done *done)
{
    assert(certificate->found);
    wipe(&certificate->text);
    certificate->text = sk_take(certificate->found);
    sk_work_start(certificate->loop, &certificate->work, run_keep, done);
}
