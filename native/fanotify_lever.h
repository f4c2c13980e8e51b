#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "futex.h"
#include "ledger.h"
#include "permission_group.h"

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
  struct Times {
    uint64_t grace_ns;  // a thaw gets this long before the lever is used
    uint64_t limit_ns;  // from the end of the grace on
  };

  /**
   * `ledger`: a mapping of its own, which tells whether a FIFREEZE is stuck. Neither this process, nor
   * the ledger's worker, nor a daemon is ever killed. Throws SystemError.
   */
  static std::shared_ptr<FanotifyLever> create(LeverAction action, Times times, Ledger ledger);

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
  enum Order : uint32_t { kStop = 1 };  // even numbers count the pulls

  FanotifyLever(LeverAction action, Times times, Ledger ledger);

  void start();
  void start_thread_of_lever(void (FanotifyLever::*serve)(std::size_t), std::size_t index);
  void look_for_daemons(std::size_t);
  void answer_for_daemons(std::size_t index);
  void kill_waiters(std::size_t);
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
  FutexWord order_{0};
  FutexWord threads_{0};  // alive
  FutexWord ready_{0};
  std::atomic<int> start_error_{0};
  std::atomic<uint32_t> answered_{0};
  std::atomic<uint32_t> kills_{0};
  std::array<std::atomic<pid_t>, kRememberedKills> killed_{};
};

}  // namespace flashfreeze
