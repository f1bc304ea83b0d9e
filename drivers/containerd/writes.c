/* writes.c: which writes in containerd are this daemon's: open, or kept for another try. */
#include "containerd/content.pb-c.h"
#include "drivers/containerd/content.h"

#include <string.h>

struct sk_ctd_write *sk_ctd_write_find(const struct sk_ctd_content *content, const char *ref)
{
    sk_list_each(&content->writes, link)
    {
        struct sk_ctd_write *write = sk_list_entry(link, struct sk_ctd_write, link);
        if (strcmp(write->ref, ref) == 0)
            return write;
    }
    return NULL;
}

void sk_ctd_write_forget(struct sk_ctd_write *write)
{
    sk_list_remove(&write->link);
    free(write->ref);
    free(write->lease);
    free(write);
}

/* The size is part of it: containerd refuses to go on with a write that was begun with another. */
struct sk_ctd_write *sk_ctd_write_note(struct sk_ctd_content *content, const struct sk_blob_ask *ask)
{
    char *ref = sk_printf(SK_CTD_OURS "%lld-%s", (long long)ask->size, ask->digest);
    struct sk_ctd_write *write = sk_ctd_write_find(content, ref);

    if (write) {
        free(ref);
        free(write->lease);
    } else {
        write = sk_alloc(sizeof(*write));
        write->ref = ref;
        sk_list_append(&content->writes, &write->link);
    }
    write->lease = sk_strdup(ask->lease);
    write->users++;
    return write;
}

void sk_ctd_write_leave(struct sk_ctd_write *note, bool is_kept)
{
    note->users--;
    if (!note->users && !is_kept)
        sk_ctd_write_forget(note);
}

void sk_ctd_write_abort(struct sk_ctd_client *client, const char *ref, struct sk_done *done)
{
    Containerd__AbortWriteRequest request = CONTAINERD__ABORT_WRITE_REQUEST__INIT;

    request.ref = (char *)ref;
    sk_ctd_call(client,
                &(struct sk_ctd_ask){
                    .method = SK_CTD_CONTENT_ABORT, .forgive = SK_FORGIVE(SK_NOT_FOUND), .can_cancel = true},
                &request.base, done);
}
