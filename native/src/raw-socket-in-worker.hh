/*
 * Included before the source of the package raw-socket (see build.ts), which was written for a process with one thread:
 * it watches its sockets on the loop of the main thread and can be loaded by no other. With this it uses the loop of the
 * thread that loads it, and its sockets go when that thread ends, also if nobody closed them.
 */
#include <node.h>
#include <unistd.h>
#include <uv.h>

#include <set>

namespace raw_socket_in_worker {

/* The handles of one thread. When it ends Node unloads this library, so every callback must have been called by then. */
struct handles {
  std::set<uv_handle_t *> open;
  size_t closing = 0;
  void (*ended)(void *) = nullptr;
  void *ended_argument = nullptr;
  node::AsyncCleanupHookHandle hook;
};

static thread_local handles *of_thread = nullptr;

inline void finish(handles *self) {
  if (self->ended == nullptr || self->closing > 0) return;
  auto ended = self->ended;
  void *argument = self->ended_argument;
  of_thread = nullptr;
  delete self;
  ended(argument);
}

inline void on_closed(uv_handle_t *handle) {
  handles *self = static_cast<handles *>(handle->data);
  delete reinterpret_cast<uv_poll_t *>(handle);
  self->closing--;
  finish(self);
}

/* In place of uv_close, whose callback would do no more than on_closed. */
inline void close(uv_handle_t *handle, uv_close_cb) {
  of_thread->open.erase(handle);
  of_thread->closing++;
  handle->data = of_thread;
  uv_close(handle, on_closed);
}

/* The thread ends. */
inline void abandon(void *data, void (*ended)(void *), void *argument) {
  handles *self = static_cast<handles *>(data);
  self->ended = ended;
  self->ended_argument = argument;
  while (!self->open.empty()) {
    uv_handle_t *handle = *self->open.begin();
    uv_os_fd_t descriptor;
    bool has_descriptor = uv_fileno(handle, &descriptor) == 0;
    close(handle, nullptr);
    if (has_descriptor) ::close(descriptor);
  }
  finish(self);
}

inline uv_loop_t *loop() {
  return node::GetCurrentEventLoop(v8::Isolate::GetCurrent());
}

inline int watch(uv_loop_t *loop, uv_poll_t *handle, uv_os_sock_t socket) {
  if (of_thread == nullptr) {
    of_thread = new handles();
    of_thread->hook = node::AddEnvironmentCleanupHook(v8::Isolate::GetCurrent(), abandon, of_thread);
  }
  of_thread->open.insert(reinterpret_cast<uv_handle_t *>(handle));
  return uv_poll_init_socket(loop, handle, socket);
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
