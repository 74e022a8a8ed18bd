/* SPDX-License-Identifier: MIT */
/* Filters: what stands between a stream's user and its fd. */
#include "net_world.h"

#include <acio/filter.h>

/* Turns each byte over with a key, and counts. With `ends` it says its end in
 * band: the key itself, as a byte, is the last. */
struct veil {
    struct acio_filter filter;
    char key;
    bool ends, end_came, waits_for_end, half_open;
    int error; /* what `received` answers; 0: it works */
    size_t received;
    int closing, lost, released;
};

static struct veil *
veil_of(struct acio_filter *filter)
{
    return (struct veil *)filter;
}

static size_t
turn(const struct veil *veil, char *out, const char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (char)(data[i] ^ veil->key);
    return bytes;
}

static int
veil_received(struct acio_filter *filter, const char *data, size_t bytes)
{
    struct veil *veil = veil_of(filter);
    char buf[1000];
    veil->received += bytes;
    if (veil->error)
        return veil->error;
    if (veil->ends && bytes > 0 && data[bytes - 1] == veil->key) {
        veil->end_came = true;
        bytes--;
    }
    while (bytes > 0) {
        size_t n = bytes < sizeof buf ? bytes : sizeof buf;
        (void)acio_filter_deliver(filter, buf, turn(veil, buf, data, n));
        data += n;
        bytes -= n;
    }
    if (veil->end_came)
        acio_filter_deliver_end(filter);
    return 0;
}

static int
veil_received_end(struct acio_filter *filter)
{
    const struct veil *veil = veil_of(filter);
    return veil->ends && !veil->end_came ? -ACIO_EINCOMPLETE : 0;
}

static int
veil_write(struct acio_filter *filter, const char *data, size_t bytes)
{
    char buf[1000];
    int err = 0;
    while (err == 0 && bytes > 0) {
        size_t n = bytes < sizeof buf ? bytes : sizeof buf;
        err = acio_filter_send(filter, buf,
            turn(veil_of(filter), buf, data, n));
        data += n;
        bytes -= n;
    }
    return err;
}

static void
say_end(struct acio_filter *filter)
{
    const struct veil *veil = veil_of(filter);
    if (veil->ends)
        (void)acio_filter_send(filter, &veil->key, 1);
}

static int
veil_write_eof(struct acio_filter *filter)
{
    say_end(filter);
    return veil_of(filter)->half_open ? 0 : 1;
}

static void
veil_closing(struct acio_filter *filter)
{
    veil_of(filter)->closing++;
    say_end(filter);
}

static bool
veil_end_awaited(struct acio_filter *filter)
{
    const struct veil *veil = veil_of(filter);
    return veil->waits_for_end && !veil->end_came;
}

static void
veil_lost(struct acio_filter *filter, int err)
{
    (void)err;
    veil_of(filter)->lost++;
}

static void
veil_release(struct acio_filter *filter)
{
    veil_of(filter)->released++;
}

static const char *
veil_error_text(struct acio_filter *filter)
{
    return veil_of(filter)->error ? "the veil is torn" : NULL;
}

static const struct acio_filter_type veil_type = {
    .name = "veil",
    .received = veil_received,
    .received_end = veil_received_end,
    .write = veil_write,
    .write_eof = veil_write_eof,
    .closing = veil_closing,
    .end_awaited = veil_end_awaited,
    .lost = veil_lost,
    .release = veil_release,
    .error_text = veil_error_text,
};

static const struct acio_filter_type identity_type = { .name = "identity" };

static int
set_veil(acio_stream *stream, struct veil *veil, char key)
{
    veil->filter.type = &veil_type;
    veil->key = key;
    return acio_stream_set_filter(stream, &veil->filter);
}

/* Both ends with a filter of the same key. */
static int
open_veiled(struct pair *pair, struct veil *client, struct veil *served)
{
    int err = open_pair(pair, 0);
    if (err == 0)
        err = set_veil(pair->client, client, '\x55');
    if (err == 0)
        err = set_veil(pair->served, served, '\x55');
    return err;
}

