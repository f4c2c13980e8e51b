#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "descriptor.h"

namespace flashfreeze {

/** A fanotify descriptor by which a process is asked for permission. */
struct PermissionDescriptor {
  pid_t pid;
  int fd;  // its number in that process
};

/**
 * Writes the permission descriptors of all running processes to `found`, at most `most`, and returns how
 * many there are. Reads /proc only, follows no link in it, allocates nothing.
 */
std::size_t find_permission_descriptors(PermissionDescriptor* found, std::size_t most);

/**
 * Duplicates the fanotify descriptor of another process: pidfd_open(2), pidfd_getfd(2). Throws
 * SystemError: EBADF where it is none (any more), ESRCH, EPERM where a security module forbids it,
 * ENOSYS before Linux 5.6.
 *
 * To be closed as soon as can be: with a duplicate the kernel does not see the death of the daemon, and
 * everybody who opens a file that it has watched waits for its answer for ever.
 */
Descriptor duplicate_permission_group(PermissionDescriptor daemon);

/** The two answers to a permission event: fanotify(7). */
enum class PermissionAnswer : uint32_t { kAllow = 1, kDeny = 2 };

/**
 * Answers the permission events of daemons in place of them, when they are blocked themselves. One thread,
 * the one that made it; nothing is shared with a daemon but its group itself.
 */
class PermissionAnswerer {
 public:
  /** Throws SystemError. */
  explicit PermissionAnswerer(PermissionAnswer answer);
  ~PermissionAnswerer();
  PermissionAnswerer(const PermissionAnswerer&) = delete;
  PermissionAnswerer& operator=(const PermissionAnswerer&) = delete;

  /** What the daemon has read already. Returns how many there were. */
  uint32_t answer_read_by_daemon(int group, pid_t daemon);
  /**
   * The next that nobody has read; 0 where there is none. What comes before it in the queue is lost to the
   * daemon: there is no other way to it.
   */
  uint32_t answer_next(int group);

 private:
  uint32_t respond(int group, int event_fd);
  ssize_t read_one(int group, void* buffer, std::size_t size);
  void set_alarm(long interval_ns);

  PermissionAnswer answer_;
  int alarm_ = -1;  // kernel timer id
};

}  // namespace flashfreeze
