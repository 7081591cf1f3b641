// Stands in for the system's allocator in these tests: it fails when it is told to, and what it gives is never zero.
#pragma once

#include <cstdint>

namespace ioloop {

enum class Fails { once, from_then_on };

// While it lives, the allocation after `good` others fails.
class FailingMemory {
public:
    explicit FailingMemory(int64_t good, Fails mode = Fails::from_then_on);
    FailingMemory(const FailingMemory &) = delete;
    FailingMemory &operator=(const FailingMemory &) = delete;
    ~FailingMemory();

    bool failed() const;  // whether it came to that
};

}  // namespace ioloop
