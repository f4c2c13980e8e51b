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
 * Freezes and thaws a set of file systems. Each has one thread, which syncs, freezes and thaws it. While the
 * thread is stuck in FIFREEZE, a FITHAW of the same file system by another thread would not help (it is lost, or
 * blocks as long). Only the thaw of another file system, by that one's thread, releases it. When the FIFREEZE
 * returns, the thread finds the thaw that was requested meanwhile. open() starts all threads; they wait on a
 * futex. Between freeze and thaw nothing is allocated or logged.
 *
 * There are two records of a file system. The ledger's state shows the guardian whether a FITHAW is due.
 * FileSystem records the events that JavaScript has got, which is later:
 *
 *   event               ledger                   is_freeze_asked    owes_thaw
 *   freeze()            → kRequested             → true             false
 *   FIFREEZE begins     → kFreezing              true               false
 *   it succeeds         → kFrozen                → false            → true
 *   it fails            → kRefused               → false            false
 *   cancelled before    → kRefused               → false            false
 *   thawed by any       → kThawed (the           false              → false
 *   process             guardian may be first)
 *
 * Each change is published (Completions) after it was made. A file system may be frozen if neither flag is set
 * and the ledger's state is kIdle, kRefused or kThawed: see may_freeze().
 *
 * open, sync, freeze, arm, disarm, close: one thread (JavaScript's). thaw_everything and
 * wait_until_settled: any thread, no lock needed.
 */
class Freezer : public std::enable_shared_from_this<Freezer> {
 public:
  using Indexes = std::vector<uint32_t>;

  /**
   * Opens every mount point. Calls `ring` on a separate thread when events wait. Throws SystemError with the
   * path. `ledger_directory`: see Ledger::create.
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
   * sync(), freeze() and the thaws start the operation and return at once. Indexes must be distinct and below
   * size(), else UsageError. sync() of a file system that is frozen or being frozen is a UsageError too, because
   * its thread must be free to thaw.
   */
  void sync(const Indexes& indexes);
  /** UsageError if not armed, or if one of them is frozen or busy; then none is frozen. */
  void freeze(const Indexes& indexes);
  void thaw(const Indexes& indexes);
  /** Thaws regardless of which tool froze; an operator's order. A kThawed or kThawFailed event for each. */
  void thaw_anyones(const Indexes& indexes);

  /** Thaws everything that is frozen, or will be when its FIFREEZE returns. Any thread. */
  void thaw_everything();
  /** True if nothing is frozen, freezing or about to be. Any thread. */
  bool settled() const;
  /** True if settled within the time. Any thread. */
  bool wait_until_settled(uint64_t limit_ns);

  /**
   * `call` is called whenever the deadline, a lost guardian or the end of the process has made everything
   * thaw, on the thread that did it. JavaScript's thread, before arm().
   */
  void on_break_off(std::function<void()> call) { on_break_off_ = std::move(call); }

  /** Thaws everything at `deadline_ns` (CLOCK_MONOTONIC), even if the event loop is blocked. */
  void arm(uint64_t deadline_ns);
  /** UsageError if something is still frozen. */
  void disarm();

  /**
   * Returns a descriptor for the guardian to inherit, which shows its death. From guardian_started() on its death
   * thaws everything, and only from then on may anything be frozen.
   */
  int watch_guardian();
  void guardian_started();
  /** UsageError if something is still frozen. */
  void guardian_released();

  /**
   * Thaws, waits at most `limit_ns`, ends the threads. Idempotent. Threads that are stuck in a system call
   * stay, and thaw their file system when that is possible.
   */
  void close(uint64_t limit_ns);

 private:
  enum Work : uint32_t { kSync = 1, kFreeze = 2, kThaw = 4, kStop = 8, kThawAnyones = 16 };

  struct alignas(64) FileSystem {
    Descriptor mount_point;                  // closed by close()
    int fd = -1;                             // also valid in the threads' own file tables
    bool is_harmed_by_kill = false;          // see is_harmed_by_killed_thaw
    FutexWord work{0};                       // bits of Work
    std::atomic<uint32_t> armed_as{0};       // the arming under which the freeze was requested
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
  std::atomic<uint64_t> guardian_lost_ns_{0};  // when its death was noticed
  Crew crew_;
  FutexWord changes_{0};            // counts finished freezes and thaws
  bool closed_ = false;
};

}  // namespace flashfreeze
