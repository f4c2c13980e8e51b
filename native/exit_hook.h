#pragma once

#include <cstdint>
#include <memory>

namespace flashfreeze {

class Freezer;

/**
 * Has the file systems of `freezer` thawed when the process ends through exit(3). Needed beside the
 * environment's clean-up hook: process.exit() of the main thread runs no such hooks. Any thread.
 */
void thaw_at_exit(const std::shared_ptr<Freezer>& freezer);

/** Longest time that an exit waits for a thaw; the guardian stands behind it. */
constexpr uint64_t kExitWaitNs = 2'000'000'000;

}  // namespace flashfreeze
