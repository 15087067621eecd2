/*
 * Hears who announces which of COUNT consecutive IPv4 addresses by ARP. Prints a line when an address is announced from
 * another MAC than before, with the kernel's time of arrival (nanoseconds since 1970), and a sum at the end (SIGTERM):
 *
 *   l2-listener INTERFACE FIRST_IP COUNT
 *
 *   claim NANOSECONDS INDEX MAC
 *   sum heard=N dropped=N        dropped: by this program's own queue, so that the lines above do not tell all
 */
#include "packet.h"

#include <signal.h>

#define QUEUE_BYTES (64 << 20)

static volatile sig_atomic_t is_ending;

static void end(int signal) {
  (void)signal;
  is_ending = 1;
}

/* The address that an announcement is about; its sender and its target are the same (RFC 5227 section 2.3). */
static bool announced(const struct arp_frame *frame, uint32_t *address) {
  if (memcmp(frame->arp.arp_spa, frame->arp.arp_tpa, sizeof frame->arp.arp_spa) != 0) return false;
  memcpy(address, frame->arp.arp_spa, sizeof *address);
  *address = ntohl(*address);
  return true;
}

int main(int argument_count, char **argument) {
  if (argument_count != 4) return 2;
  int fd = packet_socket(0), queue = QUEUE_BYTES;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof queue) != 0) fail("SO_RCVBUFFORCE");
  hear(fd, argument[1], ETH_P_ARP);
  uint32_t first = ntohl(inet_addr(argument[2]));
  uint32_t count = (uint32_t)atoi(argument[3]);
  uint8_t(*macs)[ETH_ALEN] = calloc(count, ETH_ALEN);
  struct sigaction action = {.sa_handler = end};
  sigaction(SIGTERM, &action, NULL);
  unsigned long heard = 0;
  while (!is_ending) {
    struct arp_frame frame;
    long long arrival;
    uint32_t address;
    if (!receive(fd, &frame, sizeof frame, &arrival) || !announced(&frame, &address)) continue;
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
