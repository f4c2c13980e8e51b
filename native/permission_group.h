#pragma once

#include <sys/types.h>

#include <cstdint>

#include "descriptor.h"

namespace flashfreeze {

/**
 * Duplicates the fanotify descriptor of another process: pidfd_open(2), pidfd_getfd(2). Throws
 * SystemError: EBADF where it is none (any more), ESRCH, EPERM where a security module forbids it,
 * ENOSYS before Linux 5.6.
 */
Descriptor duplicate_permission_group(pid_t pid, int fd);

/** The two answers to a permission event: fanotify(7). */
enum class PermissionAnswer : uint32_t { kAllow = 1, kDeny = 2 };

/**
 * Answers the permission events of a group in place of its daemon, which is itself blocked. One
 * thread, the one that made it; nothing is shared with the daemon but the group itself.
 */
class PermissionAnswerer {
 public:
  /** `group` stays the caller's. Throws SystemError. */
  PermissionAnswerer(int group, pid_t daemon);
  ~PermissionAnswerer();
  PermissionAnswerer(const PermissionAnswerer&) = delete;
  PermissionAnswerer& operator=(const PermissionAnswerer&) = delete;

  /** All that waits for an answer now. Returns how many there were. */
  uint32_t answer_all(PermissionAnswer answer);

 private:
  uint32_t answer_read_by_daemon(PermissionAnswer answer);
  uint32_t answer_queued(PermissionAnswer answer);
  uint32_t respond(int event_fd, PermissionAnswer answer);
  void set_alarm(long interval_ns);

  int group_;
  pid_t daemon_;
  int alarm_ = -1;  // kernel timer id
};

}  // namespace flashfreeze
