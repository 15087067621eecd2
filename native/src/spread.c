/* Classic BPF programs from JavaScript, and packet sockets that share the frames of one interface (packet(7), FANOUT). */
#define _GNU_SOURCE
#include "open.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

/* struct sock_filter as JavaScript lays it out: code, jump if true, jump if false, operand. */
#define WORDS_PER_INSTRUCTION 4

bool read_program(napi_env env, napi_value value, struct sock_fprog *program) {
  napi_typedarray_type type;
  size_t words;
  void *data;
  if (napi_get_typedarray_info(env, value, &type, &words, &data, NULL, NULL) != napi_ok) return false;
  if (type != napi_uint32_array || words % WORDS_PER_INSTRUCTION != 0) return false;
  size_t instructions = words / WORDS_PER_INSTRUCTION;
  if (instructions == 0 || instructions > BPF_MAXINSNS) return false;
  const uint32_t *word = data;
  for (size_t i = 0; i < instructions; i++, word += WORDS_PER_INSTRUCTION) {
    program->filter[i].code = (uint16_t)word[0];
    program->filter[i].jt = (uint8_t)word[1];
    program->filter[i].jf = (uint8_t)word[2];
    program->filter[i].k = word[3];
  }
  program->len = (unsigned short)instructions;
  return true;
}

/* leadGroup(socket, program): what the program returns, modulo the number of sockets, says which of them gets a frame. */
napi_value lead_group(napi_env env, napi_callback_info info) {
  napi_value argument[2];
  size_t arguments = 2;
  struct sock_filter instructions[BPF_MAXINSNS];
  struct sock_fprog program = {.filter = instructions};
  int choose_id = (PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_UNIQUEID) << 16;
  napi_get_cb_info(env, info, &arguments, argument, NULL, NULL);
  struct batch_socket *socket = batch_socket_of(env, argument[0]);
  if (socket == NULL) return NULL;
  if (!read_program(env, argument[1], &program)) return throw_argument(env, "leadGroup(socket, program)");
  if (setsockopt(socket->fd, SOL_PACKET, PACKET_FANOUT, &choose_id, sizeof choose_id) != 0)
    return throw_errno(env, errno, "setsockopt(PACKET_FANOUT)");
  if (setsockopt(socket->fd, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof program) != 0)
    return throw_errno(env, errno, "setsockopt(PACKET_FANOUT_DATA)");
  return NULL;
}

/*
 * joinGroup(socket, leader, filter): the socket hears its share from now on, and through this filter. It is to be
 * opened with a filter that rejects all: what came before it joined, another socket has had too.
 */
napi_value join_group(napi_env env, napi_callback_info info) {
  napi_value argument[3];
  size_t arguments = 3;
  struct sock_filter instructions[BPF_MAXINSNS];
  struct sock_fprog filter = {.filter = instructions};
  int group = 0;
  socklen_t length = sizeof group;
  napi_get_cb_info(env, info, &arguments, argument, NULL, NULL);
  struct batch_socket *socket = batch_socket_of(env, argument[0]), *leader = batch_socket_of(env, argument[1]);
  if (socket == NULL || leader == NULL) return NULL;
  if (!read_program(env, argument[2], &filter)) return throw_argument(env, "joinGroup(socket, leader, filter)");
  if (getsockopt(leader->fd, SOL_PACKET, PACKET_FANOUT, &group, &length) != 0)
    return throw_errno(env, errno, "getsockopt(PACKET_FANOUT)");
  group = (group & 0xffff) | PACKET_FANOUT_CBPF << 16;
  if (setsockopt(socket->fd, SOL_PACKET, PACKET_FANOUT, &group, sizeof group) != 0)
    return throw_errno(env, errno, "setsockopt(PACKET_FANOUT)");
  if (setsockopt(socket->fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
    return throw_errno(env, errno, "setsockopt(SO_ATTACH_FILTER)");
  return NULL;
}
