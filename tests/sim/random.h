// A source of chance that gives the same numbers everywhere: splitmix64.
#pragma once

#include <cstdint>

namespace sim {

constexpr uint64_t mix(uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

class Random {
public:
    explicit Random(uint64_t seed) : state_(mix(seed + 0x9e3779b97f4a7c15u)) {}
    uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15u); }
    // 0 to n-1; 0 for n 0.
    uint64_t below(uint64_t n) { return n ? next() % n : 0; }
    uint64_t between(uint64_t least, uint64_t most) { return least + below(most - least + 1); }
    bool chance(uint32_t per_million) { return per_million != 0 && below(1'000'000) < per_million; }
    bool coin() { return next() & 1; }
    // Small numbers as often as large ones: 1 to most, the number of digits drawn first.
    uint64_t size(uint64_t most) {
        uint64_t bound = 1;
        while (bound < most && coin()) bound *= 4;
        return between(1, bound < most ? bound : most);
    }

private:
    uint64_t state_;
};

}  // namespace sim
