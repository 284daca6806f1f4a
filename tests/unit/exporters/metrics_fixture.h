#pragma once
// Metrics with a clock that stands still, and one of their samples as a scraper sees it.
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "exporters/prometheus/metrics.h"
#include "tests/unit/exporters/records.h"

namespace llmsnoop::exporters {

inline base::Time g_now = kStarted;

inline model::ExchangeStarted start_of(const model::Exchange& exchange) {
    return {exchange.id, exchange.role, exchange.llm, exchange.identity, exchange.timing.started};
}

class MetricsTest : public testing::Test {
 protected:
    void SetUp() override {
        g_now = kStarted;
        options_.clock = [] { return g_now; };
    }

    Metrics& metrics() {
        if (!metrics_) metrics_ = std::make_shared<Metrics>(options_, losses_);
        return *metrics_;
    }

    std::string text() { return ::prometheus::TextSerializer().Serialize(metrics().Collect()); }

    // The value of the sample of that name with all these `name="value"` pairs; NaN if there is none or more than one.
    double value(const std::string& name, const std::vector<std::string>& labels = {}) {
        std::istringstream lines(text());
        double found = std::numeric_limits<double>::quiet_NaN();
        int count = 0;
        for (std::string line; std::getline(lines, line);) {
            if (!line.starts_with(name + "{") && !line.starts_with(name + " ")) continue;
            const bool all = std::all_of(labels.begin(), labels.end(), [&](const std::string& label) {
                return line.find(label) != std::string::npos;
            });
            if (!all) continue;
            found = std::stod(line.substr(line.rfind(' ')));
            ++count;
        }
        return count == 1 ? found : std::numeric_limits<double>::quiet_NaN();
    }

    MetricsOptions options_;
    model::LossCounters losses_;
    std::shared_ptr<Metrics> metrics_;
};

}  // namespace llmsnoop::exporters
