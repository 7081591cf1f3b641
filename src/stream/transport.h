// Where a stream's bytes come from and go to: the seam between the stream's logic and sockets, pipes, and what wraps
// them.
#pragma once

#include "base/result.h"
#include "os/descriptor.h"

namespace ioloop {

class Transport {
public:
    // 0 bytes received is the end of the data.
    virtual Result<size_t> receive(int fd, const os::Slice *slices, size_t count) = 0;
    virtual Result<size_t> send(int fd, const os::Slice *slices, size_t count) = 0;
    // This side's data is over.
    virtual Result<Nothing> end_write(int fd) = 0;

protected:
    ~Transport() = default;
};

// Without state: one of each serves all streams.
Transport &socket_transport();
Transport &pipe_transport();

}  // namespace ioloop
