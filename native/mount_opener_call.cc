#include "mount_opener_call.h"

#include <memory>
#include <utility>
#include <vector>

#include "arguments.h"
#include "js_errors.h"
#include "mount_opener.h"
#include "pending_call.h"

namespace flashfreeze {

Napi::Value open_mount_points(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto paths = to_strings(info[0].As<Napi::Array>());
  const uint64_t limit_ns = to_ns(info[1]);
  return guarded(env, [&] {
    auto call = PendingCall::start(env, info[2].As<Napi::Function>());
    auto opener = call->begin([&] {
      return MountOpener::open(std::move(paths), limit_ns, [call](auto opened) {
        // Copied with the call: who is not heard any more lets go of what was opened.
        auto all = std::make_shared<std::vector<OpenedMountPoint>>(std::move(opened));
        call->finish([all](Napi::Env env, Napi::Function done) {
          auto descriptors = Napi::Array::New(env, all->size());
          auto errors = Napi::Array::New(env, all->size());
          for (uint32_t i = 0; i < all->size(); ++i) {
            descriptors.Set(i, (*all)[i].descriptor.release());
            errors.Set(i, (*all)[i].error);
          }
          done.Call({descriptors, errors});
        });
      });
    });
    call->on_clean_up([opener] { opener->cancel(); });
    // What JavaScript held of it would stay open until garbage is collected.
    return env.Undefined();
  });
}

}  // namespace flashfreeze
