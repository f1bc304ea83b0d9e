#include "cli/paging.h"
#include "cli/session_output.h"
#include "cli/sessions.h"
#include "cli/target.h"
#include "cli/verbs.h"

#define PAGE 1000

struct listing {
    struct sk_arena arena;
    Sandkeep__V1__Session **sessions;
    size_t count, cap;
};

static void add_page(struct listing *listing, const Sandkeep__V1__ListSessionsResponse *page)
{
    if (listing->count + page->n_sessions > listing->cap) {
        listing->cap = (listing->count + page->n_sessions) * 2;
        listing->sessions = sk_realloc(listing->sessions, listing->cap * sizeof(listing->sessions[0]));
    }
    for (size_t i = 0; i < page->n_sessions; i++)
        listing->sessions[listing->count++] = page->sessions[i];
}

static enum sk_code fetch(struct sk_client *client, bool all, struct listing *listing, struct sk_fault *fault)
{
    Sandkeep__V1__ListSessionsRequest request = SANDKEEP__V1__LIST_SESSIONS_REQUEST__INIT;
    Sandkeep__V1__ListSessionsResponse *page = NULL;
    struct sk_paging paging = {0};

    request.page_size = PAGE;
    request.show_closed = all;
    do {
        enum sk_code code = sk_sessions_list(client, &request, &listing->arena, &page, fault);
        if (!code)
            code = sk_paging_take(&paging, &page->base, page->n_sessions, page->next_page_token, &fault->err);
        if (code)
            return code;
        add_page(listing, page);
        request.page_token = page->next_page_token;
    } while (page->next_page_token[0]);
    return SK_OK;
}

static int run_ls(const struct sk_args *args)
{
    struct listing listing = {0};
    struct sk_client client;
    struct sk_fault fault = {0};
    int exit_code = 1;

    if (sk_client_open(&client, args->address, &fault.err)) {
        sk_fault_print(&fault);
        return 1;
    }
    if (fetch(&client, args->all, &listing, &fault))
        sk_fault_print(&fault);
    else
        exit_code = sk_session_output_list(listing.sessions, listing.count, args->json);
    free(listing.sessions);
    sk_arena_fini(&listing.arena);
    sk_client_close(&client);
    return exit_code;
}

static const struct sk_option options[] = {
    {"all", 'a', SK_OPTION_FLAG, offsetof(struct sk_args, all), NULL, "those that are closed, too"},
    SK_OPTION_JSON,
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_session_ls = {
    .name = "session ls",
    .synopsis = "[OPTION]...",
    .summary = "List sessions.",
    .options = options,
    .run = run_ls,
};
