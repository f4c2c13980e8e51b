#include "thread.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>
#include <vector>

#include "system_error.h"

namespace flashfreeze {
namespace {

void* run(void* argument) {
  const std::unique_ptr<std::function<void()>> body(static_cast<std::function<void()>*>(argument));
  (*body)();
  return nullptr;
}

int close_between(unsigned first, unsigned last) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, first, last, 0U) == 0) return 0;
  if (errno != ENOSYS && errno != EPERM) return errno;
#endif
  // Needed before Linux 5.9, or if a seccomp filter that does not know the call refuses it.
  DIR* open_files = opendir("/proc/thread-self/fd");
  if (open_files == nullptr) return errno;
  std::vector<int> to_close;
  while (const dirent* entry = readdir(open_files)) {
    char* end = nullptr;
    const unsigned long fd = strtoul(entry->d_name, &end, 10);
    if (*end == '\0' && fd >= first && fd <= last && static_cast<int>(fd) != dirfd(open_files)) {
      to_close.push_back(static_cast<int>(fd));
    }
  }
  closedir(open_files);
  for (const int fd : to_close) close(fd);
  return 0;
}

/** Gives the calling thread a file table of its own with only `fd`; with none if it is -1. Returns 0 or an errno. */
int keep_only_descriptor(int fd) {
  if (unshare(CLONE_FILES) != 0) return errno;
  if (fd < 0) return close_between(0, UINT_MAX);
  const auto kept = static_cast<unsigned>(fd);
  if (const int error = kept > 0 ? close_between(0, kept - 1) : 0) return error;
  return close_between(kept + 1, UINT_MAX);
}

}  // namespace

void start_thread(std::function<void()> body, std::size_t stack_bytes) {
  auto owned = std::make_unique<std::function<void()>>(std::move(body));
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // The minimum of the C library differs: 16 KiB on x64, 128 KiB on arm64.
  const auto least = static_cast<std::size_t>(std::max(sysconf(_SC_THREAD_STACK_MIN), 0L));
  int error = pthread_attr_setstacksize(&attributes, std::max(stack_bytes, least));
  sigset_t all;
  sigset_t former;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &former);  // the new thread inherits the mask
  pthread_t thread;
  if (error == 0) error = pthread_create(&thread, &attributes, run, owned.get());
  pthread_sigmask(SIG_SETMASK, &former, nullptr);
  pthread_attr_destroy(&attributes);
  if (error != 0) throw SystemError(error, "pthread_create");
  owned.release();
}

void close_all_descriptors() { close_between(0, UINT_MAX); }

void Crew::start(int descriptor, std::function<void()> body, std::size_t stack_bytes) {
  alive_.fetch_add(1);
  try {
    start_thread(
        [this, descriptor, body = std::move(body)] {
          const int error = keep_only_descriptor(descriptor);
          if (error != 0) error_.store(error);
          body();
          // The end of the thread would close it too, but too late.
          if (error == 0 && descriptor >= 0) close(descriptor);
          alive_.fetch_sub(1);
          wake_all(alive_);
        },
        stack_bytes);
  } catch (const SystemError&) {
    alive_.fetch_sub(1);
    throw;
  }
  started_ += 1;
}

void Crew::tell_ready(int error) {
  if (error != 0) error_.store(error);
  ready_.fetch_add(1);
  wake_all(ready_);
}

void Crew::wait_until_ready() {
  wait_until_is(ready_, started_);
  if (const int error = error_.load()) throw SystemError(error, "unshare");
}

void hold_until_death(Descriptor descriptor) {
  FutexWord held{0};
  int error = 0;
  start_thread([fd = descriptor.get(), &held, &error] {
    error = keep_only_descriptor(fd);
    const bool holds = error == 0;
    held.store(1);
    wake_all(held);
    for (FutexWord forever{0}; holds;) wait_while(forever, 0);
  });
  wait_while(held, 0);
  if (error != 0) throw SystemError(error, "unshare");
}

int lifeline() {
  static const Descriptor end = [] {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw SystemError(errno, "pipe2");
    Descriptor read_end(ends[0]);
    hold_until_death(Descriptor(ends[1]));
    return read_end;
  }();
  return end.get();
}

}  // namespace flashfreeze
