#pragma once

#include <cstdint>
#include <functional>

#include "descriptor.h"
#include "futex.h"
#include "timer.h"

namespace flashfreeze {

/**
 * A thread that acts when an armed time passes or the watched process is gone. It is independent of the
 * event loop and makes no call that can block on a file system.
 */
class Deadline {
 public:
  /** Both are called on the deadline's thread. Throws SystemError. */
  Deadline(std::function<void()> on_expired, std::function<void()> on_lost);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  /** CLOCK_MONOTONIC; replaces an earlier time; a time that has passed expires at once. Any thread. */
  void arm(uint64_t deadline_ns);
  void disarm();

  /**
   * Creates a pipe whose end of file shows that the process which inherits the returned descriptor is gone.
   * Call release_watched() when it has inherited it. JavaScript's thread only.
   */
  int watch();
  void release_watched();
  /** From here on the end of the process does not call on_lost. */
  void unwatch();

  /** Returns when the thread has ended. Not from the deadline's own thread. Idempotent. */
  void stop();

 private:
  enum Life : uint32_t { kRunning, kEnded };

  void poke();
  void run();

  std::function<void()> on_expired_;
  std::function<void()> on_lost_;
  Timer timer_;
  Descriptor wake_;
  Descriptor watched_;       // write end, open until the watched process has its copy
  Descriptor watching_;      // read end
  std::atomic<int> polled_{-1};
  std::atomic<bool> stopping_{false};
  FutexWord life_{kRunning};
};

}  // namespace flashfreeze
