/* SPDX-License-Identifier: MIT */
/* poll.c - readiness of simulated sockets, as poll(2) tells it */
#include "sim.h"

static unsigned
connection_readiness(const struct sim_socket *socket)
{
    unsigned ready = 0;
    bool ended = socket->in.ended || socket->receive_shut;
    if (acioi_sim_can_receive(socket))
        ready |= POLLIN | POLLRDNORM;
    if (acioi_sim_can_send(socket))
        ready |= POLLOUT | POLLWRNORM;
    if (ended)
        ready |= POLLRDHUP;
    if (socket->state == SIM_RESET || (ended && socket->send_shut))
        ready |= POLLHUP;
    return ready;
}

static unsigned
all_readiness(struct sim *sim, const struct sim_socket *socket)
{
    unsigned ready = socket->error ? POLLERR : 0;
    if (socket->type == SOCK_DGRAM)
        return ready | acioi_sim_datagram_readiness(sim, socket);
    switch (socket->state) {
    case SIM_FRESH:
        return ready | POLLOUT | POLLHUP;
    case SIM_LISTENING:
        return acioi_list_empty(&socket->backlog) ? ready : ready | POLLIN;
    case SIM_CONNECTING:
        return ready;
    default:
        return ready | connection_readiness(socket);
    }
}

unsigned
acioi_sim_readiness(struct sim *sim, const struct sim_socket *socket,
    unsigned events)
{
    return all_readiness(sim, socket) & (events | POLLERR | POLLHUP);
}
