#include "completions.h"

#include <utility>

#include "thread.h"

namespace flashfreeze {
namespace {

// For each file system: synced, frozen, thawed. In addition: expired, guardian lost.
std::size_t most_that_wait(std::size_t file_systems) { return 3 * file_systems + 2; }

/** A freeze and its failure are one operation, a thaw and its failure another. */
uint32_t operation_of(EventKind kind) {
  if (kind == EventKind::kFreezeFailed) return static_cast<uint32_t>(EventKind::kFrozen);
  if (kind == EventKind::kThawFailed) return static_cast<uint32_t>(EventKind::kThawed);
  return static_cast<uint32_t>(kind);
}

}  // namespace

Completions::Completions(std::size_t file_systems) {
  waiting_.reserve(most_that_wait(file_systems));
  drained_.reserve(most_that_wait(file_systems));
}

void Completions::start_bell(const std::shared_ptr<Completions>& completions,
                             std::function<void()> ring) {
  start_thread([completions, ring = std::move(ring)] {
    for (uint32_t heard = 0; wait_while(completions->rung_, heard);) {
      heard = completions->rung_.load();
      if (completions->stopping_.load()) break;
      ring();
    }
    completions->stopped_.store(1);
    wake_all(completions->stopped_);
  });
}

void Completions::stop_bell() {
  stopping_.store(true);
  rung_.fetch_add(1);
  wake_all(rung_);
  wait_while(stopped_, 0);
}

void Completions::publish(const Event& event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const bool is_first = waiting_.empty();
  std::erase_if(waiting_, [&event](const Event& other) {
    return other.file_system == event.file_system &&
           operation_of(other.kind) == operation_of(event.kind);
  });
  waiting_.push_back(event);
  if (!is_first) return;
  rung_.fetch_add(1);
  wake_all(rung_);
}

const std::vector<Event>& Completions::drain() {
  drained_.clear();
  const std::lock_guard<std::mutex> lock(mutex_);
  std::swap(drained_, waiting_);
  return drained_;
}

}  // namespace flashfreeze
