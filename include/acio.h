/* SPDX-License-Identifier: MIT */
/* acio - asyncio in C
 *
 * The whole public interface. Each part has a header of its own, where every
 * function says what it returns, whether it suspends, what a cancel leaves
 * behind, who owns what, which thread may call it, and what asyncio calls it.
 */
#ifndef ACIO_H
#define ACIO_H

#include "acio/address.h"
#include "acio/alloc.h"
#include "acio/barrier.h"
#include "acio/concurrent.h"
#include "acio/condition.h"
#include "acio/context.h"
#include "acio/datagram.h"
#include "acio/dns.h"
#include "acio/error.h"
#include "acio/event.h"
#include "acio/file.h"
#include "acio/future.h"
#include "acio/generator.h"
#include "acio/group.h"
#include "acio/lock.h"
#include "acio/loop.h"
#include "acio/op.h"
#include "acio/queue.h"
#include "acio/runner.h"
#include "acio/scope.h"
#include "acio/semaphore.h"
#include "acio/server.h"
#include "acio/signals.h"
#include "acio/sim.h"
#include "acio/sock.h"
#include "acio/stream.h"
#include "acio/subprocess.h"
#include "acio/task.h"
#include "acio/version.h"
#include "acio/wait.h"

#endif
