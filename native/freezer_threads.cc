/** What the threads of the freezer do: one that syncs and freezes, one that thaws, per file system. */
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "freezer.h"
#include "system_error.h"
#include "thread.h"

namespace flashfreeze {
namespace {

// The guardian writes its word microseconds after its FITHAW, unless it is killed in between.
constexpr uint64_t kGuardiansWordNs = 100'000'000;

bool never_gone(const LedgerEntry&) { return false; }  // a thread of this very process

/** It was not us who thawed: the guardian, and then it happened when its stamps say, or a stranger. */
void take_guardians_word(LedgerEntry& entry, Event& event) {
  auto word = static_cast<GuardianThaw>(entry.guardian.load());
  if (word == GuardianThaw::kTrying) {
    futex_wait_for(entry.state, static_cast<uint32_t>(FreezeState::kFrozen), kGuardiansWordNs);
    word = static_cast<GuardianThaw>(entry.guardian.load());
  }
  event.was_frozen = word == GuardianThaw::kThawed;
  if (word != GuardianThaw::kThawed && word != GuardianThaw::kFoundThawed) return;
  event.stamps = {entry.guardian_start_ns.load(), entry.guardian_end_ns.load()};
}

}  // namespace

void Freezer::give(FutexWord& work, uint32_t bits) {
  work.fetch_or(bits);
  futex_wake_all(work);
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
  if (const int error = keep_only_descriptor(mount_point(index))) start_error_.store(error);
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
  Event event{EventKind::kSynced, static_cast<uint32_t>(index), 0, false, {}, 0};
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
  Event event{EventKind::kFreezeFailed, static_cast<uint32_t>(index), ECANCELED, false, {}, 0};
  event.stamps.start_ns = monotonic_ns();
  if (entry.exchange_if(FreezeState::kRequested, FreezeState::kFreezing) &&
      armed_.load() == file_system.armed_as.load() && ledger_.header().revoked.load() == 0) {
    event.error = freeze_file_system(mount_point(index));
  }
  event.stamps.end_ns = monotonic_ns();
  if (event.error == 0) {
    event.kind = EventKind::kFrozen;
    file_system.owes_thaw.store(true);
    entry.store(FreezeState::kFrozen);  // first of all: until then the guardian cannot be sure
    completions_->publish(event);
    file_system.asked.store(0);
  } else {
    entry.store(FreezeState::kRefused);
    file_system.asked.store(0);  // before it is told: then it may be asked for anew
    completions_->publish(event);
  }
  futex_wake_all(file_system.asked);
  changes_.fetch_add(1);
  futex_wake_all(changes_);
}

void Freezer::thaw_now(std::size_t index, uint32_t work) {
  if ((work & kThawAnyones) != 0) thaw_anyones_now(index);
  if ((work & kThaw) == 0) return;
  LedgerEntry& entry = ledger_.entry(index);
  Event event{EventKind::kThawed, static_cast<uint32_t>(index), 0, true, {}, 0};
  wait_for_second_death(file_systems_[index]);
  const ThawResult result = thaw_until_settled(mount_point(index), entry, never_gone);
  event.stamps = result.stamps;
  event.error = result.error;
  switch (result.kind) {
    case ThawResult::Kind::kFailed:
      event.kind = EventKind::kThawFailed;
      completions_->publish(event);
      break;
    case ThawResult::Kind::kNotFrozen:
    case ThawResult::Kind::kNothing:
      take_guardians_word(entry, event);
      tell_thawed(index, event);
      break;
    case ThawResult::Kind::kThawed:
      tell_thawed(index, event);
      break;
  }
  changes_.fetch_add(1);
  futex_wake_all(changes_);
}

void Freezer::wait_for_second_death(const FileSystem& file_system) const {
  const uint64_t lost_ns = guardian_lost_ns_.load();
  if (lost_ns == 0 || !file_system.is_harmed_by_kill) return;
  const uint64_t now_ns = monotonic_ns();
  const uint64_t until_ns = lost_ns + kSecondDeathNs;
  if (now_ns < until_ns) usleep(static_cast<useconds_t>((until_ns - now_ns) / 1000));
}

void Freezer::thaw_anyones_now(std::size_t index) {
  Event event{EventKind::kThawed, static_cast<uint32_t>(index), 0, true, {}, 0};
  event.stamps.start_ns = monotonic_ns();
  event.error = thaw_file_system(mount_point(index));
  event.stamps.end_ns = monotonic_ns();
  event.was_frozen = event.error == 0;
  if (event.error != 0 && event.error != EINVAL) event.kind = EventKind::kThawFailed;
  completions_->publish(event);
}

void Freezer::tell_thawed(std::size_t index, const Event& event) {
  FileSystem& file_system = file_systems_[index];
  ledger_.entry(index).exchange_if(FreezeState::kFrozen, FreezeState::kThawed);
  if (!file_system.owes_thaw.load()) return;
  while (file_system.asked.load() != 0) futex_wait(file_system.asked, 1);  // its freeze first
  file_system.owes_thaw.store(false);
  completions_->publish(event);
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

}  // namespace flashfreeze
