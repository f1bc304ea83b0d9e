#include "cli/images.h"
#include "cli/target.h"
#include "cli/verbs.h"

#include "base/buf.h"

#include <errno.h>
#include <string.h>

#define PASSWORD_MAX ((size_t)64 << 10)

/* All of standard input but the end of its last line; heap. */
static enum sk_code read_password(char **out_password, struct sk_err *err)
{
    SK_AUTO_FREE char *text = sk_alloc(PASSWORD_MAX + 1);
    size_t len = 0;
    ssize_t n = 1;

    if (isatty(STDIN_FILENO))
        return sk_fail(err, SK_INVALID_ARGUMENT, "--password-stdin: standard input is a terminal");
    while (n && len < PASSWORD_MAX) {
        n = read(STDIN_FILENO, text + len, PASSWORD_MAX - len);
        if (n < 0 && errno != EINTR)
            return sk_fail_sys(err, SK_INVALID_ARGUMENT, errno, "--password-stdin");
        len += n > 0 ? (size_t)n : 0;
    }
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    text[len] = '\0';
    if (!len || n || strlen(text) != len)
        return sk_fail(err, SK_INVALID_ARGUMENT, "--password-stdin: standard input holds no password");
    *out_password = sk_take(text);
    return SK_OK;
}

static int pull(const struct sk_args *args, Sandkeep__V1__RegistryLogin *login)
{
    Sandkeep__V1__PullImageRequest request = SANDKEEP__V1__PULL_IMAGE_REQUEST__INIT;
    struct sk_image_made made = {0};
    struct sk_client client;
    struct sk_image_bar bar;
    struct sk_fault fault = {0};
    int exit_code = 0;

    if (sk_client_open(&client, args->address, &fault.err)) {
        sk_fault_print(&fault);
        return 1;
    }
    request.name = args->words.items[0];
    request.login = login;
    sk_image_bar_init(&bar, request.name, args->quiet);
    if (!sk_client_images_pull(&client, &request, &bar, &made, &fault))
        exit_code = sk_image_made_print(&made, args->quiet) ? 0 : 1;
    else if (client.signo)
        exit_code = 128 + client.signo;
    else {
        sk_fault_print(&fault);
        exit_code = 1;
    }
    sk_image_made_fini(&made);
    sk_client_close(&client);
    return exit_code;
}

static int run_pull(const struct sk_args *args)
{
    Sandkeep__V1__RegistryLogin login = SANDKEEP__V1__REGISTRY_LOGIN__INIT;
    SK_AUTO_FREE char *password = NULL;
    struct sk_err err;
    enum sk_code code = SK_OK;

    if (!args->username != !args->password_stdin)
        code = sk_fail(&err, SK_INVALID_ARGUMENT, "image pull: --username and --password-stdin go together");
    else if (args->username)
        code = read_password(&password, &err);
    if (code) {
        sk_fault_print_err(&err);
        return 2;
    }
    login.username = (char *)args->username;
    login.password = password;
    return pull(args, args->username ? &login : NULL);
}

static const struct sk_option options[] = {
    {"username", 'u', SK_OPTION_TEXT, offsetof(struct sk_args, username), "NAME",
     "who to be for the registry; the node never stores it"},
    {"password-stdin", 0, SK_OPTION_FLAG, offsetof(struct sk_args, password_stdin), NULL,
     "read the password from standard input"},
    {"quiet", 'q', SK_OPTION_FLAG, offsetof(struct sk_args, quiet), NULL, "print the digest, nothing else"},
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_image_pull = {
    .name = "image pull",
    .synopsis = "[OPTION]... NAME",
    .summary = "Fetch an image from its registry. Prints its full name and its digest.",
    .notes =
        "The registry is asked even when the node has an image of that name. Without a login of your own\n"
        "the node shows its own. How far it is comes on standard error. A signal ends the pull, unless\n"
        "somebody else waits for the same image; what was fetched serves the next pull.",
    .options = options,
    .words_min = 1,
    .words_max = 1,
    .missing = "which image?",
    .run = run_pull,
};
