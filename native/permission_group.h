#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "descriptor.h"

namespace flashfreeze {

/** A fanotify descriptor through which the kernel asks a process for permission. */
struct PermissionDescriptor {
  pid_t pid;
  int fd;  // its number in that process
};

/**
 * Writes the permission descriptors of all running processes to `found`, at most `most`, and returns their
 * number. Reads only /proc, follows no link in it, does not allocate.
 */
std::size_t find_permission_descriptors(PermissionDescriptor* found, std::size_t most);

/**
 * Duplicates the fanotify descriptor of another process: pidfd_open(2), pidfd_getfd(2). Throws
 * SystemError: EBADF if it is not a fanotify descriptor (any more), ESRCH, EPERM if a security module forbids it,
 * ENOSYS before Linux 5.6.
 *
 * Close it as soon as possible: with a duplicate the kernel does not notice the death of the daemon, and every
 * open of a file that the daemon has watched waits for its answer and never returns.
 */
Descriptor duplicate_permission_group(PermissionDescriptor daemon);

/** The two answers to a permission event: fanotify(7). */
enum class PermissionAnswer : uint32_t { kAllow = 1, kDeny = 2 };

/**
 * Answers permission events on behalf of daemons that are blocked themselves. Only the thread that created it
 * may use it. Shares nothing with a daemon except its group.
 */
class PermissionAnswerer {
 public:
  /** Throws SystemError. */
  explicit PermissionAnswerer(PermissionAnswer answer);
  ~PermissionAnswerer();
  PermissionAnswerer(const PermissionAnswerer&) = delete;
  PermissionAnswerer& operator=(const PermissionAnswerer&) = delete;

  /** Answers the events that the daemon has read already. Returns their number. */
  uint32_t answer_read_by_daemon(int group, pid_t daemon);
  /**
   * Answers the next unread permission event; returns 0 if there is none. The daemon loses the other events before
   * it in the queue, because they have to be read first.
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
