/*
 * Traffic to an address that moves: requests by UDP, and one TCP stream.
 *
 *   l2-traffic serve ADDRESS PORT               answers both with what it got
 *   l2-traffic ask ADDRESS PORT INTERVAL_US     a numbered request by UDP each interval, and 100 bytes on the stream
 *
 * `ask` prints a line for each silence above 30 ms, when it is over, one when TCP has sent a segment again, and a sum at the end (SIGTERM), for which it waits
 * until the last request has had a second. Times are nanoseconds since 1970.
 *
 *   gap START LENGTH
 *   again TIME TOTAL
 *   sum asked=N answered=N longest_gap_ns=N retransmitted=N stream_longest_gap_ns=N stream_bytes=N stream_lost=N
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NOTABLE_GAP_NS 30000000LL
#define PATIENCE_NS 1000000000LL
#define STREAM_CHUNK 100
/* Requests that may be open: more than a second of them at the fastest pace. */
#define WINDOW (1 << 16)

static volatile sig_atomic_t is_ending;

static void end(int signal) {
  (void)signal;
  is_ending = 1;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static struct sockaddr_in endpoint(const char *address, const char *port) {
  struct sockaddr_in made = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  made.sin_addr.s_addr = inet_addr(address);
  return made;
}

static int open_bound(int type, const struct sockaddr_in *address) {
  int fd = socket(AF_INET, type, 0);
  int on = 1;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) fail("socket");
  if (bind(fd, (const struct sockaddr *)address, sizeof *address) != 0) fail("bind");
  return fd;
}

static void echo_datagram(int fd) {
  char bytes[2048];
  struct sockaddr_in from;
  socklen_t length = sizeof from;
  ssize_t size = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &length);
  if (size > 0) sendto(fd, bytes, (size_t)size, 0, (struct sockaddr *)&from, length);
}

/* False when the other side has ended. */
static bool echo_stream(int fd) {
  char bytes[2048];
  ssize_t size = recv(fd, bytes, sizeof bytes, 0);
  if (size <= 0) return false;
  return send(fd, bytes, (size_t)size, MSG_NOSIGNAL) == size;
}

static int serve(const struct sockaddr_in *address) {
  int datagrams = open_bound(SOCK_DGRAM, address), listener = open_bound(SOCK_STREAM, address), stream = -1;
  if (listen(listener, 4) != 0) fail("listen");
  puts("serving");
  fflush(stdout);
  while (!is_ending) {
    struct pollfd readable[] = {{.fd = datagrams, .events = POLLIN},
                                {.fd = listener, .events = POLLIN},
                                {.fd = stream, .events = POLLIN}};
    if (poll(readable, 3, -1) < 0) continue;
    if (readable[0].revents) echo_datagram(datagrams);
    if (readable[1].revents) {
      if (stream >= 0) close(stream);
      stream = accept(listener, NULL, NULL);
      continue;
    }
    if (stream >= 0 && readable[2].revents && !echo_stream(stream)) {
      close(stream);
      stream = -1;
    }
  }
  return 0;
}

struct requests {
  int fd;
  uint64_t asked, answered;
  long long last_answer, longest_gap;
  bool is_answered[WINDOW];
};

struct stream {
  int fd;
  uint64_t sent, received;
  long long last_byte, longest_gap;
  uint32_t retransmitted;
};

static void ask(struct requests *requests) {
  uint64_t number = requests->asked++;
  requests->is_answered[number % WINDOW] = false;
  /* An error reported by an earlier one (host unreachable) is taken off by the first attempt. */
  for (int attempt = 0; attempt < 2 && send(requests->fd, &number, sizeof number, MSG_DONTWAIT) < 0; attempt++) {
  }
}

