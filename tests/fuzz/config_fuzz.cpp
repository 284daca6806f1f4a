// The configuration. The first octet chooses: 0 the rest is a file; otherwise the number of a key, and the rest is its
// value, as the environment or a flag gives it.
//   - a file is read, or refused with its name, and nothing is thrown;
//   - a value in UTF-8 that is taken is shown in a form that a file takes again, and is then shown the same.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/app/config.h"
#include "agent/base/fd.h"
#include "agent/base/utf8.h"

namespace {

using namespace llmsnoop;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "violated: %s\n", what);
    std::abort();
}

base::Result<app::Config> load(const std::string& text, std::string& path) {
    const base::Fd file(memfd_create("config", MFD_CLOEXEC));
    require(write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()), "the file is written");
    path = "/proc/self/fd/" + std::to_string(file.get());
    return app::load_config(path, {});
}

void check_file(const std::string& text) {
    std::string path;
    const auto config = load(text, path);
    if (config) return;
    require(config.error().kind == base::Error::Kind::usage, "a file that cannot be read is a usage error");
    require(config.error().message.starts_with(path + ":"), "the error says where");
}

// YAML has no way to write anything else.
bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const base::CodePoint next = base::decode_utf8(text);
        if (!next.valid) return false;
        text.remove_prefix(next.length);
    }
    return true;
}

void check_value(const app::ConfigKey& key, const std::string& value) {
    app::Config config;
    if (!is_utf8(value) || !key.set(config, {value})) return;
    const std::string shown = key.show(config);
    std::string path;
    const auto again = load(key.section + ":\n  " + key.key + ": " + shown + "\n", path);
    require(static_cast<bool>(again), "what is shown is taken again");
    require(key.show(*again) == shown, "and is shown the same");
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
