#include "freeze_calls.h"

#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace flashfreeze {
namespace {

constexpr uint64_t kShortestWaitNs = 2'000'000;
constexpr uint64_t kLongestWaitNs = 20'000'000;

template <typename Call>
int retried(Call call) {
  while (call() != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int timed_thaw(int fd, Stamps& stamps) {
  stamps.start_ns = monotonic_ns();
  const int error = thaw_file_system(fd);
  stamps.end_ns = monotonic_ns();
  return error;
}

}  // namespace

int freeze_file_system(int fd) {
  return retried([fd] { return ioctl(fd, FIFREEZE, 0); });
}

int thaw_file_system(int fd) {
  return retried([fd] { return ioctl(fd, FITHAW, 0); });
}

int sync_file_system(int fd) {
  return retried([fd] { return syncfs(fd); });
}

bool is_harmed_by_killed_thaw(int fd) {
  struct statfs status {};
  return fstatfs(fd, &status) == 0 && status.f_type == BTRFS_SUPER_MAGIC;
}

ThawResult thaw_until_settled(int fd, LedgerEntry& entry,
                              bool (*freezer_gone)(const LedgerEntry&)) {
  ThawResult early{ThawResult::Kind::kNotFrozen};
  uint64_t wait_ns = kShortestWaitNs;
  // Wait before the first FITHAW: a FIFREEZE that is about to fail with EBUSY returns at once, and a
  // FITHAW before that would end the freeze of another tool.
  while (entry.load() == FreezeState::kFreezing && !freezer_gone(entry)) {
    const auto freezing = static_cast<uint32_t>(FreezeState::kFreezing);
    if (wait_while(entry.state, freezing, monotonic_ns() + wait_ns)) break;
    Stamps stamps;
    if (timed_thaw(fd, stamps) == 0) early = {ThawResult::Kind::kThawed, 0, stamps};
    wait_ns = std::min(wait_ns * 2, kLongestWaitNs);
  }
  const FreezeState state = entry.load();
  if (state != FreezeState::kFrozen && state != FreezeState::kFreezing) {
    return {ThawResult::Kind::kNothing};
  }
  Stamps stamps;
  const int error = timed_thaw(fd, stamps);
  if (error == 0) return {ThawResult::Kind::kThawed, 0, stamps};
  if (error != EINVAL) return {ThawResult::Kind::kFailed, error, stamps};
  if (early.kind == ThawResult::Kind::kThawed) return early;
  return {ThawResult::Kind::kNotFrozen, 0, stamps};
}

}  // namespace flashfreeze
