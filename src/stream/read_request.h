// What one read wants, and whether the bytes that have arrived satisfy it. No I/O and no loop: bytes in, "satisfied
// with n bytes" out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/byte_queue.h"
#include "base/result.h"

namespace ioloop {

class Regex;

class ReadRequest {
public:
    enum class Kind : uint8_t {
        none,
        until,        // up to a delimiter
        regex,        // up to the end of a match
        bytes,        // exactly n
        partial,      // 1 to n
        into,         // exactly n, into the caller's memory
        into_partial,
        until_close,
        chunks,       // pieces, n in all
    };

    ReadRequest() = default;
    ReadRequest(ReadRequest &&) = delete;
    ~ReadRequest() { clear(); }

    // Each fills an empty request; IOLOOP_ENOMEM or, for a pattern, IOLOOP_EINVAL leave it empty.
    Status set_until(const uint8_t *delimiter, size_t size, size_t max_bytes);
    Status set_regex(const char *pattern, size_t size, size_t max_bytes);
    void set_size(Kind kind, uint64_t size);
    void set_into(Kind kind, void *buffer, size_t size);
    void clear();

    Kind kind() const { return kind_; }
    bool pending() const { return kind_ != Kind::none; }
    bool is_into() const { return kind_ == Kind::into || kind_ == Kind::into_partial; }

    enum class Verdict : uint8_t { more, satisfied, failed };
    struct Outcome {
        Verdict verdict;
        Status status;  // when failed
        size_t size;    // when satisfied: bytes to deliver
    };
    // Looks at the bytes that arrived. limit: most bytes the queue may ever hold. Moves bytes into the caller's
    // memory for the into kinds.
    Outcome check(ByteQueue &queue, uint64_t limit, uint64_t *examined);

    // How many bytes, beyond those in the queue, would be good to receive at once.
    size_t appetite(size_t buffered) const;
    // The caller's memory that is still to be filled, for receiving straight into it; empty otherwise.
    Span destination() const;
    void filled(size_t n) { progress_ += n; }
    // Bytes that are in the caller's memory.
    size_t in_destination() const { return is_into() ? progress_ : 0; }
    // Puts them back at the front of the queue; false without memory.
    bool give_back(ByteQueue &queue);

    // Of a chunks read: so many were delivered; true when all have been.
    bool deduct(size_t n);
    bool unlimited() const { return size_ == UINT64_MAX; }

private:
    static constexpr size_t inline_delimiter = 8;

    Outcome check_until(const ByteQueue &queue, uint64_t limit, uint64_t *examined);
    Outcome check_regex(ByteQueue &queue, uint64_t limit, uint64_t *examined);
    Outcome check_into(ByteQueue &queue);
    Outcome not_yet(const ByteQueue &queue, uint64_t limit) const;
    const uint8_t *delimiter() const { return size_of_delimiter_ <= inline_delimiter ? short_ : long_; }

    union {
        uint8_t short_[inline_delimiter] = {};
        uint8_t *long_;
        Regex *regex_;
        uint8_t *into_;
    };
    uint64_t size_ = 0;     // bytes wanted, or the most a match may take (0: no such limit)
    size_t progress_ = 0;   // until, regex: bytes ruled out as the start of a match; into: bytes filled
    uint32_t size_of_delimiter_ = 0;
    Kind kind_ = Kind::none;
};

}  // namespace ioloop
