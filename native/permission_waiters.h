#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace flashfreeze {

/**
 * Finds tasks that wait in the kernel for a permission daemon's answer, and kills those that have not moved
 * since the former search. One thread. Does not allocate.
 */
class PermissionWaiters {
 public:
  static constexpr std::size_t kMost = 256;

  /** Calls `killed` with each process id that it has killed. Does not kill processes for which `spared` is true. */
  template <typename Spared, typename Killed>
  void kill_unmoved(Spared spared, Killed killed) {
    look();
    for (std::size_t i = 0; i < now_count_; ++i) {
      const Waiter& waiter = now_[i];
      if (!spared(waiter.process) && has_not_moved(waiter) && send_kill(waiter)) {
        killed(waiter.process);
      }
    }
    before_ = now_;
    before_count_ = now_count_;
  }

 private:
  struct Waiter {
    pid_t process;
    pid_t thread;
    /** How often the thread has gone to sleep. */
    uint64_t sleeps;
  };

  void look();
  void look_at(pid_t process, pid_t thread);
  bool has_not_moved(const Waiter& waiter) const;
  static bool send_kill(const Waiter& waiter);

  std::array<Waiter, kMost> now_{};
  std::array<Waiter, kMost> before_{};
  std::size_t now_count_ = 0;
  std::size_t before_count_ = 0;
};

}  // namespace flashfreeze
