#include "freeze_calls.h"

#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

namespace flashfreeze {
namespace {

template <typename Call>
int retried(Call call) {
  while (call() != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
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

ThawResult thaw_if_frozen(int fd, const LedgerEntry& entry) {
  const FreezeState state = entry.load();
  if (state != FreezeState::kFrozen && state != FreezeState::kFreezing) {
    return {ThawResult::Kind::kNothing};
  }
  Stamps stamps;
  stamps.start_ns = monotonic_ns();
  const int error = thaw_file_system(fd);
  stamps.end_ns = monotonic_ns();
  if (error == 0) return {ThawResult::Kind::kThawed, 0, stamps};
  if (error != EINVAL) return {ThawResult::Kind::kFailed, error, stamps};
  return {ThawResult::Kind::kNotFrozen, 0, stamps};
}

}  // namespace flashfreeze
