#include "number_line.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "js_errors.h"

namespace flashfreeze {
namespace {

// Seventeen numbers of 20 digits at most.
constexpr std::size_t kLongestLine = 512;

bool is_digit(char character) { return character >= '0' && character <= '9'; }

}  // namespace

// Between the barrier and the requests, for each disk: JavaScript takes three times as long for it.
void read_numbers(const Napi::CallbackInfo& info) {
  auto numbers = info[1].As<Napi::Float64Array>();
  double* const values = numbers.Data();
  char line[kLongestLine];
  const ssize_t length = pread(info[0].As<Napi::Number>().Int32Value(), line, sizeof line, 0);
  if (length < 0) throw to_js(info.Env(), SystemError(errno, "pread"));
  const char* next = line;
  const char* const end = line + length;
  for (std::size_t i = 0; i < numbers.ElementLength(); ++i) {
    while (next < end && !is_digit(*next)) ++next;
    values[i] = 0;
    for (; next < end && is_digit(*next); ++next) values[i] = values[i] * 10 + (*next - '0');
  }
}

}  // namespace flashfreeze
