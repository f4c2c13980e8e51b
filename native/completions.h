#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "freeze_calls.h"
#include "futex.h"

namespace flashfreeze {

/** What JavaScript is told. The numbers are shared with src/freezer/native.ts. */
enum class EventKind : uint32_t {
  kFrozen = 0,
  kFreezeFailed = 1,
  kThawed = 2,
  kThawFailed = 3,
  kSynced = 4,
  kExpired = 5,
  kGuardianLost = 6,
};

struct Event {
  EventKind kind;
  uint32_t file_system;
  int32_t error;
  bool was_frozen;
  Stamps stamps;
  uint64_t sequence;      // given by publish()
};

/**
 * Finished operations on their way to JavaScript: one preallocated slot per file system and kind of
 * operation, and a bell. Publishing neither allocates nor blocks. The threads that freeze and thaw
 * cannot wake the event loop themselves, because they share no file table with it; a thread of the
 * bell's own does.
 */
class Completions {
 public:
  explicit Completions(std::size_t file_systems);

  /** Starts the thread that calls `ring` whenever something waits to be drained. */
  static void start_bell(const std::shared_ptr<Completions>& completions,
                         std::function<void()> ring);
  /** Returns when the bell's thread will not call `ring` any more. JavaScript's thread only. */
  void stop_bell();

  /** Any thread. A slot that is still full is overwritten: the newest word on an operation counts. */
  void publish(const Event& event);

  /** Events not yet drained, in the order published. JavaScript's thread only; valid to the next call. */
  const std::vector<Event>& drain();

 private:
  enum SlotState : uint32_t { kEmpty, kBusy, kFull };
  struct alignas(64) Slot {
    std::atomic<uint32_t> state{kEmpty};
    Event event{};
  };
  enum Bell : uint32_t { kQuiet, kRung, kStop, kStopped };

  void ring_until_stopped(const std::function<void()>& ring);
  Slot& slot_for(const Event& event);
  void take(Slot& slot);

  std::size_t file_systems_;
  std::vector<Slot> slots_;
  std::vector<Event> drained_;
  std::atomic<uint64_t> published_{0};
  std::atomic<bool> announced_{false};
  FutexWord bell_{kQuiet};
};

}  // namespace flashfreeze
