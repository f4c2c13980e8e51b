#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "descriptor.h"

namespace flashfreeze {

/** The result for one mount point. `error`: an errno; ETIMEDOUT if the mount point did not answer in time. */
struct OpenedMountPoint {
  Descriptor descriptor;
  int error = 0;
};

/**
 * Opens mount points whose paths may lead through file systems that do not answer any more, in separate helper
 * processes: a thread that hangs there would prevent this process from ending, but a helper that hangs is left
 * behind. Meanwhile it holds no descriptor of this process open, only a copy of its memory.
 */
class MountOpener {
 public:
  MountOpener(std::vector<std::string> paths, uint64_t limit_ns);

  /**
   * One process opens all, one after the other; if one is late, a separate process opens each of the rest. Returns
   * at the latest after twice `limit_ns` without an answer. Call it once.
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
