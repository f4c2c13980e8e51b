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

/** What is done to those who wait for a permission daemon. Numbers as in src/freezer/last-lever.ts. */
enum class LeverAction : uint32_t { kDeny = 0, kAllow = 1, kKill = 2 };

/**
 * What is left when no FITHAW releases a stuck FIFREEZE: somebody inside the file system waits for a
 * permission daemon, and the daemon waits for the end of the freeze. The lever answers in the daemon's
 * place, or kills who waits, until the freeze has come through.
 *
 * Daemons are looked for when it is pulled, since they come and go; before and after nothing of theirs is
 * held. Its threads are started by create() and wait on a futex: one that looks, and some that answer, so
 * that a daemon for which one blocks does not stop the others. pull() and close(): any thread.
 */
class FanotifyLever : public std::enable_shared_from_this<FanotifyLever> {
 public:
  /** Why these: src/freezer/last-lever.ts. */
  struct Times {
    uint64_t grace_ns = 500'000'000;    // a thaw gets this long before the lever is used
    uint64_t limit_ns = 5'000'000'000;  // from the end of the grace on
  };

  /**
   * `ledger`: the descriptor of one, which is mapped once more, and tells whether a FIFREEZE is stuck.
   * Neither this process, nor the ledger's worker, nor a daemon is ever killed. Throws SystemError.
   */
  static std::shared_ptr<FanotifyLever> create(LeverAction action, int ledger, Times times);

  /** Returns at once. Does nothing where nothing is stuck once the grace is over. */
  void pull();
  /** Ends the threads. Idempotent. */
  void close();

  /** Permission events answered so far. Any thread. */
  uint32_t answered() const { return answered_.load(); }
  /** Processes killed so far, as many as are remembered. Any thread. */
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
  // Written by the thread that looks, then counted.
  std::array<std::atomic<pid_t>, kMostDaemons> pids_{};
  std::array<std::atomic<int>, kMostDaemons> descriptors_{};
  std::atomic<uint32_t> daemons_{0};
  std::array<PermissionDescriptor, kMostDaemons> found_{};  // of the thread that looks
  Crew crew_;
  FutexWord pulls_{0};  // counts them
  std::atomic<bool> closed_{false};
  std::atomic<uint32_t> answered_{0};
  std::atomic<uint32_t> kills_{0};
  std::array<std::atomic<pid_t>, kRememberedKills> killed_{};
};

}  // namespace flashfreeze
