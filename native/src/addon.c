/* What JavaScript sees: native/addon.ts holds the types of these functions. */
#define _GNU_SOURCE
#include "open.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

/* send(socket, count): number of frames that the kernel took at once; 0 when the socket is closed. */
static napi_value send_frames(napi_env env, napi_callback_info info) {
  napi_value argument[2], result;
  size_t arguments = 2;
  uint32_t count, taken = 0;
  napi_get_cb_info(env, info, &arguments, argument, NULL, NULL);
  if (napi_get_value_uint32(env, argument[1], &count) != napi_ok) return throw_argument(env, "send(socket, count)");
  struct batch_socket *socket = batch_socket_of(env, argument[0]);
  if (socket != NULL) taken = batch_socket_send(socket, count);
  napi_create_uint32(env, taken, &result);
  return result;
}

static napi_value close_socket(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t arguments = 1;
  napi_get_cb_info(env, info, &arguments, &argument, NULL, NULL);
  struct batch_socket *socket = batch_socket_of(env, argument);
  if (socket != NULL) batch_socket_close(socket);
  return NULL;
}

/* statistics(socket): undefined when it is closed. */
static napi_value statistics(napi_env env, napi_callback_info info) {
  napi_value argument, result = NULL;
  size_t arguments = 1;
  napi_get_cb_info(env, info, &arguments, &argument, NULL, NULL);
  struct batch_socket *socket = batch_socket_of(env, argument);
  if (socket == NULL) return NULL;
  struct counters *counters = &socket->counters;
  struct tpacket_stats kernel = {0};
  socklen_t length = sizeof kernel;
  /* The kernel starts over with each reading. */
  if (socket->family == AF_PACKET && getsockopt(socket->fd, SOL_PACKET, PACKET_STATISTICS, &kernel, &length) == 0)
    counters->kernel_drops += kernel.tp_drops;
  const struct {
    const char *name;
    double value;
  } fields[] = {
      {"sent", counters->sent},
      {"queued", counters->queued},
      {"waiting", socket->queue.count},
      {"lostQueueFull", counters->lost_queue_full},
      {"lostRefused", counters->lost_refused},
      {"truncated", counters->truncated},
      {"kernelDrops", counters->kernel_drops},
  };
  napi_create_object(env, &result);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    napi_value value;
    napi_create_double(env, fields[i].value, &value);
    napi_set_named_property(env, result, fields[i].name, value);
  }
  return result;
}

/* errorName(number): 'ENETDOWN' for 100. */
static napi_value error_name(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  size_t arguments = 1;
  uint32_t error;
  napi_get_cb_info(env, info, &arguments, &argument, NULL, NULL);
  if (napi_get_value_uint32(env, argument, &error) != napi_ok) return throw_argument(env, "errorName(number)");
  napi_create_string_utf8(env, uv_err_name(uv_translate_sys_error((int)error)), NAPI_AUTO_LENGTH, &result);
  return result;
}

NAPI_MODULE_INIT(/* napi_env env, napi_value exports */) {
  const struct {
    const char *name;
    napi_callback function;
  } functions[] = {
      {"packetOpen", packet_open},   {"groupsOpen", groups_open}, {"netlinkOpen", netlink_open},
      {"leadGroup", lead_group},     {"joinGroup", join_group},
      {"membership", membership},    {"send", send_frames},       {"close", close_socket},
      {"statistics", statistics},    {"errorName", error_name},  {"udpOpen", udp_open},
      {"shortenTimeSlice", shorten_time_slice},
      {"watch", watch_descriptor},   {"unwatch", unwatch_descriptor},
      {"tcpConnect", tcp_connect},   {"tcpListen", tcp_listen},
      {"tcpAdapt", tcp_adapt},       {"tcpUnacknowledged", tcp_unacknowledged},
      {"socketError", socket_error}, {"closeDescriptor", close_descriptor},
      {"hopsOpen", hops_open},       {"hopsReceive", hops_receive},
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
  return exports;
}
