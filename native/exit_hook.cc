#include "exit_hook.h"

#include <cstdlib>
#include <mutex>
#include <vector>

#include "freezer.h"

namespace flashfreeze {
namespace {

struct Registry {
  std::mutex mutex;  // guards freezers
  std::vector<std::weak_ptr<Freezer>> freezers;
};

// Never destroyed: other threads may still run while exit(3) does.
Registry& registry() {
  static Registry* const instance = new Registry;
  return *instance;
}

void thaw_all() {
  std::vector<std::weak_ptr<Freezer>> freezers;
  {
    const std::lock_guard<std::mutex> lock(registry().mutex);
    freezers = registry().freezers;
  }
  // The first waits as long as it takes, the others have been thawing meanwhile.
  for (const auto& weak : freezers) {
    if (const auto freezer = weak.lock()) freezer->release(0);
  }
  for (const auto& weak : freezers) {
    if (const auto freezer = weak.lock()) freezer->release(kExitWaitNs);
  }
}

}  // namespace

void thaw_at_exit(const std::shared_ptr<Freezer>& freezer) {
  const std::lock_guard<std::mutex> lock(registry().mutex);
  auto& freezers = registry().freezers;
  static const bool registered = std::atexit(thaw_all) == 0;
  (void)registered;
  std::erase_if(freezers, [](const auto& weak) { return weak.expired(); });
  freezers.push_back(freezer);
}

}  // namespace flashfreeze
