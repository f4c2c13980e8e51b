#include "grace.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace flashfreeze {
namespace {

constexpr const char* kPath = "/sys/kernel/rcu_expedited";

bool read_value(int fd, int32_t& value) {
  char text[16] = {};
  ssize_t length = 0;
  do {
    length = pread(fd, text, sizeof text - 1, 0);
  } while (length < 0 && errno == EINTR);
  if (length <= 0) return false;
  value = static_cast<int32_t>(strtol(text, nullptr, 10));
  return true;
}

bool write_value(int fd, int32_t value) {
  char text[16] = {};
  const int length = snprintf(text, sizeof text, "%d\n", value);
  ssize_t written = 0;
  do {
    written = pwrite(fd, text, static_cast<size_t>(length), 0);
  } while (written < 0 && errno == EINTR);
  return written == length;
}

}  // namespace

GracePeriods::GracePeriods(LedgerHeader& ledger)
    : file_(::open(kPath, O_RDWR | O_CLOEXEC)), ledger_(ledger) {}

bool GracePeriods::expedite() {
  const std::lock_guard<std::mutex> lock(mutex_);
  int32_t former = 0;
  if (!file_ || !read_value(file_.get(), former)) return false;
  if (former != 0) return true;  // already expedited, by us or by another tool: nothing to restore
  ledger_.former_expedited.store(former);
  ledger_.expedited.store(1);  // before the write: a death in between then causes at most a needless restore
  if (!write_value(file_.get(), 1)) {
    ledger_.expedited.store(0);
    return false;
  }
  if (ledger_.revoked.load() == 0) return true;  // the guardian's restore, if any, comes after the write
  // The guardian restores once, and may have done it between the store and the write above.
  ledger_.expedited.store(1);
  restore_grace_periods(file_.get(), ledger_);
  return false;
}

void GracePeriods::restore() {
  const std::lock_guard<std::mutex> lock(mutex_);
  restore_grace_periods(file_.get(), ledger_);
}

void GracePeriods::close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  restore_grace_periods(file_.get(), ledger_);
  file_.reset();
}

void restore_grace_periods(int fd, LedgerHeader& ledger) {
  if (ledger.expedited.load() == 0) return;
  // Cleared after the write, so that the guardian restores if this process dies in between.
  if (write_value(fd, ledger.former_expedited.load())) ledger.expedited.store(0);
}

}  // namespace flashfreeze