SPEC(net_filter, that_does_nothing_changes_nothing)
{
    struct pair pair;
    struct acio_filter ours = { .type = &identity_type };
    struct acio_filter theirs = { .type = &identity_type };
    bool good = false;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_stream_set_filter(pair.client, &ours), 0);
    EXPECT_ERR(acio_stream_set_filter(pair.served, &theirs), 0);
    start(flood, .stream = pair.client, .bytes = 300000, .piece = 4096);
    start(flood, .stream = pair.served, .bytes = 200000, .piece = 1000);
    EXPECT_EQ(read_all(pair.client, &good), 200000);
    EXPECT(good);
    EXPECT_EQ(read_all(pair.served, &good), 300000);
    EXPECT(good);
    close_pair(&pair);
}

SPEC(net_filter, changes_what_is_on_the_way)
{
    struct pair pair;
    struct veil veil = { .key = 0 };
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(set_veil(pair.client, &veil, ' '), 0);
    EXPECT_ERR(say(pair.client, "hello"), 0);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 5), 5);
    EXPECT_TEXT(buf, "HELLO");
    EXPECT_ERR(say(pair.served, "HI"), 0);
    memset(buf, 0, sizeof buf);
    EXPECT_EQ(acio_readexactly(pair.client, buf, 2), 2);
    EXPECT_TEXT(buf, "hi");
    close_pair(&pair);
}

SPEC(net_filter, at_both_ends_is_not_to_be_seen)
{
    struct pair pair;
    struct veil client = { .ends = true }, served = { .ends = true };
    bool good = false;
    EXPECT_ERR(open_veiled(&pair, &client, &served), 0);
    start(flood, .stream = pair.client, .bytes = 300000, .piece = 4096);
    start(flood, .stream = pair.served, .bytes = 200000, .piece = 1000);
    EXPECT_EQ(read_all(pair.client, &good), 200000);
    EXPECT(good);
    EXPECT_EQ(read_all(pair.served, &good), 300000);
    EXPECT(good);
    close_pair(&pair);
}

SPEC(net_filter, set_later_gets_what_nobody_has_read)
{
    struct pair pair;
    struct veil veil = { .key = 0 };
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(say(pair.client, "xHELLO"), 0);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 1), 1);
    acio_write(pair.served, "plain", 5);
    EXPECT_ERR(set_veil(pair.served, &veil, ' '), 0);
    EXPECT_EQ(veil.received, 5);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 5), 5);
    EXPECT_TEXT(buf, "hello");
    EXPECT_EQ(acio_readexactly(pair.client, buf, 5), 5);
    EXPECT_TEXT(buf, "plain");
    close_pair(&pair);
}

SPEC(net_filter, set_after_the_end_is_asked_about_it)
{
    struct pair pair;
    struct veil veil = { .ends = true };
    char byte;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_close(pair.client), 0);
    EXPECT_EQ(acio_read(pair.served, &byte, 1), 0);
    EXPECT_ERR(set_veil(pair.served, &veil, ' '), 0);
    EXPECT_EQ(acio_read(pair.served, &byte, 1), -ACIO_EINCOMPLETE);
    EXPECT_EQ(veil.lost, 1);
    close_pair(&pair);
}

SPEC(net_filter, receives_before_anybody_reads)
{
    struct pair pair;
    struct veil veil = { .key = 0 };
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(set_veil(pair.served, &veil, ' '), 0);
    EXPECT_ERR(say(pair.client, "hello"), 0);
    let_arrive();
    EXPECT_EQ(veil.received, 5);
    close_pair(&pair);
}

