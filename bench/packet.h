/* What the measuring programs of this folder share: a packet socket on one interface, ARP questions, times of arrival. */
#pragma once
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct arp_frame {
  struct ether_header ethernet;
  struct ether_arp arp;
} __attribute__((packed));

static inline void fail(const char *what) {
  perror(what);
  exit(1);
}

static inline long long nanoseconds(const struct timespec *time) {
  return time->tv_sec * 1000000000LL + time->tv_nsec;
}

/* Whole frames; it hears nothing until hear(). `flags` as of socket(2). */
static inline int packet_socket(int flags) {
  int fd = socket(AF_PACKET, SOCK_RAW | flags, 0);
  if (fd < 0) fail("socket");
  return fd;
}

/* Frames of one EtherType on one interface, each with its time of arrival; 0 = to send there only. */
static inline void hear(int fd, const char *interface, uint16_t ether_type) {
  int on = 1, index = (int)if_nametoindex(interface);
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ether_type), .sll_ifindex = index};
  if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) fail("SO_TIMESTAMPNS");
  if (index == 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail(interface);
}

static inline void mac_of(int fd, const char *interface, uint8_t *mac) {
  struct ifreq request = {0};
  strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
  if (ioctl(fd, SIOCGIFHWADDR, &request) != 0) fail(interface);
  memcpy(mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
}

/* Reads one frame and when the kernel had it (nanoseconds since 1970); false: there is none, or it is shorter. */
static inline bool receive(int fd, void *frame, size_t bytes, long long *arrival) {
  union {
    struct cmsghdr header;
    char bytes[128];
  } control;
  struct iovec vector = {.iov_base = frame, .iov_len = bytes};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (recvmsg(fd, &message, 0) < (ssize_t)bytes) return false;
  for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one != NULL; one = CMSG_NXTHDR(&message, one)) {
    struct timespec stamp;
    if (one->cmsg_type != SCM_TIMESTAMPNS) continue;
    memcpy(&stamp, CMSG_DATA(one), sizeof stamp);
    *arrival = nanoseconds(&stamp);
    return true;
  }
  return false;
}

/* Who has an address? Whose, is left open. */
static inline struct arp_frame arp_question(const uint8_t *mac, in_addr_t sender) {
  struct arp_frame frame = {.ethernet = {.ether_type = htons(ETH_P_ARP)}};
  memset(frame.ethernet.ether_dhost, 0xff, ETH_ALEN);
  memcpy(frame.ethernet.ether_shost, mac, ETH_ALEN);
  frame.arp.ea_hdr = (struct arphdr){htons(1), htons(ETH_P_IP), ETH_ALEN, 4, htons(ARPOP_REQUEST)};
  memcpy(frame.arp.arp_sha, mac, ETH_ALEN);
  memcpy(frame.arp.arp_spa, &sender, sizeof sender);
  return frame;
}
