#include "last_lever_object.h"

#include "js_errors.h"
#include "permission_group.h"

namespace flashfreeze {
namespace {

uint64_t to_ns(const Napi::Value& milliseconds) {
  return static_cast<uint64_t>(milliseconds.As<Napi::Number>().Int64Value()) * 1'000'000;
}

}  // namespace

Napi::Function LastLeverObject::define(Napi::Env env) {
  return DefineClass(env, "LastLever",
                     {InstanceMethod<&LastLeverObject::outcome>("outcome"),
                      InstanceMethod<&LastLeverObject::close>("close")});
}

LastLeverObject::LastLeverObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<LastLeverObject>(info), env_(info.Env()) {
  const int ledger = info[0].As<Napi::Number>();
  const auto action = static_cast<LeverAction>(info[1].As<Napi::Number>().Uint32Value());
  const FanotifyLever::Times times{to_ns(info[2]), to_ns(info[3])};
  lever_ = guarded(env_, [&] { return FanotifyLever::create(action, ledger, times); });
  napi_add_env_cleanup_hook(env_, clean_up, this);
}

void LastLeverObject::end() {
  if (ended_ || !lever_) return;
  ended_ = true;
  napi_remove_env_cleanup_hook(env_, clean_up, this);
  lever_->close();
}

Napi::Value LastLeverObject::outcome(const Napi::CallbackInfo& info) {
  const std::vector<pid_t> pids = lever_->killed();
  auto killed = Napi::Array::New(info.Env(), pids.size());
  for (uint32_t i = 0; i < pids.size(); ++i) killed.Set(i, pids[i]);
  auto outcome = Napi::Object::New(info.Env());
  outcome.Set("answered", lever_->answered());
  outcome.Set("killed", killed);
  return outcome;
}

Napi::Value try_permission_group(const Napi::CallbackInfo& info) {
  int error = 0;
  try {
    duplicate_permission_group({info[0].As<Napi::Number>(), info[1].As<Napi::Number>()});
  } catch (const SystemError& failure) {
    error = failure.error();
  }
  return Napi::Number::New(info.Env(), error);
}

}  // namespace flashfreeze
