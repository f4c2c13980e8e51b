#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace flashfreeze {

/**
 * Finds tasks that wait in the kernel for a permission daemon's answer, and kills those that have not
 * moved since the look before. One thread. Looking and killing allocates nothing.
 */
class PermissionWaiters {
 public:
  static constexpr std::size_t kMost = 256;

  /** `spared`: processes left alone. */
  explicit PermissionWaiters(std::vector<pid_t> spared) : spared_(std::move(spared)) {}

  /** Calls `killed` with the process id of each that is killed. */
  template <typename Killed>
  void kill_unmoved(Killed killed) {
    look();
    for (std::size_t i = 0; i < now_count_; ++i) {
      if (has_not_moved(now_[i]) && send_kill(now_[i])) killed(now_[i].process);
    }
    before_ = now_;
    before_count_ = now_count_;
  }

 private:
  struct Waiter {
    pid_t process;
    pid_t thread;
    /** How often it has been put to sleep. */
    uint64_t sleeps;
  };

  void look();
  void look_at(pid_t process, pid_t thread);
  bool has_not_moved(const Waiter& waiter) const;
  static bool send_kill(const Waiter& waiter);

  std::vector<pid_t> spared_;
  std::array<Waiter, kMost> now_{};
  std::array<Waiter, kMost> before_{};
  std::size_t now_count_ = 0;
  std::size_t before_count_ = 0;
};

}  // namespace flashfreeze
