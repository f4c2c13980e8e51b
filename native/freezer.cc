#include "freezer.h"

#include "freeze_calls.h"
#include "mount_point.h"
#include "system_error.h"

namespace flashfreeze {
namespace {

// Idle threads end at once; this is a generous limit.
constexpr uint64_t kIdleThreadsEndNs = 200'000'000;

}  // namespace

Freezer::Freezer(std::size_t count, int ledger_directory)
    : ledger_(Ledger::create(static_cast<uint32_t>(count), ledger_directory)),
      grace_periods_(ledger_.header()),
      completions_(std::make_shared<Completions>(count)),
      file_systems_(count) {}

std::shared_ptr<Freezer> Freezer::open(const std::vector<std::string>& mount_points,
                                       int ledger_directory,
                                       std::function<void()> ring) {
  std::shared_ptr<Freezer> freezer(new Freezer(mount_points.size(), ledger_directory));
  freezer->open_mount_points(mount_points);
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

void Freezer::open_mount_points(const std::vector<std::string>& mount_points) {
  for (std::size_t i = 0; i < size(); ++i) {
    file_systems_[i].mount_point = open_mount_point(mount_points[i]);
    file_systems_[i].fd = file_systems_[i].mount_point.get();
    file_systems_[i].is_harmed_by_kill = is_harmed_by_killed_thaw(file_systems_[i].fd);
  }
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
    if (!may_freeze(index)) throw UsageError("file system is frozen or being frozen");
  }
  for (const uint32_t index : indexes) {
    file_systems_[index].syncing.store(true);
    give(index, kSync);
  }
}

bool Freezer::may_freeze(std::size_t index) const {
  const FreezeState state = ledger_.entry(index).load();
  const FileSystem& file_system = file_systems_[index];
  return !file_system.is_freeze_asked.load() && !file_system.owes_thaw.load() &&
         (state == FreezeState::kIdle || state == FreezeState::kRefused ||
          state == FreezeState::kThawed);
}

void Freezer::freeze(const Indexes& indexes) {
  check(indexes);
  const uint32_t armed_as = armed_.load();
  if (!guarded_.load()) throw UsageError("not guarded: nothing may be frozen without a guardian");
  if (armed_as == 0) throw UsageError("not armed: nothing may be frozen without a deadline");
  for (const uint32_t index : indexes) {
    if (!may_freeze(index)) throw UsageError("file system is frozen or being frozen already");
  }
  for (const uint32_t index : indexes) {
    file_systems_[index].armed_as.store(armed_as);
    file_systems_[index].is_freeze_asked.store(true);
    ledger_.entry(index).state.store(static_cast<uint32_t>(FreezeState::kRequested));
    give(index, kFreeze);
  }
}

void Freezer::request_thaw(std::size_t index) {
  if (ledger_.entry(index).exchange_if(FreezeState::kRequested, FreezeState::kRefused)) return;
  // Not the ledger's state: if this process was stopped, the guardian has entered a thaw, while the thread may be about to
  // call FIFREEZE. And in this order, which is the opposite of the thread's.
  const FileSystem& file_system = file_systems_[index];
  if (file_system.is_freeze_asked.load() || file_system.owes_thaw.load()) give(index, kThaw);
}

void Freezer::thaw(const Indexes& indexes) {
  check(indexes);
  for (const uint32_t index : indexes) request_thaw(index);
}

void Freezer::thaw_anyones(const Indexes& indexes) {
  check(indexes);
  for (const uint32_t index : indexes) give(index, kThawAnyones);
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
    if (!wait_while(changes_, seen, until_ns)) return settled();
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

int Freezer::watch_guardian() {
  if (closed_) throw UsageError("closed");
  return deadline_->watch();
}

void Freezer::guardian_started() {
  guarded_.store(true);
  deadline_->release_watched();
}

void Freezer::guardian_released() {
  if (!settled()) throw UsageError("still frozen: thaw before releasing the guardian");
  guarded_.store(false);
  if (deadline_) deadline_->unwatch();
}

// Runs on the deadline's thread.
void Freezer::break_off(EventKind why) {
  if (why == EventKind::kGuardianLost) {
    guarded_.store(false);
    guardian_lost_ns_.store(monotonic_ns());
  }
  if (armed_.exchange(0) == 0 && why == EventKind::kExpired) return;
  LedgerHeader& header = ledger_.header();
  header.seen_to_ns.store(header.deadline_ns.load());
  const uint64_t now_ns = monotonic_ns();
  completions_->publish({why, 0, 0, false, {now_ns, now_ns}});  // before the thaws that it causes
  thaw_everything();
  grace_periods_.restore();
  if (on_break_off_) on_break_off_();
}

void Freezer::close(uint64_t limit_ns) {
  if (closed_) return;
  closed_ = true;
  armed_.store(0);
  thaw_everything();
  grace_periods_.restore();
  if (on_break_off_) on_break_off_();
  wait_until_settled(limit_ns);
  deadline_->stop();
  completions_->stop_bell();
  end_threads(kIdleThreadsEndNs);
  close_descriptors();
}

// Not in the destructor, because that may run on a thread with a file table of its own, where closing has no
// effect on the process.
void Freezer::close_descriptors() {
  for (FileSystem& file_system : file_systems_) file_system.mount_point.reset();
  deadline_.reset();
  grace_periods_.close();
  ledger_.close_descriptor();
}

}  // namespace flashfreeze
