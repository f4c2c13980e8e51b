#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "completions.h"
#include "deadline.h"
#include "descriptor.h"
#include "grace.h"
#include "ledger.h"
#include "thread.h"

namespace flashfreeze {

/**
 * Freezes and thaws a set of file systems, on one thread for each of them: it syncs, freezes and thaws. While it
 * is stuck in FIFREEZE, a FITHAW of the same file system by another thread would not help (it is lost, or blocks
 * as long). What releases it is the thaw of another file system, by the thread of that one. When the FIFREEZE
 * returns, the thread finds the thaw that was asked for meanwhile. All threads are started by open() and wait
 * on a futex. Nothing is allocated or logged between freeze and thaw.
 *
 * Two records are kept of a file system. The ledger's state is what the guardian must know: whether a FITHAW is
 * owed. Beside it FileSystem has what JavaScript has been told, which is later:
 *
 *   event               ledger                   is_freeze_asked    owes_thaw
 *   freeze()            → kRequested             → true             false
 *   FIFREEZE begins     → kFreezing              true               false
 *   it succeeds         → kFrozen                → false            → true
 *   it fails            → kRefused               → false            false
 *   called off before   → kRefused               → false            false
 *   thawed, by whom-    → kThawed (the           false              → false
 *   ever                guardian may be first)
 *
 * Each change is told (Completions) after it was made. A file system may be frozen if neither flag is set and
 * the ledger's state is kIdle, kRefused or kThawed: see may_freeze().
 *
 * open, sync, freeze, arm, disarm, close: one thread (JavaScript's). thaw_everything and
 * wait_until_settled: any thread, no lock needed.
 */
class Freezer : public std::enable_shared_from_this<Freezer> {
 public:
  using Indexes = std::vector<uint32_t>;

  /**
   * Opens every mount point; `ring` is called on a thread of its own when events wait. Throws
   * SystemError with the path. `ledger_directory`: see Ledger::create.
   */
  static std::shared_ptr<Freezer> open(const std::vector<std::string>& mount_points,
                                       int ledger_directory,
                                       std::function<void()> ring);
  ~Freezer() = default;

  std::size_t size() const { return file_systems_.size(); }
  int mount_point(std::size_t index) const { return file_systems_[index].fd; }
  const Ledger& ledger() const { return ledger_; }
  GracePeriods& grace_periods() { return grace_periods_; }
  Completions& completions() { return *completions_; }

  /**
   * These start and return at once. Indexes are distinct and below size(), else UsageError; so is a sync of
   * what is frozen or being frozen, whose thread must be free to thaw.
   */
  void sync(const Indexes& indexes);
  /** UsageError where not armed, or where one of them is frozen or busy; then none is frozen. */
  void freeze(const Indexes& indexes);
  void thaw(const Indexes& indexes);
  /** Whoever froze them; an operator's order. A kThawed or kThawFailed event for each. */
  void thaw_anyones(const Indexes& indexes);

  /** Everything that is frozen, or will be when its FIFREEZE returns. Any thread. */
  void thaw_everything();
  /** Nothing frozen, freezing or about to be. Any thread. */
  bool settled() const;
  /** True where settled within the time. Any thread. */
  bool wait_until_settled(uint64_t limit_ns);

  /**
   * `call` follows whenever the deadline, a lost guardian or the end of the process has made
   * everything thaw; on the thread that did it. JavaScript's thread, before arm().
   */
  void on_break_off(std::function<void()> call) { on_break_off_ = std::move(call); }

  /** Thaws everything at `deadline_ns` (CLOCK_MONOTONIC), whatever the event loop does. */
  void arm(uint64_t deadline_ns);
  /** UsageError where something is still frozen. */
  void disarm();

  /**
   * The guardian: a descriptor for it to inherit, by which its death is seen, and from
   * guardian_started() on its death thaws everything. Only behind it may anything be frozen.
   */
  int watch_guardian();
  void guardian_started();
  /** UsageError where something is still frozen. */
  void guardian_released();

  /**
   * Thaws, waits at most `limit_ns`, ends the threads. Idempotent. Threads stuck in a system call
   * stay, and still thaw their file system when it can be.
   */
  void close(uint64_t limit_ns);

 private:
  enum Work : uint32_t { kSync = 1, kFreeze = 2, kThaw = 4, kStop = 8, kThawAnyones = 16 };

  struct alignas(64) FileSystem {
    Descriptor mount_point;                  // closed by close()
    int fd = -1;                             // its number, in the threads' own file tables too
    bool is_harmed_by_kill = false;          // see is_harmed_by_killed_thaw
    FutexWord work{0};                       // bits of Work
    std::atomic<uint32_t> armed_as{0};       // the arming under which the freeze was asked for
    std::atomic<bool> is_freeze_asked{false};
    std::atomic<bool> owes_thaw{false};
    std::atomic<bool> syncing{false};
  };

  Freezer(std::size_t count, int ledger_directory);

  void open_mount_points(const std::vector<std::string>& mount_points);
  void start_threads();
  void work_until_stopped(std::size_t index);
  void sync_now(std::size_t index);
  void freeze_now(std::size_t index);
  void thaw_now(std::size_t index);
  void wait_for_second_death(const FileSystem& file_system) const;
  void thaw_anyones_now(std::size_t index);
  void tell_change(const Event& event);
  void give(std::size_t index, Work work);
  void check(const Indexes& indexes) const;
  bool may_freeze(std::size_t index) const;
  void request_thaw(std::size_t index);
  void break_off(EventKind why);
  void end_threads(uint64_t limit_ns);
  void close_descriptors();

  Ledger ledger_;
  GracePeriods grace_periods_;
  std::shared_ptr<Completions> completions_;
  std::vector<FileSystem> file_systems_;
  std::unique_ptr<Deadline> deadline_;
  std::function<void()> on_break_off_;
  std::atomic<uint32_t> armed_{0};  // number of the current arming; 0: not armed
  uint32_t armings_ = 0;
  std::atomic<bool> guarded_{false};
  std::atomic<uint64_t> guardian_lost_ns_{0};  // when its death was seen
  Crew crew_;
  FutexWord changes_{0};            // counts finished freezes and thaws
  bool closed_ = false;
};

}  // namespace flashfreeze
