#include "fanotify_lever.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "clock.h"
#include "descriptor.h"
#include "permission_waiters.h"
#include "system_error.h"

namespace flashfreeze {
namespace {

// Time between two rounds of answers while the freeze is still stuck.
constexpr uint64_t kNextRoundNs = 5'000'000;
// Time between two searches for daemons: on a big machine a search takes about 100 ms of a processor.
constexpr uint64_t kNextLookNs = 250'000'000;
// A task that has not moved between two searches this far apart is really waiting.
constexpr uint64_t kUnmovedNs = 300'000'000;
constexpr uint64_t kThreadsEndNs = 200'000'000;

}  // namespace

std::shared_ptr<FanotifyLever> FanotifyLever::create(LeverAction action, int ledger, Times times) {
  std::shared_ptr<FanotifyLever> lever(
      new FanotifyLever(action, times, Ledger::map_existing(ledger)));
  try {
    lever->start();
  } catch (const SystemError&) {
    lever->close();
    throw;
  }
  return lever;
}

FanotifyLever::FanotifyLever(LeverAction action, Times times, Ledger ledger)
    : action_(action), times_(times), ledger_(std::move(ledger)) {}

// Reading an event opens the event's file, which may block if a FUSE daemon serves that file.
void FanotifyLever::start() {
  const auto start_thread = [this](auto serve) {
    crew_.start(-1, [self = shared_from_this(), serve] { serve(*self); });
  };
  if (action_ == LeverAction::kKill) {
    start_thread([](FanotifyLever& lever) { lever.kill_waiters(); });
  } else {
    start_thread([](FanotifyLever& lever) { lever.look_for_daemons(); });
    for (std::size_t i = 0; i < kAnsweringThreads; ++i) {
      start_thread([i](FanotifyLever& lever) { lever.answer_for_daemons(i); });
    }
  }
  crew_.wait_until_ready();
}

void FanotifyLever::look_for_daemons() {
  crew_.tell_ready();
  at_each_pull([this] {
    look();
    return kNextLookNs;
  });
}

/** Adds new descriptors. Descriptors that are gone meanwhile stay in the list: duplicating them fails. */
void FanotifyLever::look() {
  const std::size_t found = find_permission_descriptors(found_.data(), found_.size());
  for (std::size_t i = 0; i < found; ++i) {
    const auto [pid, fd] = found_[i];
    const uint32_t count = daemons_.load();
    uint32_t at = 0;
    while (at < count && (pids_[at].load() != pid || descriptors_[at].load() != fd)) ++at;
    if (at < count || count == kMostDaemons) continue;
    pids_[count].store(pid);
    descriptors_[count].store(fd);
    daemons_.store(count + 1);
  }
}

bool FanotifyLever::is_daemon(pid_t process) const {
  const uint32_t count = daemons_.load();
  return std::find(pids_.begin(), pids_.begin() + count, process) != pids_.begin() + count;
}

void FanotifyLever::answer_for_daemons(std::size_t index) {
  std::optional<PermissionAnswerer> answerer;
  try {
    answerer.emplace(action_ == LeverAction::kAllow ? PermissionAnswer::kAllow
                                                    : PermissionAnswer::kDeny);
  } catch (const SystemError& failure) {
    crew_.tell_ready(failure.error());
    return;
  }
  crew_.tell_ready();
  at_each_pull([&] {
    const uint32_t count = daemons_.load();
    for (std::size_t i = index; i < count; i += kAnsweringThreads) {
      answered_.fetch_add(answer_for(*answerer, {pids_[i].load(), descriptors_[i].load()}));
    }
    return kNextRoundNs;
  });
}

// The queue comes last, one event at a time and only while the freeze is stuck, because the daemon does not
// get an event that was read here.
uint32_t FanotifyLever::answer_for(PermissionAnswerer& answerer, PermissionDescriptor daemon) {
  uint32_t answered = 0;
  try {
    const Descriptor group = duplicate_permission_group(daemon);
    answered = answerer.answer_read_by_daemon(group.get(), daemon.pid);
    if (answered == 0 && is_stuck()) answered = answerer.answer_next(group.get());
  } catch (const SystemError&) {
    // The daemon is gone, so that nothing waits for it; or a security module forbids it, which the worker has reported.
  }
  close_all_descriptors();
  return answered;
}

void FanotifyLever::kill_waiters() {
  crew_.tell_ready();
  const pid_t self = getpid();
  PermissionWaiters waiters;
  at_each_pull([&] {
    look();
    waiters.kill_unmoved(
        [&](pid_t process) {
          return process == self || process == ledger_.header().worker || is_daemon(process);
        },
        [this](pid_t killed) { remember(killed); });
    return kUnmovedNs;
  });
}

/** At each pull, repeats `work` while a freeze is stuck. `work` returns how long to wait before the next time. */
template <typename Work>
void FanotifyLever::at_each_pull(Work work) {
  for (uint32_t pulled = 0;;) {
    wait_while(pulls_, pulled);
    if (closed_.load()) return;
    pulled = pulls_.load();
    const uint64_t grace_ends_ns = monotonic_ns() + times_.grace_ns;
    const uint64_t until_ns = grace_ends_ns + times_.limit_ns;
    bool stuck = stuck_until(grace_ends_ns);
    while (stuck && monotonic_ns() < until_ns) {
      const uint64_t again_after_ns = work();
      stuck = stuck_until(monotonic_ns() + again_after_ns);
    }
  }
}

/** True if a FIFREEZE has not returned by then; false as soon as all have. */
bool FanotifyLever::stuck_until(uint64_t until_ns) const {
  for (uint32_t i = 0; i < ledger_.header().count; ++i) {
    LedgerEntry& entry = ledger_.entry(i);
    const auto freezing = static_cast<uint32_t>(FreezeState::kFreezing);
    while (entry.may_be_stuck() && !closed_.load()) {
      if (!wait_for_wake(entry.state, freezing, until_ns)) return true;
    }
  }
  return false;
}

void FanotifyLever::pull() {
  pulls_.fetch_add(1);
  wake_all(pulls_);
}

void FanotifyLever::close() {
  closed_.store(true);
  pull();
  for (uint32_t i = 0; i < ledger_.header().count; ++i) wake_all(ledger_.entry(i).state);
  crew_.wait_for_end(monotonic_ns() + kThreadsEndNs);
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
