/*
 * UDP that knows how far each datagram has come and how long it has waited: TTL or hop limit, sender, interface and the
 * kernel's time of arrival, for BFD (RFC 5881 section 5).
 */
#define _GNU_SOURCE
#include "open.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Datagrams taken in one call. */
#define BATCH 32
/*
 * Octets of one record of `origins`: sender 16 (IPv4 in the first four), port 2, TTL 2, length 4, interface 4, destination
 * 16, age in microseconds 4.
 */
#define RECORD_BYTES 48

static const int on = 1;

/* hopsOpen(isIpv6, port, device): descriptor of a bound socket for receiving. */
napi_value hops_open(napi_env env, napi_callback_info info) {
  napi_value argument[3], result;
  size_t arguments = 3, device_bytes;
  bool is_ipv6;
  uint32_t port;
  napi_typedarray_type type;
  void *device;
  napi_get_cb_info(env, info, &arguments, argument, NULL, NULL);
  if (napi_get_value_bool(env, argument[0], &is_ipv6) != napi_ok ||
      napi_get_value_uint32(env, argument[1], &port) != napi_ok || port > UINT16_MAX ||
      napi_get_typedarray_info(env, argument[2], &type, &device_bytes, &device, NULL, NULL) != napi_ok ||
      type != napi_uint8_array || device_bytes >= IFNAMSIZ)
    return throw_argument(env, "hopsOpen(isIpv6, port, device)");
  int fd = socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return throw_errno(env, errno, "socket(SOCK_DGRAM)");
  struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = IN6ADDR_ANY_INIT};
  const char *failed = NULL;
  if (device_bytes > 0 && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)device_bytes) != 0)
    failed = "setsockopt(SO_BINDTODEVICE)";
  else if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) failed = "setsockopt(SO_TIMESTAMPNS)";
  else if (is_ipv6) {
    if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) failed = "setsockopt(IPV6_V6ONLY)";
    else if (setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on) != 0)
      failed = "setsockopt(IPV6_RECVHOPLIMIT)";
    else if (setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) != 0)
      failed = "setsockopt(IPV6_RECVPKTINFO)";
    else if (bind(fd, (struct sockaddr *)&ipv6, sizeof ipv6) != 0) failed = "bind";
  } else {
    if (setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof on) != 0) failed = "setsockopt(IP_RECVTTL)";
    else if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0) failed = "setsockopt(IP_PKTINFO)";
    else if (bind(fd, (struct sockaddr *)&ipv4, sizeof ipv4) != 0) failed = "bind";
  }
  if (failed != NULL) {
    int error = errno;
    close(fd);
    return throw_errno(env, error, failed);
  }
  napi_create_int32(env, fd, &result);
  return result;
}

struct origin {
  uint8_t sender[16], destination[16];
  uint16_t port, ttl;
  uint32_t interface_index;
  /* 0 = not known. */
  struct timespec arrived;
};

static void read_sender(const struct sockaddr_storage *name, struct origin *origin) {
  if (name->ss_family == AF_INET) {
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)name;
    memcpy(origin->sender, &ipv4->sin_addr, 4);
    origin->port = ntohs(ipv4->sin_port);
  } else {
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)name;
    memcpy(origin->sender, &ipv6->sin6_addr, 16);
    origin->port = ntohs(ipv6->sin6_port);
  }
}

static void read_control(struct msghdr *header, struct origin *origin) {
  for (struct cmsghdr *message = CMSG_FIRSTHDR(header); message != NULL; message = CMSG_NXTHDR(header, message)) {
    bool is_ttl = (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_TTL) ||
                  (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_HOPLIMIT);
    if (is_ttl) {
      int ttl;
      memcpy(&ttl, CMSG_DATA(message), sizeof ttl);
      origin->ttl = (uint16_t)ttl;
    } else if (message->cmsg_level == SOL_SOCKET && message->cmsg_type == SCM_TIMESTAMPNS) {
      memcpy(&origin->arrived, CMSG_DATA(message), sizeof origin->arrived);
    } else if (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo packet;
      memcpy(&packet, CMSG_DATA(message), sizeof packet);
      origin->interface_index = (uint32_t)packet.ipi_ifindex;
      memcpy(origin->destination, &packet.ipi_addr, 4);
    } else if (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo packet;
      memcpy(&packet, CMSG_DATA(message), sizeof packet);
      origin->interface_index = packet.ipi6_ifindex;
      memcpy(origin->destination, &packet.ipi6_addr, 16);
    }
  }
}

