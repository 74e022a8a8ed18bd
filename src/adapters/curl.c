/* SPDX-License-Identifier: MIT */
/* curl.c - libcurl's transfers on the loop
 *
 * Idea.       curl does the protocols and says what it waits for: which fds,
 *             and until when. Each fd becomes a poll operation, the time a
 *             timer; when one of them comes, curl is called and goes on. There
 *             is one multi handle for each loop, made at first use.
 *
 *                 loop --> adapter --> watch(fd 7), watch(fd 9), timer
 *                             |
 *                             +--> transfer(task a), transfer(task b)
 *
 * Fds.        curl tells that it lets go of an fd before it closes it; so the
 *             poll is cancelled while the fd is still the same file. A poll
 *             that has completed, and whose callback has not run yet, belongs
 *             to a watch that is marked as let go of: an event of the old file
 *             never reaches curl as one of a new file with the same number.
 * Recursion.  What curl calls (on_socket, on_timeout) only notes things and
 *             never calls curl back. curl is called from the loop's callbacks
 *             and, to add and remove handles, from tasks.
 * Cost.       A transfer lies on the stack of its task, watches are used
 *             again: events allocate nothing, and finding what they concern
 *             takes the same time with one transfer as with thousands.
 * Cancel.     The handle is taken out of the multi handle, which closes its
 *             connection unless the transfer was over.
 */
#include <acio/curl.h>

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <acio/future.h>
#include <acio/op.h>
#include <acio/task.h>

enum {
    FIRST_BUCKETS = 64, /* a power of two, as all their numbers */
    /* CURLOPT_QUICK_EXIT, of curl 7.87; an older one answers that it does not
     * know it. */
    QUICK_EXIT = CURLOPTTYPE_LONG + 322
};

/* An fd that curl waits for. */
struct watch {
    acio_op op;
    struct adapter *adapter;
    struct watch *next_of_all;
    struct watch *next_spare;
    curl_socket_t fd;
    int wanted; /* CURL_POLL_...; REMOVE: curl has let go of it */
    bool busy;  /* its event is being told to curl */
};

/* A task inside acio_curl_perform. */
struct transfer {
    acio_future done; /* its result is a CURLcode */
    CURL *easy;
    struct transfer *next; /* in its bucket */
};

struct adapter {
    struct acio_loop_part part;
    acio_loop *loop;
    CURLM *multi;
    acio_timer timer;
    struct watch *all_watches;
    struct watch *spare_watches;
    size_t alive;              /* polls that have not called back */
    struct transfer **buckets; /* by the address of the easy handle */
    size_t bucket_count;
    size_t transfer_count;
};

/* ---- transfers by handle ---- */

static struct transfer **
bucket_of(const struct adapter *adapter, const CURL *easy)
{
    uint64_t hash = (uint64_t)(uintptr_t)easy * UINT64_C(0x9e3779b97f4a7c15);
    return &adapter->buckets[(hash >> 32) & (adapter->bucket_count - 1)];
}

static void
insert_transfer(struct adapter *adapter, struct transfer *transfer)
{
    struct transfer **bucket = bucket_of(adapter, transfer->easy);
    transfer->next = *bucket;
    *bucket = transfer;
}

/* Without memory the buckets that are there do: they become longer. */
static void
grow_buckets(struct adapter *adapter)
{
    size_t old_count = adapter->bucket_count;
    struct transfer **old = adapter->buckets;
    struct transfer **buckets = calloc(2 * old_count, sizeof(*buckets));
    if (!buckets)
        return;
    adapter->buckets = buckets;
    adapter->bucket_count = 2 * old_count;
    for (size_t i = 0; i < old_count; i++) {
        while (old[i]) {
            struct transfer *transfer = old[i];
            old[i] = transfer->next;
            insert_transfer(adapter, transfer);
        }
    }
    free(old);
}

static void
link_transfer(struct adapter *adapter, struct transfer *transfer)
{
    if (++adapter->transfer_count > adapter->bucket_count)
        grow_buckets(adapter);
    insert_transfer(adapter, transfer);
}

static void
unlink_transfer(struct adapter *adapter, struct transfer *transfer)
{
    struct transfer **at = bucket_of(adapter, transfer->easy);
    while (*at != transfer)
        at = &(*at)->next;
    *at = transfer->next;
    adapter->transfer_count--;
}

static void
finish_transfer(struct adapter *adapter, const CURL *easy, CURLcode code)
{
    struct transfer *transfer = *bucket_of(adapter, easy);
    while (transfer && transfer->easy != easy)
        transfer = transfer->next;
    if (transfer)
        acio_future_set_result(&transfer->done, (int)code);
}

/* ---- calling curl ---- */

