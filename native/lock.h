#pragma once

#include <sys/types.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "descriptor.h"

namespace flashfreeze {

/**
 * The exclusive POSIX record lock on a whole file, as lockf(3) takes it, so that it excludes other
 * tools that use lockf or fcntl. Such a lock belongs to the process and is dropped when *any* of
 * its descriptors of that file is closed: a process holds one such lock per file, and acquire()
 * refuses a second. What is locked is what the path leads to: a file that was removed meanwhile is left
 * for the one that has its name.
 */
class RecordLock {
 public:
  struct Outcome {
    int error = 0;  // 0, ETIMEDOUT, ECANCELED, EDEADLK (held by this process), or the system's
    pid_t holder = 0;  // with ETIMEDOUT: who holds it, 0 where unknown
  };

  /**
   * Creates the file and its directories safely (see open_safe_directory) and waits for the lock on
   * a thread of its own, at most until `deadline_ns` (CLOCK_MONOTONIC). `done` is called once, on
   * that thread. Throws SystemError where the file cannot be opened or is not root's.
   */
  static std::shared_ptr<RecordLock> acquire(const std::string& path, uint64_t deadline_ns,
                                             std::function<void(Outcome)> done);
  ~RecordLock();
  RecordLock(const RecordLock&) = delete;
  RecordLock& operator=(const RecordLock&) = delete;

  /** Stops waiting: `done` gets ECANCELED. Any thread. */
  void cancel();
  /** After `done` with 0. Idempotent, any thread. */
  void release();

 private:
  using FileKey = std::pair<dev_t, ino_t>;

  explicit RecordLock(const std::string& path) : path_(path) { open(); }
  Descriptor open_directory() const;
  void open();
  bool is_current() const;
  Outcome wait(uint64_t deadline_ns);
  int wait_for_path(uint64_t deadline_ns);
  int wait_interruptibly(uint64_t deadline_ns);
  int wait_for_lock(uint64_t deadline_ns) const;
  int start_alarm(uint64_t deadline_ns);
  void end_alarm();
  void set_alarm(uint64_t at_ns);
  pid_t holder() const;

  const std::string path_;
  std::mutex mutex_;  // guards file_ and alarm_
  Descriptor file_;
  FileKey key_{};
  std::optional<timer_t> alarm_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace flashfreeze
