// Every exchange in tests/golden/dialects: written by hand, read as text, expected in full.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "exchange_script.h"

namespace llmsnoop::llm {
namespace {

namespace fs = std::filesystem;

fs::path folder() {
    return fs::path(__FILE__).parent_path() / "../../golden/dialects";
}

std::vector<fs::path> files() {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(folder())) {
        if (entry.path().extension() == ".txt") out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::string content(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

class Golden : public testing::TestWithParam<fs::path> {};

TEST_P(Golden, IsRead) {
    const std::string text = content(GetParam());
    EXPECT_EQ(parse_script(text).expected, describe_run(text));
}

// The fast path must make no difference.
TEST_P(Golden, IsReadTheSameInFull) {
    const Script script = parse_script(content(GetParam()));
    model::LossCounters losses;
    EXPECT_EQ(describe(run(script, losses, FastPath::on)), describe(run(script, losses, FastPath::off)));
}

INSTANTIATE_TEST_SUITE_P(Dialects, Golden, testing::ValuesIn(files()), [](const auto& file) {
    std::string name = file.param.stem().string();
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
    return name;
});

}  // namespace
}  // namespace llmsnoop::llm
