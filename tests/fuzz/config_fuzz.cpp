// The configuration. The first octet chooses: 0 the rest is a file; otherwise the number of a key, and the rest is its
// value, as the environment or a flag gives it.
//   - a file is read, or refused with its name, and nothing is thrown;
//   - a value that is taken is shown in a form that is taken again and shown the same.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "agent/app/config.h"
#include "agent/base/fd.h"

namespace {

using namespace llmsnoop;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "violated: %s\n", what);
    std::abort();
}

void check_file(const std::string& text) {
    const base::Fd file(memfd_create("config", MFD_CLOEXEC));
    require(write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()), "the file is written");
    const std::string path = "/proc/self/fd/" + std::to_string(file.get());
    const auto config = app::load_config(path, {});
    if (config) return;
    require(config.error().kind == base::Error::Kind::usage, "a file that cannot be read is a usage error");
    // What is wrong with the values together is said with the name of the key.
    const std::string& message = config.error().message;
    require(message.starts_with(path + ":") || message.starts_with("capture."), "the error says where");
}

void check_value(const app::ConfigKey& key, const std::string& value) {
    app::Config config;
    if (!key.set(config, {value}) || key.type == "list") return;
    const std::string shown = key.show(config);
    app::Config again;
    require(static_cast<bool>(key.set(again, {shown})), "what is shown is taken again");
    require(key.show(again) == shown, "and is shown the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto& keys = app::config_keys();
    if (data[0] == 0)
        check_file(text);
    else
        check_value(keys[data[0] % keys.size()], text);
    return 0;
}
