/*
 * Tells JavaScript when a descriptor can be read or written, for descriptors that are later handed to Node.js (a TCP
 * connection in the making) or read by receive.c. The descriptor belongs to the caller: it is closed after `unwatch`.
 */
#define _GNU_SOURCE
#include "open.h"

#include <errno.h>
#include <stdlib.h>

struct watch_handle;

struct watch {
  napi_env env;
  napi_async_context async_context;
  napi_async_cleanup_hook_handle cleanup;
  napi_ref on_ready;
  struct watch_handle *handle;
  uv_poll_t poll;
  bool closing;
  bool in_callback;
};

/* What JavaScript holds; outlives the watch, whose pointer becomes NULL when it ends. */
struct watch_handle {
  struct watch *watch;
};

static void release_references(struct watch *self) {
  if (self->on_ready != NULL) napi_delete_reference(self->env, self->on_ready);
  if (self->async_context != NULL) napi_async_destroy(self->env, self->async_context);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  /* An error is found by whoever reads the descriptor or asks for SO_ERROR; here it is as good as readiness. */
  (void)status;
  (void)events;
  struct watch *self = poll->data;
  napi_env env = self->env;
  napi_handle_scope scope;
  napi_value receiver, function, exception;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_get_global(env, &receiver);
  napi_get_reference_value(env, self->on_ready, &function);
  self->in_callback = true;
  napi_status called = napi_make_callback(env, self->async_context, receiver, function, 0, NULL, NULL);
  self->in_callback = false;
  if (called == napi_pending_exception && napi_get_and_clear_last_exception(env, &exception) == napi_ok)
    napi_fatal_exception(env, exception);
  if (self->closing) release_references(self);
  napi_close_handle_scope(env, scope);
}

static void on_closed(uv_handle_t *poll) {
  struct watch *self = poll->data;
  if (self->cleanup != NULL) napi_remove_async_cleanup_hook(self->cleanup);
  free(self);
}

static void end(struct watch *self) {
  if (self->closing) return;
  self->closing = true;
  if (self->handle != NULL) self->handle->watch = NULL;
  uv_poll_stop(&self->poll);
  if (!self->in_callback) release_references(self);
  uv_close((uv_handle_t *)&self->poll, on_closed);
}

/* The thread ends while the descriptor is watched. */
static void on_cleanup(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  end(data);
}

static void on_finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  struct watch_handle *handle = data;
  if (handle->watch != NULL) end(handle->watch);
  free(handle);
}

static napi_value start(napi_env env, int fd, int events, napi_value on_ready) {
  struct watch *self = calloc(1, sizeof *self);
  struct watch_handle *handle = calloc(1, sizeof *handle);
  uv_loop_t *loop = NULL;
  napi_value name, external = NULL;
  if (self == NULL || handle == NULL) goto fail;
  self->env = env;
  if (napi_create_reference(env, on_ready, 1, &self->on_ready) != napi_ok) goto fail;
  napi_create_string_utf8(env, "invar:watch", NAPI_AUTO_LENGTH, &name);
  if (napi_async_init(env, NULL, name, &self->async_context) != napi_ok) goto fail;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok || uv_poll_init(loop, &self->poll, fd) != 0) goto fail;
  self->poll.data = self;
  self->handle = handle;
  handle->watch = self;
  napi_add_async_cleanup_hook(env, on_cleanup, self, &self->cleanup);
  uv_poll_start(&self->poll, events, on_poll);
  if (napi_create_external(env, handle, on_finalize, NULL, &external) == napi_ok) return external;
  end(self);
  free(handle);
  return throw_errno(env, ENOMEM, "napi_create_external");

fail:
  if (self != NULL) release_references(self);
  free(self);
  free(handle);
  return throw_errno(env, EINVAL, "watching a descriptor");
}

/* watch(descriptor, forWriting, onReady): level-triggered. */
napi_value watch_descriptor(napi_env env, napi_callback_info info) {
  napi_value argument[3];
  napi_valuetype type;
  size_t arguments = 3;
  int32_t fd;
  bool for_writing;
  napi_get_cb_info(env, info, &arguments, argument, NULL, NULL);
  if (napi_get_value_int32(env, argument[0], &fd) != napi_ok ||
      napi_get_value_bool(env, argument[1], &for_writing) != napi_ok ||
      napi_typeof(env, argument[2], &type) != napi_ok || type != napi_function)
    return throw_argument(env, "watch(descriptor, forWriting, onReady)");
  return start(env, fd, for_writing ? UV_WRITABLE : UV_READABLE, argument[2]);
}

/* unwatch(handle): nothing is called after this; twice is fine. */
napi_value unwatch_descriptor(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t arguments = 1;
  void *data = NULL;
  napi_get_cb_info(env, info, &arguments, &argument, NULL, NULL);
  if (napi_get_value_external(env, argument, &data) != napi_ok || data == NULL)
    return throw_argument(env, "unwatch(handle)");
  struct watch_handle *handle = data;
  if (handle->watch != NULL) end(handle->watch);
  return NULL;
}
