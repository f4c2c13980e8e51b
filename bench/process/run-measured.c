/*
 * Runs a command and says what it used. A program of its own because Node cannot wait4(2), and
 * because a process that has grown large itself would give its own size to what it starts.
 *
 *   run-measured <command> [<argument>...]
 *
 * Descriptor 3 gets one line of JSON when the command has ended:
 *   {"pid":…,"exitCode":…,"signal":…,"userUs":…,"systemUs":…,"peakRssKb":…}
 * CPU time includes that of the children the command has waited for; the peak is that of its largest
 * process. SIGTERM and SIGINT go to the command; it is killed when this program dies.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t child;

static void pass_on(int signal) {
  if (child > 0) kill((pid_t)child, signal);
}

static long long microseconds(struct timeval time) {
  return (long long)time.tv_sec * 1000000 + time.tv_usec;
}

static int start(char **command) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  close(3);
  execvp(command[0], command);
  fprintf(stderr, "run-measured: %s: %s\n", command[0], strerror(errno));
  _exit(127);
}

int main(int count, char **arguments) {
  if (count < 2) {
    fputs("usage: run-measured <command> [<argument>...]\n", stderr);
    return 2;
  }
  const struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  child = start(arguments + 1);
  if (child < 0) {
    perror("run-measured: fork");
    return 1;
  }
  int status = 0;
  struct rusage usage;
  while (wait4((pid_t)child, &status, 0, &usage) < 0) {
    if (errno != EINTR) return 1;
  }
  dprintf(3,
          "{\"pid\":%d,\"exitCode\":%d,\"signal\":%d,\"userUs\":%lld,\"systemUs\":%lld,"
          "\"peakRssKb\":%ld}\n",
          (int)child, WIFEXITED(status) ? WEXITSTATUS(status) : 128,
          WIFSIGNALED(status) ? WTERMSIG(status) : 0, microseconds(usage.ru_utime),
          microseconds(usage.ru_stime), usage.ru_maxrss);
  return 0;
}
