#pragma once

#include "clock.h"
#include "ledger.h"

namespace flashfreeze {

/** When a system call was entered and when it returned, CLOCK_MONOTONIC. */
struct Stamps {
  uint64_t start_ns = 0;
  uint64_t end_ns = 0;
};

/** The system calls on the file system behind a descriptor. They return 0 or an errno; EINTR is retried. */
int freeze_file_system(int fd);
int thaw_file_system(int fd);
int sync_file_system(int fd);

/**
 * True for a btrfs: it makes itself permanently read-only if the task that calls FITHAW is killed while the
 * kernel reads the superblock back (Linux 6.18; the read is interrupted, and btrfs treats that as damage).
 */
bool is_harmed_by_killed_thaw(int fd);

/**
 * How long the survivor waits before it thaws such a file system after the worker or the guardian has died,
 * in case it is about to be killed too: a service manager or the out-of-memory killer often kills both.
 */
constexpr uint64_t kSecondDeathNs = 20'000'000;

struct ThawResult {
  enum class Kind {
    kThawed,
    kNotFrozen,  // FITHAW found it not frozen: another tool had thawed it
    kNothing,    // we had not frozen it
    kFailed,
  };
  Kind kind;
  int error = 0;
  Stamps stamps{};
};

/**
 * One FITHAW if `entry` says that we have frozen the file system, or are about to. The caller writes the state. Blocks as
 * long as the FITHAW does.
 */
ThawResult thaw_if_frozen(int fd, const LedgerEntry& entry);

}  // namespace flashfreeze
