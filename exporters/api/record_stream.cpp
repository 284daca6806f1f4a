#include "exporters/api/record_stream.h"

#include <algorithm>
#include <utility>

#include "exporters/record_json.h"

namespace llmsnoop::exporters::api {

RecordStream::Subscription::~Subscription() {
    const std::lock_guard lock(stream_.mutex_);
    std::erase(stream_.subscriptions_, this);
}

std::vector<RecordStream::Record> RecordStream::Subscription::take(base::Duration patience, std::uint64_t& dropped) {
    std::unique_lock lock(stream_.mutex_);
    arrived_.wait_for(lock, patience, [this] { return !records_.empty(); });
    std::vector<Record> out(records_.begin(), records_.end());
    records_.clear();
    bytes_ = 0;
    dropped = std::exchange(dropped_, 0);
    return out;
}

std::unique_ptr<RecordStream::Subscription> RecordStream::subscribe() {
    const std::lock_guard lock(mutex_);
    if (subscriptions_.size() >= most_subscribers_) return nullptr;
    std::unique_ptr<Subscription> out(new Subscription(*this));
    subscriptions_.push_back(out.get());
    return out;
}

bool RecordStream::has_subscribers() const {
    const std::lock_guard lock(mutex_);
    return !subscriptions_.empty();
}

void RecordStream::publish(std::string line) {
    const auto record = std::make_shared<const std::string>(std::move(line));
    const std::lock_guard lock(mutex_);
    for (Subscription* one : subscriptions_) {
        if (one->records_.size() >= kMostRecords || one->bytes_ + record->size() > kMostBytes) {
            ++one->dropped_;
            continue;
        }
        one->records_.push_back(record);
        one->bytes_ += record->size();
        one->arrived_.notify_one();
    }
}

base::Result<void> RecordStreamSink::exchange(const model::Cleared<model::Exchange>& exchange) {
    if (!stream_->has_subscribers()) return {};
    std::string line;
    append_record_json(line, exchange, node_);
    stream_->publish(std::move(line));
    return {};
}

}  // namespace llmsnoop::exporters::api
