#include "permission_waiters.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "descriptor.h"
#include "number_names.h"

namespace flashfreeze {
namespace {

/** Reads the beginning of a file of a thread; empty if the thread is gone. */
void read_of_thread(pid_t process, pid_t thread, const char* name, char* text, std::size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task/%d/%s", process, thread, name);
  const Descriptor file(open(path, O_RDONLY | O_CLOEXEC));
  const ssize_t length = file ? read(file.get(), text, size - 1) : 0;
  text[length > 0 ? length : 0] = '\0';
}

}  // namespace

void PermissionWaiters::look() {
  now_count_ = 0;
  for_each_number("/proc", [&](int process) {
    char threads[32];
    snprintf(threads, sizeof threads, "/proc/%d/task", process);
    for_each_number(threads, [&](int thread) { look_at(process, thread); });
  });
}

// The thread sleeps in fanotify_handle_event, or in fanotify_get_response if the compiler has not merged the
// two.
void PermissionWaiters::look_at(pid_t process, pid_t thread) {
  constexpr char kWaitsIn[] = "fanotify_";
  constexpr char kSleeps[] = "\nvoluntary_ctxt_switches:";
  char text[4096];
  read_of_thread(process, thread, "wchan", text, sizeof text);
  if (strncmp(text, kWaitsIn, sizeof kWaitsIn - 1) != 0 || now_count_ == kMost) return;
  read_of_thread(process, thread, "status", text, sizeof text);
  const char* sleeps = strstr(text, kSleeps);
  if (sleeps == nullptr) return;
  now_[now_count_++] = {process, thread, strtoull(sleeps + sizeof kSleeps - 1, nullptr, 10)};
}

bool PermissionWaiters::has_not_moved(const Waiter& waiter) const {
  for (std::size_t i = 0; i < before_count_; ++i) {
    if (before_[i].thread == waiter.thread) return before_[i].sleeps == waiter.sleeps;
  }
  return false;
}

bool PermissionWaiters::send_kill(const Waiter& waiter) {
  return kill(waiter.process, SIGKILL) == 0;
}

}  // namespace flashfreeze
