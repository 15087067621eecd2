/*
 * Starts one of the image's programs with what cannot stand in a script's first line: flags of Node, environment, and,
 * for the speaker, NET_RAW without root, and NET_BIND_SERVICE where the container has it. This file alone carries the
 * capabilities then, and hands them to Node as ambient ones (capabilities(7)), which an interpreter's script keeps over
 * execve. Node itself carries none, so one copy of it serves every program of the image.
 *
 * build/image.ts compiles it once a program, with what build/bundle.ts says of that:
 *   PROGRAM        "speaker"
 *   NODE_FLAGS     "--flag", ...
 *   ENVIRONMENT    {"NAME", "value"}, ...     what the container sets itself stays
 *   NEEDS_NET_RAW  1 or 0
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *const COMMAND[] = {"/bin/node", NODE_FLAGS, "/app/" PROGRAM "/main.js"};
static const struct {
  const char *name, *value;
} VARIABLES[] = {ENVIRONMENT};

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))
enum { NET_RAW = 1 << CAP_NET_RAW, NET_BIND_SERVICE = 1 << CAP_NET_BIND_SERVICE, MAX_ARGUMENTS = 256 };

static int fail(const char *what) {
  fprintf(stderr, PROGRAM ": %s: %s\n", what, strerror(errno));
  return 1;
}

static int raise_ambient(unsigned long capability) {
  return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
}

/* Puts NET_RAW, and NET_BIND_SERVICE where it is there, into the inheritable and the ambient set. */
static int keep_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
  if (syscall(SYS_capget, &header, sets) != 0) return fail("reading the capabilities");
  if ((sets[0].permitted & NET_RAW) == 0) {
    fputs(PROGRAM ": NET_RAW is missing: add it to securityContext.capabilities of the container\n", stderr);
    return 1;
  }
  const unsigned int kept = sets[0].permitted & (NET_RAW | NET_BIND_SERVICE);
  sets[0].inheritable |= kept;
  if (syscall(SYS_capset, &header, sets) != 0) return fail("making capabilities inheritable");
  if (raise_ambient(CAP_NET_RAW) != 0) return fail("making NET_RAW ambient");
  if ((kept & NET_BIND_SERVICE) != 0 && raise_ambient(CAP_NET_BIND_SERVICE) != 0)
    return fail("making NET_BIND_SERVICE ambient");
  return 0;
}

int main(int count, char *arguments[]) {
  char *command[COUNT_OF(COMMAND) + MAX_ARGUMENTS + 1] = {0};
  if (count < 1 || count > MAX_ARGUMENTS) {
    fputs(PROGRAM ": too many arguments\n", stderr);
    return 1;
  }
  memcpy(command, COMMAND, sizeof(COMMAND));
  memcpy(&command[COUNT_OF(COMMAND)], &arguments[1], sizeof(char *) * (size_t)(count - 1));
  if (NEEDS_NET_RAW && keep_capabilities() != 0) return 1;
  for (size_t index = 0; index < COUNT_OF(VARIABLES); index++) {
    if (setenv(VARIABLES[index].name, VARIABLES[index].value, 0) != 0) return fail(VARIABLES[index].name);
  }
  execv(command[0], command);
  return fail(command[0]);
}
