#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "freezer.h"

namespace flashfreeze {

inline std::vector<std::string> to_strings(const Napi::Array& array) {
  std::vector<std::string> strings;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    strings.push_back(array.Get(i).As<Napi::String>().Utf8Value());
  }
  return strings;
}

inline Freezer::Indexes to_indexes(const Napi::CallbackInfo& info) {
  const auto array = info[0].As<Napi::Array>();
  Freezer::Indexes indexes(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) {
    indexes[i] = array.Get(i).As<Napi::Number>().Uint32Value();
  }
  return indexes;
}

inline uint64_t to_ns(const Napi::Value& value) {
  bool lossless = false;
  const uint64_t ns = value.As<Napi::BigInt>().Uint64Value(&lossless);
  if (!lossless) throw Napi::RangeError::New(value.Env(), "time in ns is out of range");
  return ns;
}

}  // namespace flashfreeze
