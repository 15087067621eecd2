/*
 * A batch socket: a non-blocking descriptor that libuv watches, with one block of memory for what it receives and one
 * for what it sends, both owned by JavaScript. A batch of datagrams costs one system call and one call into JavaScript.
 *
 *   kernel --recvmmsg--> received slots --onFrames(count)--> JavaScript
 *   kernel <--sendmmsg-- sending slots <-- number returned --'
 *
 * There is no global state: every thread that loads the addon has its own loop, environment and sockets.
 */
#ifndef INVAR_SOCKET_H
#define INVAR_SOCKET_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

/* Slots of equal size in one block; lengths[i] is the number of bytes used in slot i. */
struct batch {
  uint8_t *bytes;
  uint32_t *lengths;
  uint32_t slots;
  uint32_t slot_bytes;
  struct mmsghdr *headers;
  struct iovec *vectors;
  napi_ref bytes_reference;
  napi_ref lengths_reference;
};

/* Frames that the kernel would not take yet, oldest first; a ring of as many slots as `capacity`. */
struct queue {
  uint8_t *bytes;
  uint32_t *lengths;
  uint32_t capacity;
  uint32_t first;
  uint32_t count;
};

struct counters {
  double sent;            /* frames that the kernel took */
  double queued;          /* of those, frames that had to wait */
  double lost_queue_full; /* frames dropped because the queue was full */
  double lost_refused;    /* frames that the kernel or the device refused */
  double truncated;       /* datagrams longer than a slot: handed over with length 0 */
  double kernel_drops;    /* packets lost because the receive buffer was full (AF_PACKET only) */
};

struct handle;

struct batch_socket {
  napi_env env;
  napi_async_context async_context;
  napi_async_cleanup_hook_handle cleanup;
  napi_ref on_frames;
  napi_ref on_error;
  struct handle *handle;
  uv_poll_t poll;
  int fd;
  int family;
  /* Where everything that is sent goes; length 0 = the kernel knows from how the socket is bound. */
  struct sockaddr_storage destination;
  socklen_t destination_bytes;
  bool closing;
  bool in_callback;
  /* While it is closed: how many of the poll handle and the descriptor are not yet. */
  int parts_open;
  uv_fs_t closing_request;
  struct batch received;
  struct batch sending;
  struct queue queue;
  struct counters counters;
};

/* What JavaScript holds; outlives the socket, whose pointer becomes NULL when it is closed. */
struct handle {
  struct batch_socket *socket;
};

/*
 * Makes a batch socket of an open descriptor and returns the value that JavaScript holds, or NULL with an exception
 * pending; the descriptor is then closed. `options` is the object that native/addon.ts documents (SocketOptions).
 */
napi_value batch_socket_create(napi_env env, int fd, int family, napi_value options);

/* As above for a socket that sends everything to one address. */
napi_value batch_socket_create_towards(napi_env env, int fd, const struct sockaddr *destination, socklen_t bytes,
                                       napi_value options);

/* The socket behind a JavaScript value, or NULL: closed, or (with an exception pending) not one of ours. */
struct batch_socket *batch_socket_of(napi_env env, napi_value value);

/* Sends the first `count` sending slots; returns how many the kernel took. Those it would not take yet are queued. */
uint32_t batch_socket_send(struct batch_socket *self, uint32_t count);

/* Stops everything at once; memory goes when libuv has let go of the handle. */
void batch_socket_close(struct batch_socket *self);

/* Throws a JavaScript Error with `code` such as 'EPERM' and `syscall`; returns NULL. */
napi_value throw_errno(napi_env env, int error, const char *syscall);

/* As above for a caller's mistake. */
napi_value throw_argument(napi_env env, const char *message);

#endif
