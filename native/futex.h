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

// Not std::atomic::wait or std::binary_semaphore: they spin first (64 spinning threads on two cores
// delay the freeze itself), have no reliable time limit in older libstdc++, and wait on
// process-private futexes, while the guardian waits on words of a shared mapping.
using FutexWord = std::atomic<uint32_t>;
static_assert(sizeof(FutexWord) == sizeof(uint32_t) && FutexWord::is_always_lock_free);

inline long futex(FutexWord& word, int operation, uint32_t value, const timespec* timeout,
                  uint32_t bits) {
  return syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), operation, value, timeout, nullptr,
                 bits);
}

constexpr uint64_t kForever = UINT64_MAX;

/**
 * Returns true when the word may have another value or is woken, false at the time (CLOCK_MONOTONIC). For
 * callers that check another condition too.
 */
inline bool wait_for_wake(FutexWord& word, uint32_t value, uint64_t until_ns) {
  const timespec until = to_timespec(until_ns);
  return futex(word, FUTEX_WAIT_BITSET, value, until_ns == kForever ? nullptr : &until,
               FUTEX_BITSET_MATCH_ANY) == 0 ||
         errno != ETIMEDOUT;
}

/** Returns when the word has another value (true), or at the time (false). */
inline bool wait_while(FutexWord& word, uint32_t value, uint64_t until_ns = kForever) {
  while (word.load() == value) {
    if (!wait_for_wake(word, value, until_ns)) return word.load() != value;
  }
  return true;
}

/** Returns when the word has this value (true), or at the time (false). */
inline bool wait_until_is(FutexWord& word, uint32_t value, uint64_t until_ns = kForever) {
  for (uint32_t seen = word.load(); seen != value; seen = word.load()) {
    if (!wait_while(word, seen, until_ns)) return false;
  }
  return true;
}

inline void wake_all(FutexWord& word) { futex(word, FUTEX_WAKE, INT_MAX, nullptr, 0); }

}  // namespace flashfreeze
