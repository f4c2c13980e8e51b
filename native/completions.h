#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "freeze_calls.h"
#include "futex.h"

namespace flashfreeze {

/** The events that JavaScript gets. The numbers are shared with src/freezer/events.ts. */
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
};

/**
 * The queue of finished operations for JavaScript, in the order published. The threads that freeze and thaw
 * cannot wake the event loop themselves, because they have file tables of their own; and they must not
 * allocate, which Node's queue of calls sometimes does. A separate thread, the bell's, does both.
 */
class Completions {
 public:
  /** Reserves memory for all events that can wait. */
  explicit Completions(std::size_t file_systems);

  /** Starts the thread that calls `ring` whenever events wait to be drained. */
  static void start_bell(const std::shared_ptr<Completions>& completions,
                         std::function<void()> ring);
  /** Returns when the bell's thread will not call `ring` any more. JavaScript's thread only. */
  void stop_bell();

  /**
   * Any thread; does not allocate. Replaces a waiting event about the same operation on the same file system,
   * because only the newest counts.
   */
  void publish(const Event& event);

  /** Events not yet drained. JavaScript's thread only; valid until the next call. */
  const std::vector<Event>& drain();

 private:
  std::mutex mutex_;  // guards waiting_
  std::vector<Event> waiting_;
  std::vector<Event> drained_;
  FutexWord rung_{0};  // counts the rings
  std::atomic<bool> stopping_{false};
  FutexWord stopped_{0};
};

}  // namespace flashfreeze
