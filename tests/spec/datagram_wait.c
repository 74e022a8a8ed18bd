/* SPDX-License-Identifier: MIT */
/* Waiting for datagrams, for room, for the end. */
#include <errno.h>
#include <stdlib.h>

#include "datagram_world.h"

/* ---- receiving ---- */

SPEC(datagram_wait, gives_tasks_their_datagrams_in_order_of_coming)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    start(listen_to, .datagram = a, .times = 1);
    start(listen_to, .datagram = a, .times = 1);
    start(listen_to, .datagram = a, .times = 1);
    settle();
    EXPECT_NOTED("");
    EXPECT_ERR(tell(b, "1", NULL), 0);
    EXPECT_ERR(tell(b, "2", NULL), 0);
    EXPECT_ERR(tell(b, "3", NULL), 0);
    finish();
    EXPECT_NOTED("[1][2][3]");
    acio_datagram_close(a);
    acio_datagram_close(b);
}

struct impatient_args {
    acio_datagram *datagram;
    double seconds;
};
static int
impatient(void *arg)
{
    const struct impatient_args *a = arg;
    ACIO_TIMEOUT(limit, a->seconds);
    char buf[8];
    ssize_t n = acio_recvfrom(a->datagram, buf, sizeof buf, NULL);
    if (n >= 0)
        note("[%.*s]", (int)n, buf);
    return 0;
}

/* However a timeout falls between arrivals, each datagram is received. */
SPEC(datagram_wait, that_is_cut_short_loses_no_datagram,
    .sim.late_cancels = 0.5)
{
    acio_datagram *a = endpoint(), *b = endpoint_towards(a);
    for (int i = 0; i < 20; i++) {
        start(impatient, .datagram = a, .seconds = 0.00001 * i);
        char digit = (char)('a' + i);
        EXPECT_ERR(acio_sendto(b, &digit, 1, NULL), 0);
    }
    let_arrive();
    finish();
    char buf[8];
    ssize_t n;
    while ((n = acio_recvfrom_nowait(a, buf, sizeof buf, NULL)) >= 0)
        note("[%.*s]", (int)n, buf);
    EXPECT_ERR(n, -EAGAIN);
    EXPECT_NOTED("[a][b][c][d][e][f][g][h][i][j][k][l][m][n][o][p][q][r][s]"
                 "[t]");
    acio_datagram_close(a);
    acio_datagram_close(b);
}

SPEC(datagram_wait, answers_a_cancel_at_once)
{
    acio_datagram *a = endpoint();
    struct listen_to_args args = { .datagram = a, .times = 1 };
    acio_task *task = acio_create_task_with(listen_to,
        (struct acio_args){ &args, sizeof args }, NULL);
    if (!task)
        SKIP("no memory for the task");
    settle();
    acio_cancel(task);
    EXPECT_ERR(acio_await(task), 0);
    EXPECT_NOTED("[Operation canceled]");
    acio_datagram_close(a);
}

/* ---- room ---- */

struct pour_args {
    acio_datagram *datagram;
    int count;
    int *sent;
};
static int
pour(void *arg)
{
    const struct pour_args *a = arg;
    char data[1000] = "";
    for (*a->sent = 0; *a->sent < a->count; ++*a->sent) {
        memcpy(data, a->sent, sizeof *a->sent);
        if (acio_sendto(a->datagram, data, sizeof data, NULL) < 0)
            break;
    }
    return 0;
}

/* The kernel's buffer is the only memory there is: what is sent and not
 * received is dropped there, and counted there. */
SPEC_LARGE(datagram_flood, is_dropped_and_counted_by_the_kernel)
{
    enum { COUNT = 2000 };
    const struct acio_datagram_options options = { .local_host = "127.0.0.1",
        .receive_buffer = 20000 };
    acio_datagram *a, *b;
    EXPECT_ERR(acio_create_datagram_endpoint(&a, &options), 0);
    if (acio_datagram_drops(a) == -EOPNOTSUPP)
        SKIP("this kernel does not count what it drops");
    b = endpoint_towards(a);
    int sent = 0, got = 0;
    size_t before = spec_heap_live();
    start(pour, .datagram = b, .count = COUNT, .sent = &sent);
    finish();
    let_arrive();
    EXPECT(spec_heap_live() < before + 100);
    EXPECT_EQ(sent, COUNT);
    char data[1000];
    while (acio_recvfrom_nowait(a, data, sizeof data, NULL) >= 0)
        got++;
    EXPECT(got > 0);
    EXPECT(got < 100);
    EXPECT_EQ(acio_datagram_drops(a), COUNT - got);
    acio_datagram_close(a);
    acio_datagram_close(b);
}

/* ---- the end ---- */

SPEC(datagram_close, ends_what_others_wait_for)
{
    acio_datagram *a = endpoint();
    struct acio_address at_a = address_of(a);
    start(listen_to, .datagram = a, .times = 1);
    start(listen_to, .datagram = a, .times = 1);
    settle();
    EXPECT_ERR(acio_datagram_close(a), 0);
    EXPECT_ERR(acio_datagram_close(a), -ACIO_ECLOSED);
    EXPECT_ERR(tell(a, "late", &at_a), -ACIO_ECLOSED);
    const struct acio_datagram_options again = { .local_host = "127.0.0.1",
        .local_port = acio_address_port(&at_a) };
    acio_datagram *b;
    EXPECT_ERR(acio_create_datagram_endpoint(&b, &again), 0);
    acio_datagram_close(b);
    finish();
    EXPECT_NOTED("[the object is closed][the object is closed]");
    EXPECT_ERR(acio_datagram_close(NULL), 0);
}

SPEC(datagram_close, is_the_same_without_waiting_by_abort)
{
    acio_datagram *a = endpoint();
    start(listen_to, .datagram = a, .times = 1);
    settle();
    acio_datagram_abort(a);
    acio_datagram_abort(a);
    acio_datagram_abort(NULL);
    EXPECT_ERR(acio_datagram_port(a), -ACIO_ECLOSED);
    finish();
    EXPECT_NOTED("[the object is closed]");
}

SPEC(datagram_close, closes_under_a_cancel_too)
{
    acio_datagram *a = endpoint();
    start(listen_to, .datagram = a, .times = 1);
    settle();
    ACIO_TIMEOUT(limit, 0);
    EXPECT_ERR(acio_sleep(1), -ETIMEDOUT);
    EXPECT_ERR(acio_datagram_close(a), 0);
    acio_timeout_close(&limit);
    finish();
    EXPECT_NOTED("[the object is closed]");
}

SPEC(datagram_close, is_done_by_the_loop_where_nobody_does)
{
    acio_datagram *a = endpoint();
    acio_datagram *b = endpoint_towards(a);
    EXPECT_ERR(tell(b, "nobody receives this", NULL), 0);
}

static void
receive_outside(void *arg)
{
    char byte;
    ssize_t n = acio_recvfrom(arg, &byte, 1, NULL);
    note("[%s]", acio_strerror((int)n));
    note("[%s]", acio_strerror(acio_datagram_close(arg)));
}

SPEC(datagram_misuse, is_refused_outside_a_task)
{
    acio_datagram *a = endpoint();
    acio_handle handle = { 0 };
    acio_loop_call_soon(acio_get_running_loop(), &handle, receive_outside, a);
    settle();
    EXPECT_NOTED("[a suspending function was called outside a task]"
                 "[a suspending function was called outside a task]");
    EXPECT_ERR(acio_datagram_close(a), 0);
    EXPECT_ERR(acio_recvfrom(NULL, NULL, 0, NULL), -EINVAL);
}
