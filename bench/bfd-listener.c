/*
 * Hears BFD control packets (UDP port 3784, IPv4) and prints, for each, the kernel's time of arrival (nanoseconds since
 * 1970) and its sender:
 *
 *   bfd-listener INTERFACE
 *
 *   NANOSECONDS SENDER_IP
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
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
  int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
  int on = 1, queue = QUEUE_BYTES;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) fail("socket");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof queue) != 0) fail("SO_RCVBUFFORCE");
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = (int)if_nametoindex(interface)};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  return fd;
}

/* 0 = not a packet that arrived. */
static long long receive(int fd, struct packet *packet) {
  union {
    struct cmsghdr header;
    char bytes[128];
  } control;
  struct sockaddr_ll from;
  struct iovec vector = {.iov_base = packet, .iov_len = sizeof *packet};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control,
                           .msg_name = &from,
                           .msg_namelen = sizeof from};
  if (recvmsg(fd, &message, 0) < (ssize_t)sizeof *packet || from.sll_pkttype == PACKET_OUTGOING) return 0;
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
    long long arrival = receive(fd, &packet);
    if (arrival == 0 || packet.ip.protocol != IPPROTO_UDP || ntohs(packet.udp.dest) != CONTROL_PORT) continue;
    printf("%lld %s\n", arrival, inet_ntoa((struct in_addr){packet.ip.saddr}));
    fflush(stdout);
  }
}
