#include "clock.h"

#include <sys/prctl.h>

#include <utility>

#include "thread.h"

namespace flashfreeze {

std::shared_ptr<Sleep> Sleep::until(Clock clock, uint64_t at_ns, std::function<void(bool)> done) {
  auto sleep = std::make_shared<Sleep>();
  start_thread([sleep, clock, at_ns, done = std::move(done)] {
    prctl(PR_SET_TIMERSLACK, 1UL);  // the default lets the timer fire 50 µs late
    done(sleep->wait(clock, at_ns));
  });
  return sleep;
}

void Sleep::cancel() {
  cancelled_.store(1);
  futex_wake_all(cancelled_);
}

// A futex with an absolute time limit sleeps on the same kernel timer as
// clock_nanosleep(TIMER_ABSTIME), and can be woken without a signal.
bool Sleep::wait(Clock clock, uint64_t at_ns) {
  const timespec limit = to_timespec(at_ns);
  const int operation =
      FUTEX_WAIT_BITSET | (clock == Clock::kRealtime ? FUTEX_CLOCK_REALTIME : 0);
  while (cancelled_.load() == 0) {
    if (futex(cancelled_, operation, 0, &limit, FUTEX_BITSET_MATCH_ANY) != 0 &&
        errno == ETIMEDOUT) {
      return true;
    }
  }
  return false;
}

}  // namespace flashfreeze
