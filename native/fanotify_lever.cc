#include "fanotify_lever.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "clock.h"
#include "permission_group.h"
#include "permission_waiters.h"
#include "system_error.h"
#include "thread.h"

namespace flashfreeze {
namespace {

// From one round of answers to the next, while the freeze is still stuck.
constexpr uint64_t kNextRoundNs = 5'000'000;
// Who has not moved between two looks so far apart is not just passing through.
constexpr uint64_t kUnmovedNs = 30'000'000;
constexpr uint64_t kThreadsEndNs = 200'000'000;

}  // namespace

std::shared_ptr<FanotifyLever> FanotifyLever::create(LeverAction action,
                                                     std::vector<Daemon> daemons, Times times,
                                                     Ledger ledger) {
  std::shared_ptr<FanotifyLever> lever(
      new FanotifyLever(action, std::move(daemons), times, std::move(ledger)));
  try {
    lever->start();
  } catch (const SystemError&) {
    lever->close();
    throw;
  }
  return lever;
}

FanotifyLever::FanotifyLever(LeverAction action, std::vector<Daemon> daemons, Times times,
                             Ledger ledger)
    : action_(action), daemons_(std::move(daemons)), times_(times), ledger_(std::move(ledger)) {}

void FanotifyLever::start() {
  if (action_ == LeverAction::kKill) {
    processes_.reset(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!processes_) throw SystemError(errno, "open", "/proc");
    start_thread_with(processes_.get(), [this] { kill_waiters(); });
  } else {
    for (const Daemon& daemon : daemons_) {
      start_thread_with(daemon.group.get(), [this, &daemon] { answer_for(daemon); });
    }
  }
  const auto expected = static_cast<uint32_t>(action_ == LeverAction::kKill ? 1 : daemons_.size());
  for (uint32_t ready = 0; (ready = ready_.load()) != expected;) futex_wait(ready_, ready);
  if (const int error = start_error_.load()) throw SystemError(error, "timer_create");
}

// A file table of its own, as for freezing threads: reading an event opens the file it is about, and
// that may block where a FUSE daemon answers for it.
void FanotifyLever::start_thread_with(int fd, std::function<void()> serve) {
  threads_.fetch_add(1);
  try {
    start_thread([self = shared_from_this(), fd, serve = std::move(serve)] {
      if (const int error = keep_only_descriptor(fd)) self->start_error_.store(error);
      serve();
      self->threads_.fetch_sub(1);
      futex_wake_all(self->threads_);
    });
  } catch (const SystemError&) {
    threads_.fetch_sub(1);
    throw;
  }
}

void FanotifyLever::answer_for(const Daemon& daemon) {
  const auto answer =
      action_ == LeverAction::kAllow ? PermissionAnswer::kAllow : PermissionAnswer::kDeny;
  try {
    PermissionAnswerer answerer(daemon.group.get(), daemon.pid);
    at_each_pull([&] {
      answered_.fetch_add(answerer.answer_all(answer));
      return kNextRoundNs;
    });
  } catch (const SystemError& failure) {
    start_error_.store(failure.error());
    ready_.fetch_add(1);
    futex_wake_all(ready_);
  }
}

void FanotifyLever::kill_waiters() {
  std::vector<pid_t> spared{getpid(), ledger_.header().worker};
  for (const Daemon& daemon : daemons_) spared.push_back(daemon.pid);
  PermissionWaiters waiters(std::move(spared));
  at_each_pull([&] {
    waiters.kill_unmoved([this](pid_t killed) { remember(killed); });
    return kUnmovedNs;
  });
}

/** At each pull, `work` is repeated while a freeze is stuck; it returns how long to wait before. */
template <typename Work>
void FanotifyLever::at_each_pull(Work work) {
  ready_.fetch_add(1);
  futex_wake_all(ready_);
  for (uint32_t order = 0;;) {
    while (order_.load() == order) futex_wait(order_, order);
    order = order_.load();
    if ((order & kStop) != 0) return;
    const uint64_t grace_ends_ns = monotonic_ns() + times_.grace_ns;
    const uint64_t until_ns = grace_ends_ns + times_.limit_ns;
    bool stuck = stuck_until(grace_ends_ns);
    while (stuck && monotonic_ns() < until_ns) {
      const uint64_t again_after_ns = work();
      stuck = stuck_until(monotonic_ns() + again_after_ns);
    }
  }
}

/** True when some FIFREEZE has not returned by then; false as soon as all have. */
bool FanotifyLever::stuck_until(uint64_t until_ns) const {
  for (uint32_t i = 0; i < ledger_.header().count; ++i) {
    LedgerEntry& entry = ledger_.entry(i);
    while (entry.load() == FreezeState::kFreezing) {
      if ((order_.load() & kStop) != 0) return false;
      const uint64_t now_ns = monotonic_ns();
      if (now_ns >= until_ns) return true;
      futex_wait_for(entry.state, static_cast<uint32_t>(FreezeState::kFreezing), until_ns - now_ns);
    }
  }
  return false;
}

void FanotifyLever::pull() {
  order_.fetch_add(2);
  futex_wake_all(order_);
}

void FanotifyLever::close() {
  order_.fetch_or(kStop);
  futex_wake_all(order_);
  for (uint32_t i = 0; i < ledger_.header().count; ++i) futex_wake_all(ledger_.entry(i).state);
  const uint64_t until_ns = monotonic_ns() + kThreadsEndNs;
  for (uint32_t alive = threads_.load(); alive != 0; alive = threads_.load()) {
    const uint64_t now_ns = monotonic_ns();
    if (now_ns >= until_ns) break;
    futex_wait_for(threads_, alive, until_ns - now_ns);
  }
  for (Daemon& daemon : daemons_) daemon.group.reset();
  processes_.reset();
}

std::vector<pid_t> FanotifyLever::killed() const {
  const std::size_t count = std::min<std::size_t>(kills_.load(), kRememberedKills);
  return {killed_.begin(), killed_.begin() + static_cast<std::ptrdiff_t>(count)};
}

void FanotifyLever::remember(pid_t killed) {
  const uint32_t at = kills_.fetch_add(1);
  if (at < kRememberedKills) killed_[at].store(killed);
}

}  // namespace flashfreeze
