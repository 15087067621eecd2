/* UDP on one interface only, to and from one link-local group; and UDP by unicast that hears no group. */
#define _GNU_SOURCE
#include "open.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

/* Link-local: no router passes it on. */
static const int one_hop = 1;
static const int on = 1, off = 0;

static int set(int fd, int level, int option, const void *value, size_t length) {
  return setsockopt(fd, level, option, value, (socklen_t)length);
}

/* The socket joins, sends and hears on this interface alone; its own datagrams do not come back. */
static const char *join_ipv4(int fd, int interface_index, const struct sockaddr_in *group) {
  struct ip_mreqn request = {.imr_multiaddr = group->sin_addr, .imr_ifindex = interface_index};
  if (set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) != 0) return "setsockopt(IP_ADD_MEMBERSHIP)";
  if (set(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) != 0) return "setsockopt(IP_MULTICAST_IF)";
  if (set(fd, IPPROTO_IP, IP_MULTICAST_TTL, &one_hop, sizeof one_hop) != 0) return "setsockopt(IP_MULTICAST_TTL)";
  if (set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof off) != 0) return "setsockopt(IP_MULTICAST_LOOP)";
  return NULL;
}

static const char *join_ipv6(int fd, int interface_index, const struct sockaddr_in6 *group) {
  struct ipv6_mreq request = {.ipv6mr_multiaddr = group->sin6_addr, .ipv6mr_interface = (unsigned)interface_index};
  if (set(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request) != 0) return "setsockopt(IPV6_JOIN_GROUP)";
  if (set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &interface_index, sizeof interface_index) != 0)
    return "setsockopt(IPV6_MULTICAST_IF)";
  if (set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &one_hop, sizeof one_hop) != 0)
    return "setsockopt(IPV6_MULTICAST_HOPS)";
  if (set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof off) != 0) return "setsockopt(IPV6_MULTICAST_LOOP)";
  return NULL;
}

static napi_value open_group(napi_env env, napi_value options, int interface_index, const uint8_t *group, size_t length,
                             uint16_t port) {
  union {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
  } address = {0};
  bool is_ipv4 = length == 4;
  socklen_t bytes = is_ipv4 ? sizeof address.ipv4 : sizeof address.ipv6;
  if (is_ipv4) {
    address.ipv4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    memcpy(&address.ipv4.sin_addr, group, length);
  } else {
    address.ipv6 = (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = (uint32_t)interface_index};
    memcpy(&address.ipv6.sin6_addr, group, length);
  }
  int fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return throw_errno(env, errno, "socket(SOCK_DGRAM)");
  const char *failed = NULL;
  if (set(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) failed = "setsockopt(SO_REUSEADDR)";
  else if (set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &interface_index, sizeof interface_index) != 0)
    failed = "setsockopt(SO_BINDTOIFINDEX)";
  else if (bind(fd, &address.any, bytes) != 0) failed = "bind(group)";
  else if (is_ipv4) failed = join_ipv4(fd, interface_index, &address.ipv4);
  else failed = join_ipv6(fd, interface_index, &address.ipv6);
  if (failed != NULL) {
    int error = errno;
    close(fd);
    return throw_errno(env, error, failed);
  }
  return batch_socket_create_towards(env, fd, &address.any, bytes, options);
}

/* Both families, any address of this machine; without the MULTICAST_ALL options it would hear every group too. */
static napi_value open_unicast(napi_env env, napi_value options, uint16_t port) {
  bool is_dual = true;
  int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 && errno == EAFNOSUPPORT) {
    is_dual = false;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  }
  if (fd < 0) return throw_errno(env, errno, "socket(SOCK_DGRAM)");
  struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_ANY_INIT};
  struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  const char *failed = NULL;
  if (set(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) failed = "setsockopt(SO_REUSEADDR)";
  else if (set(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off) != 0) failed = "setsockopt(IP_MULTICAST_ALL)";
  else if (is_dual && set(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) failed = "setsockopt(IPV6_V6ONLY)";
  else if (is_dual && set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off, sizeof off) != 0)
    failed = "setsockopt(IPV6_MULTICAST_ALL)";
  else if (is_dual ? bind(fd, (struct sockaddr *)&ipv6, sizeof ipv6) : bind(fd, (struct sockaddr *)&ipv4, sizeof ipv4))
    failed = "bind(port)";
  if (failed != NULL) {
    int error = errno;
    close(fd);
    return throw_errno(env, error, failed);
  }
  return batch_socket_create(env, fd, is_dual ? AF_INET6 : AF_INET, options);
}

/* udpOpen(options): `group` is a Uint8Array of 4 or 16 bytes, or of none for unicast; `interfaceIndex`, `port`. */
napi_value udp_open(napi_env env, napi_callback_info info) {
  napi_value options, value;
  size_t arguments = 1, length;
  uint32_t interface_index, port;
  napi_typedarray_type type;
  void *group;
  napi_get_cb_info(env, info, &arguments, &options, NULL, NULL);
  if (!read_uint32(env, options, "interfaceIndex", &interface_index) || !read_uint32(env, options, "port", &port) ||
      port > UINT16_MAX || napi_get_named_property(env, options, "group", &value) != napi_ok ||
      napi_get_typedarray_info(env, value, &type, &length, &group, NULL, NULL) != napi_ok || type != napi_uint8_array ||
      (length != 0 && length != 4 && length != 16))
    return throw_argument(env, "UDP socket options of the wrong shape");
  if (length == 0) return open_unicast(env, options, (uint16_t)port);
  return open_group(env, options, (int)interface_index, group, length, (uint16_t)port);
}
