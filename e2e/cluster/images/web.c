/*
 * A web server for demo and tests. On port 8080 it answers every HTTP request, and on UDP port 8080 every datagram,
 * with one line: the pod's host name and the address it was asked from.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PORT = 8080 };

static char host[256];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Both families: an IPv4 client shows as ::ffff:a.b.c.d. */
static int listener(int type) {
  int on = 1, off = 0;
  int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(PORT), .sin6_addr = in6addr_any};
  if (fd < 0) fail("socket");
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0) fail("bind");
  if (type == SOCK_STREAM && listen(fd, 128) < 0) fail("listen");
  return fd;
}

static int answer(char *line, size_t size, const char *protocol, const struct sockaddr_in6 *from) {
  char address[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, &from->sin6_addr, address, sizeof address);
  const char *shown = strncmp(address, "::ffff:", 7) == 0 ? address + 7 : address;
  return snprintf(line, size, "host=%s protocol=%s remote=%s\n", host, protocol, shown);
}

static void serve_connection(int listening) {
  struct sockaddr_in6 from;
  socklen_t length = sizeof from;
  char request[4096], line[512], response[1024];
  struct timeval patience = {.tv_sec = 1};
  int fd = accept(listening, (struct sockaddr *)&from, &length);
  if (fd < 0) return;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (read(fd, request, sizeof request) > 0) {
    int size = answer(line, sizeof line, "tcp", &from);
    int total = snprintf(response, sizeof response,
                         "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
                         "Connection: close\r\n\r\n%s",
                         size, line);
    if (write(fd, response, total) < 0) perror("write");
  }
  close(fd);
}

static void serve_datagram(int fd) {
  struct sockaddr_in6 from;
  socklen_t length = sizeof from;
  char request[2048], line[512];
  if (recvfrom(fd, request, sizeof request, 0, (struct sockaddr *)&from, &length) < 0) return;
  int size = answer(line, sizeof line, "udp", &from);
  if (sendto(fd, line, size, 0, (struct sockaddr *)&from, length) < 0) perror("sendto");
}

static void end(int signal) {
  (void)signal;
  _exit(0);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTERM, end);
  gethostname(host, sizeof host - 1);
  struct pollfd sockets[] = {
      {.fd = listener(SOCK_STREAM), .events = POLLIN},
      {.fd = listener(SOCK_DGRAM), .events = POLLIN},
  };
  printf("%s serves TCP and UDP port %d\n", host, PORT);
  fflush(stdout);
  for (;;) {
    if (poll(sockets, 2, -1) < 0) continue;
    if (sockets[0].revents) serve_connection(sockets[0].fd);
    if (sockets[1].revents) serve_datagram(sockets[1].fd);
  }
}
