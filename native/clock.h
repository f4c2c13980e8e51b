#pragma once

#include <time.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "futex.h"

namespace flashfreeze {

inline uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);  // cannot fail for this clock
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

enum class Clock { kRealtime, kMonotonic };

/** A wait for an absolute time, on a thread of its own. */
class Sleep {
 public:
  /**
   * Calls `done` once, on the sleeping thread, when the clock reads `at_ns` (then true) or after
   * cancel() (then false). A step of the realtime clock is followed. Throws SystemError.
   */
  static std::shared_ptr<Sleep> until(Clock clock, uint64_t at_ns, std::function<void(bool)> done);

  /** Any thread. Nothing happens where the wait is over. */
  void cancel();

 private:
  bool wait(Clock clock, uint64_t at_ns);

  FutexWord cancelled_{0};
};

}  // namespace flashfreeze
