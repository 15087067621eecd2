/*
 * Asks for one IPv4 address by ARP at a fixed pace, as a client with an empty neighbour cache would, and prints a line
 * for whatever it hears of it, with the kernel's time of arrival (SO_TIMESTAMPNS, nanoseconds since 1970):
 *
 *   l2-asker INTERFACE SENDER_IP TARGET_IP INTERVAL_US
 *
 *   reply NANOSECONDS MAC      an answer to us
 *   claim NANOSECONDS MAC      an announcement to everybody
 *   asked COUNT                at the end (SIGTERM)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

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

static int open_socket(const char *interface, uint8_t *mac) {
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ARP));
  struct ifreq request = {0};
  strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
  if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) != 0) fail("socket");
  memcpy(mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_ifindex = (int)if_nametoindex(interface)};
  int on = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) fail("SO_TIMESTAMPNS");
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  return fd;
}

static int open_timer(long interval_us) {
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct timespec interval = {.tv_sec = interval_us / 1000000, .tv_nsec = interval_us % 1000000 * 1000};
  struct itimerspec setting = {.it_interval = interval, .it_value = interval};
  if (fd < 0 || timerfd_settime(fd, 0, &setting, NULL) != 0) fail("timer");
  return fd;
}

static struct frame question(const uint8_t *mac, in_addr_t sender, in_addr_t target) {
  struct frame frame = {.ethernet = {.ether_type = htons(ETH_P_ARP)}};
  memset(frame.ethernet.ether_dhost, 0xff, ETH_ALEN);
  memcpy(frame.ethernet.ether_shost, mac, ETH_ALEN);
  frame.arp.ea_hdr = (struct arphdr){htons(1), htons(ETH_P_IP), ETH_ALEN, 4, htons(ARPOP_REQUEST)};
  memcpy(frame.arp.arp_sha, mac, ETH_ALEN);
  memcpy(frame.arp.arp_spa, &sender, sizeof sender);
  memcpy(frame.arp.arp_tpa, &target, sizeof target);
  return frame;
}

/* Reads one frame and when it arrived; false when there is none. Shorter ones come back as nothing. */
static bool receive(int fd, struct frame *frame, long long *arrival) {
  union {
    struct cmsghdr header;
    char bytes[128];
  } control;
  struct iovec vector = {.iov_base = frame, .iov_len = sizeof *frame};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  memset(frame, 0, sizeof *frame);
  if (recvmsg(fd, &message, 0) < 0) return false;
  for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one != NULL; one = CMSG_NXTHDR(&message, one)) {
    struct timespec stamp;
    if (one->cmsg_type != SCM_TIMESTAMPNS) continue;
    memcpy(&stamp, CMSG_DATA(one), sizeof stamp);
    *arrival = stamp.tv_sec * 1000000000LL + stamp.tv_nsec;
  }
  return true;
}

static void tell(const struct frame *frame, const uint8_t *own_mac, in_addr_t target, long long arrival) {
  if (memcmp(frame->arp.arp_spa, &target, sizeof target) != 0) return;
  bool is_reply = frame->arp.ea_hdr.ar_op == htons(ARPOP_REPLY);
  bool is_to_us = memcmp(frame->ethernet.ether_dhost, own_mac, ETH_ALEN) == 0;
  const uint8_t *mac = frame->arp.arp_sha;
  printf("%s %lld %02x:%02x:%02x:%02x:%02x:%02x\n", is_reply && is_to_us ? "reply" : "claim", arrival, mac[0], mac[1],
         mac[2], mac[3], mac[4], mac[5]);
}

int main(int count, char **argument) {
  if (count != 5) return 2;
  uint8_t mac[ETH_ALEN];
  int fd = open_socket(argument[1], mac);
  in_addr_t target = inet_addr(argument[3]);
  struct frame request = question(mac, inet_addr(argument[2]), target);
  int timer = open_timer(atol(argument[4]));
  long asked = 0;
  signal(SIGTERM, end);
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (!is_ending) {
    struct pollfd readable[] = {{.fd = fd, .events = POLLIN}, {.fd = timer, .events = POLLIN}};
    if (poll(readable, 2, -1) < 0) continue;
    uint64_t expirations;
    if (read(timer, &expirations, sizeof expirations) > 0 && send(fd, &request, sizeof request, 0) >= 0) asked++;
    struct frame frame;
    long long arrival = 0;
    while (receive(fd, &frame, &arrival)) tell(&frame, mac, target, arrival);
  }
  printf("asked %ld\n", asked);
  return 0;
}
