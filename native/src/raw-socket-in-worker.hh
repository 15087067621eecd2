/*
 * Included before the source of the package raw-socket (see build.ts), which was written for a process with one thread:
 * it watches its sockets on the loop of the main thread and can be loaded by no other. With this it uses the loop of the
 * thread that loads it, and its handles go when that thread ends, also if nobody closed them.
 */
#include <node.h>
#include <uv.h>

namespace raw_socket_in_worker {

inline uv_loop_t *loop() {
  return node::GetCurrentEventLoop(v8::Isolate::GetCurrent());
}

/* The thread ends with the socket open: the loop must not be left with a handle. */
inline void abandon(void *handle) {
  uv_close(static_cast<uv_handle_t *>(handle), [](uv_handle_t *closed) { delete reinterpret_cast<uv_poll_t *>(closed); });
}

inline int watch(uv_loop_t *loop, uv_poll_t *handle, uv_os_sock_t socket) {
  node::AddEnvironmentCleanupHook(v8::Isolate::GetCurrent(), abandon, handle);
  return uv_poll_init_socket(loop, handle, socket);
}

inline void close(uv_handle_t *handle, uv_close_cb on_close) {
  node::RemoveEnvironmentCleanupHook(v8::Isolate::GetCurrent(), abandon, handle);
  uv_close(handle, on_close);
}

}  // namespace raw_socket_in_worker

#define uv_default_loop raw_socket_in_worker::loop
#define uv_poll_init_socket raw_socket_in_worker::watch
#define uv_close raw_socket_in_worker::close
#undef NODE_MODULE
#define NODE_MODULE(name, initialize) \
  NODE_MODULE_INIT() {                \
    initialize(exports);              \
  }
