/**
 * Makes the addon run with glibc 2.28 (RHEL 8, Debian 10), the oldest that Node.js runs with, although it is
 * built with a newer one. After 2.28 some functions got new names or new versions, and a program that is linked
 * with the new ones does not load with the old library. The linker redirects the calls of the addon and of its
 * statically linked libraries to this file (--wrap in binding.gyp), which calls functions that 2.28 has too.
 * `npm run package` refuses an addon that needs anything newer.
 */
#include <pthread.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstdlib>

#if defined(__x86_64__)
#define OLDEST "GLIBC_2.2.5"
constexpr int kStatVersion = 1;
#elif defined(__aarch64__)
#define OLDEST "GLIBC_2.17"
constexpr int kStatVersion = 0;
#else
#error "flashfreeze is built for x86-64 and 64-bit ARM"
#endif

#define OLD(name, since) __asm__(".symver old_" #name "," #name "@" since)

extern "C" {

OLD(pthread_create, OLDEST);
OLD(pthread_attr_setstacksize, OLDEST);
OLD(pthread_sigmask, OLDEST);
OLD(__fxstat64, OLDEST);

int old_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
int old_pthread_attr_setstacksize(pthread_attr_t*, size_t);
int old_pthread_sigmask(int, const sigset_t*, sigset_t*);
int old___fxstat64(int, int, struct stat64*);

int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                          void* (*start)(void*), void* argument) {
  return old_pthread_create(thread, attributes, start, argument);
}

int __wrap_pthread_attr_setstacksize(pthread_attr_t* attributes, size_t bytes) {
  return old_pthread_attr_setstacksize(attributes, bytes);
}

int __wrap_pthread_sigmask(int how, const sigset_t* set, sigset_t* former) {
  return old_pthread_sigmask(how, set, former);
}

int __wrap_fstat64(int fd, struct stat64* status) {
  return old___fxstat64(kStatVersion, fd, status);
}

uint32_t __wrap_arc4random() {
  uint32_t number = 0;
  // So few bytes are never returned in part, and the system's random source has long been ready.
  if (getrandom(&number, sizeof number, 0) != sizeof number) abort();
  return number;
}

/** If this is not 0, the C++ library omits atomic operations; with Node.js it never may. */
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;
}
