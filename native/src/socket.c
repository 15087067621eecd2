#define _GNU_SOURCE
#include "socket.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void receive(struct batch_socket *self);
static void flush_queue(struct batch_socket *self);
static void report_error(struct batch_socket *self, int error);

napi_value throw_errno(napi_env env, int error, const char *syscall) {
  int uv_error = uv_translate_sys_error(error);
  char message[256];
  snprintf(message, sizeof message, "%s: %s", syscall, uv_strerror(uv_error));
  napi_throw_error(env, uv_err_name(uv_error), message);
  return NULL;
}

napi_value throw_argument(napi_env env, const char *message) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", message);
  return NULL;
}

/* ---- polling ---------------------------------------------------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events) {
  struct batch_socket *self = poll->data;
  if (status < 0) {
    /* libuv has stopped watching and knows no reason; the socket does. */
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error == 0) error = EIO;
    report_error(self, error);
    return;
  }
  if (events & UV_WRITABLE) flush_queue(self);
  if ((events & UV_READABLE) && !self->closing) receive(self);
}

static void watch(struct batch_socket *self) {
  if (self->closing) return;
  uv_poll_start(&self->poll, UV_READABLE | (self->queue.count > 0 ? UV_WRITABLE : 0), on_poll);
}

/* ---- calling JavaScript ----------------------------------------------------------------------------------------- */

static void release_references(struct batch_socket *self) {
  napi_ref references[] = {
      self->on_frames,
      self->on_error,
      self->received.bytes_reference,
      self->received.lengths_reference,
      self->sending.bytes_reference,
      self->sending.lengths_reference,
  };
  for (size_t i = 0; i < sizeof references / sizeof *references; i++)
    if (references[i] != NULL) napi_delete_reference(self->env, references[i]);
  if (self->async_context != NULL) napi_async_destroy(self->env, self->async_context);
}

/*
 * Calls the function behind `reference` with one number and returns the number it answered, 0 if none. What it throws
 * becomes an uncaught exception of the thread, as with any other event. The socket may be closed afterwards.
 */
static uint32_t call_with_number(struct batch_socket *self, napi_ref reference, uint32_t number) {
  napi_env env = self->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return 0;
  napi_value receiver, function, argument, result, exception;
  uint32_t answer = 0;
  napi_get_global(env, &receiver);
  napi_get_reference_value(env, reference, &function);
  napi_create_uint32(env, number, &argument);
  self->in_callback = true;
  napi_status status = napi_make_callback(env, self->async_context, receiver, function, 1, &argument, &result);
  self->in_callback = false;
  if (status == napi_ok) {
    /* Anything but a number means that there is nothing to send. */
    if (napi_get_value_uint32(env, result, &answer) != napi_ok) answer = 0;
  } else if (status == napi_pending_exception && napi_get_and_clear_last_exception(env, &exception) == napi_ok) {
    napi_fatal_exception(env, exception);
  }
  if (self->closing) release_references(self);
  napi_close_handle_scope(env, scope);
  return answer;
}

static void report_error(struct batch_socket *self, int error) {
  uv_poll_stop(&self->poll);
  call_with_number(self, self->on_error, (uint32_t)error);
}

/* ---- receiving -------------------------------------------------------------------------------------------------- */

