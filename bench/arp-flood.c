/*
 * Asks for IPv4 addresses by ARP as fast as one thread can send.
 *
 *   arp-flood INTERFACE SENDER_IP FIRST_IP ADDRESSES MILLISECONDS
 *
 * The addresses from FIRST_IP on are asked for in turn, in an order without a pattern. Prints how many questions were
 * sent, how many frames the interface received meanwhile, and in how many nanoseconds. The answers are counted by the
 * kernel and read by nobody: this program only sends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64

struct frame {
  struct ether_header ethernet;
  struct ether_arp arp;
} __attribute__((packed));

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

/* Bound to no protocol: nothing is received. */
static int open_socket(const char *interface, uint8_t *mac) {
  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  struct ifreq request = {0};
  strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
  if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) != 0) fail("socket");
  memcpy(mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(interface)};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  return fd;
}

static struct frame request_from(const uint8_t *mac, in_addr_t sender) {
  struct frame frame = {.ethernet = {.ether_type = htons(ETH_P_ARP)}};
  memset(frame.ethernet.ether_dhost, 0xff, ETH_ALEN);
  memcpy(frame.ethernet.ether_shost, mac, ETH_ALEN);
  frame.arp.ea_hdr = (struct arphdr){htons(1), htons(ETH_P_IP), ETH_ALEN, 4, htons(ARPOP_REQUEST)};
  memcpy(frame.arp.arp_sha, mac, ETH_ALEN);
  memcpy(frame.arp.arp_spa, &sender, sizeof sender);
  return frame;
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
  int fd = open_socket(argument[1], mac);
  uint32_t first = ntohl(inet_addr(argument[3])), addresses = (uint32_t)atoi(argument[4]), random = 1;
  struct frame frames[BATCH];
  struct iovec vectors[BATCH];
  struct mmsghdr messages[BATCH] = {0};
  for (int i = 0; i < BATCH; i++) {
    frames[i] = request_from(mac, inet_addr(argument[2]));
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
