/** What the threads of the freezer do, one for each file system: sync, freeze, thaw. */
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "freezer.h"

namespace flashfreeze {
namespace {

// The guardian writes its word microseconds after its FITHAW, unless it is killed in between.
constexpr uint64_t kGuardiansWordNs = 100'000'000;

bool never_gone(const LedgerEntry&) { return false; }  // this very thread has frozen it

/** It was not us who thawed: the guardian, and then it happened when its stamps say, or a stranger. */
void take_guardians_word(LedgerEntry& entry, Event& event) {
  auto word = static_cast<GuardianThaw>(entry.guardian.load());
  if (word == GuardianThaw::kTrying) {
    wait_while(entry.state, static_cast<uint32_t>(FreezeState::kFrozen),
               monotonic_ns() + kGuardiansWordNs);
    word = static_cast<GuardianThaw>(entry.guardian.load());
  }
  event.was_frozen = word == GuardianThaw::kThawed;
  if (word != GuardianThaw::kThawed && word != GuardianThaw::kFoundThawed) return;
  event.stamps = {entry.guardian_start_ns.load(), entry.guardian_end_ns.load()};
}

}  // namespace

void Freezer::give(std::size_t index, Work work) {
  file_systems_[index].work.fetch_or(work);
  wake_all(file_systems_[index].work);
}

void Freezer::start_threads() {
  for (std::size_t i = 0; i < size(); ++i) {
    // The thread shares the ownership, so that one stuck in a system call may outlive close().
    crew_.start(mount_point(i), [self = shared_from_this(), i] { self->work_until_stopped(i); });
  }
  crew_.wait_until_ready();
}

// A thaw before a freeze: one that was asked for during a freeze comes with the next round, and what is left
// over of an earlier one must not end the freeze that comes next.
void Freezer::work_until_stopped(std::size_t index) {
  FutexWord& work = file_systems_[index].work;
  ledger_.entry(index).freezing_thread.store(static_cast<int32_t>(syscall(SYS_gettid)));
  crew_.tell_ready();
  for (uint32_t given = 0; (given & kStop) == 0;) {
    wait_while(work, 0);
    given = work.exchange(0);
    if ((given & kSync) != 0) sync_now(index);
    if ((given & kThawAnyones) != 0) thaw_anyones_now(index);
    if ((given & kThaw) != 0) thaw_now(index);
    if ((given & kFreeze) != 0) freeze_now(index);
  }
}

void Freezer::sync_now(std::size_t index) {
  Event event{EventKind::kSynced, static_cast<uint32_t>(index), 0, false, {}};
  event.stamps.start_ns = monotonic_ns();
  event.error = sync_file_system(mount_point(index));
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
    event.error = freeze_file_system(mount_point(index));
  }
  event.stamps.end_ns = monotonic_ns();
  if (event.error == 0) {
    event.kind = EventKind::kFrozen;
    file_system.owes_thaw.store(true);
  }
  // First of all: until then the guardian cannot be sure.
  entry.store(event.error == 0 ? FreezeState::kFrozen : FreezeState::kRefused);
  file_system.is_freeze_asked.store(false);  // before it is told: then it may be asked for anew
  tell_change(event);
}

void Freezer::thaw_now(std::size_t index) {
  FileSystem& file_system = file_systems_[index];
  if (!file_system.owes_thaw.load()) return;  // asked for while it was being frozen, and that failed
  LedgerEntry& entry = ledger_.entry(index);
  Event event{EventKind::kThawed, static_cast<uint32_t>(index), 0, true, {}};
  wait_for_second_death(file_system);
  const ThawResult result = thaw_until_settled(mount_point(index), entry, never_gone);
  event.stamps = result.stamps;
  event.error = result.error;
  if (result.kind == ThawResult::Kind::kFailed) {
    event.kind = EventKind::kThawFailed;
  } else {
    if (result.kind != ThawResult::Kind::kThawed) take_guardians_word(entry, event);
    entry.exchange_if(FreezeState::kFrozen, FreezeState::kThawed);
    file_system.owes_thaw.store(false);
  }
  tell_change(event);
}

void Freezer::wait_for_second_death(const FileSystem& file_system) const {
  const uint64_t lost_ns = guardian_lost_ns_.load();
  if (lost_ns == 0 || !file_system.is_harmed_by_kill) return;
  const uint64_t now_ns = monotonic_ns();
  const uint64_t until_ns = lost_ns + kSecondDeathNs;
  if (now_ns < until_ns) usleep(static_cast<useconds_t>((until_ns - now_ns) / 1000));
}

void Freezer::thaw_anyones_now(std::size_t index) {
  Event event{EventKind::kThawed, static_cast<uint32_t>(index), 0, true, {}};
  event.stamps.start_ns = monotonic_ns();
  event.error = thaw_file_system(mount_point(index));
  event.stamps.end_ns = monotonic_ns();
  event.was_frozen = event.error == 0;
  if (event.error != 0 && event.error != EINVAL) event.kind = EventKind::kThawFailed;
  completions_->publish(event);
}

void Freezer::tell_change(const Event& event) {
  completions_->publish(event);
  changes_.fetch_add(1);
  wake_all(changes_);
}

void Freezer::end_threads(uint64_t limit_ns) {
  for (std::size_t i = 0; i < size(); ++i) give(i, kStop);
  crew_.wait_for_end(monotonic_ns() + limit_ns);
}

}  // namespace flashfreeze
