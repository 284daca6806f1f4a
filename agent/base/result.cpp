#include "agent/base/result.h"

#include <cerrno>
#include <system_error>

namespace llmsnoop::base {

Error system_error(std::string what, int code) {
    Error out;
    out.message = std::move(what) + ": " + std::generic_category().message(code);
    if (code == EPERM || code == EACCES) out.kind = Error::Kind::privilege;
    if (code == EOPNOTSUPP || code == ENOSYS) out.kind = Error::Kind::unsupported;
    return out;
}

Error system_error(std::string what) {
    return system_error(std::move(what), errno);
}

}  // namespace llmsnoop::base
