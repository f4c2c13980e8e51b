/*
 * For linux.uml as LD_PRELOAD, on a processor whose register state is larger than UML's buffer (2,696 bytes in Linux 5.10
 * to 6.12), such as one with AMX: there PTRACE_SETREGSET of NT_X86_XSTATE takes the whole state only, fails with
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

enum { kLargestState = 16384 };

/* Gives -errno: UML's signal handlers change errno, also between a call and the look at its result. */
static long call(long request, long pid, void *address, void *data) {
  long result = SYS_ptrace;
  register void *fourth asm("r10") = data;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(request), "S"(pid), "d"(address), "r"(fourth)
               : "rcx", "r11", "memory");
  return result;
}

static long set_whole_state(long pid, void *type, const struct iovec *given) {
  static unsigned char state[kLargestState];
  struct iovec whole = {state, sizeof(state)};
  const long result = call(PTRACE_GETREGSET, pid, type, &whole);
  if (result != 0) return result;
  if (whole.iov_len <= given->iov_len) return -EFAULT;
  memset(state, 0, whole.iov_len);
  memcpy(state, given->iov_base, given->iov_len);
  return call(PTRACE_SETREGSET, pid, type, &whole);
}

long ptrace(enum __ptrace_request request, ...) {
  va_list arguments;
  va_start(arguments, request);
  const long pid = va_arg(arguments, pid_t);
  void *address = va_arg(arguments, void *);
  void *data = va_arg(arguments, void *);
  va_end(arguments);
  /* A PEEK returns the word itself, as ptrace(2) says of the C library's wrapper. */
  long word = 0;
  const int peeks = request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA ||
                    request == PTRACE_PEEKUSER;
  long result = call((long)request, pid, address, peeks ? &word : data);
  const int is_too_short = request == PTRACE_SETREGSET && address == (void *)NT_X86_XSTATE &&
                           (result == -EFAULT || result == -EINVAL);
  if (is_too_short) result = set_whole_state(pid, address, data);
  errno = result < 0 ? (int)-result : 0;
  if (result < 0) return -1;
  return peeks ? word : result;
}
