#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "futex.h"
#include "ledger.h"
#include "permission_group.h"
#include "thread.h"

namespace flashfreeze {

/** What happens to tasks that wait for a permission daemon. The numbers are those of src/freezer/last-lever.ts. */
enum class LeverAction : uint32_t { kDeny = 0, kAllow = 1, kKill = 2 };

/**
 * The last resort if no FITHAW releases a stuck FIFREEZE: a task inside the file system waits for a permission
 * daemon, and the daemon waits for the end of the freeze. The lever answers on the daemon's behalf, or kills
 * the waiting processes, until the FIFREEZE returns.
 *
 * It searches for daemons when it is pulled, because they come and go, and holds none of their descriptors before
 * or after. create() starts its threads, which wait on a futex: one that searches, and several that answer, so
 * that one thread that blocks on a daemon does not stop the others. pull() and close(): any thread.
 */
class FanotifyLever : public std::enable_shared_from_this<FanotifyLever> {
 public:
  /** src/freezer/last-lever.ts has the reasons for these values. */
  struct Times {
    uint64_t grace_ns = 500'000'000;    // how long to wait for a thaw before the lever is used
    uint64_t limit_ns = 5'000'000'000;  // begins at the end of the grace
  };

  /**
   * `ledger`: the descriptor of a ledger, which is mapped once more and shows whether a FIFREEZE is stuck.
   * Never kills this process, the ledger's worker, or a daemon. Throws SystemError.
   */
  static std::shared_ptr<FanotifyLever> create(LeverAction action, int ledger, Times times);

  /** Returns at once. Has no effect if nothing is stuck when the grace is over. */
  void pull();
  /** Ends the threads. Idempotent. */
  void close();

  /** Permission events answered so far. Any thread. */
  uint32_t answered() const { return answered_.load(); }
  /** Processes killed so far, at most kRememberedKills. Any thread. */
  std::vector<pid_t> killed() const;

 private:
  static constexpr std::size_t kRememberedKills = 32;
  static constexpr std::size_t kMostDaemons = 64;
  static constexpr std::size_t kAnsweringThreads = 4;

  FanotifyLever(LeverAction action, Times times, Ledger ledger);

  void start();
  void look_for_daemons();
  void answer_for_daemons(std::size_t index);
  void kill_waiters();
  uint32_t answer_for(PermissionAnswerer& answerer, PermissionDescriptor daemon);
  void look();
  bool is_daemon(pid_t process) const;
  template <typename Work>
  void at_each_pull(Work work);
  bool stuck_until(uint64_t until_ns) const;
  bool is_stuck() const { return stuck_until(0); }
  void remember(pid_t killed);

  LeverAction action_;
  Times times_;
  Ledger ledger_;
  // Written by the searching thread, then counted in daemons_.
  std::array<std::atomic<pid_t>, kMostDaemons> pids_{};
  std::array<std::atomic<int>, kMostDaemons> descriptors_{};
  std::atomic<uint32_t> daemons_{0};
  std::array<PermissionDescriptor, kMostDaemons> found_{};  // used by the searching thread only
  Crew crew_;
  FutexWord pulls_{0};  // counts the pulls
  std::atomic<bool> closed_{false};
  std::atomic<uint32_t> answered_{0};
  std::atomic<uint32_t> kills_{0};
  std::array<std::atomic<pid_t>, kRememberedKills> killed_{};
};

}  // namespace flashfreeze
