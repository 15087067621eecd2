/*
 * Asks for IPv4 addresses by ARP and times the answers, from just before a question is sent until the kernel has its
 * answer (SO_TIMESTAMPNS): when this program itself is woken does not count, and while it waits it needs no processor.
 *
 *   arp-client INTERFACE SENDER_IP KERNEL_IP FIRST_IP ADDRESSES ROUNDS [TIMEOUT_MS]
 *
 * Each round asks once for KERNEL_IP and once for one of ADDRESSES addresses from FIRST_IP on. Prints a line for each:
 * how many answers were lost, and nanoseconds at the median, the 99th percentile and the maximum.
 */
#include "packet.h"

#include <errno.h>
#include <linux/filter.h>
#include <poll.h>
#include <stddef.h>

static int timeout_ms = 1000;

/* Answers alone, so that another's flood of broadcast questions is no work of this program: ARP operation 2. */
static void hear_answers_alone(int fd) {
  struct sock_filter answers[] = {
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct arp_frame, arp) + offsetof(struct arphdr, ar_op)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPOP_REPLY, 0, 1), BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
      BPF_STMT(BPF_RET | BPF_K, 0)};
  struct sock_fprog filter = {.len = sizeof answers / sizeof *answers, .filter = answers};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) fail("SO_ATTACH_FILTER");
}

/* Nanoseconds until the answer, or -1. */
static long ask(int fd, struct arp_frame *request, in_addr_t target) {
  struct timespec start;
  memcpy(request->arp.arp_tpa, &target, sizeof target);
  clock_gettime(CLOCK_REALTIME, &start);
  if (send(fd, request, sizeof *request, 0) < 0) fail("send");
  struct pollfd readable = {.fd = fd, .events = POLLIN};
  while (poll(&readable, 1, timeout_ms) == 1) {
    struct arp_frame reply;
    long long arrival;
    if (!receive(fd, &reply, sizeof reply, &arrival)) continue;
    bool is_reply = reply.arp.ea_hdr.ar_op == htons(ARPOP_REPLY);
    if (!is_reply || memcmp(reply.arp.arp_spa, &target, sizeof target) != 0) continue;
    /* The clock of the stamps may be set back meanwhile: then that question measured nothing. */
    return arrival > nanoseconds(&start) ? (long)(arrival - nanoseconds(&start)) : ask(fd, request, target);
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
  int fd = packet_socket(SOCK_NONBLOCK);
  hear_answers_alone(fd);
  hear(fd, argument[1], ETH_P_ARP);
  mac_of(fd, argument[1], mac);
  struct arp_frame request = arp_question(mac, inet_addr(argument[2]));
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
