/* The functions that addon.c exports to JavaScript, and what they share for reading arguments. */
#ifndef INVAR_OPEN_H
#define INVAR_OPEN_H

#include "socket.h"

#include <linux/filter.h>

napi_value packet_open(napi_env env, napi_callback_info info);
napi_value lead_group(napi_env env, napi_callback_info info);
napi_value join_group(napi_env env, napi_callback_info info);
napi_value groups_open(napi_env env, napi_callback_info info);
napi_value membership(napi_env env, napi_callback_info info);
napi_value shorten_time_slice(napi_env env, napi_callback_info info);
napi_value udp_open(napi_env env, napi_callback_info info);
napi_value netlink_open(napi_env env, napi_callback_info info);
napi_value watch_descriptor(napi_env env, napi_callback_info info);
napi_value unwatch_descriptor(napi_env env, napi_callback_info info);
napi_value tcp_connect(napi_env env, napi_callback_info info);
napi_value tcp_listen(napi_env env, napi_callback_info info);
napi_value tcp_adapt(napi_env env, napi_callback_info info);
napi_value tcp_unacknowledged(napi_env env, napi_callback_info info);
napi_value socket_error(napi_env env, napi_callback_info info);
napi_value close_descriptor(napi_env env, napi_callback_info info);
napi_value hops_open(napi_env env, napi_callback_info info);
napi_value hops_receive(napi_env env, napi_callback_info info);

/* Reads a Uint32Array into `program->filter`, which has room for BPF_MAXINSNS instructions. */
bool read_program(napi_env env, napi_value value, struct sock_fprog *program);

static inline bool read_uint32(napi_env env, napi_value object, const char *name, uint32_t *result) {
  napi_value value;
  return napi_get_named_property(env, object, name, &value) == napi_ok &&
         napi_get_value_uint32(env, value, result) == napi_ok;
}

#endif
