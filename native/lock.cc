#include "lock.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "clock.h"
#include "safe_directory.h"
#include "system_error.h"
#include "thread.h"

namespace flashfreeze {
namespace {

constexpr uint64_t kAlarmRepeatNs = 10'000'000;

struct Registry {
  std::mutex mutex;  // guards files
  std::set<std::pair<dev_t, ino_t>> files;
};

// Process-wide as the locks are: all environments of the process share it.
Registry& registry() {
  static Registry* const instance = new Registry;
  return *instance;
}

void ignore_alarm(int) {}

/** A real-time signal nobody uses, with a handler that only interrupts (no SA_RESTART). */
int alarm_signal() {
  static const int chosen = [] {
    for (int number = SIGRTMAX; number >= SIGRTMIN; --number) {
      struct sigaction action {};
      if (sigaction(number, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
      action = {};
      action.sa_handler = ignore_alarm;
      if (sigaction(number, &action, nullptr) == 0) return number;
    }
    return 0;
  }();
  if (chosen == 0) throw SystemError(EAGAIN, "sigaction");
  return chosen;
}

struct flock whole_file(short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  return range;
}

}  // namespace

std::shared_ptr<RecordLock> RecordLock::acquire(const std::string& path, uint64_t deadline_ns,
                                                std::function<void(Outcome)> done) {
  alarm_signal();  // fails here rather than on the waiting thread
  std::shared_ptr<RecordLock> lock(new RecordLock(path));
  start_thread([lock, deadline_ns, done = std::move(done)] { done(lock->wait(deadline_ns)); });
  return lock;
}

Descriptor RecordLock::open_directory() const {
  const std::size_t slash = path_.rfind('/');
  if (slash == std::string::npos) throw SystemError(EINVAL, "open", path_);
  return open_safe_directory(path_.substr(0, std::max<size_t>(slash, 1)));
}

void RecordLock::open() {
  const std::string& path = path_;
  const Descriptor directory = open_directory();
  const std::string name = path.substr(path.rfind('/') + 1);
  const std::lock_guard<std::mutex> registered(registry().mutex);
  struct stat status {};
  // Looked up before it is opened: closing a second descriptor would drop the lock held on the first.
  if (fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      registry().files.contains({status.st_dev, status.st_ino})) {
    throw SystemError(EDEADLK, "fcntl", path);
  }
  constexpr int kFlags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  Descriptor file(openat(directory.get(), name.c_str(), kFlags));
  // Only then: O_CREAT blocks on a frozen file system even where the file exists, and whoever has
  // frozen it may hold this very lock.
  if (!file && errno == ENOENT) {
    file.reset(openat(directory.get(), name.c_str(), kFlags | O_CREAT, 0600));
  }
  if (!file) throw SystemError(errno, "open", path);
  if (fstat(file.get(), &status) != 0) throw SystemError(errno, "fstat", path);
  if (!S_ISREG(status.st_mode) || status.st_uid != 0) throw SystemError(EACCES, "open", path);
  const std::lock_guard<std::mutex> guard(mutex_);
  file_ = std::move(file);
  key_ = {status.st_dev, status.st_ino};
  registry().files.insert(key_);
}

/** Who held it may have removed the file: then the next one locks another file of that name. */
bool RecordLock::is_current() const {
  struct stat status {};
  const std::string name = path_.substr(path_.rfind('/') + 1);
  return fstatat(open_directory().get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         key_ == FileKey{status.st_dev, status.st_ino};
}

RecordLock::~RecordLock() { release(); }

RecordLock::Outcome RecordLock::wait(uint64_t deadline_ns) {
  Outcome outcome;
  outcome.error = wait_for_path(deadline_ns);
  if (outcome.error == ETIMEDOUT) outcome.holder = holder();
  if (outcome.error != 0) release();
  return outcome;
}

int RecordLock::wait_for_path(uint64_t deadline_ns) {
  try {
    for (;;) {
      const int error = wait_interruptibly(deadline_ns);
      if (error != 0 || is_current()) return error;
      release();
      open();
    }
  } catch (const SystemError& failure) {
    return failure.error();
  }
}

int RecordLock::wait_interruptibly(uint64_t deadline_ns) {
  if (const int error = start_alarm(deadline_ns)) return error;
  const int error = wait_for_lock(deadline_ns);
  end_alarm();
  return error;
}

int RecordLock::wait_for_lock(uint64_t deadline_ns) const {
  struct flock range = whole_file(F_WRLCK);
  while (fcntl(file_.get(), F_SETLKW, &range) != 0) {
    if (errno != EINTR) return errno;
    if (cancelled_.load()) return ECANCELED;
    if (monotonic_ns() >= deadline_ns) return ETIMEDOUT;
  }
  return 0;
}

// F_SETLKW has no time limit of its own. The timer's signal goes to this thread only and is repeated
// until the wait has ended, because one that arrives before the system call is entered is lost.
int RecordLock::start_alarm(uint64_t deadline_ns) {
  const std::lock_guard<std::mutex> guard(mutex_);
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, alarm_signal());
  pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);
  struct sigevent event {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = alarm_signal();
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  timer_t timer{};
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return errno;
  alarm_ = timer;
  set_alarm(cancelled_.load() ? 1 : deadline_ns);
  return 0;
}

void RecordLock::set_alarm(uint64_t at_ns) {
  itimerspec setting{};
  setting.it_value = to_timespec(std::max<uint64_t>(at_ns, 1));
  setting.it_interval = to_timespec(kAlarmRepeatNs);
  timer_settime(*alarm_, TIMER_ABSTIME, &setting, nullptr);
}

void RecordLock::end_alarm() {
  const std::lock_guard<std::mutex> guard(mutex_);
  if (alarm_) timer_delete(*alarm_);
  alarm_.reset();
}

pid_t RecordLock::holder() const {
  struct flock range = whole_file(F_WRLCK);
  if (fcntl(file_.get(), F_GETLK, &range) != 0 || range.l_type == F_UNLCK) return 0;
  return range.l_pid;
}

void RecordLock::cancel() {
  const std::lock_guard<std::mutex> guard(mutex_);
  cancelled_.store(true);
  if (alarm_) set_alarm(1);
}

void RecordLock::release() {
  const std::lock_guard<std::mutex> registered(registry().mutex);
  const std::lock_guard<std::mutex> guard(mutex_);
  if (!file_) return;
  file_.reset();  // drops the lock
  registry().files.erase(key_);
}

}  // namespace flashfreeze