SPEC(net_filter, piles_up)
{
    struct pair pair;
    struct veil lower = { .key = 0 }, upper = { .key = 0 };
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(set_veil(pair.client, &lower, ' '), 0);
    EXPECT_ERR(set_veil(pair.client, &upper, '\x01'), 0);
    EXPECT(acio_stream_filter(pair.client, &veil_type) == &upper.filter);
    EXPECT(!acio_stream_filter(pair.client, &identity_type));
    EXPECT_ERR(say(pair.client, "abc"), 0);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 3), 3);
    EXPECT_TEXT(buf, "@CB");
    EXPECT_ERR(say(pair.served, "@CB"), 0);
    EXPECT_EQ(acio_readexactly(pair.client, buf, 3), 3);
    EXPECT_TEXT(buf, "abc");
    close_pair(&pair);
}

SPEC(net_filter, may_let_pass_what_another_takes_care_of)
{
    struct pair pair;
    struct veil veil = { .key = 0 };
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(set_veil(pair.client, &veil, ' '), 0);
    veil.filter.pass_output = true;
    EXPECT_ERR(say(pair.client, "abc"), 0);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 3), 3);
    EXPECT_TEXT(buf, "abc");
    veil.filter.pass_input = true;
    EXPECT_ERR(say(pair.served, "def"), 0);
    EXPECT_EQ(acio_readexactly(pair.client, buf, 3), 3);
    EXPECT_TEXT(buf, "def");
    EXPECT_EQ(veil.received, 0);
    close_pair(&pair);
}

struct read_some_args {
    acio_stream *stream;
};
static int
read_some(void *arg)
{
    const struct read_some_args *a = arg;
    char byte;
    return (int)acio_read(a->stream, &byte, 1);
}

SPEC(net_filter, is_refused_where_it_cannot_be, .may_deadlock = true)
{
    struct pair pair;
    struct veil veil = { .key = 0 };
    struct acio_filter nothing = { .type = NULL };
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(acio_stream_set_filter(pair.client, NULL), -EINVAL);
    EXPECT_ERR(acio_stream_set_filter(pair.client, &nothing), -EINVAL);
    acio_task *reader = acio_create_task(read_some, .stream = pair.client);
    settle();
    EXPECT_ERR(set_veil(pair.client, &veil, ' '), -EBUSY);
    acio_cancel(reader);
    EXPECT_ERR(acio_await(reader), -ECANCELED);
    acio_write_eof(pair.client);
    EXPECT_ERR(set_veil(pair.client, &veil, ' '), -ACIO_ECLOSED);
    EXPECT_ERR(acio_close(pair.client), 0);
    EXPECT_ERR(set_veil(pair.client, &veil, ' '), -ACIO_ECLOSED);
    EXPECT(!acio_stream_filter(pair.client, &veil_type));
    EXPECT_EQ(veil.released, 0);
    close_pair(&pair);
}

/* ---- pressure ---- */

SPEC(net_filter, is_not_flooded_where_nobody_reads)
{
    struct pair pair;
    enum { LIMIT = 1000, PIECE = 70000 };
    struct veil veil = { .key = 0 };
    bool good = false;
    EXPECT_ERR(open_pair(&pair, LIMIT), 0);
    EXPECT_ERR(set_veil(pair.served, &veil, '\0'), 0);
    start(flood, .stream = pair.client, .bytes = much(), .piece = 4096);
    let_arrive();
    let_arrive();
    EXPECT(veil.received > 0);
    EXPECT(veil.received <= 2 * LIMIT + PIECE);
    EXPECT_EQ(read_all(pair.served, &good), (ssize_t)much());
    EXPECT(good);
    EXPECT_EQ(veil.received, much());
    close_pair(&pair);
}

SPEC(net_filter, lets_drain_wait_for_what_it_sent)
{
    struct pair pair;
    struct veil veil = { .key = 0 };
    size_t written = 0;
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(set_veil(pair.client, &veil, '\0'), 0);
    start(flood, .stream = pair.client, .bytes = 2 * much(), .piece = 4096,
        .written = &written);
    let_arrive();
    EXPECT(written < 2 * much());
    EXPECT(acio_write_buffer_size(pair.client) <= 65536 + 4096);
    EXPECT_EQ(read_all(pair.served, NULL), 2 * (ssize_t)much());
    close_pair(&pair);
}

