#pragma once

#include <sys/types.h>

#include "descriptor.h"
#include "freeze_calls.h"
#include "ledger.h"

namespace flashfreeze {

/** The thread of another process that calls FIFREEZE. */
class FreezingThread {
 public:
  enum class Place {
    kMayBeInside,  // of FIFREEZE, or nothing is known of it
    kAsleep,       // as no FIFREEZE is known to sleep, but as a thread of a frozen control group does (version 2)
    kOutside,      // dead or stopped, so that its FIFREEZE is not running
  };

  /**
   * Opens what place() reads, and reads it once: later that opens and allocates nothing. The descriptor is one of the
   * calling thread's file table.
   */
  FreezingThread(pid_t process, pid_t thread);

  bool is_dead() const;
  Place place() const;

 private:
  char state() const;

  pid_t process_;
  pid_t thread_;
  Descriptor stat_;
};

/**
 * Thaws the file system if `entry` says that `freezer` has frozen it. While the FIFREEZE has not returned, an early
 * FITHAW can be lost, so it is repeated until the FIFREEZE is known to have ended: by the entry's state, or by the place
 * of the thread. A thread that is stopped after its FIFREEZE cannot write the state; FITHAW would be repeated as long as it
 * is stopped, and would end every freeze of another tool meanwhile.
 *
 * The caller writes the state; an early thaw is entered at once (LedgerEntry::may_be_stuck). Blocks as long as the
 * FIFREEZE or the FITHAW does, so it needs a thread of its own.
 */
ThawResult thaw_until_settled(int fd, LedgerEntry& entry, const FreezingThread& freezer);

}  // namespace flashfreeze
