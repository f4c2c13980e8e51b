#include "freezing_thread.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace flashfreeze {
namespace {

constexpr uint64_t kShortestWaitNs = 2'000'000;
constexpr uint64_t kLongestWaitNs = 20'000'000;
// Once a FITHAW has had an effect, or if the thread is probably frozen itself: another FITHAW is hardly needed, and would
// end the freeze of another tool.
constexpr uint64_t kSlowestWaitNs = 1'000'000'000;

Descriptor open_stat(pid_t process, pid_t thread) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task/%d/stat", process, thread);
  return Descriptor(open(path, O_RDONLY | O_CLOEXEC));
}

}  // namespace

FreezingThread::FreezingThread(pid_t process, pid_t thread)
    : process_(process), thread_(thread), stat_(open_stat(process, thread)) {
  state();
}

bool FreezingThread::is_dead() const {
  return syscall(SYS_tgkill, process_, thread_, 0) != 0 && errno == ESRCH;
}

/** As proc_pid_stat(5) has it, after the name in parentheses, which may contain some; 0 if it cannot be read. */
char FreezingThread::state() const {
  char text[128];
  const ssize_t length = pread(stat_.get(), text, sizeof text, 0);
  if (length <= 0) return 0;
  const char* end = text + length;
  const auto* name_end = static_cast<const char*>(memrchr(text, ')', static_cast<size_t>(length)));
  return name_end != nullptr && name_end + 2 < end ? name_end[2] : '\0';
}

FreezingThread::Place FreezingThread::place() const {
  if (is_dead()) return Place::kOutside;
  switch (state()) {
    case 'T':  // by a signal
    case 't':  // by a debugger
      return Place::kOutside;
    case 'S':
      return Place::kAsleep;
    default:
      return Place::kMayBeInside;
  }
}

ThawResult thaw_until_settled(int fd, LedgerEntry& entry, const FreezingThread& freezer) {
  using Place = FreezingThread::Place;
  constexpr auto kFreezing = static_cast<uint32_t>(FreezeState::kFreezing);
  ThawResult early{ThawResult::Kind::kNotFrozen};
  for (uint64_t wait_ns = kShortestWaitNs;;) {
    const Place place =
        entry.state.load() == kFreezing ? freezer.place() : Place::kMayBeInside;
    // Wait before the first FITHAW: a FIFREEZE that is about to fail with EBUSY returns at once, and a
    // FITHAW before that would end the freeze of another tool.
    if (place != Place::kOutside) wait_while(entry.state, kFreezing, monotonic_ns() + wait_ns);
    const bool has_ended = entry.state.load() != kFreezing;
    const ThawResult result = thaw_if_frozen(fd, entry);
    if (result.kind == ThawResult::Kind::kThawed && !has_ended) {
      early = result;
      entry.tell_thaw(GuardianThaw::kThawed, result.stamps.start_ns, result.stamps.end_ns);
      wake_all(entry.state);  // for may_be_stuck()
    }
    const bool is_early = early.kind == ThawResult::Kind::kThawed;
    // If the thread continued meanwhile, it may have frozen after that FITHAW.
    if (has_ended || (place == Place::kOutside && freezer.place() == Place::kOutside)) {
      return is_early && result.kind == ThawResult::Kind::kNotFrozen ? early : result;
    }
    const bool is_slow = is_early || place == Place::kAsleep;
    wait_ns = std::min(wait_ns * 2, is_slow ? kSlowestWaitNs : kLongestWaitNs);
  }
}

}  // namespace flashfreeze
