#include "completions.h"

#include <sched.h>

#include <algorithm>

#include "thread.h"

namespace flashfreeze {
namespace {

// Per file system: synced, frozen, thawed. After them: expired, guardian lost.
constexpr std::size_t kOperations = 3;
constexpr std::size_t kGlobalSlots = 2;

std::size_t operation_of(EventKind kind) {
  switch (kind) {
    case EventKind::kSynced:
      return 0;
    case EventKind::kFrozen:
    case EventKind::kFreezeFailed:
      return 1;
    default:
      return 2;
  }
}

}  // namespace

Completions::Completions(std::size_t file_systems)
    : file_systems_(file_systems), slots_(file_systems * kOperations + kGlobalSlots) {
  drained_.reserve(slots_.size());
}

void Completions::start_bell(const std::shared_ptr<Completions>& completions,
                             std::function<void()> ring) {
  start_thread([completions, ring = std::move(ring)] { completions->ring_until_stopped(ring); });
}

void Completions::ring_until_stopped(const std::function<void()>& ring) {
  for (;;) {
    futex_wait(bell_, kQuiet);
    uint32_t rung = kRung;
    if (bell_.compare_exchange_strong(rung, kQuiet)) {
      ring();
    } else if (rung == kStop) {
      bell_.store(kStopped);
      futex_wake_all(bell_);
      return;
    }
  }
}

void Completions::stop_bell() {
  bell_.store(kStop);
  futex_wake_all(bell_);
  while (bell_.load() == kStop) futex_wait(bell_, kStop);
}

Completions::Slot& Completions::slot_for(const Event& event) {
  const std::size_t global = file_systems_ * kOperations;
  if (event.kind == EventKind::kExpired) return slots_[global];
  if (event.kind == EventKind::kGuardianLost) return slots_[global + 1];
  return slots_[event.file_system * kOperations + operation_of(event.kind)];
}

void Completions::publish(const Event& event) {
  Slot& slot = slot_for(event);
  while (slot.state.exchange(kBusy) == kBusy) sched_yield();  // held for the time of one copy
  slot.event = event;
  slot.event.sequence = published_.fetch_add(1);
  slot.state.store(kFull);
  if (announced_.exchange(true)) return;
  uint32_t quiet = kQuiet;
  if (bell_.compare_exchange_strong(quiet, kRung)) futex_wake_all(bell_);
}

void Completions::take(Slot& slot) {
  uint32_t full = kFull;
  if (!slot.state.compare_exchange_strong(full, kBusy)) return;
  drained_.push_back(slot.event);
  slot.state.store(kEmpty);
}

const std::vector<Event>& Completions::drain() {
  announced_.store(false);  // first: what is published from here on rings again
  drained_.clear();
  for (Slot& slot : slots_) take(slot);
  // Not by their stamps: where the guardian thawed, the thaw's are older than those of a freeze whose
  // thread was stopped.
  std::sort(drained_.begin(), drained_.end(), [](const Event& one, const Event& other) {
    return one.sequence < other.sequence;
  });
  return drained_;
}

}  // namespace flashfreeze
