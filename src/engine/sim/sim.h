/* SPDX-License-Identifier: MIT */
/* sim.h - the simulator from the inside
 *
 * The parts, each in a file of its own:
 *
 *     sim.c       the back end's table, requests, the virtual clock, the wait
 *     fault.c     what chance does: latency, faults, and their count
 *     outside.c   ops on the real world: files, threads, pipes, children
 *     name.c      addresses: who is bound where
 *     socket.c    simulated sockets: from socket() to close
 *     option.c    getsockopt and setsockopt
 *     connect.c   connections: connect and accept
 *     pieces.c    memory of the caller's
 *     stream.c    bytes on their way, and their end
 *     datagram.c  datagrams on their way, lost, doubled, refused
 *     poll.c      readiness
 *
 * Idea.       Whatever takes time is an event in one heap, ordered by virtual
 *             time and then by age. The wait takes the first event, sets the
 *             clock to its time and runs it. Chance enters only by what
 *             fault.c draws, so the order of events is a function of the seed
 *             and of the program.
 */
#ifndef ACIOI_SIM_H
#define ACIOI_SIM_H

#include <netinet/in.h>
#include <poll.h>
#include <sys/un.h>

#include <acio/sim.h>

#include "../engine.h"

/* Far above any real fd: a system call on one answers EBADF. */
#define SIM_FIRST_FD (1 << 24)

enum { SIM_LARGEST_DELIVERY = 16384, SIM_NAME_LISTS = 256 };

struct sim;
struct sim_event;
struct sim_socket;

typedef void sim_event_function(struct sim *sim, struct sim_event *event);

struct sim_event {
    struct acio_heap_node node; /* in sim->events while it is to come */
    sim_event_function *run;
};

/* One for each active op. The op finds it, and it the op, by a list of which
 * the op is the only member. */
struct sim_request {
    struct acio_link all;    /* in sim->requests, or in sim->spare */
    struct acio_link holder; /* the op, by op->link */
    struct acio_link queue;  /* in a list of its socket or sim->outside */
    struct sim_event event;  /* its late end, or its late cancel */
    ssize_t result;          /* valid once decided */
    bool decided;            /* over, but not yet told: a cancel loses */
    bool outside;            /* counted in sim->outside_count */
};

struct sim_name {
    socklen_t length; /* 0: none */
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } as;
};

enum sim_state {
    SIM_FRESH,
    SIM_LISTENING,
    SIM_CONNECTING,
    SIM_CONNECTED,
    SIM_RESET /* was connected */
};

/* What comes in at a socket: first it flies, then it has arrived, then the
 * program takes it. */
struct sim_inbox {
    struct acio_link flying, arrived; /* struct sim_packet */
    size_t bytes;                     /* in both */
    size_t arrived_bytes;             /* in the second */
    int64_t last_ns;  /* nothing arrives before what was sent before it */
    int64_t fin_ns;   /* when the end arrives; ACIOI_NEVER: not sent */
    int64_t reset_ns; /* when a reset arrives */
    bool ended;       /* the end has arrived */
    struct sim_event arrival; /* at the first of all these times */
};

struct sim_packet {
    struct acio_link link;
    int64_t when_ns;
    size_t first, bytes; /* what was not yet taken of `data` */
    char data[];
};

/* On its way to a socket, in one's inbox, or refused and on its way back. */
struct sim_datagram {
    struct acio_link
        link; /* in sim->datagrams, socket->datagrams or ->errors */
    struct sim_event event;
    struct sim_socket *sender;   /* while it flies; NULL: closed meanwhile */
    struct sim_socket *receiver; /* of a Unix datagram, likewise */
    struct sim_name from, to;
    bool no_loop; /* no group on this machine gets it */
    size_t bytes;
    char data[];
};

/* A multicast group that a socket has joined. */
struct sim_group {
    struct acio_link link; /* in socket->groups */
    struct sim_name name;
};

struct sim_option {
    struct acio_link link; /* in socket->options */
    int level, name;
    socklen_t length;
    char value[];
};