/* One batch in each turn of the loop, so that a flood does not starve the other sockets and the timers. */
static void receive(struct batch_socket *self) {
  struct batch *batch = &self->received;
  int count = recvmmsg(self->fd, batch->headers, batch->slots, MSG_DONTWAIT, NULL);
  if (count < 0) {
    if (errno != EAGAIN && errno != EINTR) report_error(self, errno);
    return;
  }
  for (int i = 0; i < count; i++) {
    bool truncated = (batch->headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    self->counters.truncated += truncated;
    batch->lengths[i] = truncated ? 0 : batch->headers[i].msg_len;
  }
  uint32_t replies = call_with_number(self, self->on_frames, (uint32_t)count);
  if (replies > 0 && !self->closing) batch_socket_send(self, replies);
}

/* ---- sending ---------------------------------------------------------------------------------------------------- */

static void enqueue(struct batch_socket *self, uint32_t from, uint32_t count) {
  struct queue *queue = &self->queue;
  struct batch *batch = &self->sending;
  for (uint32_t i = from; i < count; i++) {
    if (queue->count == queue->capacity) {
      self->counters.lost_queue_full += count - i;
      break;
    }
    uint32_t at = (queue->first + queue->count) % queue->capacity;
    uint32_t length = (uint32_t)batch->vectors[i].iov_len;
    memcpy(queue->bytes + (size_t)at * batch->slot_bytes, batch->bytes + (size_t)i * batch->slot_bytes, length);
    queue->lengths[at] = length;
    queue->count++;
    self->counters.queued++;
  }
  watch(self);
}

static void flush_queue(struct batch_socket *self) {
  struct queue *queue = &self->queue;
  while (queue->count > 0) {
    uint8_t *frame = queue->bytes + (size_t)queue->first * self->sending.slot_bytes;
    uint32_t length = queue->lengths[queue->first];
    const struct sockaddr *destination = self->destination_bytes > 0 ? (struct sockaddr *)&self->destination : NULL;
    if (sendto(self->fd, frame, length, MSG_DONTWAIT, destination, self->destination_bytes) >= 0) {
      self->counters.sent++;
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      self->counters.lost_refused++;
    } else {
      continue;
    }
    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
  }
  watch(self);
}

uint32_t batch_socket_send(struct batch_socket *self, uint32_t count) {
  struct batch *batch = &self->sending;
  if (count > batch->slots) count = batch->slots;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t length = batch->lengths[i];
    batch->vectors[i].iov_len = length < batch->slot_bytes ? length : batch->slot_bytes;
  }
  uint32_t taken = 0, next = 0;
  /* What waits goes first: the order of frames is kept. */
  while (next < count && self->queue.count == 0) {
    int sent = sendmmsg(self->fd, batch->headers + next, count - next, MSG_DONTWAIT);
    if (sent > 0) {
      taken += (uint32_t)sent;
      next += (uint32_t)sent;
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      /* ENOBUFS: the device's queue is full and says nothing when it drains; ENETDOWN, ENXIO: the interface is gone. */
      self->counters.lost_refused++;
      next++;
    }
  }
  self->counters.sent += taken;
  if (next < count) enqueue(self, next, count);
  return taken;
}

/* ---- life and death --------------------------------------------------------------------------------------------- */

static void free_batch(struct batch *batch) {
  free(batch->headers);
  free(batch->vectors);
}

static void free_socket(struct batch_socket *self) {
  free_batch(&self->received);
  free_batch(&self->sending);
  free(self->queue.bytes);
  free(self->queue.lengths);
  free(self);
}

static void part_closed(struct batch_socket *self) {
  if (--self->parts_open > 0) return;
  if (self->cleanup != NULL) napi_remove_async_cleanup_hook(self->cleanup);
  free_socket(self);
}

static void on_poll_closed(uv_handle_t *poll) {
  part_closed(poll->data);
}

static void on_descriptor_closed(uv_fs_t *request) {
  struct batch_socket *self = request->data;
  uv_fs_req_cleanup(request);
  part_closed(self);
}

/*
 * The descriptor is closed in libuv's thread pool: the kernel lets closing a packet socket wait until no processor
 * delivers to it any more, some 15 ms, and this thread has others to serve. Nothing is heard from it meanwhile.
 */
void batch_socket_close(struct batch_socket *self) {
  if (self->closing) return;
  self->closing = true;
  if (self->handle != NULL) self->handle->socket = NULL;
  uv_poll_stop(&self->poll);
  if (!self->in_callback) release_references(self);
  self->parts_open = 2;
  uv_close((uv_handle_t *)&self->poll, on_poll_closed);
  self->closing_request.data = self;
  if (uv_fs_close(self->poll.loop, &self->closing_request, self->fd, on_descriptor_closed) == 0) return;
  close(self->fd);
  self->parts_open--;
}

/* The thread ends with the socket open. */
static void on_cleanup(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  batch_socket_close(data);
}

/* The last reference from JavaScript is gone. */
static void on_finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  struct handle *handle = data;
  if (handle->socket != NULL) batch_socket_close(handle->socket);
  free(handle);
}

struct batch_socket *batch_socket_of(napi_env env, napi_value value) {
  void *data = NULL;
  if (napi_get_value_external(env, value, &data) != napi_ok || data == NULL) {
    throw_argument(env, "not a socket of this addon");
    return NULL;
  }
  return ((struct handle *)data)->socket;
}

static bool read_reference(napi_env env, napi_value options, const char *name, napi_value *value, napi_ref *reference) {
  return napi_get_named_property(env, options, name, value) == napi_ok &&
         napi_create_reference(env, *value, 1, reference) == napi_ok;
}

/*
 * Reads `{name}: Uint8Array` and `{name}Lengths: Uint32Array`; the number of lengths is the number of slots. JavaScript
 * keeps both arrays alive and in place through the references.
 */
