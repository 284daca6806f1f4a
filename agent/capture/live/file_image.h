#pragma once
// A file, mapped to be read, that may change under our eyes.
//
// Files of containers are written by others. Where one is made shorter while it is mapped, reading what is no longer
// there ends a process by SIGBUS; here such pages read as zeros, and `intact` says that what was read is not the file.
// A handler for SIGBUS is installed with the first image; signals that are not about an image go where they went
// before.
//
// One image is not thread-safe, several are independent of each other.
#include <ctime>
#include <memory>
#include <string>

#include "agent/base/bytes.h"
#include "agent/base/result.h"

namespace llmsnoop::capture::live {

class FileImage {
 public:
    static base::Result<std::unique_ptr<FileImage>> open(const std::string& path);
    ~FileImage();
    FileImage(const FileImage&) = delete;
    FileImage& operator=(const FileImage&) = delete;

    base::Bytes bytes() const { return bytes_; }

    // Is the file still what it was when it was opened, as far as its size and times tell?
    bool intact() const;

 private:
    struct Stamp {
        long size = 0;
        timespec modified{}, changed{};
        bool operator==(const Stamp& other) const;
    };

    FileImage() = default;
    static bool read_stamp(int fd, Stamp& out);

    base::Bytes bytes_;
    int fd_ = -1;
    Stamp stamp_;
    int slot_ = -1;  // in the table that the handler looks into; none if it was full
};

}  // namespace llmsnoop::capture::live
