/* SPDX-License-Identifier: MIT */
/* windows.c - sums for each window of time, and source
 *
 * Idea.      An event belongs to the window of its stamp, whenever it comes.
 *            A window is complete when every source has got beyond it: each
 *            source's newest stamp is a promise that (but for --late) nothing
 *            older follows. The least of them is the watermark.
 * Idle.      A source that has ended promises everything, and one that has
 *            been silent for --idle is not waited for.
 * Late.      An event whose window is written already is counted, no more.
 */
#include "pipeline.h"

static int
put_window(struct pipeline *p, int64_t index)
{
    struct window *window = &p->windows.open[index % OPEN_WINDOWS];
    for (int source = 0; source < SOURCES; source++) {
        struct row row = { index * p->window_ms, (enum source)source,
            window->count[source], window->sum[source] };
        int err = row.count ? acio_queue_put(&p->rows, &row) : 0;
        if (err < 0)
            return err;
    }
    *window = (struct window){ 0 };
    return 0;
}

/* Writes the windows up to `end`. */
static int
close_windows(struct pipeline *p, int64_t end)
{
    struct windows *w = &p->windows;
    int err = 0;
    if (end > w->first + OPEN_WINDOWS) /* beyond, there is nothing */
        end = w->first + OPEN_WINDOWS;
    while (w->begun && err == 0 && w->first < end)
        err = put_window(p, w->first++);
    return err;
}

static int64_t
watermark_ms(const struct pipeline *p, int64_t now)
{
    const struct windows *w = &p->windows;
    int64_t least = INT64_MAX, newest = 0;
    for (int source = 0; source < SOURCES; source++) {
        if (w->newest_ms[source] > newest)
            newest = w->newest_ms[source];
        if (!w->ended[source] && now - w->arrived_ms[source] < p->idle_ms &&
            w->newest_ms[source] < least)
            least = w->newest_ms[source];
    }
    return (least < newest ? least : newest) - p->late_ms;
}

/* Where stamps run ahead of what is open, the oldest windows do not wait any
 * longer. */
static int
add(struct pipeline *p, const struct event *event)
{
    struct windows *w = &p->windows;
    int64_t index = event->stamp_ms / p->window_ms;
    if (!w->begun) {
        w->begun = true;
        w->first = index < OPEN_WINDOWS / 2 ? 0 : index - OPEN_WINDOWS / 2;
    }
    if (index < w->first) {
        p->late++;
        return 0;
    }
    int err = 0;
    while (err == 0 && index >= w->first + OPEN_WINDOWS)
        err = close_windows(p, index - OPEN_WINDOWS + 1);
    struct window *window = &w->open[index % OPEN_WINDOWS];
    window->count[event->source]++;
    window->sum[event->source] += event->value;
    return err;
}

static int
take(struct pipeline *p, const struct event *event)
{
    struct windows *w = &p->windows;
    enum source source = event->source;
    int64_t now = now_ms();
    if (event->number == 0) {
        w->ended[source] = true;
        return 0;
    }
    if (event->stamp_ms < 0 || event->stamp_ms > now) { /* of another clock */
        p->malformed++;
        return 0;
    }
    p->count[source]++;
    if (event->number > p->last[source])
        p->last[source] = event->number;
    if (now - event->stamp_ms > p->behind_ms)
        p->behind_ms = now - event->stamp_ms;
    if (event->stamp_ms > w->newest_ms[source])
        w->newest_ms[source] = event->stamp_ms;
    w->arrived_ms[source] = now;
    int err = add(p, event);
    return err < 0 ? err
                   : close_windows(p, watermark_ms(p, now) / p->window_ms);
}

int
fill_windows(void *arg)
{
    struct pipeline *p = ((struct fill_windows_args *)arg)->pipeline;
    struct event event;
    int err = 0;
    for (int source = 0; source < SOURCES; source++)
        p->windows.arrived_ms[source] = now_ms();
    while (err == 0) {
        err = acio_queue_get(&p->events, &event);
        if (err == 0)
            err = take(p, &event);
    }
    if (err == -ACIO_EQUEUESHUTDOWN) /* no source is left */
        err = close_windows(p, INT64_MAX);
    acio_queue_shutdown(&p->rows, false);
    return err;
}
