#include "hard_to_kill.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace flashfreeze {

void make_hard_to_kill() {
  if (const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); fd >= 0) {
    [[maybe_unused]] const ssize_t written = write(fd, "-1000", 5);
    close(fd);
  }
  setpriority(PRIO_PROCESS, 0, -20);
  mlockall(MCL_CURRENT | MCL_FUTURE);
}

void forbid_core_dump() { prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

}  // namespace flashfreeze
