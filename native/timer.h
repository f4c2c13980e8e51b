#pragma once

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "clock.h"
#include "descriptor.h"
#include "system_error.h"

namespace flashfreeze {

/** True if the descriptor (timerfd or eventfd) had something to read. */
inline bool consume(int fd) {
  uint64_t count = 0;
  ssize_t length = 0;
  do {
    length = read(fd, &count, sizeof count);
  } while (length < 0 && errno == EINTR);
  return length == sizeof count;
}

/** A timerfd on CLOCK_MONOTONIC, to be polled together with other descriptors. */
class Timer {
 public:
  Timer() : fd_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
    if (!fd_) throw SystemError(errno, "timerfd_create");
  }

  int descriptor() const { return fd_.get(); }
  /** Replaces an earlier time; a time that has passed expires at once; 0 disarms. False if refused. Any thread. */
  bool set(uint64_t at_ns) const {
    itimerspec setting{};
    setting.it_value = to_timespec(at_ns);
    return timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &setting, nullptr) == 0;
  }
  /** True once for each expiry. Call it even after poll(2) reported the timer: set() may have intervened. */
  bool has_expired() const { return consume(fd_.get()); }

 private:
  Descriptor fd_;
};

}  // namespace flashfreeze
