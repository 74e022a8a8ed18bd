/* SPDX-License-Identifier: MIT */
/* name_service.h - a name service in the hands of a test
 *
 * Idea.  The program's own getaddrinfo stands before the C library's, for the
 *        names that end in ".test":
 *
 *            none.test   nobody has it
 *            slow.test   is answered, 127.0.0.1, when the test says so
 *            two.test    has the addresses ::1 and 127.0.0.1
 */
#ifndef ACIO_TESTS_NAME_SERVICE_H
#define ACIO_TESTS_NAME_SERVICE_H

#include <acio.h>

/* Waits until a thread has asked for slow.test, once more; for a task that was
 * run up to there, and does nothing where it has ended: what could not be
 * allocated, or was cancelled, has asked nobody. */
void name_service_wait_asked(acio_task *task);

/* Lets one of the threads that have asked go on. */
void name_service_answer(void);

#endif