/* ---- the end ---- */

SPEC(net_filter, may_find_that_the_end_came_too_early)
{
    struct pair pair;
    struct veil veil = { .ends = true };
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(set_veil(pair.served, &veil, ' '), 0);
    EXPECT_ERR(say(pair.client, "HELLO"), 0);
    EXPECT_ERR(acio_close(pair.client), 0);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 5), 5);
    EXPECT_EQ(acio_read(pair.served, buf, 1), -ACIO_EINCOMPLETE);
    EXPECT_EQ(veil.lost, 1);
    close_pair(&pair);
}

SPEC(net_filter, may_tell_the_end_before_the_connection_does)
{
    struct pair pair;
    struct veil veil = { .ends = true };
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(set_veil(pair.served, &veil, ' '), 0);
    EXPECT_ERR(say(pair.client, "HELLO "), 0);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 5), 5);
    EXPECT_EQ(acio_read(pair.served, buf, 1), 0);
    EXPECT(acio_at_eof(pair.served));
    EXPECT_ERR(say(pair.served, "x"), 0);
    EXPECT_EQ(acio_readexactly(pair.client, buf, 1), 1);
    EXPECT_EQ(veil.lost, 0);
    close_pair(&pair);
}

SPEC(net_filter, ends_writing_with_its_own_words)
{
    struct pair pair;
    struct veil veil = { .ends = true, .half_open = true };
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(set_veil(pair.client, &veil, ' '), 0);
    acio_write(pair.client, "hello", 5);
    EXPECT_ERR(acio_write_eof(pair.client), 0);
    EXPECT_ERR(acio_write(pair.client, "x", 1), -ACIO_ECLOSED);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 6), 6);
    EXPECT_TEXT(buf, "HELLO ");
    start(read_and_note, .stream = pair.served, .size = 1);
    let_arrive();
    EXPECT_NOTED("");
    EXPECT_ERR(acio_filter_send(&veil.filter, "!", 1), 0);
    let_arrive();
    EXPECT_NOTED("[!]");
    close_pair(&pair);
}

SPEC(net_filter, has_the_last_word_before_the_close)
{
    struct pair pair;
    struct veil veil = { .ends = true };
    char buf[8] = "";
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(set_veil(pair.client, &veil, ' '), 0);
    acio_write(pair.client, "hello", 5);
    EXPECT_ERR(acio_close(pair.client), 0);
    EXPECT_EQ(veil.closing, 1);
    EXPECT_EQ(veil.released, 1);
    EXPECT_EQ(acio_readexactly(pair.served, buf, 6), 6);
    EXPECT_TEXT(buf, "HELLO ");
    EXPECT_EQ(acio_read(pair.served, buf, 1), 0);
    close_pair(&pair);
}

struct close_and_note_args {
    acio_stream *stream;
};
static int
close_and_note(void *arg)
{
    const struct close_and_note_args *a = arg;
    int err = acio_close(a->stream);
    note("%s", err < 0 ? acio_strerror(err) : "closed");
    return 0;
}

SPEC(net_filter, may_let_close_wait_for_the_last_word_of_the_peer)
{
    struct pair pair;
    struct veil veil = { .ends = true, .waits_for_end = true };
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(set_veil(pair.client, &veil, ' '), 0);
    start(close_and_note, .stream = pair.client);
    EXPECT_ERR(say(pair.served, "nobody reads this"), 0);
    let_arrive();
    EXPECT_NOTED("");
    EXPECT_EQ(veil.released, 0);
    EXPECT_ERR(say(pair.served, " "), 0);
    let_arrive();
    EXPECT_NOTED("closed");
    EXPECT_EQ(veil.received, 18);
    EXPECT_EQ(veil.released, 1);
    close_pair(&pair);
}

