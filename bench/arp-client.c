/*
 * Asks for IPv4 addresses by ARP and times the answers, from just before a question is sent until the kernel has its
 * answer (SO_TIMESTAMPNS): when this program itself is woken does not count, and while it waits it needs no processor.
 *
 *   arp-client INTERFACE SENDER_IP KERNEL_IP FIRST_IP ADDRESSES ROUNDS [TIMEOUT_MS]
 *
 * Each round asks once for KERNEL_IP and once for one of ADDRESSES addresses from FIRST_IP on. Prints a line for each:
 * how many answers were lost, and nanoseconds at the median, the 99th percentile and the maximum.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int timeout_ms = 1000;

struct frame {
  struct ether_header ethernet;
  struct ether_arp arp;
} __attribute__((packed));

static long nanoseconds(const struct timespec *time) {
  return time->tv_sec * 1000000000L + time->tv_nsec;
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
  /* Answers alone, so that another's flood of broadcast questions is no work of this program: ARP operation 2. */
  struct sock_filter answers[] = {
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct frame, arp) + offsetof(struct arphdr, ar_op)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPOP_REPLY, 0, 1), BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
      BPF_STMT(BPF_RET | BPF_K, 0)};
  struct sock_fprog filter = {.len = sizeof answers / sizeof *answers, .filter = answers};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) fail("SO_ATTACH_FILTER");
  int on = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) fail("SO_TIMESTAMPNS");
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

/* Reads one frame and when it arrived; false when there is none. */
static bool receive(int fd, struct frame *frame, long *arrival) {
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
    *arrival = nanoseconds(&stamp);
    return true;
  }
  return false;
}

/* Nanoseconds until the answer, or -1. */
static long ask(int fd, struct frame *request, in_addr_t target) {
  struct timespec start;
  memcpy(request->arp.arp_tpa, &target, sizeof target);
  clock_gettime(CLOCK_REALTIME, &start);
  if (send(fd, request, sizeof *request, 0) < 0) fail("send");
  struct pollfd readable = {.fd = fd, .events = POLLIN};
  while (poll(&readable, 1, timeout_ms) == 1) {
    struct frame reply;
    long arrival;
    if (!receive(fd, &reply, &arrival)) continue;
    bool is_reply = reply.arp.ea_hdr.ar_op == htons(ARPOP_REPLY);
    if (!is_reply || memcmp(reply.arp.arp_spa, &target, sizeof target) != 0) continue;
    /* The clock of the stamps may be set back meanwhile: then that question measured nothing. */
    return arrival > nanoseconds(&start) ? arrival - nanoseconds(&start) : ask(fd, request, target);
  }
  return -1;
}

static int ascending(const void *a, const void *b) {
  long x = *(const long *)a, y = *(const long *)b;
  return (x > y) - (x < y);
}

static void report(const char *name, long *times, int count) {
  qsort(times, (size_t)count, sizeof *times, ascending);
  int lost = 0;
  while (lost < count && times[lost] < 0) lost++;
  int answered = count - lost;
  if (answered == 0) {
    printf("%s lost=%d\n", name, lost);
    return;
  }
  long *sorted = times + lost;
  printf("%s lost=%d median=%ld p99=%ld max=%ld\n", name, lost, sorted[answered / 2], sorted[answered * 99L / 100],
         sorted[answered - 1]);
}

int main(int count, char **argument) {
  if (count != 7 && count != 8) return 2;
  if (count == 8) timeout_ms = atoi(argument[7]);
  uint8_t mac[ETH_ALEN];
  int fd = open_socket(argument[1], mac);
  struct frame request = request_from(mac, inet_addr(argument[2]));
  in_addr_t kernel = inet_addr(argument[3]);
  uint32_t first = ntohl(inet_addr(argument[4]));
  uint32_t addresses = (uint32_t)atoi(argument[5]);
  int rounds = atoi(argument[6]);
  long *kernel_times = calloc((size_t)rounds, sizeof(long)), *our_times = calloc((size_t)rounds, sizeof(long));
  uint32_t random = 1;
  for (int round = -100; round < rounds; round++) {
    random = random * 1664525u + 1013904223u;
    long by_kernel = ask(fd, &request, kernel);
    long by_us = ask(fd, &request, htonl(first + (random >> 8) % addresses));
    if (round < 0) continue;
    kernel_times[round] = by_kernel;
    our_times[round] = by_us;
  }
  report("kernel", kernel_times, rounds);
  report("ours", our_times, rounds);
  return 0;
}
