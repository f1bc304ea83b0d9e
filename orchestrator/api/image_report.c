#include "api/image_report.h"

static struct sk_loop *loop_of(const struct sk_image_report *report)
{
    return sk_node_loop(report->call->node);
}

static bool is_news(const struct sk_image_report *report, const SK_OWN_PB(PullImageResponse) * now)
{
    const SK_OWN_PB(PullImageResponse) *said = &report->said;
    return said->phase != now->phase || said->done_bytes != now->done_bytes ||
           said->total_bytes != now->total_bytes || said->layers_done != now->layers_done ||
           said->layers != now->layers;
}

static void on_timer(struct sk_timer *timer);

/* Of a client that reads slowly only the newest is kept. */
static void tell(struct sk_image_report *report)
{
    SK_OWN_PB(PullImageResponse) now;
    sk_encode_progress(report->look(report), &now);
    if (!report->sending && is_news(report, &now)) {
        report->said = now;
        report->sending = true;
        report->send(report, &now);
    }
    sk_timer_start(loop_of(report), &report->timer,
                   sk_instant_add(sk_loop_now(loop_of(report)), SK_IMAGE_REPORT_EVERY), on_timer);
}

static void on_timer(struct sk_timer *timer)
{
    tell(sk_container_of(timer, struct sk_image_report, timer));
}

void sk_image_report_start(struct sk_image_report *report)
{
    report->said.phase = SK_OWN_PBE(PULL_PHASE, PULL_PHASE_UNSPECIFIED); /* unlike any */
    tell(report);
}

void sk_image_report_sent(struct sk_image_report *report)
{
    report->sending = false;
}

void sk_image_report_stop(struct sk_image_report *report)
{
    sk_timer_stop(loop_of(report), &report->timer);
}

static SK_OWN_PB(PullImageResponse) * last_words(const struct sk_image_report *report)
{
    struct sk_arena *arena = report->call->arena;
    SK_OWN_PB(PullImageResponse) *last = SK_OWN_PB_NEW(arena, pull_image_response);
    last->phase = SK_OWN_PBE(PULL_PHASE, PULL_PHASE_DONE);
    last->done_bytes = last->total_bytes = report->said.total_bytes;
    last->layers_done = last->layers = report->said.layers;
    last->image = sk_encode_image(arena, report->images, &report->row.items[0], report->image);
    return last;
}

static void on_inspected(struct sk_done *done, const struct sk_err *err)
{
    struct sk_image_report *report = sk_container_of(done, struct sk_image_report, done);
    SK_OWN_PB(PullImageResponse) *last = err ? NULL : last_words(report);
    sk_image_free(sk_take(report->image));
    sk_image_rows_fini(&report->row);
    report->answer(report, last, err);
}

void sk_image_report_finish(struct sk_image_report *report, struct sk_image *image_take)
{
    struct sk_image_driver *driver = sk_images_driver(report->images);
    sk_image_report_stop(report);
    report->image = image_take;
    sk_done_init(&report->done, on_inspected);
    driver->ops->inspect(driver, report->image->name, &report->row, &report->done);
}

void sk_image_report_cancel(struct sk_image_report *report)
{
    sk_done_cancel(&report->done);
}