static bool read_batch(napi_env env, napi_value options, const char *name, struct batch *batch) {
  char lengths_name[32];
  snprintf(lengths_name, sizeof lengths_name, "%sLengths", name);
  napi_value bytes, lengths;
  if (!read_reference(env, options, name, &bytes, &batch->bytes_reference)) return false;
  if (!read_reference(env, options, lengths_name, &lengths, &batch->lengths_reference)) return false;
  napi_typedarray_type bytes_type, lengths_type;
  size_t byte_count, slots;
  void *bytes_data, *lengths_data;
  if (napi_get_typedarray_info(env, bytes, &bytes_type, &byte_count, &bytes_data, NULL, NULL) != napi_ok) return false;
  if (napi_get_typedarray_info(env, lengths, &lengths_type, &slots, &lengths_data, NULL, NULL) != napi_ok) return false;
  if (bytes_type != napi_uint8_array || lengths_type != napi_uint32_array) return false;
  if (slots == 0 || slots > 1024 || byte_count == 0 || byte_count % slots != 0) return false;
  batch->bytes = bytes_data;
  batch->lengths = lengths_data;
  batch->slots = (uint32_t)slots;
  batch->slot_bytes = (uint32_t)(byte_count / slots);
  batch->headers = calloc(slots, sizeof *batch->headers);
  batch->vectors = calloc(slots, sizeof *batch->vectors);
  if (batch->headers == NULL || batch->vectors == NULL) return false;
  for (uint32_t i = 0; i < batch->slots; i++) {
    batch->vectors[i].iov_base = batch->bytes + (size_t)i * batch->slot_bytes;
    batch->vectors[i].iov_len = batch->slot_bytes;
    batch->headers[i].msg_hdr.msg_iov = &batch->vectors[i];
    batch->headers[i].msg_hdr.msg_iovlen = 1;
  }
  return true;
}

static bool read_options(napi_env env, napi_value options, struct batch_socket *self) {
  napi_value on_frames, on_error, capacity, name;
  napi_valuetype frames_type, error_type;
  if (!read_reference(env, options, "onFrames", &on_frames, &self->on_frames)) return false;
  if (!read_reference(env, options, "onError", &on_error, &self->on_error)) return false;
  napi_typeof(env, on_frames, &frames_type);
  napi_typeof(env, on_error, &error_type);
  if (frames_type != napi_function || error_type != napi_function) return false;
  if (!read_batch(env, options, "received", &self->received)) return false;
  if (!read_batch(env, options, "sending", &self->sending)) return false;
  if (napi_get_named_property(env, options, "queueCapacity", &capacity) != napi_ok) return false;
  if (napi_get_value_uint32(env, capacity, &self->queue.capacity) != napi_ok) return false;
  if (self->queue.capacity == 0 || self->queue.capacity > 65536) return false;
  self->queue.bytes = calloc(self->queue.capacity, self->sending.slot_bytes);
  self->queue.lengths = calloc(self->queue.capacity, sizeof *self->queue.lengths);
  if (self->queue.bytes == NULL || self->queue.lengths == NULL) return false;
  return napi_create_string_utf8(env, "invar:socket", NAPI_AUTO_LENGTH, &name) == napi_ok &&
         napi_async_init(env, NULL, name, &self->async_context) == napi_ok;
}

napi_value batch_socket_create(napi_env env, int fd, int family, napi_value options) {
  const struct sockaddr nowhere = {.sa_family = (sa_family_t)family};
  return batch_socket_create_towards(env, fd, &nowhere, 0, options);
}

napi_value batch_socket_create_towards(napi_env env, int fd, const struct sockaddr *destination, socklen_t bytes,
                                       napi_value options) {
  struct batch_socket *self = calloc(1, sizeof *self);
  struct handle *handle = calloc(1, sizeof *handle);
  uv_loop_t *loop = NULL;
  napi_value external = NULL;
  int error = 0;
  if (self == NULL || handle == NULL) {
    error = ENOMEM;
    goto fail;
  }
  self->env = env;
  self->fd = fd;
  self->family = destination->sa_family;
  self->destination_bytes = bytes;
  memcpy(&self->destination, destination, bytes);
  if (!read_options(env, options, self)) {
    throw_argument(env, "socket options of the wrong shape");
    goto fail;
  }
  for (uint32_t i = 0; bytes > 0 && i < self->sending.slots; i++) {
    self->sending.headers[i].msg_hdr.msg_name = &self->destination;
    self->sending.headers[i].msg_hdr.msg_namelen = bytes;
  }
  if (napi_get_uv_event_loop(env, &loop) != napi_ok || uv_poll_init(loop, &self->poll, fd) != 0) {
    error = EINVAL;
    goto fail;
  }
  self->poll.data = self;
  self->handle = handle;
  handle->socket = self;
  napi_add_async_cleanup_hook(env, on_cleanup, self, &self->cleanup);
  watch(self);
  if (napi_create_external(env, handle, on_finalize, NULL, &external) != napi_ok) {
    batch_socket_close(self);
    free(handle);
    return throw_errno(env, ENOMEM, "napi_create_external");
  }
  return external;

fail:
  close(fd);
  if (self != NULL) {
    release_references(self);
    free_socket(self);
  }
  free(handle);
  return error == 0 ? NULL : throw_errno(env, error, "opening a socket");
}
