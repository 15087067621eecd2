/* A NETLINK_ROUTE socket (rtnetlink(7)); what travels on it is encoded and decoded in native/netlink.ts. */
#define _GNU_SOURCE
#include "open.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

/* netlinkOpen(options): `groups` is the RTMGRP_* bit mask of events to hear. */
napi_value netlink_open(napi_env env, napi_callback_info info) {
  napi_value options;
  size_t arguments = 1;
  uint32_t groups, receive_bytes;
  napi_get_cb_info(env, info, &arguments, &options, NULL, NULL);
  if (!read_uint32(env, options, "groups", &groups) || !read_uint32(env, options, "receiveBufferBytes", &receive_bytes))
    return throw_argument(env, "netlink socket options of the wrong shape");
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return throw_errno(env, errno, "socket(AF_NETLINK)");
  int buffer = (int)receive_bytes;
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) != 0 ||
      bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    int error = errno;
    close(fd);
    return throw_errno(env, error, "bind(AF_NETLINK)");
  }
  return batch_socket_create(env, fd, AF_NETLINK, options);
}
