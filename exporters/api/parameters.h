#pragma once
// The parameters of a request's query, taken one by one; what is left over nobody knows. Errors are of kind usage.
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/clock.h"
#include "agent/base/result.h"
#include "exporters/filter/filter.h"
#include "exporters/store/store_reader.h"
#include "exporters/store/usage_query.h"

namespace llmsnoop::exporters::api {

class Parameters {
 public:
    using List = std::vector<std::pair<std::string, std::string>>;

    // Each name at most once, each value up to kLongest bytes.
    static base::Result<Parameters> of(List list);

    std::optional<std::string> take(std::string_view name);
    base::Result<std::optional<base::Time>> take_time(std::string_view name, base::Time now);
    base::Result<Filter> take_filter();
    base::Result<std::size_t> take_limit(std::size_t otherwise, std::size_t most);
    base::Result<void> nothing_left() const;

 private:
    static constexpr std::size_t kLongest = 8192;

    List list_;
};

base::Result<store::UsageQuery> usage_query_of(Parameters& parameters, base::Time now);
base::Result<store::ExchangeQuery> exchange_query_of(Parameters& parameters, base::Time now);

}  // namespace llmsnoop::exporters::api
