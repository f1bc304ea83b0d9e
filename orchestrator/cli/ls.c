#include "cli/boxes.h"
#include "cli/output.h"
#include "cli/paging.h"
#include "cli/target.h"
#include "cli/verbs.h"

#include <string.h>

#define PAGE 1000

struct listing {
    struct sk_arena arena;
    sk_shown **boxes;
    size_t count, cap;
    const char *session; /* only those of it; NULL = all */
};

/* Sandboxes say in an annotation which session is theirs. */
static bool is_of(const sk_shown *box, const char *session)
{
    for (size_t i = 0; box->spec && i < box->spec->n_annotations; i++) {
        const Coreweave__Sandbox__V1__SandboxSpec__AnnotationsEntry *entry = box->spec->annotations[i];
        if (strcmp(entry->key, SK_SESSION_ANNOTATION) == 0)
            return strcmp(entry->value, session) == 0;
    }
    return false;
}

static void add_page(struct listing *listing, const Coreweave__Sandbox__V1__ListSandboxesResponse *page)
{
    if (listing->count + page->n_sandboxes > listing->cap) {
        listing->cap = (listing->count + page->n_sandboxes) * 2;
        listing->boxes = sk_realloc(listing->boxes, listing->cap * sizeof(sk_shown *));
    }
    for (size_t i = 0; i < page->n_sandboxes; i++) {
        if (!listing->session || is_of(page->sandboxes[i], listing->session))
            listing->boxes[listing->count++] = page->sandboxes[i];
    }
}

static enum sk_code fetch(struct sk_client *client, Coreweave__Sandbox__V1__ListSandboxesRequest *request,
                          struct listing *listing, struct sk_fault *fault)
{
    Coreweave__Sandbox__V1__ListSandboxesResponse *page = NULL;
    struct sk_paging paging = {0};
    enum sk_code code;

    *fault = (struct sk_fault){0};
    do {
        code = sk_boxes_list(client, request, &listing->arena, &page, fault);
        if (!code)
            code =
                sk_paging_take(&paging, &page->base, page->n_sandboxes, page->next_page_token, &fault->err);
        if (code)
            return code;
        add_page(listing, page);
        request->page_token = page->next_page_token;
    } while (page->next_page_token[0]);
    return SK_OK;
}

static int list(struct sk_client *client, Coreweave__Sandbox__V1__ListSandboxesRequest *request,
                const struct sk_args *args)
{
    struct listing listing = {.session = args->session};
    struct sk_fault fault;
    int exit_code = 1;

    if (fetch(client, request, &listing, &fault))
        sk_fault_print(&fault);
    else
        exit_code = sk_output_list(listing.boxes, listing.count, args->json);
    free(listing.boxes);
    sk_arena_fini(&listing.arena);
    return exit_code;
}

static int run_ls(const struct sk_args *args)
{
    Coreweave__Sandbox__V1__ListSandboxesRequest request =
        COREWEAVE__SANDBOX__V1__LIST_SANDBOXES_REQUEST__INIT;
    struct sk_client client;
    struct sk_err err;

    request.page_size = PAGE;
    request.show_terminated = args->all;
    request.tags = args->tags.items;
    request.n_tags = args->tags.count;
    enum sk_code code = args->state ? sk_state_parse(args->state, &request.state, &err) : SK_OK;
    if (!code)
        code = sk_client_open(&client, args->address, &err);
    if (code) {
        sk_fault_print_err(&err);
        return 1;
    }
    int exit_code = list(&client, &request, args);
    sk_client_close(&client);
    return exit_code;
}

static const struct sk_option options[] = {
    {"all", 'a', SK_OPTION_FLAG, offsetof(struct sk_args, all), NULL, "those that have ended, too"},
    {"state", 0, SK_OPTION_TEXT, offsetof(struct sk_args, state), "STATE", "only those in that state"},
    {"tag", 0, SK_OPTION_WORDS, offsetof(struct sk_args, tags), "TAG", "only those with all these tags"},
    {"session", 0, SK_OPTION_TEXT, offsetof(struct sk_args, session), "ID", "only those of that session"},
    SK_OPTION_JSON,
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_ls = {
    .name = "ls",
    .synopsis = "[OPTION]...",
    .summary = "List sandboxes.",
    .options = options,
    .run = run_ls,
};
