#include "exporters/store/quantiles.h"

#include <algorithm>
#include <cmath>

namespace llmsnoop::exporters::store {

namespace {

// 128 buckets for each power of two, from 2^-20 to 2^40 milliseconds.
constexpr int kFirstPower = -20;
constexpr int kPowers = 60;
constexpr int kPerPower = 128;

std::size_t bucket_of(double value) {
    if (!(value < std::ldexp(0.5, kFirstPower + kPowers))) return kPowers * kPerPower - 1;
    int power = 0;
    const double fraction = std::frexp(value, &power);  // value = fraction * 2^power, fraction in [0.5, 1)
    if (value <= 0 || power < kFirstPower) return 0;
    const auto within = static_cast<std::size_t>((fraction - 0.5) * 2 * kPerPower);
    return static_cast<std::size_t>(power - kFirstPower) * kPerPower + within;
}

double middle_of(std::size_t bucket) {
    const int power = static_cast<int>(bucket) / kPerPower + kFirstPower;
    const double within = static_cast<double>(bucket % kPerPower) + 0.5;
    return std::ldexp(0.5 + within / (2 * kPerPower), power);
}

std::uint64_t nearest_rank(std::uint64_t count, std::uint64_t percent) {
    return std::max<std::uint64_t>((count * percent + 99) / 100, 1);
}

}  // namespace

void Quantiles::add(double value) {
    ++count_;
    sum_ += value;
    if (!buckets_.empty()) return add_bucket(value, 1);
    values_.push_back(value);
    if (values_.size() > kExact) leave_exactness();
}

void Quantiles::add(const Quantiles& other) {
    count_ += other.count_;
    sum_ += other.sum_;
    if (buckets_.empty() && other.buckets_.empty()) {
        values_.insert(values_.end(), other.values_.begin(), other.values_.end());
        if (values_.size() > kExact) leave_exactness();
        return;
    }
    if (buckets_.empty()) leave_exactness();
    for (const double value : other.values_)
        add_bucket(value, 1);
    for (std::size_t i = 0; i < other.buckets_.size(); ++i)
        buckets_[i] += other.buckets_[i];
}

void Quantiles::add_bucket(double value, std::uint64_t count) {
    buckets_[bucket_of(value)] += count;
}

void Quantiles::leave_exactness() {
    buckets_.assign(static_cast<std::size_t>(kPowers) * kPerPower, 0);
    for (const double value : values_)
        add_bucket(value, 1);
    values_ = {};
}

double Quantiles::at_rank(std::uint64_t rank) {
    if (buckets_.empty()) return values_[rank - 1];
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        if (buckets_[i] >= rank) return middle_of(i);
        rank -= buckets_[i];
    }
    return 0;
}

Distribution Quantiles::distribution() {
    Distribution out;
    out.count = count_;
    if (count_ == 0) return out;
    std::sort(values_.begin(), values_.end());
    out.average = sum_ / static_cast<double>(count_);
    out.p50 = at_rank(nearest_rank(count_, 50));
    out.p95 = at_rank(nearest_rank(count_, 95));
    out.p99 = at_rank(nearest_rank(count_, 99));
    return out;
}

}  // namespace llmsnoop::exporters::store
