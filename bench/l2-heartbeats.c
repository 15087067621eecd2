/*
 * Times the heartbeats of speakers as a member would hear them: the gaps between datagrams to UDP port PORT that arrive
 * by multicast from one MAC. Prints one line for each sender at the end (SIGTERM), in microseconds of the kernel's times
 * of arrival:
 *
 *   l2-heartbeats INTERFACE PORT
 *
 *   sender MAC count=N p50=US p99=US max=US
 */
#include "packet.h"

#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>

#define MAX_SENDERS 16
#define MAX_GAPS 100000

struct frame {
  struct ether_header ethernet;
  struct iphdr ip;
  struct udphdr udp;
} __attribute__((packed));

struct sender {
  uint8_t mac[ETH_ALEN];
  long long last;
  long gaps[MAX_GAPS];
  int count;
};

static struct sender senders[MAX_SENDERS];
static int sender_count;
static volatile sig_atomic_t is_ending;

static void end(int signal) {
  (void)signal;
  is_ending = 1;
}

/* Of whatever group. */
static void hear_multicast(int fd, const char *interface) {
  struct packet_mreq group = {.mr_ifindex = (int)if_nametoindex(interface), .mr_type = PACKET_MR_ALLMULTI};
  if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group, sizeof group) != 0) fail("PACKET_MR_ALLMULTI");
}

static struct sender *sender_of(const uint8_t *mac) {
  for (int i = 0; i < sender_count; i++)
    if (memcmp(senders[i].mac, mac, ETH_ALEN) == 0) return &senders[i];
  if (sender_count == MAX_SENDERS) return NULL;
  struct sender *made = &senders[sender_count++];
  memcpy(made->mac, mac, ETH_ALEN);
  return made;
}

static void note(const uint8_t *mac, long long arrival) {
  struct sender *sender = sender_of(mac);
  if (sender == NULL) return;
  if (sender->last != 0 && sender->count < MAX_GAPS) sender->gaps[sender->count++] = (long)(arrival - sender->last);
  sender->last = arrival;
}

static int ascending(const void *a, const void *b) {
  long x = *(const long *)a, y = *(const long *)b;
  return (x > y) - (x < y);
}

static void report(struct sender *sender) {
  if (sender->count == 0) return;
  qsort(sender->gaps, (size_t)sender->count, sizeof(long), ascending);
  const uint8_t *mac = sender->mac;
  printf("sender %02x:%02x:%02x:%02x:%02x:%02x count=%d p50=%ld p99=%ld max=%ld\n", mac[0], mac[1], mac[2], mac[3],
         mac[4], mac[5], sender->count, sender->gaps[sender->count / 2] / 1000,
         sender->gaps[sender->count * 99L / 100] / 1000, sender->gaps[sender->count - 1] / 1000);
}

int main(int count, char **argument) {
  if (count != 3) return 2;
  int fd = packet_socket(0);
  hear(fd, argument[1], ETH_P_IP);
  hear_multicast(fd, argument[1]);
  uint16_t port = htons((uint16_t)atoi(argument[2]));
  struct sigaction action = {.sa_handler = end};
  sigaction(SIGTERM, &action, NULL);
  while (!is_ending) {
    struct frame frame;
    long long arrival;
    if (!receive(fd, &frame, sizeof frame, &arrival)) continue;
    bool is_multicast = frame.ethernet.ether_dhost[0] & 1;
    if (is_multicast && frame.ip.protocol == IPPROTO_UDP && frame.ip.ihl == 5 && frame.udp.dest == port)
      note(frame.ethernet.ether_shost, arrival);
  }
  for (int i = 0; i < sender_count; i++) report(&senders[i]);
  return 0;
}