static void
call_curl(struct adapter *adapter, curl_socket_t fd, int events)
{
    int left;
    curl_multi_socket_action(adapter->multi, fd, events, &left);
    CURLMsg *message;
    while ((message = curl_multi_info_read(adapter->multi, &left))) {
        if (message->msg == CURLMSG_DONE)
            finish_transfer(adapter, message->easy_handle,
                message->data.result);
    }
}

static void
time_has_come(void *arg)
{
    call_curl(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* ---- watches ---- */

static struct watch *
take_watch(struct adapter *adapter)
{
    struct watch *watch = adapter->spare_watches;
    if (watch) {
        adapter->spare_watches = watch->next_spare;
        return watch;
    }
    watch = calloc(1, sizeof(*watch));
    if (watch) {
        watch->adapter = adapter;
        watch->next_of_all = adapter->all_watches;
        adapter->all_watches = watch;
    }
    return watch;
}

static struct watch *
watch_socket(struct adapter *adapter, curl_socket_t fd)
{
    struct watch *watch = take_watch(adapter);
    if (!watch)
        return NULL;
    watch->fd = fd;
    watch->wanted = CURL_POLL_NONE;
    curl_multi_assign(adapter->multi, fd, watch);
    return watch;
}

static void
give_watch_back(struct watch *watch)
{
    watch->next_spare = watch->adapter->spare_watches;
    watch->adapter->spare_watches = watch;
}

static void event_has_come(acio_op *op);

static void
arm(struct watch *watch)
{
    unsigned events = 0;
    if (watch->wanted & CURL_POLL_IN)
        events |= POLLIN;
    if (watch->wanted & CURL_POLL_OUT)
        events |= POLLOUT;
    if (!events)
        return;
    watch->adapter->alive++;
    acio_op_poll(&watch->op, watch->fd, events);
    acio_loop_submit(watch->adapter->loop, &watch->op, event_has_come, watch);
}

/* A bare POLLHUP or POLLERR is told as what was waited for, so that curl
 * meets the error in its own system call. A poll that failed is told as an
 * error alone, which ends the transfer. */
static int
curl_events(const struct watch *watch)
{
    if (watch->op.result < 0)
        return CURL_CSELECT_ERR;
    int events = 0;
    if (watch->op.result & POLLIN)
        events |= CURL_CSELECT_IN;
    if (watch->op.result & POLLOUT)
        events |= CURL_CSELECT_OUT;
    return events ? events : watch->wanted & CURL_POLL_INOUT;
}

static void
event_has_come(acio_op *op)
{
    struct watch *watch = op->user;
    struct adapter *adapter = watch->adapter;
    bool failed = op->result < 0 && op->result != -ECANCELED;
    adapter->alive--;
    if (watch->wanted != CURL_POLL_REMOVE && op->result != -ECANCELED) {
        watch->busy = true;
        call_curl(adapter, watch->fd, curl_events(watch));
        watch->busy = false;
    }
    if (watch->wanted == CURL_POLL_REMOVE)
        give_watch_back(watch);
    else if (!failed)
        arm(watch);
}

/* An alive poll is armed anew, or its watch given back, by its callback. */
static void
set_wanted(struct watch *watch, int wanted)
{
    bool changes = watch->wanted != wanted;
    watch->wanted = wanted;
    if (watch->busy || !changes)
        return;
    if (acio_op_alive(&watch->op))
        acio_op_cancel(&watch->op);
    else if (wanted == CURL_POLL_REMOVE)
        give_watch_back(watch);
    else
        arm(watch);
}

/* ---- what curl calls ---- */

/* An error answered here would end every transfer; only one has to end. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user)
{
    struct adapter *adapter = user;
    struct watch *watch = socket_user;
    if (!watch && what != CURL_POLL_REMOVE)
        watch = watch_socket(adapter, fd);
    if (watch)
        set_wanted(watch, what);
    else if (what != CURL_POLL_REMOVE)
        finish_transfer(adapter, easy, CURLE_OUT_OF_MEMORY);
    return 0;
}

static int
on_timeout(CURLM *multi, long timeout_ms, void *user)
{
    (void)multi;
    struct adapter *adapter = user;
    if (timeout_ms < 0)
        acio_timer_cancel(adapter->loop, &adapter->timer);
    else
        acio_loop_call_later(adapter->loop, &adapter->timer,
            (double)timeout_ms / 1e3, time_has_come, adapter);
    return 0;
}

/* ---- the adapter of a loop ---- */

static void
free_adapter(struct adapter *adapter)
{
    while (adapter->all_watches) {
        struct watch *watch = adapter->all_watches;
        adapter->all_watches = watch->next_of_all;
        free(watch);
    }
    free(adapter->buckets);
    free(adapter);
}

/* With the loop: no task is left, and so no transfer. */
static void
close_adapter(struct acio_loop_part *part, acio_loop *loop)
{
    struct adapter *adapter = (struct adapter *)part;
    curl_multi_cleanup(adapter->multi);
    acio_timer_cancel(loop, &adapter->timer);
    struct watch *watch = adapter->all_watches;
    for (; watch; watch = watch->next_of_all) {
        watch->wanted = CURL_POLL_REMOVE;
        acio_op_cancel(&watch->op);
    }
    while (adapter->alive > 0) {
        if (acio_loop_run_once(loop, -1) < 0)
            return; /* a poll may be alive: its memory is not ours */
    }
    free_adapter(adapter);
}

static struct adapter *
new_adapter(acio_loop *loop)
{
    struct adapter *adapter = calloc(1, sizeof(*adapter));
    if (!adapter)
        return NULL;
    adapter->bucket_count = FIRST_BUCKETS;
    adapter->buckets = calloc(FIRST_BUCKETS, sizeof(*adapter->buckets));
    adapter->multi = adapter->buckets ? curl_multi_init() : NULL;
    if (!adapter->multi) {
        free_adapter(adapter);
        return NULL;
    }
    adapter->loop = loop;
    curl_multi_setopt(adapter->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(adapter->multi, CURLMOPT_SOCKETDATA, adapter);
    curl_multi_setopt(adapter->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(adapter->multi, CURLMOPT_TIMERDATA, adapter);
    return adapter;
}

static struct adapter *
adapter_of(acio_loop *loop)
{
    static const char key;
    struct adapter *adapter = (struct adapter *)acio_loop_find_part(loop, &key);
    if (adapter)
        return adapter;
    adapter = new_adapter(loop);
    if (adapter) {
        adapter->part.key = &key;
        adapter->part.close = close_adapter;
        acio_loop_attach(loop, &adapter->part);
    }
    return adapter;
}

/* ---- errors ---- */

static int
error_of_add(CURLMcode code)
{
    switch (code) {
    case CURLM_OK:
        return 0;
    case CURLM_OUT_OF_MEMORY:
        return -ENOMEM;
    case CURLM_ADDED_ALREADY:
    case CURLM_RECURSIVE_API_CALL:
        return -EBUSY;
    default:
        return -EINVAL;
    }
}

/* "Couldn't connect" has many reasons, and curl keeps the system's. */
static int
error_of_connect(CURL *easy)
{
    long os_error = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
    if (os_error > 0 && os_error < ACIO_EFIRST)
        return -(int)os_error;
    return -(ACIO_ECURL_BASE + CURLE_COULDNT_CONNECT);
}

static int
error_of_transfer(CURL *easy, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return 0;
    case CURLE_OUT_OF_MEMORY:
        return -ENOMEM;
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
        return -(ACIO_EAI_BASE - EAI_NONAME);
    case CURLE_COULDNT_CONNECT:
        return error_of_connect(easy);
    default:
        return -(ACIO_ECURL_BASE + (int)code);
    }
}

const char *
acio_curl_strerror(int error)
{
    int code = error < 0 && error >= -ACIO_ELAST ? -error : error;
    if (code > ACIO_ECURL_BASE && code <= ACIO_ELAST)
        return curl_easy_strerror((CURLcode)(code - ACIO_ECURL_BASE));
    return acio_strerror(error);
}

/* ---- a transfer ---- */

/* In the middle of a name look-up curl would wait for its thread, and every
 * task with it, until the resolver answers. */
static void
give_up(CURLM *multi, CURL *easy)
{
    curl_easy_setopt(easy, (CURLoption)QUICK_EXIT, 1L);
    curl_multi_remove_handle(multi, easy);
    curl_easy_setopt(easy, (CURLoption)QUICK_EXIT, 0L);
}

static int
run_transfer(struct adapter *adapter, struct transfer *transfer)
{
    link_transfer(adapter, transfer);
    int result = acio_future_await(&transfer->done);
    unlink_transfer(adapter, transfer);
    acio_future_close(&transfer->done);
    if (result < 0) {
        give_up(adapter->multi, transfer->easy);
        return result;
    }
    curl_multi_remove_handle(adapter->multi, transfer->easy);
    return error_of_transfer(transfer->easy, (CURLcode)result);
}

int
acio_curl_perform(CURL *easy)
{
    if (!acio_current_task())
        return -ACIO_ENOTASK;
    if (!easy)
        return -EINVAL;
    acio_loop *loop = acio_get_running_loop();
    if (strcmp(acio_loop_backend(loop), "sim") == 0)
        return -EOPNOTSUPP;
    struct adapter *adapter = adapter_of(loop);
    if (!adapter)
        return -ENOMEM;

    struct transfer transfer = { .easy = easy };
    int err = acio_future_init(&transfer.done);
    if (err < 0)
        return err;
    err = error_of_add(curl_multi_add_handle(adapter->multi, easy));
    if (err < 0)
        return err;
    return run_transfer(adapter, &transfer);
}