SPEC(net_filter, drops_a_flood_while_close_waits)
{
    struct pair pair;
    struct veil veil = { .ends = true, .waits_for_end = true };
    EXPECT_ERR(open_pair(&pair, 1000), 0);
    EXPECT_ERR(set_veil(pair.client, &veil, '\x03'), 0);
    start(flood, .stream = pair.served, .bytes = much(), .piece = 4096);
    let_arrive();
    EXPECT_ERR(acio_close(pair.client), 0);
    EXPECT_EQ(veil.received, much());
    close_pair(&pair);
    finish();
}

SPEC(net_filter, does_not_let_close_wait_for_a_peer_that_is_gone)
{
    struct pair pair;
    struct veil veil = { .ends = true, .waits_for_end = true };
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(set_veil(pair.client, &veil, ' '), 0);
    EXPECT_ERR(acio_close(pair.served), 0);
    EXPECT_ERR(acio_close(pair.client), 0);
    EXPECT_EQ(veil.released, 1);
    close_pair(&pair);
}

SPEC(net_filter, does_not_let_close_wait_for_longer_than_it_may)
{
    struct pair pair;
    struct veil veil = { .waits_for_end = true };
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(set_veil(pair.client, &veil, ' '), 0);
    EXPECT_ERR(acio_stream_set_close_timeout(pair.client, 0.2), 0);
    int64_t began_ns = elapsed_ns();
    EXPECT_ERR(acio_close(pair.client), -ETIMEDOUT);
    EXPECT(elapsed_ns() - began_ns >= 200000000);
    EXPECT_EQ(veil.released, 1);
    close_pair(&pair);
}

SPEC(net_filter, is_released_once_however_a_stream_ends)
{
    struct pair pair;
    struct veil client = { .ends = true }, served = { .ends = true };
    EXPECT_ERR(open_veiled(&pair, &client, &served), 0);
    acio_abort(pair.client);
    settle();
    EXPECT_EQ(client.released, 1);
    EXPECT_EQ(client.closing, 0);
    acio_abort(pair.served);
    settle();
    EXPECT_EQ(served.released, 1);
    close_pair(&pair);
    EXPECT_EQ(client.released + served.released, 2);
}

/* ---- errors ---- */

SPEC(net_filter, that_finds_something_wrong_breaks_the_connection)
{
    struct pair pair;
    struct veil veil = { .error = -EBADMSG };
    char buf[8];
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(set_veil(pair.served, &veil, ' '), 0);
    EXPECT_ERR(say(pair.client, "x"), 0);
    EXPECT_ERR(acio_read(pair.served, buf, sizeof buf), -EBADMSG);
    EXPECT_ERR(acio_write(pair.served, "x", 1), -EBADMSG);
    EXPECT(strstr(acio_error_text(pair.served), "the veil is torn"));
    EXPECT_EQ(veil.lost, 1);
    EXPECT(acio_read(pair.client, buf, sizeof buf) < 0);
    close_pair(&pair);
}

SPEC(net_filter, may_break_the_connection_at_any_time)
{
    struct pair pair;
    struct veil veil = { .key = 0 };
    EXPECT_ERR(open_pair(&pair, 0), 0);
    EXPECT_ERR(set_veil(pair.client, &veil, ' '), 0);
    start(read_and_note, .stream = pair.client, .size = 1);
    settle();
    acio_filter_fail(&veil.filter, -EPROTO);
    settle();
    EXPECT_NOTED("[Protocol error]");
    EXPECT_ERR(acio_filter_send(&veil.filter, "x", 1), -EPROTO);
    EXPECT_ERR(acio_filter_deliver(&veil.filter, "x", 1), -ACIO_ECLOSED);
    acio_filter_fail(&veil.filter, -EPROTO);
    EXPECT_EQ(veil.lost, 1);
    EXPECT_EQ(veil.released, 0);
    EXPECT_ERR(acio_close(pair.client), -EPROTO);
    EXPECT_EQ(veil.released, 1);
    close_pair(&pair);
}
