// A pattern as an automaton that is fed every byte once: whether there is a match in what has arrived, and where the
// first one begins. The work for a byte is bounded by the pattern's size, whatever came before.
//
// It knows the regular part of PCRE2's syntax and refuses the rest: nothing that looks ahead or behind by more than
// a byte, refers back, recurses, or forbids to try alternatives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/memory.h"
#include "base/result.h"

namespace ioloop {

// Some of the 256 bytes.
struct ByteSet {
    uint64_t words[4] = {};

    bool has(uint8_t byte) const { return words[byte >> 6] >> (byte & 63) & 1; }
    ByteSet &add(uint8_t byte) {
        words[byte >> 6] |= uint64_t{1} << (byte & 63);
        return *this;
    }
    ByteSet &operator|=(const ByteSet &other) {
        for (int i = 0; i < 4; ++i) words[i] |= other.words[i];
        return *this;
    }
    friend ByteSet operator|(ByteSet one, const ByteSet &other) { return one |= other; }
    ByteSet operator~() const { return {{~words[0], ~words[1], ~words[2], ~words[3]}}; }
    bool operator==(const ByteSet &) const = default;
};

class RegexScan {
public:
    // For a pattern that PCRE2 accepts, as bytes and with line feeds as the ends of lines. IOLOOP_ENOTSUP when it is
    // not regular or too large; IOLOOP_ENOMEM.
    static Status compile(RegexScan **out_scan, const char *pattern, size_t size);

    // Looks at the bytes behind those of the last call, which must still be in front. True when there is a match in
    // all of them; *start is where the first one begins. Not to be called again then.
    bool feed(const uint8_t *data, size_t size, size_t *start, uint64_t *examined);

private:
    friend class RegexScanParser;
    template <class T>
    using Array = std::vector<T, Allocator<T>>;

    // Nodes without a byte of their own are passed through on the way to the next byte.
    enum class Op : uint8_t {
        bytes,  // one byte of a set
        pass,
        split,
        accept,
        subject_start,
        line_start,
        subject_end,
        end_or_last_newline,
        line_end,
        word_boundary,
        no_word_boundary,
    };
    struct Node {
        Op op;
        uint8_t set;
        uint16_t next;
        uint16_t other;  // of a split
    };
    // A way to go on, and where in the data it began.
    struct Thread {
        uint16_t node;
        size_t start;
    };

    bool prepare(uint16_t first);
    uint16_t behind_passes(uint16_t node) const;
    void enter(Thread thread, const uint8_t *data, size_t size, size_t at);
    bool holds(Op op, const uint8_t *data, size_t size, size_t at) const;
    void step(uint8_t byte);

    Array<Node> nodes_;
    Array<ByteSet> sets_;
    Array<Thread> begun_;    // at the current byte, by their starts; before what is passed through
    Array<Thread> waiting_;  // for the current byte
    Array<uint16_t> stack_;
    Array<uint64_t> seen_;   // the round in which a node was reached last
    uint64_t round_ = 0;
    ByteSet first_bytes_;
    bool may_be_empty_ = false;
    uint16_t first_ = 0;
    size_t at_ = 0;          // the current byte
    size_t found_ = SIZE_MAX;
};

}  // namespace ioloop
