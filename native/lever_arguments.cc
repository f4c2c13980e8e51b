#include "lever_arguments.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "system_error.h"

namespace flashfreeze {
namespace {

// As the worker's own lever, src/freezer/last-lever.ts.
constexpr FanotifyLever::Times kTimes{500'000'000, 5'000'000'000};

}  // namespace

std::shared_ptr<FanotifyLever> lever_from_arguments(int argc, char** argv, int ledger) {
  if (argc < 2) return nullptr;
  const auto action = static_cast<LeverAction>(atoi(argv[1]));
  Descriptor copy(fcntl(ledger, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw SystemError(errno, "fcntl");
  Ledger mapped = Ledger::open(std::move(copy));
  mapped.close_descriptor();
  return FanotifyLever::create(action, kTimes, std::move(mapped));
}

}  // namespace flashfreeze
