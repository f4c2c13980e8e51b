#include "deadline.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "system_error.h"
#include "thread.h"

namespace flashfreeze {

Deadline::Deadline(std::function<void()> on_expired, std::function<void()> on_lost)
    : on_expired_(std::move(on_expired)),
      on_lost_(std::move(on_lost)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw SystemError(errno, "eventfd");
  start_thread([this] { run(); });
}

Deadline::~Deadline() { stop(); }

// Zero would disarm the timer.
void Deadline::arm(uint64_t deadline_ns) {
  if (!timer_.set(std::max<uint64_t>(deadline_ns, 1))) throw SystemError(errno, "timerfd_settime");
}

void Deadline::disarm() { timer_.set(0); }

void Deadline::poke() {
  const uint64_t one = 1;
  // Fails only if the counter is full, and then the thread is awake anyway.
  while (write(wake_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

int Deadline::watch() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw SystemError(errno, "pipe2");
  watching_.reset(ends[0]);
  watched_.reset(ends[1]);
  return watched_.get();
}

void Deadline::release_watched() {
  watched_.reset();
  polled_.store(watching_.get());
  poke();
}

void Deadline::unwatch() {
  polled_.store(-1);
  poke();
  watched_.reset();
}

void Deadline::stop() {
  stopping_.store(true);
  poke();
  wait_while(life_, kRunning);
}

void Deadline::run() {
  while (!stopping_.load()) {
    int polled = polled_.load();
    pollfd files[] = {{timer_.descriptor(), POLLIN, 0}, {wake_.get(), POLLIN, 0}, {polled, 0, 0}};
    if (poll(files, 3, -1) < 0 && errno != EINTR) break;
    if (files[1].revents != 0) consume(wake_.get());
    if (files[0].revents != 0 && timer_.has_expired()) on_expired_();
    // Exchanged, so that on_lost_() is called only if unwatch() was not first.
    if (files[2].revents != 0 && polled_.compare_exchange_strong(polled, -1)) on_lost_();
  }
  life_.store(kEnded);
  wake_all(life_);
}

}  // namespace flashfreeze
