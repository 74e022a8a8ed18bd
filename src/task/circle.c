/* SPDX-License-Identifier: MIT */
/* circle.c - tasks that would wait for each other
 *
 * Idea.   Before a task waits for another one, follow what that one waits for:
 *         where the way leads back, nobody in the circle could ever go on, nor
 *         be cancelled, because a cancel is passed on to whom one awaits.
 *
 *             self --awaits--> task --awaits--> ... --gathers--> self
 *
 *         And nobody can wait for the owner of the group he belongs to, which
 *         waits for him.
 * Cost.   Most tasks are awaited before they have run, and are looked at once.
 *         The search is given up after some time and is a help, no promise.
 */
#include "task/task.h"

enum { MOST_STEPS = 10000, MOST_LEVELS = 32 };

const char acioi_awaits[] = "await";
const char acioi_gathers[] = "gather";

struct search {
    const struct acioi_task *self;
    unsigned steps_left;
    unsigned levels_left; /* of gathers inside of gathers */
};

static bool reaches(struct search *search, const struct acioi_task *task);

static bool
gather_reaches(struct search *search, const struct acioi_task *waiter)
{
    const struct acioi_task *task;
    bool found = false;
    if (search->levels_left == 0)
        return false;
    search->levels_left--;
    for (size_t i = 0; !found && (task = acioi_gather_task(waiter, &i)); i++)
        found = reaches(search, task);
    search->levels_left++;
    return found;
}

static bool
reaches(struct search *search, const struct acioi_task *task)
{
    while (task != search->self) {
        if (task->state != ACIOI_TASK_PARKED || search->steps_left == 0)
            return false;
        search->steps_left--;
        if (task->waits_for == acioi_gathers)
            return gather_reaches(search, task);
        if (task->waits_for != acioi_awaits)
            return false;
        task = task->interrupted_thing;
    }
    return true;
}

/* Groups inside of groups: each one's owner belongs to the next. */
static bool
owns_group_of(const struct acioi_task *owner, const struct acioi_task *task)
{
    while (task != owner && task->group)
        task = task->group->scope.task;
    return task == owner;
}

bool
acioi_task_is_waited_for(const struct acioi_task *self,
    const struct acioi_task *by)
{
    struct search search = { self, MOST_STEPS, MOST_LEVELS };
    if (by->state == ACIOI_TASK_FINISHED)
        return false;
    return reaches(&search, by) || owns_group_of(by, self);
}
