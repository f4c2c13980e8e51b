#pragma once

#include <mutex>

#include "descriptor.h"
#include "ledger.h"

namespace flashfreeze {

/**
 * Expedites RCU grace periods during the freeze. A FIFREEZE waits for grace periods: with
 * /sys/kernel/rcu_expedited = 1 they take much less than a millisecond. The value is global to the
 * machine, so the former one is in the ledger, and the surviving process restores it.
 */
class GracePeriods {
 public:
  /** Opens the file. If it is missing or not writable, everything works, but takes longer. */
  explicit GracePeriods(LedgerHeader& ledger);

  /** Any thread. False if the value cannot be changed, or if the guardian has revoked the permission to freeze. */
  bool expedite();
  /** Any thread; idempotent. */
  void restore();
  /** Restores and closes the file. */
  void close();

  /** -1 if the file could not be opened. */
  int descriptor() const { return file_.get(); }

 private:
  std::mutex mutex_;  // guards the pair of file and ledger fields
  Descriptor file_;
  LedgerHeader& ledger_;
};

/** Restores the former value if the ledger says that it was changed. Not synchronized. */
void restore_grace_periods(int fd, LedgerHeader& ledger);

}  // namespace flashfreeze
