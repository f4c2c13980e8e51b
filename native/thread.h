#pragma once

#include <cstddef>
#include <functional>

#include "descriptor.h"
#include "futex.h"

namespace flashfreeze {

/** Enough for the system calls made here and for Node's thread-local storage. */
constexpr std::size_t kThreadStackBytes = 128 * 1024;

/**
 * Starts a detached thread with a small fixed stack and every signal blocked, so that no handler of
 * the process runs on it. Throws SystemError.
 */
void start_thread(std::function<void()> body, std::size_t stack_bytes = kThreadStackBytes);

/**
 * Threads that may get stuck in the kernel, each in a file table of its own. A stuck thread keeps its file
 * table open even when its process is killed; with a table of its own it does not hold the process's pipes,
 * sockets and locks. The next process, which thaws what was left frozen, takes one of these locks first.
 */
class Crew {
 public:
  /**
   * The thread has only `descriptor` open, or nothing if it is -1. `body` calls tell_ready() once it has what it
   * needs, and keeps the owner of this crew alive. Throws SystemError.
   */
  void start(int descriptor, std::function<void()> body, std::size_t stack_bytes = kThreadStackBytes);
  /** Called by each thread: it is ready, or `error` (an errno) says why it is not. */
  void tell_ready(int error = 0);
  /** Waits for all threads. Throws SystemError if one has failed. */
  void wait_until_ready();
  /** True if all threads have ended by that time and hold nothing open any more. */
  bool wait_for_end(uint64_t until_ns) { return wait_until_is(alive_, 0, until_ns); }

 private:
  uint32_t started_ = 0;
  FutexWord alive_{0};
  FutexWord ready_{0};
  std::atomic<int> error_{0};
};

/** Closes everything in the calling thread's file table, which must be its own, including what the kernel put there. */
void close_all_descriptors();

/**
 * Gives the descriptor to a thread that only holds it, in a file table of its own, and that SIGKILL ends at
 * once. When this process is killed, the other end sees the end of file at once, even if other threads are
 * stuck. Throws SystemError.
 */
void hold_until_death(Descriptor descriptor);

/** The read end of a pipe whose write end is held that way; one for the process, never closed. Throws SystemError. */
int lifeline();

}  // namespace flashfreeze