struct sim_socket {
    int fd; /* -1 until it is accepted */
    int family, type, protocol;
    enum sim_state state;
    int error; /* SO_ERROR: positive, told once */
    bool send_shut, receive_shut;

    struct sim_name local, remote;
    struct acio_link named;   /* in sim->names while the name is its own */
    struct acio_link options; /* struct sim_option */
    bool reuse_address, reuse_port, v6_only, linger_reset;
    size_t receive_limit, send_limit;

    struct acio_link readers; /* requests, in order of submission */
    struct acio_link writers;
    struct acio_link pollers;

    /* a listener's */
    struct acio_link backlog; /* sockets, by `pending` */
    int backlog_count, backlog_limit;
    struct acio_link starved; /* in sim->starved: its accept_many is full */

    /* a connection's */
    struct acio_link pending; /* in the listener's backlog */
    struct sim_socket *peer;  /* NULL: gone, or none */
    struct sim_inbox in;
    struct sim_event handshake;
    int handshake_tries;
    int handshake_error;

    /* a datagram socket's */
    struct acio_link datagrams; /* struct sim_datagram, to be received */
    struct acio_link errors;    /* those that were refused: MSG_ERRQUEUE */
    struct acio_link groups;    /* struct sim_group */
    size_t arrived_bytes;       /* in `datagrams` */
    size_t expected_bytes;      /* of Unix datagrams on their way to it */
    size_t flying_bytes;        /* of those that it sent */
    int64_t sent_ns; /* nothing arrives before what was sent before it */
    uint32_t drops;  /* datagrams that found no room */
    unsigned error_count;
    bool report_errors, broadcast, no_multicast_loop;
};

struct sim {
    acio_loop *loop;
    int64_t now_ns;
    struct acioi_heap events;
    uint64_t sequence; /* of the next event */

    struct acio_sim_options options;
    int64_t latency_min_ns, latency_max_ns, late_max_ns;
    uint64_t random;
    struct acio_sim_stats stats;

    struct acio_link requests, spare;
    struct acio_link datagrams;             /* on their way */
    struct sim_socket **sockets;            /* by fd - SIM_FIRST_FD */
    int socket_count;                       /* length of `sockets` */
    int lowest_free;                        /* no free place below it */
    struct acio_link names[SIM_NAME_LISTS]; /* bound sockets, by port */
    struct acio_link starved; /* listeners with more than could be told */
    unsigned next_port;

    struct acio_link outside; /* requests that wait for real fds */
    struct pollfd *polled;    /* room for them and the loop's eventfd */
    size_t outside_count, polled_room;
    bool wake_parked;     /* the loop reads its eventfd */
    unsigned busy_passes; /* in a row, without a move of the clock */
    char delivery[SIM_LARGEST_DELIVERY]; /* lent to callbacks */
};

static inline struct sim *
acioi_sim_of(const acio_loop *loop)
{
    return loop->backend_state;
}

/* ---- events and requests (sim.c) ---- */

/* Schedules `event`, or moves it. */
void acioi_sim_schedule(struct sim *sim, struct sim_event *event,
    int64_t when_ns, sim_event_function *run);
void acioi_sim_unschedule(struct sim *sim, struct sim_event *event);

static inline acio_op *
acioi_sim_op(const struct sim_request *request)
{
    return acioi_container_of(request->holder.next, acio_op, link);
}

/* NULL where the op is over for the simulator. */
static inline struct sim_request *
acioi_sim_request(const acio_op *op)
{
    if (!acioi_linked(&op->link))
        return NULL;
    return acioi_container_of(op->link.next, struct sim_request, holder);
}

/* The request a queue begins with, or NULL. */
struct sim_request *acioi_sim_first(const struct acio_link *queue);

/* Decides a request: it leaves its queue and is told, perhaps late. */
void acioi_sim_finish(struct sim *sim, struct sim_request *request,
    ssize_t result);
/* The same, in any case now. */
void acioi_sim_finish_now(struct sim *sim, struct sim_request *request,
    ssize_t result);

/* Counts an event and tells the watcher. */
void acioi_sim_note(struct sim *sim, const acio_op *op, ssize_t result);

