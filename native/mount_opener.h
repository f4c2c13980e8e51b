#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "descriptor.h"

namespace flashfreeze {

/** What became of a mount point. `error`: an errno, ETIMEDOUT where nobody answered for it in time. */
struct OpenedMountPoint {
  Descriptor descriptor;
  int error = 0;
};

/**
 * Opens mount points whose paths may lead through file systems that do not answer any more, in processes of their
 * own: a thread that hangs there would keep this process from ever ending, a process that does is left behind. It
 * holds nothing of ours open meanwhile, but its memory.
 */
class MountOpener {
 public:
  MountOpener(std::vector<std::string> paths, uint64_t limit_ns);

  /**
   * One process opens all, one after the other; where one is late, one process for each of the rest. Returns after
   * two times `limit_ns` without an answer at the latest. Once.
   */
  std::vector<OpenedMountPoint> open();

 private:
  struct Helper;

  Helper start(std::size_t first, std::size_t count);
  void fail(std::size_t first, std::size_t count, int error);
  bool hear(Helper& helper);
  void listen(std::vector<Helper>& helpers);
  void end(Helper& helper);

  std::vector<std::string> paths_;
  uint64_t limit_ns_;
  std::vector<OpenedMountPoint> opened_;
  std::vector<bool> answered_;
};

}  // namespace flashfreeze
