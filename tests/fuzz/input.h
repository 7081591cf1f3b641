// The bytes of one fuzz run, read as decisions, and the check that ends a run as a finding.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

// libFuzzer, or replay_main.cc, calls it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

namespace fuzz {

// After the end every answer is 0.
class Input {
public:
    Input(const uint8_t *data, size_t size) : data_(data), size_(size) {}

    bool empty() const { return size_ == 0; }
    size_t left() const { return size_; }
    uint8_t byte() {
        if (size_ == 0) return 0;
        --size_;
        return *data_++;
    }
    // 0 to below - 1.
    size_t pick(size_t below) {
        size_t value = byte();
        if (below > 256) value = value << 8 | byte();
        return value % below;
    }
    // Small numbers most often, all magnitudes sometimes.
    uint64_t magnitude() {
        const unsigned bits = byte() % 64;
        uint64_t value = 0;
        for (unsigned i = 0; i <= bits / 8; ++i) value = value << 8 | byte();
        return value & (~uint64_t{0} >> (63 - bits));
    }
    std::string bytes(size_t most) {
        const size_t n = std::min(most, size_);
        std::string out(reinterpret_cast<const char *>(data_), n);
        data_ += n;
        size_ -= n;
        return out;
    }

private:
    const uint8_t *data_;
    size_t size_;
};

[[noreturn]] inline void finding(const char *what, const char *file, int line) {
    std::fprintf(stderr, "%s:%d: finding: %s\n", file, line, what);
    __builtin_trap();
}

}  // namespace fuzz

#define FUZZ_CHECK(condition) \
    do { \
        if (!(condition)) fuzz::finding(#condition, __FILE__, __LINE__); \
    } while (0)
