#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "descriptor.h"
#include "futex.h"
#include "ledger.h"

namespace flashfreeze {

/** What is done to those who wait for a permission daemon. Numbers as in src/freezer/last-lever.ts. */
enum class LeverAction : uint32_t { kDeny = 0, kAllow = 1, kKill = 2 };

/**
 * What is left when no FITHAW releases a stuck FIFREEZE: somebody inside the file system waits for a
 * permission daemon, and the daemon waits for the end of the freeze. The lever answers in the daemon's
 * place, or kills who waits, until the freeze has come through.
 *
 * Its threads are started by the constructor and wait on a futex: one for each daemon, so that one
 * that blocks does not stop the others. pull() and close(): any thread.
 */
class FanotifyLever : public std::enable_shared_from_this<FanotifyLever> {
 public:
  struct Daemon {
    pid_t pid;
    Descriptor group;  // from duplicate_permission_group; not needed to kill
  };
  struct Times {
    uint64_t grace_ns;  // a thaw gets this long before the lever is used
    uint64_t limit_ns;  // from the pull on
  };

  /**
   * `ledger`: a mapping of its own, which tells whether a FIFREEZE is stuck. Neither this process, nor
   * the ledger's worker, nor a daemon is ever killed. Throws SystemError.
   */
  static std::shared_ptr<FanotifyLever> create(LeverAction action, std::vector<Daemon> daemons,
                                               Times times, Ledger ledger);

  /** Returns at once. Does nothing where nothing is stuck once the grace is over. */
  void pull();
  /** Ends the threads and gives the groups back. Idempotent. */
  void close();

  /** Permission events answered so far. Any thread. */
  uint32_t answered() const { return answered_.load(); }
  /** Processes killed so far, as many as are remembered. Any thread. */
  std::vector<pid_t> killed() const;

 private:
  static constexpr std::size_t kRememberedKills = 32;
  enum Order : uint32_t { kStop = 1 };  // even numbers count the pulls

  FanotifyLever(LeverAction action, std::vector<Daemon> daemons, Times times, Ledger ledger);

  void start();
  void start_thread_with(int fd, std::function<void()> serve);
  void answer_for(const Daemon& daemon);
  void kill_waiters();
  template <typename Work>
  void at_each_pull(Work work);
  bool stuck_until(uint64_t until_ns) const;
  void remember(pid_t killed);

  LeverAction action_;
  std::vector<Daemon> daemons_;
  Times times_;
  Ledger ledger_;
  Descriptor processes_;  // /proc, of the thread that kills
  FutexWord order_{0};
  FutexWord threads_{0};  // alive
  FutexWord ready_{0};
  std::atomic<int> start_error_{0};
  std::atomic<uint32_t> answered_{0};
  std::atomic<uint32_t> kills_{0};
  std::array<std::atomic<pid_t>, kRememberedKills> killed_{};
};

}  // namespace flashfreeze