static void take_answers(struct requests *requests) {
  uint64_t number;
  for (;;) {
    ssize_t size = recv(requests->fd, &number, sizeof number, MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return;
    if (size != sizeof number || requests->is_answered[number % WINDOW]) continue;
    requests->is_answered[number % WINDOW] = true;
    requests->answered++;
    long long time = now(), gap = time - requests->last_answer;
    if (requests->last_answer != 0 && gap > requests->longest_gap) requests->longest_gap = gap;
    if (requests->last_answer != 0 && gap > NOTABLE_GAP_NS) printf("gap %lld %lld\n", requests->last_answer, gap);
    requests->last_answer = time;
  }
}

static void feed(struct stream *stream) {
  static const char chunk[STREAM_CHUNK];
  ssize_t size = send(stream->fd, chunk, sizeof chunk, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (size > 0) stream->sent += (uint64_t)size;
}

static void drain(struct stream *stream) {
  char bytes[8192];
  ssize_t size;
  while ((size = recv(stream->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
    long long time = now(), gap = time - stream->last_byte;
    if (stream->last_byte != 0 && gap > stream->longest_gap) stream->longest_gap = gap;
    stream->last_byte = time;
    stream->received += (uint64_t)size;
  }
}

static void watch_retransmissions(struct stream *stream) {
  struct tcp_info info = {0};
  socklen_t length = sizeof info;
  if (getsockopt(stream->fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) fail("TCP_INFO");
  if (info.tcpi_total_retrans == stream->retransmitted) return;
  stream->retransmitted = info.tcpi_total_retrans;
  printf("again %lld %u\n", now(), stream->retransmitted);
}

static int open_timer(long interval_us) {
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct timespec interval = {.tv_sec = interval_us / 1000000, .tv_nsec = interval_us % 1000000 * 1000};
  struct itimerspec setting = {.it_interval = interval, .it_value = interval};
  if (fd < 0 || timerfd_settime(fd, 0, &setting, NULL) != 0) fail("timer");
  return fd;
}

static int open_connected(int type, const struct sockaddr_in *address) {
  int fd = socket(AF_INET, type, 0);
  if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) fail("connect");
  return fd;
}

static void report(const struct requests *requests, const struct stream *stream) {
  printf("sum asked=%llu answered=%llu longest_gap_ns=%lld retransmitted=%u stream_longest_gap_ns=%lld "
         "stream_bytes=%llu stream_lost=%llu\n",
         (unsigned long long)requests->asked, (unsigned long long)requests->answered, requests->longest_gap,
         stream->retransmitted, stream->longest_gap, (unsigned long long)stream->received,
         (unsigned long long)(stream->sent - stream->received));
}

static int ask_all(const struct sockaddr_in *address, long interval_us) {
  static struct requests requests;
  struct stream stream = {.fd = open_connected(SOCK_STREAM, address)};
  int on = 1;
  setsockopt(stream.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  requests.fd = open_connected(SOCK_DGRAM, address);
  int timer = open_timer(interval_us);
  setvbuf(stdout, NULL, _IOLBF, 0);
  long long ends_at = 0;
  while (ends_at == 0 || (now() < ends_at && (requests.answered < requests.asked || stream.received < stream.sent))) {
    struct pollfd readable[] = {{.fd = requests.fd, .events = POLLIN},
                                {.fd = stream.fd, .events = POLLIN},
                                {.fd = timer, .events = POLLIN}};
    poll(readable, 3, 100);
    uint64_t due;
    bool is_due = read(timer, &due, sizeof due) > 0;
    if (is_due && ends_at == 0) {
      /* Those that this program was too late for are asked now: the pace is a promise. */
      for (uint64_t each = 0; each < due; each++) ask(&requests);
      feed(&stream);
    }
    take_answers(&requests);
    drain(&stream);
    watch_retransmissions(&stream);
    if (is_ending && ends_at == 0) ends_at = now() + PATIENCE_NS;
  }
  report(&requests, &stream);
  return 0;
}

int main(int count, char **argument) {
  if (count < 4) return 2;
  signal(SIGTERM, end);
  struct sockaddr_in address = endpoint(argument[2], argument[3]);
  if (strcmp(argument[1], "serve") == 0) return serve(&address);
  if (count < 5) return 2;
  return ask_all(&address, atol(argument[4]));
}
