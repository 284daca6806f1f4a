#pragma once
// The distribution of many durations: exact up to kExact of them, and beyond that from buckets whose width is less than
// a hundredth of their value, so that memory stays bounded whatever is asked for. Average and count are exact always.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "exporters/store/usage_query.h"

namespace llmsnoop::exporters::store {

class Quantiles {
 public:
    static constexpr std::size_t kExact = 65'536;

    void add(double value);  // not negative
    void add(const Quantiles& other);
    Distribution distribution();

 private:
    void add_bucket(double value, std::uint64_t count);
    void leave_exactness();
    double at_rank(std::uint64_t rank);

    std::uint64_t count_ = 0;
    double sum_ = 0;
    std::vector<double> values_;
    std::vector<std::uint64_t> buckets_;  // empty as long as `values_` holds them all
};

}  // namespace llmsnoop::exporters::store