/* ---- chance (fault.c) ---- */

int acioi_sim_init_chance(struct sim *sim,
    const struct acio_sim_options *options);
/* From low to high, both included. */
int64_t acioi_sim_draw(struct sim *sim, int64_t low, int64_t high);
/* True with the given chance; then counts it in `count`. */
bool acioi_sim_chance(struct sim *sim, double chance, uint64_t *count);
/* When something arrives that leaves now. */
int64_t acioi_sim_arrival(struct sim *sim);
/* How late a completion or a cancel comes; 0: at once. */
int64_t acioi_sim_late(struct sim *sim, double chance, uint64_t *count);
/* Judges a transfer of `bytes` > 0: how many of them move, or -ECONNRESET. */
ssize_t acioi_sim_transfer(struct sim *sim, size_t bytes);

/* ---- the real world (outside.c) ---- */

void acioi_sim_submit_outside(struct sim *sim, struct sim_request *request);
void acioi_sim_deliver_outside(struct sim *sim, struct sim_request *request);
/* Waits for real fds and wake-ups, `timeout_ns` at most. */
int acioi_sim_wait_outside(struct sim *sim, int64_t timeout_ns);

/* ---- names (name.c) ---- */

int acioi_sim_name_read(struct sim_name *name, int family,
    const struct sockaddr *address, socklen_t length);
void acioi_sim_name_write(const struct sim_name *name, int family,
    struct sockaddr *address, socklen_t *length);
/* Binds to `name`, whose port 0 stands for any. */
int acioi_sim_bind(struct sim *sim, struct sim_socket *socket,
    const struct sim_name *name);
/* Gives a connecting or listening socket a name, unless it has one. */
int acioi_sim_bind_any(struct sim *sim, struct sim_socket *socket,
    const struct sim_name *towards);
/* Who listens there; NULL, with the error that a connect gets, if nobody. */
struct sim_socket *acioi_sim_find_listener(struct sim *sim,
    const struct sim_socket *from, int *error);
/* `name` in the words of another family, IPv4 in IPv6. */
struct sim_name acioi_sim_name_for(int family, const struct sim_name *name);

/* Whether what is sent to `to` is for the socket. */
bool acioi_sim_covers(const struct sim_socket *socket,
    const struct sim_name *to);
/* Where those are kept whom `to` could concern, by `named`. */
struct acio_link *acioi_sim_neighbours(struct sim *sim,
    const struct sim_name *to);
/* Whom a datagram is for, or NULL. */
struct sim_socket *acioi_sim_find_receiver(struct sim *sim,
    const struct sim_name *to, const struct sim_name *from);
bool acioi_sim_same_name(const struct sim_name *a, const struct sim_name *b);
bool acioi_sim_is_wildcard(const struct sim_name *name);
bool acioi_sim_is_multicast(const struct sim_name *name);
bool acioi_sim_is_broadcast(const struct sim_name *name);
unsigned acioi_sim_port(const struct sim_name *name);
/* As what a datagram's sender is known to whom it sends. */
struct sim_name acioi_sim_name_towards(const struct sim_socket *socket,
    const struct sim_name *to);

/* ---- sockets (socket.c) ---- */

/* The socket of a simulated fd; NULL where there is none. */
struct sim_socket *acioi_sim_socket(const struct sim *sim, int fd);
struct sim_socket *acioi_sim_socket_new(struct sim *sim, int family, int type,
    int protocol);
/* Gives it the lowest free fd: the fd, or -ENOMEM. */
int acioi_sim_socket_open(struct sim *sim, struct sim_socket *socket);
void acioi_sim_socket_close(struct sim *sim, struct sim_socket *socket);
void acioi_sim_socket_free(struct sim *sim, struct sim_socket *socket);
/* Something happened: lets those who wait try again. */
void acioi_sim_socket_changed(struct sim *sim, struct sim_socket *socket);
/* Its peer took bytes: lets those who send try again. */
void acioi_sim_socket_drained(struct sim *sim, struct sim_socket *socket);
void acioi_sim_submit_socket(struct sim *sim, struct sim_request *request,
    struct sim_socket *socket);
