/* SPDX-License-Identifier: MIT */
/* open.h - how connections and listeners come to be, from the inside
 *
 *     connect.c         acio_open_connection: by name, by list, by path
 *     happy_eyeballs.c  the first of several addresses that answers
 *     listen.c          sockets that listen
 */
#ifndef ACIOI_OPEN_H
#define ACIOI_OPEN_H

#include "net/net.h"

/* ---- connecting ---- */

struct acioi_route {
    const struct acioi_addresses *remote;
    const struct acioi_addresses *local; /* NULL: from anywhere */
};

/* Lets the families take turns, after `first` addresses of the first one's;
 * 0: 1; negative: leaves the order as it is. */
void acioi_addresses_interleave(struct acioi_addresses *addresses, int first);

/* A socket connected to one of the addresses, or an error, with the failures
 * in `text`. Suspends. */
int acioi_connect(struct acioi_net *net, const struct acioi_route *route,
    const struct acio_connect_options *options, struct acioi_text *text);

/* Makes a new stream safe, if asked to, and hands it out; NULL is -ENOMEM. 0 or
 * an error, which closes it, with what `text` says about it. Suspends. */
int acioi_connection_begin(acio_stream **out, struct acioi_stream *stream,
    const char *host, const struct acio_connect_options *options,
    struct acioi_text *text);

/* ---- listening ---- */

/* A file that stands for a listening Unix socket, to be removed with it. */
struct acioi_socket_file;

/* Sockets that listen at the addresses, those left out that this machine does
 * not have: how many, in `fds`, at least one; or an error. */
int acioi_listen(acio_loop *loop, const struct acioi_addresses *addresses,
    const struct acio_server_options *options, struct acioi_text *text,
    int *fds);

/* A socket that listens at `path`, and its file in `*out`, NULL where there is
 * none to be removed; or an error. */
int acioi_listen_at_path(acio_loop *loop, const char *path,
    const struct acio_server_options *options, struct acioi_socket_file **out);

/* Lets a socket of the caller's listen. */
int acioi_listen_with_socket(acio_loop *loop, int fd,
    const struct acio_server_options *options);

/* The port that a socket is bound to, 0 where it has none, or an error. */
int acioi_port_of(acio_loop *loop, int fd);

/* Removes the file, unless another has taken its place; NULL is fine. */
void acioi_socket_file_remove(struct acioi_socket_file *file);

#endif
