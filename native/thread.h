#pragma once

#include <cstddef>
#include <functional>

#include "descriptor.h"
#include "futex.h"

namespace flashfreeze {

/** Enough for the system calls made here and for the thread-local storage of node. */
constexpr std::size_t kThreadStackBytes = 128 * 1024;

/**
 * Starts a detached thread with a small fixed stack and every signal blocked, so that no handler of
 * the process ever runs on it. Throws SystemError.
 */
void start_thread(std::function<void()> body, std::size_t stack_bytes = kThreadStackBytes);

/**
 * Threads that may get stuck in the kernel, each in a file table of its own. A stuck thread keeps its file
 * table open even when its process is killed; with a table of its own it does not keep the process's pipes,
 * sockets and locks from being released. The process that comes next to thaw what was left takes one of
 * these locks first.
 */
class Crew {
 public:
  /**
   * `descriptor` is all that the thread has open; -1: nothing. `body` calls tell_ready() once it has what it
   * needs, and keeps alive what this crew is a part of. Throws SystemError.
   */
  void start(int descriptor, std::function<void()> body, std::size_t stack_bytes = kThreadStackBytes);
  /** One of the threads: it is ready, or failed to get what it needs (an errno). */
  void tell_ready(int error = 0);
  /** Waits for all. Throws SystemError where one has failed. */
  void wait_until_ready();
  /** True where all have ended, and hold nothing open any more, by that time. */
  bool wait_for_end(uint64_t until_ns) { return wait_until_is(alive_, 0, until_ns); }

 private:
  uint32_t started_ = 0;
  FutexWord alive_{0};
  FutexWord ready_{0};
  std::atomic<int> error_{0};
};

/** Only in a file table of one's own: closes what the kernel has put into it, too. */
void close_all_descriptors();

/**
 * Gives the descriptor to a thread that does nothing but hold it, in a file table of its own, and never
 * is in the kernel for longer than a moment: whatever the other threads are stuck in when this process is
 * killed, the other end sees the end of file at once. Throws SystemError.
 */
void hold_until_death(Descriptor descriptor);

/** The other end of a pipe so held, one for the whole process and never closed. Throws SystemError. */
int lifeline();

}  // namespace flashfreeze
