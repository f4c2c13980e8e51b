#pragma once

#include <napi.h>

#include "system_error.h"

namespace flashfreeze {

inline Napi::Error to_js(Napi::Env env, const SystemError& failure) {
  Napi::Error error = Napi::Error::New(env, failure.what());
  error.Set("errno", static_cast<double>(failure.error()));
  error.Set("syscall", failure.syscall());
  error.Set("path", failure.path());
  return error;
}

/** Runs `body` and converts its SystemError or UsageError to a JavaScript exception. */
template <typename Body>
auto guarded(Napi::Env env, Body body) {
  try {
    return body();
  } catch (const SystemError& failure) {
    throw to_js(env, failure);
  } catch (const UsageError& failure) {
    throw Napi::Error::New(env, failure.what());
  }
}

}  // namespace flashfreeze
