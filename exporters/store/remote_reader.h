#pragma once
// The store of another machine, asked through its agent's API.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "exporters/store/store_reader.h"

namespace llmsnoop::exporters::store {

struct RemoteOptions {
    std::string url;         // https://agent:9465
    std::string token_file;  // empty: no token
    std::string ca_file;     // PEM; empty: the machine's own
};

class RemoteReader final : public StoreReader {
 public:
    // Reads the token. An error of kind usage, if that or the URL will not do: a token goes over plain HTTP to this
    // machine only.
    static base::Result<std::unique_ptr<RemoteReader>> create(const RemoteOptions& options);

    base::Result<UsageReport> usage(const UsageQuery& query) override;
    base::Result<ExchangePage> exchanges(const ExchangeQuery& query) override;
    base::Result<std::optional<std::string>> exchange(const std::string& id) override;

 private:
    RemoteReader() = default;
    enum class Wanted : std::uint8_t { must_be_there, may_be_missing };
    // The body of the answer, or nothing if the API says that there is none.
    base::Result<std::optional<std::string>> get(const std::string& path_and_query, Wanted what) const;

    std::string url_;
    std::string token_;
    std::string ca_file_;
};

}  // namespace llmsnoop::exporters::store
