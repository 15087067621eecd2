/*
 * Starts the speaker with NET_RAW and nothing else, without root: this file alone carries the capability, and hands it
 * to Node as an ambient one (capabilities(7)), which an interpreter's script keeps over execve. Node itself carries
 * none, so one copy of it serves every program of the image.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *const NODE = "/bin/node";
static char *const SPEAKER = "/app/speaker/main.js";
/* A dependency of the Kubernetes client still uses Node's own punycode: not the operator's to mend. */
static char *const QUIET = "--disable-warning=DEP0040";
/* With 2,000 Services a speaker was resident with 210 MB without, and 139 MB with this; ARP replies were no slower. */
static char *const SMALL = "--optimize-for-size";

enum { NET_RAW = 1 << CAP_NET_RAW, MAX_ARGUMENTS = 256 };

static int fail(const char *what) {
  fprintf(stderr, "speaker: %s: %s\n", what, strerror(errno));
  return 1;
}

/* Puts NET_RAW into the inheritable and the ambient set. */
static int keep_net_raw(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
  if (syscall(SYS_capget, &header, sets) != 0) return fail("reading the capabilities");
  if ((sets[0].permitted & NET_RAW) == 0) {
    fputs("speaker: NET_RAW is missing: add it to securityContext.capabilities of the container\n", stderr);
    return 1;
  }
  sets[0].inheritable |= NET_RAW;
  if (syscall(SYS_capset, &header, sets) != 0) return fail("making NET_RAW inheritable");
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) != 0) return fail("making NET_RAW ambient");
  return 0;
}

int main(int count, char *arguments[]) {
  char *command[MAX_ARGUMENTS + 5] = {NODE, QUIET, SMALL, SPEAKER};
  if (count < 1 || count > MAX_ARGUMENTS) {
    fputs("speaker: too many arguments\n", stderr);
    return 1;
  }
  memcpy(&command[4], &arguments[1], sizeof(char *) * (size_t)(count - 1));
  if (keep_net_raw() != 0) return 1;
  /* Else the C library gives each of Node's threads an arena of its own: with 2,000 Services another 40 MB. */
  if (setenv("MALLOC_ARENA_MAX", "1", 0) != 0) return fail("setting MALLOC_ARENA_MAX");
  execv(NODE, command);
  return fail(NODE);
}
