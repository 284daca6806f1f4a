#include "agent/app/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace llmsnoop::app {

namespace {

base::Error usage(std::string message) {
    return base::error(std::move(message), base::Error::Kind::usage);
}

// "file:line: key: problem", lines counted from 1.
base::Error at(const std::string& path, const YAML::Mark& mark, const std::string& key, const std::string& problem) {
    return usage(fmt::format("{}:{}: {}{}{}", path, mark.line + 1, key, key.empty() ? "" : ": ", problem));
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

base::Result<void> read_section(const std::string& path, const std::string& section, const YAML::Node& body,
                                Config& config) {
    for (const auto& item : body) {
        const std::string name = item.first.Scalar();
        const ConfigKey* key = find_key(section, name);
        if (key == nullptr) return at(path, item.first.Mark(), section + "." + name, "no such key");
        const auto values = values_of(path, *key, item.second);
        if (!values) return values.error();
        if (auto set = key->set(config, *values); !set)
            return at(path, item.second.Mark(), key->name(), set.error().message);
    }
    return {};
}

base::Result<void> read_file(const std::string& path, Config& config) {
    std::ifstream in(path);
    if (!in) return usage(path + ": cannot be read");
    std::ostringstream text;
    text << in.rdbuf();
    try {  // yaml-cpp reports by exceptions; they end here
        const YAML::Node root = YAML::Load(text.str());
        if (root.IsNull()) return {};
        if (!root.IsMap()) return at(path, root.Mark(), "", "sections are wanted, such as `metrics:`");
        for (const auto& item : root) {
            const std::string section = item.first.Scalar();
            if (!known_section(section)) return at(path, item.first.Mark(), section, "no such section");
            if (item.second.IsNull()) continue;
            if (!item.second.IsMap()) return at(path, item.second.Mark(), section, "keys are wanted below a section");
            if (auto read = read_section(path, section, item.second, config); !read) return read;
        }
    } catch (const YAML::Exception& problem) {
        return at(path, problem.mark, "", problem.msg);
    }
    return {};
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
    }
    return {};
}

base::Result<void> check(const Config& config) {
    const auto power_of_two = [](std::uint64_t value) { return value != 0 && (value & (value - 1)) == 0; };
    if (!power_of_two(config.capture.ring_bytes) || config.capture.ring_bytes < 4096) {
        return usage("capture.ring_bytes: a power of two of at least 4096 is wanted");
    }
    if (config.capture.rings != 0 && (!power_of_two(config.capture.rings) || config.capture.rings > 16)) {
        return usage("capture.rings: a power of two up to 16 is wanted, or 0");
    }
    if (config.capture.ring_bytes / std::max<std::uint64_t>(1, config.capture.rings) < 4096) {
        return usage("capture.ring_bytes: less than 4096 for each ring");
    }
    if (config.capture.call_limit_bytes == 0 || config.capture.call_limit_bytes > 32U << 20) {
        return usage("capture.call_limit_bytes: between 1 and 32MiB is wanted");
    }
    if (config.capture.nice < -20 || config.capture.nice > 19)
        return usage("capture.nice: between -20 and 19 is wanted");
    return {};
}

}  // namespace

base::Result<Config> load_config(const std::string& path, const std::vector<ConfigFlag>& flags) {
    Config config;
    if (!path.empty()) {
        if (auto read = read_file(path, config); !read) return read.error();
    }
    if (auto read = read_environment(config); !read) return read.error();
    for (const ConfigFlag& flag : flags) {
        if (auto set = flag.key->set(config, flag.values); !set)
            return usage(flag.key->flag() + ": " + set.error().message);
    }
    if (auto fits = check(config); !fits) return fits.error();
    return config;
}

}  // namespace llmsnoop::app
