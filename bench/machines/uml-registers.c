/*
 * For linux.uml as LD_PRELOAD, on a processor whose register state is larger than UML's buffer (2,696 bytes before
 * Linux 6.15), such as one with AMX: there PTRACE_SETREGSET of NT_X86_XSTATE takes the whole state only, fails with
 * EFAULT, and UML panics with its first process. This adds zeros: the header in the first 576 bytes says which
 * parts of the state are in use, and none behind UML's buffer is.
 * Source of the rule: xstateregs_set in arch/x86/kernel/fpu/regset.c of the host's kernel.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kLargestState = 16384 };

static long set_whole_state(pid_t pid, void *type, const struct iovec *given) {
  static unsigned char state[kLargestState];
  struct iovec whole = {state, sizeof(state)};
  if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, type, &whole) != 0) return -1;
  if (whole.iov_len <= given->iov_len) {
    errno = EFAULT;
    return -1;
  }
  memset(state, 0, whole.iov_len);
  memcpy(state, given->iov_base, given->iov_len);
  return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, type, &whole);
}

/* A PEEK returns the word itself, as ptrace(2) says of the C library's wrapper. */
static long peek(int request, pid_t pid, void *address) {
  long word = 0;
  const long result = syscall(SYS_ptrace, request, pid, address, &word);
  if (result == 0) errno = 0;
  return result == 0 ? word : -1;
}

long ptrace(enum __ptrace_request request, ...) {
  va_list arguments;
  va_start(arguments, request);
  const pid_t pid = va_arg(arguments, pid_t);
  void *address = va_arg(arguments, void *);
  void *data = va_arg(arguments, void *);
  va_end(arguments);
  if (request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER) {
    return peek((int)request, pid, address);
  }
  const long result = syscall(SYS_ptrace, request, pid, address, data);
  const int is_too_short = result != 0 && request == PTRACE_SETREGSET &&
                           address == (void *)NT_X86_XSTATE && (errno == EFAULT || errno == EINVAL);
  return is_too_short ? set_whole_state(pid, address, data) : result;
}
