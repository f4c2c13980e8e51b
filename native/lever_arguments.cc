#include "lever_arguments.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "permission_group.h"
#include "system_error.h"

namespace flashfreeze {
namespace {

// As the worker's own lever, src/freezer/last-lever.ts.
constexpr FanotifyLever::Times kTimes{500'000'000, 5'000'000'000};

std::vector<FanotifyLever::Daemon> daemons_from(int argc, char** argv, LeverAction action) {
  std::vector<FanotifyLever::Daemon> daemons;
  for (int i = 2; i < argc; ++i) {
    int pid = 0;
    int fd = 0;
    if (sscanf(argv[i], "%d:%d", &pid, &fd) != 2) throw SystemError(EINVAL, "arguments");
    try {
      const bool answers = action != LeverAction::kKill;
      daemons.push_back({pid, answers ? duplicate_permission_group(pid, fd) : Descriptor()});
    } catch (const SystemError&) {
      // The worker has tried the same and says so in its warnings.
    }
  }
  return daemons;
}

}  // namespace

std::shared_ptr<FanotifyLever> lever_from_arguments(int argc, char** argv, int ledger) {
  if (argc < 3) return nullptr;
  const auto action = static_cast<LeverAction>(atoi(argv[1]));
  Descriptor copy(fcntl(ledger, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw SystemError(errno, "fcntl");
  Ledger mapped = Ledger::open(std::move(copy));
  mapped.close_descriptor();
  return FanotifyLever::create(action, daemons_from(argc, argv, action), kTimes,
                               std::move(mapped));
}

}  // namespace flashfreeze
