/* TCP sockets with the options that must be set before the first segment; Node.js takes the descriptor afterwards. */
#define _GNU_SOURCE
#include "open.h"

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_MINTTL
#define IP_MINTTL 21
#endif
#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73
#endif

/* Connections that wait to be accepted. */
#define BACKLOG 64
/* Differentiated services: network control (CS6), as routers mark BGP (RFC 4594 section 3.1). */
static const int traffic_class = 0xc0;
static const int on = 1;

union address {
  struct sockaddr any;
  struct sockaddr_in ipv4;
  struct sockaddr_in6 ipv6;
};

struct bytes {
  uint8_t *data;
  size_t length;
};

static bool read_bytes(napi_env env, napi_value object, const char *name, struct bytes *result) {
  napi_value value;
  napi_typedarray_type type;
  void *data;
  if (napi_get_named_property(env, object, name, &value) != napi_ok ||
      napi_get_typedarray_info(env, value, &type, &result->length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array)
    return false;
  result->data = data;
  return true;
}

/* 4 or 16 bytes; `scope` is the interface of a link-local address. Returns the length, 0 if it is no address. */
static socklen_t make_address(union address *result, struct bytes bytes, uint16_t port, uint32_t scope) {
  memset(result, 0, sizeof *result);
  if (bytes.length == 4) {
    result->ipv4.sin_family = AF_INET;
    result->ipv4.sin_port = htons(port);
    memcpy(&result->ipv4.sin_addr, bytes.data, 4);
    return sizeof result->ipv4;
  }
  if (bytes.length != 16) return 0;
  result->ipv6.sin6_family = AF_INET6;
  result->ipv6.sin6_port = htons(port);
  result->ipv6.sin6_scope_id = scope;
  memcpy(&result->ipv6.sin6_addr, bytes.data, 16);
  return sizeof result->ipv6;
}

static int set(int fd, int level, int option, const void *value, size_t length) {
  return setsockopt(fd, level, option, value, (socklen_t)length);
}

/* RFC 5082: what came through too many routers is dropped; 0 = nothing is. */
static const char *set_hops(int fd, int family, int hop_limit, int minimum) {
  if (family == AF_INET) {
    if (set(fd, IPPROTO_IP, IP_TTL, &hop_limit, sizeof hop_limit) != 0) return "setsockopt(IP_TTL)";
    if (set(fd, IPPROTO_IP, IP_MINTTL, &minimum, sizeof minimum) != 0) return "setsockopt(IP_MINTTL)";
    return NULL;
  }
  if (set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hop_limit, sizeof hop_limit) != 0)
    return "setsockopt(IPV6_UNICAST_HOPS)";
  if (set(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &minimum, sizeof minimum) != 0) return "setsockopt(IPV6_MINHOPCOUNT)";
  return NULL;
}

static const char *set_traffic_class(int fd, int family) {
  int failed = family == AF_INET ? set(fd, IPPROTO_IP, IP_TOS, &traffic_class, sizeof traffic_class)
                                 : set(fd, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class, sizeof traffic_class);
  return failed != 0 ? "setsockopt(IP_TOS)" : NULL;
}

/* RFC 2385. A key of no bytes takes the peer's key away. */
static const char *set_key(int fd, const union address *peer, socklen_t peer_bytes, struct bytes key) {
  struct tcp_md5sig request = {0};
  memcpy(&request.tcpm_addr, peer, peer_bytes);
  request.tcpm_keylen = (uint16_t)key.length;
  memcpy(request.tcpm_key, key.data, key.length);
  if (set(fd, IPPROTO_TCP, TCP_MD5SIG, &request, sizeof request) == 0) return NULL;
  /* There was none to take away. */
  return key.length == 0 && errno == ENOENT ? NULL : "setsockopt(TCP_MD5SIG)";
}

static const char *bind_device(int fd, struct bytes device) {
  if (device.length == 0) return NULL;
  return set(fd, SOL_SOCKET, SO_BINDTODEVICE, device.data, device.length) != 0 ? "setsockopt(SO_BINDTODEVICE)" : NULL;
}

struct options {
  struct bytes remote, local, device, key;
  uint32_t port, scope, hop_limit, minimum_hop_limit;
};

static bool read_options(napi_env env, napi_value object, struct options *options) {
  return read_bytes(env, object, "remote", &options->remote) && read_bytes(env, object, "local", &options->local) &&
         read_bytes(env, object, "device", &options->device) && read_bytes(env, object, "key", &options->key) &&
         read_uint32(env, object, "port", &options->port) && read_uint32(env, object, "scope", &options->scope) &&
         read_uint32(env, object, "hopLimit", &options->hop_limit) &&
         read_uint32(env, object, "minimumHopLimit", &options->minimum_hop_limit) && options->port <= UINT16_MAX &&
         options->device.length < IFNAMSIZ && options->key.length <= TCP_MD5SIG_MAXKEYLEN;
}