/* The clock that the kernel stamps with may have been set meanwhile: not less than nothing, and not more than fits. */
static uint32_t age_of(const struct origin *origin, const struct timespec *now) {
  if (origin->arrived.tv_sec == 0) return 0;
  int64_t microseconds = ((int64_t)now->tv_sec - origin->arrived.tv_sec) * 1000000 +
                         (now->tv_nsec - origin->arrived.tv_nsec) / 1000;
  return microseconds < 0 ? 0 : microseconds > UINT32_MAX ? UINT32_MAX : (uint32_t)microseconds;
}

static void write_record(uint8_t *record, const struct origin *origin, uint32_t length, const struct timespec *now) {
  uint32_t age = age_of(origin, now);
  memcpy(record, origin->sender, 16);
  memcpy(record + 16, &origin->port, 2);
  memcpy(record + 18, &origin->ttl, 2);
  memcpy(record + 20, &length, 4);
  memcpy(record + 24, &origin->interface_index, 4);
  memcpy(record + 28, origin->destination, 16);
  memcpy(record + 44, &age, 4);
}

/*
 * hopsReceive(descriptor, datagrams, origins): fills slots of equal size and one record each, numbers in the machine's
 * byte order; returns how many, 0 when nothing waits. A datagram that is longer than its slot is cut off.
 */
napi_value hops_receive(napi_env env, napi_callback_info info) {
  napi_value argument[3], result;
  size_t arguments = 3, datagram_bytes, origin_bytes;
  int32_t fd;
  napi_typedarray_type datagram_type, origin_type;
  void *datagrams, *origins;
  napi_get_cb_info(env, info, &arguments, argument, NULL, NULL);
  if (napi_get_value_int32(env, argument[0], &fd) != napi_ok ||
      napi_get_typedarray_info(env, argument[1], &datagram_type, &datagram_bytes, &datagrams, NULL, NULL) != napi_ok ||
      napi_get_typedarray_info(env, argument[2], &origin_type, &origin_bytes, &origins, NULL, NULL) != napi_ok ||
      datagram_type != napi_uint8_array || origin_type != napi_uint8_array || datagram_bytes % BATCH != 0 ||
      datagram_bytes == 0 || origin_bytes != BATCH * RECORD_BYTES)
    return throw_argument(env, "hopsReceive(descriptor, datagrams, origins)");
  size_t slot_bytes = datagram_bytes / BATCH;
  struct mmsghdr headers[BATCH];
  struct iovec vectors[BATCH];
  struct sockaddr_storage names[BATCH];
  union {
    struct cmsghdr align;
    uint8_t bytes[128];
  } controls[BATCH];
  memset(headers, 0, sizeof headers);
  for (size_t i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){.iov_base = (uint8_t *)datagrams + i * slot_bytes, .iov_len = slot_bytes};
    headers[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
                                         .msg_namelen = sizeof names[i],
                                         .msg_iov = &vectors[i],
                                         .msg_iovlen = 1,
                                         .msg_control = controls[i].bytes,
                                         .msg_controllen = sizeof controls[i].bytes};
  }
  int count = recvmmsg(fd, headers, BATCH, MSG_DONTWAIT, NULL);
  if (count < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
    return throw_errno(env, errno, "recvmmsg");
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  for (int i = 0; i < count; i++) {
    struct origin origin = {0};
    read_sender(&names[i], &origin);
    read_control(&headers[i].msg_hdr, &origin);
    write_record((uint8_t *)origins + (size_t)i * RECORD_BYTES, &origin, headers[i].msg_len, &now);
  }
  napi_create_uint32(env, count < 0 ? 0 : (uint32_t)count, &result);
  return result;
}
