/*
 * Hears who announces which of COUNT consecutive IPv4 addresses by ARP. Prints a line when an address is announced from
 * another MAC than before, with the kernel's time of arrival (nanoseconds since 1970), and a sum at the end (SIGTERM):
 *
 *   l2-listener INTERFACE FIRST_IP COUNT
 *
 *   claim NANOSECONDS INDEX MAC
 *   sum heard=N dropped=N        dropped: by this program's own queue, so that the lines above do not tell all
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_BYTES (64 << 20)

struct frame {
  struct ether_header ethernet;
  struct ether_arp arp;
} __attribute__((packed));

static volatile sig_atomic_t is_ending;

static void end(int signal) {
  (void)signal;
  is_ending = 1;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int open_socket(const char *interface) {
  int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ARP));
  int on = 1, queue = QUEUE_BYTES;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) fail("socket");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof queue) != 0) fail("SO_RCVBUFFORCE");
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_ifindex = (int)if_nametoindex(interface)};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  return fd;
}

static bool receive(int fd, struct frame *frame, long long *arrival) {
  union {
    struct cmsghdr header;
    char bytes[128];
  } control;
  struct iovec vector = {.iov_base = frame, .iov_len = sizeof *frame};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (recvmsg(fd, &message, 0) < (ssize_t)sizeof *frame) return false;
  for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one != NULL; one = CMSG_NXTHDR(&message, one)) {
    struct timespec stamp;
    if (one->cmsg_type != SCM_TIMESTAMPNS) continue;
    memcpy(&stamp, CMSG_DATA(one), sizeof stamp);
    *arrival = stamp.tv_sec * 1000000000LL + stamp.tv_nsec;
  }
  return true;
}

/* The address that an announcement is about; its sender and its target are the same (RFC 5227 section 2.3). */
static bool announced(const struct frame *frame, uint32_t *address) {
  if (memcmp(frame->arp.arp_spa, frame->arp.arp_tpa, sizeof frame->arp.arp_spa) != 0) return false;
  memcpy(address, frame->arp.arp_spa, sizeof *address);
  *address = ntohl(*address);
  return true;
}

int main(int argument_count, char **argument) {
  if (argument_count != 4) return 2;
  int fd = open_socket(argument[1]);
  uint32_t first = ntohl(inet_addr(argument[2]));
  uint32_t count = (uint32_t)atoi(argument[3]);
  uint8_t(*macs)[ETH_ALEN] = calloc(count, ETH_ALEN);
  struct sigaction action = {.sa_handler = end};
  sigaction(SIGTERM, &action, NULL);
  unsigned long heard = 0;
  while (!is_ending) {
    struct frame frame;
    long long arrival = 0;
    uint32_t address;
    if (!receive(fd, &frame, &arrival) || !announced(&frame, &address)) continue;
    uint32_t index = address - first;
    const uint8_t *mac = frame.arp.arp_sha;
    if (index >= count) continue;
    heard++;
    if (memcmp(macs[index], mac, ETH_ALEN) == 0) continue;
    memcpy(macs[index], mac, ETH_ALEN);
    printf("claim %lld %u %02x:%02x:%02x:%02x:%02x:%02x\n", arrival, index, mac[0], mac[1], mac[2], mac[3], mac[4],
           mac[5]);
    fflush(stdout);
  }
  struct tpacket_stats statistics = {0};
  socklen_t length = sizeof statistics;
  if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) != 0) fail("PACKET_STATISTICS");
  printf("sum heard=%lu dropped=%u\n", heard, statistics.tp_drops);
  return 0;
}