static const char *begin_connect(int fd, const struct options *options) {
  union address remote, local;
  socklen_t remote_bytes = make_address(&remote, options->remote, (uint16_t)options->port, options->scope);
  socklen_t local_bytes = make_address(&local, options->local, 0, options->scope);
  int family = remote.any.sa_family;
  const char *failed = bind_device(fd, options->device);
  if (failed == NULL) failed = set_hops(fd, family, (int)options->hop_limit, (int)options->minimum_hop_limit);
  if (failed == NULL) failed = set_traffic_class(fd, family);
  if (failed == NULL && options->key.length > 0) failed = set_key(fd, &remote, remote_bytes, options->key);
  if (failed == NULL && local_bytes > 0 && bind(fd, &local.any, local_bytes) != 0) failed = "bind";
  if (failed == NULL && connect(fd, &remote.any, remote_bytes) != 0 && errno != EINPROGRESS) failed = "connect";
  return failed;
}

static const char *begin_listen(int fd, const struct options *options) {
  union address local;
  socklen_t bytes = make_address(&local, options->local, (uint16_t)options->port, 0);
  int family = local.any.sa_family;
  const char *failed = bind_device(fd, options->device);
  if (failed == NULL) failed = set_hops(fd, family, (int)options->hop_limit, 0);
  if (failed == NULL) failed = set_traffic_class(fd, family);
  if (failed == NULL && set(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) failed = "setsockopt(SO_REUSEADDR)";
  if (failed == NULL && family == AF_INET6 && set(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
    failed = "setsockopt(IPV6_V6ONLY)";
  if (failed == NULL && bind(fd, &local.any, bytes) != 0) failed = "bind";
  if (failed == NULL && listen(fd, BACKLOG) != 0) failed = "listen";
  return failed;
}

static napi_value open_tcp(napi_env env, napi_callback_info info, bool is_listener) {
  napi_value object, result;
  size_t arguments = 1;
  struct options options;
  napi_get_cb_info(env, info, &arguments, &object, NULL, NULL);
  if (!read_options(env, object, &options)) return throw_argument(env, "TCP socket options of the wrong shape");
  size_t length = is_listener ? options.local.length : options.remote.length;
  if (length != 4 && length != 16) return throw_argument(env, "a TCP socket needs an address");
  int fd = socket(length == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return throw_errno(env, errno, "socket(SOCK_STREAM)");
  const char *failed = is_listener ? begin_listen(fd, &options) : begin_connect(fd, &options);
  if (failed != NULL) {
    int error = errno;
    close(fd);
    return throw_errno(env, error, failed);
  }
  napi_create_int32(env, fd, &result);
  return result;
}

/* tcpConnect(options): descriptor of a socket on its way; native/addon.ts has the options. */
napi_value tcp_connect(napi_env env, napi_callback_info info) {
  return open_tcp(env, info, false);
}

/* tcpListen(options): descriptor of a listening socket. */
napi_value tcp_listen(napi_env env, napi_callback_info info) {
  return open_tcp(env, info, true);
}

/* tcpAdapt(descriptor, options): gives a socket that is open the key for `remote` and the hop limits of the options. */
napi_value tcp_adapt(napi_env env, napi_callback_info info) {
  napi_value argument[2];
  size_t arguments = 2;
  int32_t fd;
  struct options options;
  union address remote;
  napi_get_cb_info(env, info, &arguments, argument, NULL, NULL);
  if (napi_get_value_int32(env, argument[0], &fd) != napi_ok || !read_options(env, argument[1], &options))
    return throw_argument(env, "tcpAdapt(descriptor, options)");
  socklen_t bytes = make_address(&remote, options.remote, 0, options.scope);
  if (bytes == 0) return throw_argument(env, "a key belongs to an address");
  const char *failed = set_key(fd, &remote, bytes, options.key);
  if (failed == NULL)
    failed = set_hops(fd, remote.any.sa_family, (int)options.hop_limit, (int)options.minimum_hop_limit);
  return failed == NULL ? NULL : throw_errno(env, errno, failed);
}

/* tcpUnacknowledged(descriptor): octets written that the peer's TCP has not taken. */
napi_value tcp_unacknowledged(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  size_t arguments = 1;
  int32_t fd;
  int octets = 0;
  napi_get_cb_info(env, info, &arguments, &argument, NULL, NULL);
  if (napi_get_value_int32(env, argument, &fd) != napi_ok) return throw_argument(env, "tcpUnacknowledged(descriptor)");
  if (ioctl(fd, SIOCOUTQ, &octets) != 0) return throw_errno(env, errno, "ioctl(SIOCOUTQ)");
  napi_create_int32(env, octets, &result);
  return result;
}

/* socketError(descriptor): the errno that waits there (SO_ERROR), 0 if none. */
napi_value socket_error(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  size_t arguments = 1;
  int32_t fd;
  int error = 0;
  socklen_t length = sizeof error;
  napi_get_cb_info(env, info, &arguments, &argument, NULL, NULL);
  if (napi_get_value_int32(env, argument, &fd) != napi_ok) return throw_argument(env, "socketError(descriptor)");
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  napi_create_int32(env, error, &result);
  return result;
}

/* closeDescriptor(descriptor) */
napi_value close_descriptor(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t arguments = 1;
  int32_t fd;
  napi_get_cb_info(env, info, &arguments, &argument, NULL, NULL);
  if (napi_get_value_int32(env, argument, &fd) != napi_ok) return throw_argument(env, "closeDescriptor(descriptor)");
  close(fd);
  return NULL;
}
