#pragma once

#include <mutex>

#include "descriptor.h"
#include "ledger.h"

namespace flashfreeze {

/**
 * Expedited RCU grace periods, for the time of the freeze. A FIFREEZE waits for grace periods:
 * with /sys/kernel/rcu_expedited = 1 they take well under a millisecond. The value is global to the
 * machine, so the former one stands in the ledger and is put back by whoever is left.
 */
class GracePeriods {
 public:
  /** Opens the file; where it is absent or not writable everything works the same, slower. */
  explicit GracePeriods(LedgerHeader& ledger);

  /** Any thread. False where the value cannot be changed. */
  bool expedite();
  /** Any thread; idempotent. */
  void restore();
  /** Restores and closes the file. */
  void close();

  /** -1 where it could not be opened. */
  int descriptor() const { return file_.get(); }

 private:
  std::mutex mutex_;  // guards the pair of file and ledger fields
  Descriptor file_;
  LedgerHeader& ledger_;
};

/** Puts the former value back where the ledger says that it was changed. Not synchronized. */
void restore_grace_periods(int fd, LedgerHeader& ledger);

}  // namespace flashfreeze
