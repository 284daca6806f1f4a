#include "agent/app/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <set>
#include <sstream>
#include <utility>

#include "agent/base/fd.h"
#include "agent/tokens/yaml_document.h"

namespace llmsnoop::app {

namespace {

base::Error usage(std::string message) {
    return base::error(std::move(message), base::Error::Kind::usage);
}

// "file:line: key: problem", lines counted from 1.
base::Error at(const std::string& path, const YAML::Mark& mark, const std::string& key, const std::string& problem) {
    std::string out = mark.is_null() ? path : fmt::format("{}:{}", path, mark.line + 1);
    for (const std::string& part : {key, problem}) {
        if (!part.empty()) out += ": " + part;
    }
    return usage(std::move(out));
}

const ConfigKey* find_key(const std::string& section, const std::string& key) {
    const auto& keys = config_keys();
    const auto at = std::find_if(keys.begin(), keys.end(),
                                 [&](const ConfigKey& one) { return one.section == section && one.key == key; });
    return at == keys.end() ? nullptr : &*at;
}

bool known_section(const std::string& section) {
    const auto& keys = config_keys();
    return std::any_of(keys.begin(), keys.end(), [&](const ConfigKey& one) { return one.section == section; });
}

base::Result<std::vector<std::string>> values_of(const std::string& path, const ConfigKey& key,
                                                 const YAML::Node& node) {
    std::vector<std::string> out;
    if (key.takes_many() && (key.type == "list" || node.IsSequence())) {
        if (!node.IsSequence()) return at(path, node.Mark(), key.name(), "a list is wanted, such as [a, b]");
        for (const YAML::Node& one : node) {
            if (!one.IsScalar()) return at(path, one.Mark(), key.name(), "a list of plain values is wanted");
            out.push_back(one.Scalar());
        }
        return out;
    }
    if (node.IsNull()) return std::vector<std::string>{""};
    if (!node.IsScalar()) return at(path, node.Mark(), key.name(), "a single value is wanted");
    return std::vector<std::string>{node.Scalar()};
}

// Each key of a section, or section of the file, once: the second of two would silently win.
base::Result<void> once(std::set<std::string>& seen, const std::string& path, const YAML::Node& node,
                        const std::string& name) {
    if (seen.insert(name).second) return {};
    return at(path, node.Mark(), name, "stands here a second time");
}

base::Result<void> read_section(const std::string& path, const std::string& section, const YAML::Node& body,
                                Config& config) {
    std::set<std::string> seen;
    for (const auto& item : body) {
        const std::string key_text = item.first.IsScalar() ? item.first.Scalar() : "";
        const std::string name = section + "." + key_text;
        const ConfigKey* key = find_key(section, key_text);
        if (key == nullptr) return at(path, item.first.Mark(), name, "no such key");
        if (auto unique = once(seen, path, item.first, name); !unique) return unique;
        const auto values = values_of(path, *key, item.second);
        if (!values) return values.error();
        if (auto set = key->set(config, *values); !set)
            return at(path, item.second.Mark(), key->name(), set.error().message);
        config.origins[name] = at(path, item.first.Mark(), name, "").message;
    }
    return {};
}

base::Result<std::string> text_of_file(const std::string& path) {
    const base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    std::array<char, 16384> buffer{};
    for (;;) {
        const ssize_t got = fd ? ::read(fd.get(), buffer.data(), buffer.size()) : -1;
        if (got < 0 && fd && errno == EINTR) continue;
        if (got < 0) return usage(base::system_error(path).message);  // a directory can be opened, but not read
        if (got == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

base::Result<void> read_sections(const std::string& path, const YAML::Node& root, Config& config) {
    if (root.IsNull()) return {};
    if (!root.IsMap()) return at(path, root.Mark(), "", "sections are wanted, such as `metrics:`");
    std::set<std::string> seen;
    for (const auto& item : root) {
        const std::string section = item.first.IsScalar() ? item.first.Scalar() : "";
        if (!known_section(section)) return at(path, item.first.Mark(), section, "no such section");
        if (auto unique = once(seen, path, item.first, section); !unique) return unique;
        if (item.second.IsNull()) continue;
        if (!item.second.IsMap()) return at(path, item.second.Mark(), section, "keys are wanted below a section");
        if (auto read = read_section(path, section, item.second, config); !read) return read;
    }
    return {};
}

base::Result<void> read_file(const std::string& path, Config& config) {
    const auto text = text_of_file(path);
    if (!text) return text.error();
    try {  // yaml-cpp reports by exceptions; they end here
        return read_sections(path, tokens::load_only_document(*text), config);
    } catch (const YAML::Exception& problem) {
        return at(path, problem.mark, "", problem.msg);
    }
}

base::Result<void> read_environment(Config& config) {
    for (const ConfigKey& key : config_keys()) {
        const char* value = std::getenv(key.environment().c_str());
        if (value == nullptr) continue;
        std::vector<std::string> values{value};
        if (key.takes_many()) {
            values.clear();
            std::istringstream parts(value);
            for (std::string one; std::getline(parts, one, ',');)
                values.push_back(one);
        }
        if (auto set = key.set(config, values); !set) return usage(key.environment() + ": " + set.error().message);
        config.origins[key.name()] = key.environment();
    }
    return {};
}

// What no key can know alone.
base::Result<void> check(const Config& config) {
    if (config.capture.ring_bytes / std::max<std::uint64_t>(1, config.capture.rings) >= 4096) return {};
    const bool by_rings = config.origins.contains("capture.rings");
    return usage(config.origin_of(by_rings ? "capture.rings" : "capture.ring_bytes") +
                 ": that leaves less than 4096 of capture.ring_bytes for each ring");
}

}  // namespace

const std::string& Config::origin_of(const std::string& key) const {
    const auto found = origins.find(key);
    return found == origins.end() ? key : found->second;
}

base::Result<Config> load_config(const std::string& path, const std::vector<ConfigFlag>& flags) {
    Config config;
    if (!path.empty()) {
        if (auto read = read_file(path, config); !read) return read.error();
    }
    if (auto read = read_environment(config); !read) return read.error();
    for (const ConfigFlag& flag : flags) {
        const std::string spelled = flag.spelled.empty() ? flag.key->flag() : flag.spelled;
        if (auto set = flag.key->set(config, flag.values); !set) return usage(spelled + ": " + set.error().message);
        config.origins[flag.key->name()] = spelled;
    }
    if (auto fits = check(config); !fits) return fits.error();
    return config;
}

}  // namespace llmsnoop::app
