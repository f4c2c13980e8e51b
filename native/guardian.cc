/**
 * The guardian is the watchdog of the worker, the process that freezes. It thaws when the deadline passes, when
 * the worker's end of the control pipe or its lifeline is closed, when the worker is dead, or when it gets the
 * command or a signal to stop. It writes no file, allocates nothing after the line "ready", and its memory is
 * locked, so that it never waits for a frozen file system.
 *
 * Descriptors from src/freezer/guardian-process.ts: 0 control (each command is one byte), 1 report (lines of
 * text), 3 ledger, 4 /sys/kernel/rcu_expedited or /dev/null, 5 a pipe that is only held open (the worker sees
 * its end of file when the guardian dies), 6 the worker's lifeline (see thread.h), 7… the mount points in the
 * ledger's order. Argument: the number of a LeverAction; without it there is no last lever.
 */
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <vector>

#include "descriptor.h"
#include "fanotify_lever.h"
#include "freeze_calls.h"
#include "freezing_thread.h"
#include "grace.h"
#include "hard_to_kill.h"
#include "ledger.h"
#include "system_error.h"
#include "thread.h"
#include "timer.h"

namespace flashfreeze {
namespace {

enum Inherited { kControl = 0, kReport = 1, kLedger = 3, kGrace = 4, kLifeline = 6, kFirstMountPoint = 7 };

// How much later the guardian's deadline is than the worker's own. Normally the worker thaws, within about
// 10 ms of the deadline even on a busy machine, and only one of them should thaw: the guardian does it if
// the worker is stopped, stuck or dead.
constexpr uint64_t kBehindWorkerNs = 300'000'000;

// A FITHAW that fails with an error other than EINVAL is repeated until it succeeds: no other process would do it.
constexpr useconds_t kShortestPauseUs = 100'000;
constexpr useconds_t kLongestPauseUs = 1'000'000;

// The lever is pulled again while something is stuck, at growing intervals, because it refuses opens while it
// works. The first interval is longer than its grace and its limit together.
constexpr uint64_t kFirstPullAgainNs = 6'000'000'000;
constexpr uint64_t kLastPullAgainNs = 60'000'000'000;

constexpr std::size_t kStackBytes = 32 * 1024;

// Reasons to thaw, in the form that the worker reads.
constexpr const char* kControlClosed = "control-closed";
constexpr const char* kWorkerDead = "worker-dead";

/** Sends a line to the worker. If the worker is gone, the line is lost, which does no harm. */
__attribute__((format(printf, 1, 2))) void report(const char* format, ...) {
  char line[96];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  while (write(kReport, line, static_cast<size_t>(length)) < 0 && errno == EINTR) {
  }
}

/** The thaw of one file system, by a thread of the crew, which waits for the order. */
struct Thaw {
  int mount_point = -1;
  bool is_harmed_by_kill = false;
  LedgerEntry* entry = nullptr;
  ThawResult told{ThawResult::Kind::kNothing};  // result of the first attempt
};

class Guardian {
 public:
  Guardian(Ledger ledger, std::shared_ptr<FanotifyLever> lever);
  int run();

 private:
  enum Order : uint32_t { kWait, kGo, kGoAfterDeath };

  void thaw_on_order(Thaw& thaw);
  static void enter_in_ledger(LedgerEntry& entry, const ThawResult& result,
                              const FreezingThread& freezer);
  void wait_for_first_attempts();
  void wait_for_reason();
  const char* obey_command();
  const char* time_is_up();
  bool nothing_owed() const;
  void thaw_all();
  int tell_worker();

