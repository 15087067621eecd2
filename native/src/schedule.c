/* How soon the calling thread runs after it was woken. */
#define _GNU_SOURCE
#include "open.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct sched_attr of linux/sched/types.h in its first version; the header clashes with glibc's. */
struct attributes {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};

/*
 * shortenTimeSlice(nanoseconds): asks the scheduler for short turns on the processor (Linux 6.12, sched_setattr(2) with
 * SCHED_OTHER). A thread that asks for little is served sooner after it wakes, also when all processors are busy; its
 * share stays the same, so that no privilege is needed. Answers whether the kernel took it; an older one ignores it.
 */
napi_value shorten_time_slice(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  size_t arguments = 1;
  uint32_t nanoseconds;
  napi_get_cb_info(env, info, &arguments, &argument, NULL, NULL);
  if (napi_get_value_uint32(env, argument, &nanoseconds) != napi_ok)
    return throw_argument(env, "shortenTimeSlice(nanoseconds)");
  errno = 0;
  struct attributes attributes = {
      .size = sizeof attributes, .nice = getpriority(PRIO_PROCESS, 0), .runtime = nanoseconds};
  bool is_taken = errno == 0 && syscall(SYS_sched_setattr, 0, &attributes, 0) == 0;
  napi_get_boolean(env, is_taken, &result);
  return result;
}
