/*
 * Hears BFD control packets (UDP port 3784, IPv4), those that come and those that go, and prints for each the kernel's
 * time (nanoseconds since 1970) and the other end:
 *
 *   bfd-listener INTERFACE
 *
 *   NANOSECONDS from|to IP
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define CONTROL_PORT 3784
#define QUEUE_BYTES (8 << 20)

struct packet {
  struct iphdr ip;
  struct udphdr udp;
} __attribute__((packed));

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int open_socket(const char *interface) {
  int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
  int on = 1, queue = QUEUE_BYTES;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) fail("socket");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof queue) != 0) fail("SO_RCVBUFFORCE");
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(interface)};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  return fd;
}

/* 0 = not whole. */
static long long receive(int fd, struct packet *packet, struct sockaddr_ll *from) {
  union {
    struct cmsghdr header;
    char bytes[128];
  } control;
  struct iovec vector = {.iov_base = packet, .iov_len = sizeof *packet};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control,
                           .msg_name = from,
                           .msg_namelen = sizeof *from};
  if (recvmsg(fd, &message, 0) < (ssize_t)sizeof *packet) return 0;
  for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one != NULL; one = CMSG_NXTHDR(&message, one)) {
    struct timespec stamp;
    if (one->cmsg_type != SCM_TIMESTAMPNS) continue;
    memcpy(&stamp, CMSG_DATA(one), sizeof stamp);
    return stamp.tv_sec * 1000000000LL + stamp.tv_nsec;
  }
  return 0;
}

int main(int argument_count, char **argument) {
  if (argument_count != 2) return 2;
  int fd = open_socket(argument[1]);
  for (;;) {
    struct packet packet;
    struct sockaddr_ll from;
    long long when = receive(fd, &packet, &from);
    if (when == 0 || from.sll_protocol != htons(ETH_P_IP) || packet.ip.protocol != IPPROTO_UDP) continue;
    if (ntohs(packet.udp.dest) != CONTROL_PORT) continue;
    bool is_ours = from.sll_pkttype == PACKET_OUTGOING;
    struct in_addr other = {is_ours ? packet.ip.daddr : packet.ip.saddr};
    printf("%lld %s %s\n", when, is_ours ? "to" : "from", inet_ntoa(other));
    fflush(stdout);
  }
}
