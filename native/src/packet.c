/* AF_PACKET sockets (packet(7)) and membership in link-layer and IPv6 multicast groups. */
#define _GNU_SOURCE
#include "open.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

static const char *configure(int fd, const struct sock_fprog *program, int receive_bytes) {
  int on = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, sizeof *program) != 0) return "setsockopt(SO_ATTACH_FILTER)";
  /* Since Linux 4.20; on an older kernel the readers see their own frames, which name no one else's claim. */
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 && errno != ENOPROTOOPT)
    return "setsockopt(PACKET_IGNORE_OUTGOING)";
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes) != 0) return "setsockopt(SO_RCVBUF)";
  return NULL;
}

/*
 * packetOpen(options): filter first, protocol last, so that nothing unfiltered is ever in the receive buffer.
 */
napi_value packet_open(napi_env env, napi_callback_info info) {
  static const int attached_at_bind = 0;
  napi_value options, filter;
  size_t arguments = 1;
  uint32_t interface_index, ether_type, receive_bytes;
  struct sock_filter instructions[BPF_MAXINSNS];
  struct sock_fprog program = {.filter = instructions};
  napi_get_cb_info(env, info, &arguments, &options, NULL, NULL);
  if (!read_uint32(env, options, "interfaceIndex", &interface_index) ||
      !read_uint32(env, options, "etherType", &ether_type) ||
      !read_uint32(env, options, "receiveBufferBytes", &receive_bytes) ||
      napi_get_named_property(env, options, "filter", &filter) != napi_ok || !read_program(env, filter, &program))
    return throw_argument(env, "packet socket options of the wrong shape");

  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, attached_at_bind);
  if (fd < 0) return throw_errno(env, errno, "socket(AF_PACKET)");
  const char *failed = configure(fd, &program, (int)receive_bytes);
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET,
      .sll_protocol = htons((uint16_t)ether_type),
      .sll_ifindex = (int)interface_index,
  };
  if (failed == NULL && bind(fd, (struct sockaddr *)&address, sizeof address) != 0) failed = "bind(AF_PACKET)";
  if (failed != NULL) {
    int error = errno;
    close(fd);
    return throw_errno(env, error, failed);
  }
  return batch_socket_create(env, fd, AF_PACKET, options);
}

/* groupsOpen(options): a socket that only holds memberships of IPv6 groups; the kernel reports them by MLD. */
napi_value groups_open(napi_env env, napi_callback_info info) {
  napi_value options;
  size_t arguments = 1;
  napi_get_cb_info(env, info, &arguments, &options, NULL, NULL);
  int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return throw_errno(env, errno, "socket(AF_INET6)");
  return batch_socket_create(env, fd, AF_INET6, options);
}

static int change_membership(struct batch_socket *socket, uint32_t interface_index, const void *group, size_t length,
                             bool join) {
  if (socket->family == AF_PACKET && length == 6) {
    struct packet_mreq request = {.mr_ifindex = (int)interface_index, .mr_type = PACKET_MR_MULTICAST, .mr_alen = 6};
    memcpy(request.mr_address, group, length);
    int option = join ? PACKET_ADD_MEMBERSHIP : PACKET_DROP_MEMBERSHIP;
    return setsockopt(socket->fd, SOL_PACKET, option, &request, sizeof request);
  }
  if (socket->family == AF_INET6 && length == sizeof(struct in6_addr)) {
    struct ipv6_mreq request = {.ipv6mr_interface = interface_index};
    memcpy(&request.ipv6mr_multiaddr, group, length);
    int option = join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP;
    return setsockopt(socket->fd, IPPROTO_IPV6, option, &request, sizeof request);
  }
  errno = EAFNOSUPPORT;
  return -1;
}

/* membership(socket, interfaceIndex, group: Uint8Array, join: boolean) */
napi_value membership(napi_env env, napi_callback_info info) {
  napi_value argument[4];
  size_t arguments = 4, length;
  uint32_t interface_index;
  napi_typedarray_type type;
  void *group;
  bool join;
  napi_get_cb_info(env, info, &arguments, argument, NULL, NULL);
  struct batch_socket *socket = batch_socket_of(env, argument[0]);
  if (socket == NULL) return NULL;
  if (napi_get_value_uint32(env, argument[1], &interface_index) != napi_ok ||
      napi_get_typedarray_info(env, argument[2], &type, &length, &group, NULL, NULL) != napi_ok ||
      type != napi_uint8_array || napi_get_value_bool(env, argument[3], &join) != napi_ok)
    return throw_argument(env, "membership(socket, interfaceIndex, group, join)");
  if (change_membership(socket, interface_index, group, length, join) != 0)
    return throw_errno(env, errno, join ? "setsockopt(ADD_MEMBERSHIP)" : "setsockopt(DROP_MEMBERSHIP)");
  return NULL;
}
