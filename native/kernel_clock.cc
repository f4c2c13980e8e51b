#include "kernel_clock.h"

#include <sys/timex.h>

namespace flashfreeze {

Napi::Value kernel_clock(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  timex clock{};  // no modes: nothing is changed
  if (adjtimex(&clock) == -1) return env.Null();
  auto answer = Napi::Object::New(env);
  answer.Set("isUnsynchronized", Napi::Boolean::New(env, (clock.status & STA_UNSYNC) != 0));
  answer.Set("maxErrorUs", Napi::Number::New(env, static_cast<double>(clock.maxerror)));
  return answer;
}

}  // namespace flashfreeze
