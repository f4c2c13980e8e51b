#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>

#include "clock.h"

namespace flashfreeze {

// std::atomic::wait and std::binary_semaphore were not used: they spin first (64 spinning threads
// on two cores delay the freeze itself), have no time limit that is reliable in older libstdc++,
// and wait on process-private futexes, while the guardian waits on words of a shared mapping.
using FutexWord = std::atomic<uint32_t>;
static_assert(sizeof(FutexWord) == sizeof(uint32_t) && FutexWord::is_always_lock_free);

inline long futex(FutexWord& word, int operation, uint32_t value, const timespec* timeout,
                  uint32_t bits) {
  return syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), operation, value, timeout, nullptr,
                 bits);
}

/** Returns when the word may have changed; callers look again. */
inline void futex_wait(FutexWord& word, uint32_t seen) {
  futex(word, FUTEX_WAIT, seen, nullptr, 0);
}

/** As futex_wait, for at most `ns`. */
inline void futex_wait_for(FutexWord& word, uint32_t seen, uint64_t ns) {
  const timespec limit = to_timespec(ns);
  futex(word, FUTEX_WAIT, seen, &limit, 0);
}

inline void futex_wake_all(FutexWord& word) { futex(word, FUTEX_WAKE, INT_MAX, nullptr, 0); }

}  // namespace flashfreeze
