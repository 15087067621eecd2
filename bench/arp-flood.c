/*
 * Asks for IPv4 addresses by ARP as fast as one thread can send.
 *
 *   arp-flood INTERFACE SENDER_IP FIRST_IP ADDRESSES MILLISECONDS
 *
 * The addresses from FIRST_IP on are asked for in turn, in an order without a pattern. Prints how many questions were
 * sent, how many frames the interface received meanwhile, and in how many nanoseconds. The answers are counted by the
 * kernel and read by nobody: this program only sends.
 */
#include "packet.h"

#include <errno.h>

#define BATCH 64

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (long)nanoseconds(&time);
}

/* Frames that the interface has received since it exists; /proc/net is of this program's network namespace. */
static long received(const char *interface) {
  char line[512], name[32];
  long bytes, packets;
  FILE *file = fopen("/proc/net/dev", "r");
  if (file == NULL) fail("/proc/net/dev");
  while (fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, " %31[^:]: %ld %ld", name, &bytes, &packets) != 3 || strcmp(name, interface) != 0) continue;
    fclose(file);
    return packets;
  }
  errno = ENODEV;
  fail(interface);
  return 0;
}

int main(int count, char **argument) {
  if (count != 6) return 2;
  uint8_t mac[ETH_ALEN];
  int fd = packet_socket(0);
  hear(fd, argument[1], 0);
  mac_of(fd, argument[1], mac);
  uint32_t first = ntohl(inet_addr(argument[3])), addresses = (uint32_t)atoi(argument[4]), random = 1;
  struct arp_frame frames[BATCH];
  struct iovec vectors[BATCH];
  struct mmsghdr messages[BATCH] = {0};
  for (int i = 0; i < BATCH; i++) {
    frames[i] = arp_question(mac, inet_addr(argument[2]));
    vectors[i] = (struct iovec){.iov_base = &frames[i], .iov_len = sizeof frames[i]};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  long sent = 0, before = received(argument[1]), start = now(), end = start + atol(argument[5]) * 1000000L, at = start;
  while (at < end) {
    for (int i = 0; i < BATCH; i++) {
      random = random * 1664525u + 1013904223u;
      uint32_t target = htonl(first + (random >> 8) % addresses);
      memcpy(frames[i].arp.arp_tpa, &target, sizeof target);
    }
    int taken = sendmmsg(fd, messages, BATCH, 0);
    if (taken < 0 && errno != ENOBUFS && errno != EINTR) fail("sendmmsg");
    if (taken > 0) sent += taken;
    at = now();
  }
  printf("sent=%ld received=%ld nanoseconds=%ld\n", sent, received(argument[1]) - before, at - start);
  return 0;
}
