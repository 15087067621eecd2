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
#include "packet.h"

#include <poll.h>
#include <signal.h>
#include <sys/timerfd.h>

static volatile sig_atomic_t is_ending;

static void end(int signal) {
  (void)signal;
  is_ending = 1;
}

static int open_timer(long interval_us) {
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct timespec interval = {.tv_sec = interval_us / 1000000, .tv_nsec = interval_us % 1000000 * 1000};
  struct itimerspec setting = {.it_interval = interval, .it_value = interval};
  if (fd < 0 || timerfd_settime(fd, 0, &setting, NULL) != 0) fail("timer");
  return fd;
}

static void tell(const struct arp_frame *frame, const uint8_t *own_mac, in_addr_t target, long long arrival) {
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
  int fd = packet_socket(SOCK_NONBLOCK);
  hear(fd, argument[1], ETH_P_ARP);
  mac_of(fd, argument[1], mac);
  in_addr_t target = inet_addr(argument[3]);
  struct arp_frame request = arp_question(mac, inet_addr(argument[2]));
  memcpy(request.arp.arp_tpa, &target, sizeof target);
  int timer = open_timer(atol(argument[4]));
  long asked = 0;
  signal(SIGTERM, end);
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (!is_ending) {
    struct pollfd readable[] = {{.fd = fd, .events = POLLIN}, {.fd = timer, .events = POLLIN}};
    if (poll(readable, 2, -1) < 0) continue;
    uint64_t expirations;
    if (read(timer, &expirations, sizeof expirations) > 0 && send(fd, &request, sizeof request, 0) >= 0) asked++;
    struct arp_frame frame;
    long long arrival;
    while (receive(fd, &frame, sizeof frame, &arrival)) tell(&frame, mac, target, arrival);
  }
  printf("asked %ld\n", asked);
  return 0;
}
