#pragma once
// A store in a directory of its own, and what several tests ask of it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exporters/store/sqlite_reader.h"
#include "exporters/store/sqlite_writer.h"
#include "exporters/store/store_sink.h"
#include "exporters/store/usage_text.h"
#include "tests/unit/exporters/records.h"

namespace llmsnoop::exporters::store {

class StoreTest : public testing::Test {
 protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "store_XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
        options_.path = directory_ + "/lib/store.db";
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::unique_ptr<StoreSink> open() {
        auto writer = SqliteWriter::create(options_);
        if (!writer) {
            ADD_FAILURE() << writer.error().message;
            return nullptr;
        }
        return std::make_unique<StoreSink>(sink_options_, std::move(*writer));
    }

    // Ids in the order of calls.
    std::string next_id() {
        static constexpr char kDigits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        std::string id = "01JD4Z0000000000000000000A";
        std::uint64_t number = ++ids_;
        for (std::size_t i = 22; number > 0; --i, number /= 32)
            id[i] = kDigits[number % 32];
        return id;
    }

    model::Exchange call(const std::string& model, std::uint64_t input, std::uint64_t output) {
        model::Exchange out = chat_exchange("app", model, input, output);
        out.id = next_id();
        return out;
    }

    static void put(StoreSink& sink, model::Exchange exchange) {
        const auto taken = sink.exchange(cleared(std::move(exchange)));
        EXPECT_TRUE(taken) << taken.error().message;
    }
    static void flush(StoreSink& sink) {
        const auto flushed = sink.flush();
        EXPECT_TRUE(flushed) << flushed.error().message;
    }

    static UsageQuery query(const std::string& by, const std::string& filter = "") {
        UsageQuery out;
        auto dimensions = parse_dimensions(by);
        auto parsed = Filter::parse(filter);
        if (!dimensions || !parsed) ADD_FAILURE() << by << " / " << filter;
        if (dimensions) out.dimensions = *dimensions;
        if (parsed) out.filter = *parsed;
        return out;
    }

    UsageReport usage(const UsageQuery& query) const {
        auto report = SqliteReader(options_.path).usage(query);
        if (!report) ADD_FAILURE() << report.error().message;
        return report ? *report : UsageReport();
    }
    UsageReport usage(const std::string& by, const std::string& filter = "") const { return usage(query(by, filter)); }

    // "value|value requests input/output", a row each.
    static std::vector<std::string> summary(const UsageReport& report) {
        std::vector<std::string> out;
        for (const UsageRow& row : report.rows) {
            std::string text;
            for (const auto& value : row.group)
                text += (text.empty() ? "" : "|") + value.value_or("-");
            out.push_back(text + " " + std::to_string(row.values.requests) + " " +
                          std::to_string(row.values.input.sum) + "/" + std::to_string(row.values.output.sum));
        }
        return out;
    }

    std::string integrity() const {
        auto database = Database::open(options_.path, Database::Mode::create, std::chrono::seconds(1));
        if (!database) return database.error().message;
        auto rows = database->prepare("PRAGMA integrity_check");
        if (!rows || rows->step() != Statement::Step::row) return "no answer";
        return std::string(rows->text(0));
    }

    std::string directory_;
    SqliteOptions options_;
    StoreSinkOptions sink_options_{.node = "node-1"};
    std::uint64_t ids_ = 0;
};

}  // namespace llmsnoop::exporters::store
