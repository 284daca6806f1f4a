#pragma once
// A borrowed callable: two words, no allocation. The callable must outlive the reference, so take it only as a
// parameter.
#include <memory>
#include <type_traits>
#include <utility>

namespace llmsnoop::base {

template <typename Signature>
class FunctionRef;

template <typename Out, typename... In>
class FunctionRef<Out(In...)> {
 public:
    template <typename Callable>
    requires(!std::is_same_v<std::remove_cvref_t<Callable>, FunctionRef>)
        FunctionRef(Callable&& callable)  // NOLINT(google-explicit-constructor,bugprone-forwarding-reference-overload)
        : object_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
          call_([](void* object, In... in) -> Out {
              return (*static_cast<std::remove_reference_t<Callable>*>(object))(std::forward<In>(in)...);
          }) {}

    Out operator()(In... in) const { return call_(object_, std::forward<In>(in)...); }

 private:
    void* object_;
    Out (*call_)(void*, In...);
};

}  // namespace llmsnoop::base