  Ledger ledger_;
  std::shared_ptr<FanotifyLever> lever_;  // null if it is switched off
  std::vector<Thaw> thaws_;
  Timer timer_;
  Descriptor signals_;
  Descriptor worker_process_;
  FutexWord order_{kWait};
  FutexWord attempting_{0};  // threads whose first attempt has not ended
  Crew crew_;
  uint64_t deadline_ns_ = 0;  // of the whole run
  const char* reason_ = nullptr;  // to thaw
};

Descriptor stopping_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) sigaddset(&set, signal);
  return Descriptor(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

Guardian::Guardian(Ledger ledger, std::shared_ptr<FanotifyLever> lever)
    : ledger_(std::move(ledger)),
      lever_(std::move(lever)),
      thaws_(ledger_.header().count),
      signals_(stopping_signals()),
      // Before Linux 5.3 there are no pidfds; then only the end of the control pipe shows the death.
      worker_process_(static_cast<int>(syscall(SYS_pidfd_open, ledger_.header().worker, 0))) {
  if (!signals_) throw SystemError(errno, "signalfd");
  for (std::size_t i = 0; i < thaws_.size(); ++i) {
    thaws_[i].mount_point = kFirstMountPoint + static_cast<int>(i);
    thaws_[i].is_harmed_by_kill = is_harmed_by_killed_thaw(thaws_[i].mount_point);
    thaws_[i].entry = &ledger_.entry(i);
    crew_.start(thaws_[i].mount_point, [this, i] { thaw_on_order(thaws_[i]); }, kStackBytes);
  }
  crew_.wait_until_ready();
}

void Guardian::thaw_on_order(Thaw& thaw) {
  LedgerEntry& entry = *thaw.entry;
  const FreezingThread freezer(ledger_.header().worker, entry.freezing_thread.load());
  attempting_.fetch_add(1);
  crew_.tell_ready();
  wait_while(order_, kWait);
  if (order_.load() == kGoAfterDeath && thaw.is_harmed_by_kill) usleep(kSecondDeathNs / 1000);
  thaw.told = thaw_until_settled(thaw.mount_point, entry, freezer);
  enter_in_ledger(entry, thaw.told, freezer);
  attempting_.fetch_sub(1);
  wake_all(attempting_);
  ThawResult result = thaw.told;
  for (auto pause_us = kShortestPauseUs; result.kind == ThawResult::Kind::kFailed;
       pause_us = std::min(2 * pause_us, kLongestPauseUs)) {
    usleep(pause_us);
    result = thaw_until_settled(thaw.mount_point, entry, freezer);
    enter_in_ledger(entry, result, freezer);
  }
}

/** Writes the details before the state, because the worker reads them when it sees the state. */
void Guardian::enter_in_ledger(LedgerEntry& entry, const ThawResult& result,
                               const FreezingThread& freezer) {
  const bool thawed = result.kind == ThawResult::Kind::kThawed;
  if (!thawed && result.kind != ThawResult::Kind::kNotFrozen) return;
  // A thread that was stopped right before FIFREEZE calls it when it continues: then a thaw is due, by the worker, whose
  // deadline is over or which loses its guardian.
  if (!thawed && entry.load() == FreezeState::kFreezing && !freezer.is_dead()) return;
  entry.tell_thaw(thawed ? GuardianThaw::kThawed : GuardianThaw::kFoundThawed,
                  result.stamps.start_ns, result.stamps.end_ns);
  entry.exchange_if(FreezeState::kFreezing, FreezeState::kThawed);
  entry.exchange_if(FreezeState::kFrozen, FreezeState::kThawed);
}

bool Guardian::nothing_owed() const {
  return std::ranges::none_of(thaws_, [](const Thaw& thaw) {
    const FreezeState state = thaw.entry->load();
    return state == FreezeState::kRequested || state == FreezeState::kFrozen ||
           thaw.entry->may_be_stuck();
  });
}

/** Reads one command. Returns the reason to thaw, or null to continue. */
const char* Guardian::obey_command() {
  char command = 0;
  ssize_t length = 0;
  do {
    length = read(kControl, &command, 1);
  } while (length < 0 && errno == EINTR);
  if (length <= 0) return kControlClosed;
  if (command == 'q') return "released";
  if (command == 'a') {
    deadline_ns_ = ledger_.header().deadline_ns.load();
    timer_.set(deadline_ns_ + kBehindWorkerNs);
    report("armed %llu\n", static_cast<unsigned long long>(deadline_ns_));
  } else if (command == 'l') {
    const uint64_t limit_ns = ledger_.header().deadline_ns.load();
    if (limit_ns != 0) timer_.set(limit_ns + kBehindWorkerNs);
  } else if (command == 'd' && nothing_owed()) {
    timer_.set(0);
  }
  return nullptr;
}

/** Null if it was the limit of a wave and the worker has acted on it: then wait for the deadline of the whole run. */
const char* Guardian::time_is_up() {
  if (!timer_.has_expired()) return nullptr;
  const LedgerHeader& header = ledger_.header();
  const bool is_seen_to = header.seen_to_ns.load() == header.deadline_ns.load();
  if (!is_seen_to || monotonic_ns() >= deadline_ns_ + kBehindWorkerNs) return "deadline";
  timer_.set(deadline_ns_ + kBehindWorkerNs);
  return nullptr;
}

void Guardian::wait_for_reason() {
  pollfd files[] = {{kControl, POLLIN, 0},
                    {timer_.descriptor(), POLLIN, 0},
                    {signals_.get(), POLLIN, 0},
                    {worker_process_.get(), POLLIN, 0},
                    {kLifeline, 0, 0}};
  while (reason_ == nullptr) {
    if (poll(files, 5, -1) < 0) continue;  // EINTR
    if (files[0].revents != 0) reason_ = obey_command();
    if (files[1].revents != 0 && reason_ == nullptr) reason_ = time_is_up();
    if (files[2].revents != 0) reason_ = "signal";
    // If a thread of a dead worker hangs in a write to a frozen file system, only the lifeline shows the death.
    if (files[3].revents != 0 || files[4].revents != 0) reason_ = kWorkerDead;
  }
}

// Revoke the permission first, then read the states; the worker's freezing threads use the opposite order, so
// that no freeze can begin unseen.
void Guardian::thaw_all() {
  ledger_.header().revoked.store(1);
  for (const Thaw& thaw : thaws_) {
    thaw.entry->exchange_if(FreezeState::kRequested, FreezeState::kRefused);
    const FreezeState state = thaw.entry->load();
    if (state == FreezeState::kFreezing || state == FreezeState::kFrozen) {
      thaw.entry->tell_guardian(GuardianThaw::kTrying);
    }
  }
  const bool after_death = reason_ == kControlClosed || reason_ == kWorkerDead;
  order_.store(after_death ? kGoAfterDeath : kGo);
  wake_all(order_);
  restore_grace_periods(kGrace, ledger_.header());
  wait_for_first_attempts();
}

// The lever is for a FIFREEZE that no FITHAW releases; the worker may be dead and cannot release it itself.
void Guardian::wait_for_first_attempts() {
  uint64_t again_after_ns = kFirstPullAgainNs;
  uint64_t pull_ns = monotonic_ns();
  while (!wait_until_is(attempting_, 0, pull_ns)) {
    if (lever_ && !nothing_owed()) lever_->pull();
    pull_ns = monotonic_ns() + again_after_ns;
    again_after_ns = std::min(2 * again_after_ns, kLastPullAgainNs);
  }
}

int Guardian::tell_worker() {
  bool has_failed = false;
  for (std::size_t i = 0; i < thaws_.size(); ++i) {
    const auto& [kind, error, stamps] = thaws_[i].told;
    const auto end_ns = static_cast<unsigned long long>(stamps.end_ns);
    if (kind == ThawResult::Kind::kThawed) report("thawed %zu %llu\n", i, end_ns);
    if (kind == ThawResult::Kind::kNotFrozen) report("not-frozen %zu %llu\n", i, end_ns);
    if (kind == ThawResult::Kind::kFailed) report("failed %zu %d\n", i, error);
    has_failed |= kind == ThawResult::Kind::kFailed;
  }
  report("done %s\n", reason_);
  return has_failed ? 1 : 0;
}

int Guardian::run() {
  report("ready %d\n", getpid());
  wait_for_reason();
  thaw_all();
  if (lever_) lever_->close();
  const int failed = tell_worker();
  crew_.wait_for_end(kForever);
  return failed;
}

int guard(int argc, char** argv) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  make_hard_to_kill();
  forbid_core_dump();
  try {
    const auto action = static_cast<LeverAction>(argc > 1 ? atoi(argv[1]) : 0);
    const auto lever = argc > 1 ? FanotifyLever::create(action, kLedger, {}) : nullptr;
    return Guardian(Ledger::map_existing(kLedger), lever).run();
  } catch (const SystemError& failure) {
    report("error %s %d\n", failure.syscall(), failure.error());
    return 2;
  }
}

}  // namespace
}  // namespace flashfreeze

int main(int argc, char** argv) { return flashfreeze::guard(argc, argv); }
