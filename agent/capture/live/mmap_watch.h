#pragma once
// Notices every file that any process maps with execute permission: perf's PERF_RECORD_MMAP2, one small buffer per CPU.
// It costs nothing between mappings and needs no probe, which is why it is preferred to a hook on mmap.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/function_ref.h"
#include "agent/base/result.h"
#include "agent/capture/live/procfs.h"

namespace llmsnoop::capture::live {

class MmapWatch {
 public:
    struct Mapping {
        std::uint32_t pid = 0;
        FileId id;
        std::string path;  // in the process's mount namespace
    };

    static base::Result<std::unique_ptr<MmapWatch>> open();
    ~MmapWatch();
    MmapWatch(const MmapWatch&) = delete;
    MmapWatch& operator=(const MmapWatch&) = delete;

    // To wait for with poll(2), one per CPU.
    std::vector<int> descriptors() const;

    // Delivers what has come since; returns the number of notices that the kernel had to drop.
    std::uint64_t read(base::FunctionRef<void(const Mapping&)> out);

 private:
    struct Buffer {
        base::Fd fd;
        void* memory = nullptr;
    };

    MmapWatch() = default;
    static std::uint64_t drain(Buffer& buffer, base::FunctionRef<void(const Mapping&)> out);

    std::vector<Buffer> buffers_;
};

}  // namespace llmsnoop::capture::live
