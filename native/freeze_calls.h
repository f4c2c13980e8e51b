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
 * Thaws the file system if `entry` says that we have frozen it. While the FIFREEZE has not returned, an early
 * FITHAW can be lost, so it is repeated until the FIFREEZE is known to have ended: by the entry's state, or by
 * `freezer_gone`, which says whether the freezing thread is dead. The caller writes the state. Blocks as long as
 * the FIFREEZE or the FITHAW does, so it needs a thread of its own.
 */
ThawResult thaw_until_settled(int fd, LedgerEntry& entry,
                              bool (*freezer_gone)(const LedgerEntry&));

}  // namespace flashfreeze
