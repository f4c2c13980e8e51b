/** The threads of the freezer, one for each file system: they sync, freeze and thaw. */
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "freezer.h"

namespace flashfreeze {
namespace {

// The guardian writes its result microseconds after its FITHAW, unless it is killed before.
constexpr uint64_t kGuardiansWordNs = 100'000'000;

/** Another process has thawed: either the guardian, whose time stamps are then taken, or another tool. */
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
    // The thread shares the ownership, so that it may outlive close() if it is stuck in a system call.
    crew_.start(mount_point(i), [self = shared_from_this(), i] { self->work_until_stopped(i); });
  }
  crew_.wait_until_ready();
}

// Thaw before freeze: a thaw that was requested during a freeze comes with the next round, and a leftover of an
// earlier thaw must not end the next freeze.
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

// The order of stores and loads matters. The side that cancels the freeze (deadline, guardian) first
// revokes the permission (armed_, revoked) and then reads the state; this thread first writes the state
// and then reads the permission. So at least one of the two always sees the other's store.
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
  // Before anything else: until then the guardian does not know the result.
  entry.store(event.error == 0 ? FreezeState::kFrozen : FreezeState::kRefused);
  file_system.is_freeze_asked.store(false);  // before the event: after it a new freeze may be requested
  tell_change(event);
}

void Freezer::thaw_now(std::size_t index) {
  FileSystem& file_system = file_systems_[index];
  if (!file_system.owes_thaw.load()) return;  // requested during a freeze that failed
  LedgerEntry& entry = ledger_.entry(index);
  Event event{EventKind::kThawed, static_cast<uint32_t>(index), 0, true, {}};
  wait_for_second_death(file_system);
  const ThawResult result = thaw_if_frozen(mount_point(index), entry);
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
