#pragma once
// Finds the files to probe: those that selected processes have mapped, those that they map later, and, for a whole
// node, the system's own libraries. Runs a thread of its own from start() until destruction.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/capture/live/mmap_watch.h"
#include "agent/capture/live/probed_files.h"
#include "agent/capture/live/selection.h"
#include "agent/model/loss.h"

namespace llmsnoop::capture::live {

class LibraryWatch {
 public:
    // `libraries` are probed whether or not anybody has mapped them; a failure with one of them is an error.
    LibraryWatch(Selection selection, std::vector<std::string> libraries, ProbedFiles& files, Programs& programs,
                 model::LossCounters& losses);
    ~LibraryWatch();
    LibraryWatch(const LibraryWatch&) = delete;
    LibraryWatch& operator=(const LibraryWatch&) = delete;

    base::Result<void> start();

 private:
    void look_at_running_processes();
    void look_at_process(std::uint32_t pid);
    void look_at_mapping(const MmapWatch::Mapping& mapping);
    void run();
    void drop_unused(ProbedFiles::Unused which);

    const Selection selection_;
    const std::vector<std::string> libraries_;
    ProbedFiles& files_;
    Programs& programs_;
    model::LossCounters& losses_;
    std::unique_ptr<MmapWatch> watch_;
    base::Fd stop_;  // eventfd
    std::thread thread_;
};

// Where distributions keep libssl and libgnutls.
std::vector<std::string> system_libraries();

}  // namespace llmsnoop::capture::live