int acioi_sim_take_error(struct sim_socket *socket);

int acioi_sim_getsockopt(acio_loop *loop, int fd, int level, int name,
    void *value, socklen_t *length);
int acioi_sim_setsockopt(acio_loop *loop, int fd, int level, int name,
    const void *value, socklen_t length);

/* ---- connections (connect.c) ---- */

int acioi_sim_listen(struct sim *sim, struct sim_socket *socket, int backlog);
ssize_t acioi_sim_start_connect(struct sim *sim, struct sim_socket *socket,
    const acio_op *op);
ssize_t acioi_sim_connect(struct sim_socket *socket);
ssize_t acioi_sim_accept(struct sim *sim, struct sim_socket *socket,
    const acio_op *op);
ssize_t acioi_sim_accept_many(struct sim *sim, struct sim_socket *socket,
    acio_op *op);
void acioi_sim_close_backlog(struct sim *sim, struct sim_socket *socket);

/* ---- memory of the caller's (pieces.c) ---- */

struct sim_pieces {
    struct iovec one;
    const struct iovec *vectors;
    size_t count;
    size_t bytes; /* in all */
    int flags;
};

void acioi_sim_find_pieces(struct sim_pieces *pieces, const acio_op *op);
void acioi_sim_pieces_of(struct sim_pieces *pieces, const struct msghdr *header,
    int flags);
/* Copies `bytes` into the pieces, from `at` of them on. */
void acioi_sim_scatter(const struct sim_pieces *pieces, size_t at,
    const char *data, size_t bytes);
void acioi_sim_gather(const struct sim_pieces *pieces, char *data,
    size_t bytes);

/* ---- datagrams (datagram.c) ---- */

ssize_t acioi_sim_connect_datagram(struct sim *sim, struct sim_socket *socket,
    const acio_op *op);
ssize_t acioi_sim_receive_datagram(struct sim *sim, struct sim_socket *socket,
    const acio_op *op);
ssize_t acioi_sim_send_datagram(struct sim *sim, struct sim_socket *socket,
    const acio_op *op);
unsigned acioi_sim_datagram_readiness(struct sim *sim,
    const struct sim_socket *socket);
int acioi_sim_recvmmsg(acio_loop *loop, int fd, struct mmsghdr *messages,
    unsigned count, int flags);
int acioi_sim_sendmmsg(acio_loop *loop, int fd, struct mmsghdr *messages,
    unsigned count, int flags);
/* MCAST_JOIN_GROUP and MCAST_LEAVE_GROUP */
int acioi_sim_change_group(struct sim_socket *socket, bool join,
    const void *value, socklen_t length);
/* What flies no longer knows the socket; what it has is freed. */
void acioi_sim_forget_datagrams(struct sim *sim, struct sim_socket *socket);
void acioi_sim_free_datagrams(struct sim *sim);
/* Those who wait for room at another socket try again. */
void acioi_sim_wake_unix_senders(struct sim *sim);

/* ---- bytes (stream.c) ---- */

void acioi_sim_inbox_init(struct sim_inbox *inbox);
void acioi_sim_inbox_free(struct sim *sim, struct sim_inbox *inbox);
bool acioi_sim_can_receive(const struct sim_socket *socket);
bool acioi_sim_can_send(const struct sim_socket *socket);
ssize_t acioi_sim_receive(struct sim *sim, struct sim_socket *socket,
    const acio_op *op);
ssize_t acioi_sim_send(struct sim *sim, struct sim_socket *socket,
    const acio_op *op);
void acioi_sim_deliver(acio_loop *loop, acio_op *op);
int acioi_sim_shutdown(struct sim *sim, struct sim_socket *socket, int how);
/* The end of a connection whose socket is closed. */
void acioi_sim_hang_up(struct sim *sim, struct sim_socket *socket);

/* ---- readiness (poll.c) ---- */

/* Which of `events` hold, and POLLERR and POLLHUP. */
unsigned acioi_sim_readiness(struct sim *sim, const struct sim_socket *socket,
    unsigned events);

#endif
