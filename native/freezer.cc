#include "freezer.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "system_error.h"
#include "thread.h"

namespace flashfreeze {
namespace {

bool never_gone(const LedgerEntry&) { return false; }  // a thread of this very process

void give(FutexWord& work, uint32_t bits) {
  work.fetch_or(bits);
  futex_wake_all(work);
}

}  // namespace

Freezer::Freezer(std::size_t count)
    : ledger_(Ledger::create(static_cast<uint32_t>(count))),
      grace_periods_(ledger_.header()),
      completions_(std::make_shared<Completions>(count)),
      file_systems_(count) {}

std::shared_ptr<Freezer> Freezer::open(const std::vector<std::string>& mount_points,
                                       std::function<void()> ring) {
  std::shared_ptr<Freezer> freezer(new Freezer(mount_points.size()));
  freezer->open_directories(mount_points);
  try {
    freezer->start_threads();
    Freezer* self = freezer.get();  // outlives the deadline, which it owns
    freezer->deadline_ =
        std::make_unique<Deadline>([self] { self->break_off(EventKind::kExpired); },
                                   [self] { self->break_off(EventKind::kGuardianLost); });
    Completions::start_bell(freezer->completions_, std::move(ring));
  } catch (const SystemError&) {
    freezer->end_threads(0);
    freezer->close_descriptors();
    throw;
  }
  return freezer;
}

// O_NOFOLLOW: a mount point as mountinfo shows it is no symbolic link; one that has become one
// leads somewhere else.
void Freezer::open_directories(const std::vector<std::string>& mount_points) {
  for (std::size_t i = 0; i < size(); ++i) {
    int fd = -1;
    do {
      fd = ::open(mount_points[i].c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) throw SystemError(errno, "open", mount_points[i]);
    file_systems_[i].directory.reset(fd);
    file_systems_[i].fd = fd;
  }
}

void Freezer::start_threads() {
  for (std::size_t i = 0; i < size(); ++i) {
    start_worker(i, file_systems_[i].freeze_work, &Freezer::sync_or_freeze);
    start_worker(i, file_systems_[i].thaw_work, &Freezer::thaw_now);
  }
  const auto expected = static_cast<uint32_t>(2 * size());
  for (uint32_t ready = ready_.load(); ready != expected; ready = ready_.load()) {
    futex_wait(ready_, ready);
  }
  if (const int error = start_error_.load()) throw SystemError(error, "unshare");
}

void Freezer::start_worker(std::size_t index, FutexWord& work,
                           void (Freezer::*act)(std::size_t, uint32_t)) {
  threads_.fetch_add(1);
  try {
    // The thread shares the ownership, so that one stuck in a system call may outlive close().
    start_thread([self = shared_from_this(), index, &work, act] {
      self->work_until_stopped(index, work, act);
    });
  } catch (const SystemError&) {
    threads_.fetch_sub(1);
    throw;
  }
}

void Freezer::work_until_stopped(std::size_t index, FutexWord& work,
                                 void (Freezer::*act)(std::size_t, uint32_t)) {
  if (&work == &file_systems_[index].freeze_work) {
    ledger_.entry(index).freezing_thread.store(static_cast<int32_t>(syscall(SYS_gettid)));
  }
  if (const int error = keep_only_descriptor(directory(index))) start_error_.store(error);
  ready_.fetch_add(1);
  futex_wake_all(ready_);
  for (uint32_t asked = 0; (asked & kStop) == 0;) {
    futex_wait(work, 0);
    asked = work.exchange(0);
    (this->*act)(index, asked);
  }
  threads_.fetch_sub(1);
  futex_wake_all(threads_);
}

void Freezer::sync_or_freeze(std::size_t index, uint32_t work) {
  if ((work & kSync) != 0) sync_now(index);
  if ((work & kFreeze) != 0) freeze_now(index);
}

void Freezer::sync_now(std::size_t index) {
  Event event{EventKind::kSynced, static_cast<uint32_t>(index), 0, false, {}};
  event.stamps.start_ns = monotonic_ns();
  event.error = sync_file_system(directory(index));
  event.stamps.end_ns = monotonic_ns();
  file_systems_[index].syncing.store(false);
  completions_->publish(event);
}

// The order of stores and loads matters. Whoever calls the freeze off (deadline, guardian) first
// takes back the permission (armed_, revoked) and then looks at the state; this thread first
// writes the state and then looks at the permission. So one of the two always sees the other.
void Freezer::freeze_now(std::size_t index) {
  FileSystem& file_system = file_systems_[index];
  LedgerEntry& entry = ledger_.entry(index);
  Event event{EventKind::kFreezeFailed, static_cast<uint32_t>(index), ECANCELED, false, {}};
  event.stamps.start_ns = monotonic_ns();
  if (entry.exchange_if(FreezeState::kRequested, FreezeState::kFreezing) &&
      armed_.load() == file_system.armed_as.load() && ledger_.header().revoked.load() == 0) {
    event.error = freeze_file_system(directory(index));
  }
  event.stamps.end_ns = monotonic_ns();
  if (event.error == 0) {
    event.kind = EventKind::kFrozen;
    file_system.owes_thaw.store(true);
    completions_->publish(event);  // before the state: no thaw is told before its freeze
    entry.store(FreezeState::kFrozen);
  } else {
    entry.store(FreezeState::kRefused);
    completions_->publish(event);
  }
  changes_.fetch_add(1);
  futex_wake_all(changes_);
}

void Freezer::thaw_now(std::size_t index, uint32_t work) {
  if ((work & kThaw) == 0) return;
  LedgerEntry& entry = ledger_.entry(index);
  Event event{EventKind::kThawed, static_cast<uint32_t>(index), 0, true, {}};
  const ThawResult result = thaw_until_settled(directory(index), entry, never_gone);
  event.stamps = result.stamps;
  event.error = result.error;
  switch (result.kind) {
    case ThawResult::Kind::kFailed:
      event.kind = EventKind::kThawFailed;
      completions_->publish(event);
      break;
    case ThawResult::Kind::kNotFrozen:
      event.was_frozen = entry.guardian_thawed.load() != 0;
      tell_thawed(index, event);
      break;
    case ThawResult::Kind::kNothing:  // the guardian may have been first
      event.stamps.start_ns = event.stamps.end_ns = monotonic_ns();
      tell_thawed(index, event);
      break;
    case ThawResult::Kind::kThawed:
      tell_thawed(index, event);
      break;
  }
  changes_.fetch_add(1);
  futex_wake_all(changes_);
}

void Freezer::tell_thawed(std::size_t index, const Event& event) {
  ledger_.entry(index).exchange_if(FreezeState::kFrozen, FreezeState::kThawed);
  if (file_systems_[index].owes_thaw.exchange(false)) completions_->publish(event);
}

void Freezer::check(const Indexes& indexes) const {
  std::vector<bool> seen(size());
  for (const uint32_t index : indexes) {
    if (index >= size()) throw UsageError("no such file system index");
    if (seen[index]) throw UsageError("file system index given twice");
    seen[index] = true;
  }
}

void Freezer::sync(const Indexes& indexes) {
  check(indexes);
  for (const uint32_t index : indexes) {
    if (file_systems_[index].syncing.load()) throw UsageError("syncfs is still running");
  }
  for (const uint32_t index : indexes) {
    file_systems_[index].syncing.store(true);
    give(file_systems_[index].freeze_work, kSync);
  }
}

bool Freezer::may_freeze(std::size_t index) const {
  const FreezeState state = ledger_.entry(index).load();
  return !file_systems_[index].owes_thaw.load() &&
         (state == FreezeState::kIdle || state == FreezeState::kRefused ||
          state == FreezeState::kThawed);
}

void Freezer::freeze(const Indexes& indexes) {
  check(indexes);
  const uint32_t armed_as = armed_.load();
  if (armed_as == 0) throw UsageError("not armed: nothing may be frozen without a deadline");
  for (const uint32_t index : indexes) {
    if (!may_freeze(index)) throw UsageError("file system is frozen or being frozen already");
  }
  for (const uint32_t index : indexes) {
    file_systems_[index].armed_as.store(armed_as);
    ledger_.entry(index).state.store(static_cast<uint32_t>(FreezeState::kRequested));
    give(file_systems_[index].freeze_work, kFreeze);
  }
}

void Freezer::request_thaw(std::size_t index) {
  LedgerEntry& entry = ledger_.entry(index);
  if (entry.exchange_if(FreezeState::kRequested, FreezeState::kRefused)) return;
  const FreezeState state = entry.load();
  if (state == FreezeState::kFreezing || state == FreezeState::kFrozen ||
      file_systems_[index].owes_thaw.load()) {
    give(file_systems_[index].thaw_work, kThaw);
  }
}

void Freezer::thaw(const Indexes& indexes) {
  check(indexes);
  for (const uint32_t index : indexes) request_thaw(index);
}

void Freezer::thaw_everything() {
  for (std::size_t i = 0; i < size(); ++i) request_thaw(i);
}

bool Freezer::settled() const {
  for (std::size_t i = 0; i < size(); ++i) {
    if (!may_freeze(i)) return false;
  }
  return true;
}

bool Freezer::wait_until_settled(uint64_t limit_ns) {
  const uint64_t until_ns = monotonic_ns() + limit_ns;
  for (;;) {
    const uint32_t seen = changes_.load();
    if (settled()) return true;
    const uint64_t now_ns = monotonic_ns();
    if (now_ns >= until_ns) return false;
    futex_wait_for(changes_, seen, until_ns - now_ns);
  }
}

void Freezer::arm(uint64_t deadline_ns) {
  if (closed_) throw UsageError("closed");
  if (armed_.load() == 0) armed_.store(++armings_);
  ledger_.header().deadline_ns.store(deadline_ns);
  deadline_->arm(deadline_ns);
}

void Freezer::disarm() {
  if (!settled()) throw UsageError("still frozen: thaw before disarming");
  armed_.store(0);
  ledger_.header().deadline_ns.store(0);
  if (deadline_) deadline_->disarm();
}

// Runs on the deadline's thread.
void Freezer::break_off(EventKind why) {
  if (armed_.exchange(0) == 0 && why == EventKind::kExpired) return;
  const uint64_t now_ns = monotonic_ns();
  thaw_everything();
  grace_periods_.restore();
  completions_->publish({why, 0, 0, false, {now_ns, now_ns}});
}

void Freezer::release(uint64_t limit_ns) {
  armed_.store(0);
  thaw_everything();
  grace_periods_.restore();
  wait_until_settled(limit_ns);
}

void Freezer::end_threads(uint64_t limit_ns) {
  for (FileSystem& file_system : file_systems_) {
    give(file_system.freeze_work, kStop);
    give(file_system.thaw_work, kStop);
  }
  const uint64_t until_ns = monotonic_ns() + limit_ns;
  for (uint32_t alive = threads_.load(); alive != 0; alive = threads_.load()) {
    const uint64_t now_ns = monotonic_ns();
    if (now_ns >= until_ns) return;
    futex_wait_for(threads_, alive, until_ns - now_ns);
  }
}

void Freezer::close(uint64_t limit_ns) {
  if (closed_) return;
  closed_ = true;
  release(limit_ns);
  deadline_->stop();
  completions_->stop_bell();
  constexpr uint64_t kIdleThreadsEndNs = 200'000'000;
  end_threads(kIdleThreadsEndNs);
  close_descriptors();
}

// Here and not in the destructor: that may run on a thread which shares no file table with the
// process, and would close nothing.
void Freezer::close_descriptors() {
  for (FileSystem& file_system : file_systems_) file_system.directory.reset();
  deadline_.reset();
  grace_periods_.close();
  ledger_.close_descriptor();
}

}  // namespace flashfreeze
