// A script of reads over a few bytes, and its trace: what each read ended with. The library and a flat string run it
// with the bytes cut into pieces in a given way; both must tell the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "stream/read_request.h"

namespace splits {

using Kind = ioloop::ReadRequest::Kind;

struct Step {
    Kind kind;
    std::string text;   // delimiter or pattern
    uint64_t size = 0;  // bytes wanted, or the most a match may take
};

struct Case {
    std::string data;
    std::vector<Step> steps;
    uint64_t limit = UINT64_MAX;  // of the read buffer
    size_t chunk_size = 4096;
    bool depends = false;  // on the cuts: a read of what has arrived, or a pattern whose match can grow
};

// The ends of the pieces, in order; the last one is the size of the data.
struct Cuts {
    const size_t *ends;
    size_t count;
};

// Appends to a trace: for each read its status and bytes, then the bytes left over. Kept flat, as millions are made.
class Trace {
public:
    void clear() { text_.clear(); }
    void add(int32_t status, const void *data, size_t size) {
        text_.push_back(static_cast<char>(status));
        const uint32_t length = static_cast<uint32_t>(size);
        text_.append(reinterpret_cast<const char *>(&length), sizeof length);
        text_.append(static_cast<const char *>(data), size);
    }
    bool operator==(const Trace &other) const { return text_ == other.text_; }
    std::string readable() const;

private:
    std::string text_;
};

// What is fed next: pieces arrive one after the other, and a receive takes no more than there is room for.
class Feed {
public:
    Feed(const std::string &data, Cuts cuts) : data_(data), cuts_(cuts) {}
    bool ended() const { return taken_ == data_.size(); }
    const char *place() const { return data_.data() + taken_; }
    size_t rest() const { return data_.size() - taken_; }
    size_t take(uint64_t room) {
        const size_t available = cuts_.ends[piece_] - taken_;
        const size_t n = available < room ? available : static_cast<size_t>(room);
        taken_ += n;
        if (n == available) ++piece_;
        return n;
    }

private:
    const std::string &data_;
    Cuts cuts_;
    size_t piece_ = 0;
    size_t taken_ = 0;
};

// The most that may be received, as a stream does it.
inline uint64_t room_for(uint64_t limit, size_t buffered) { return limit > buffered ? limit - buffered : 1; }

void run_library(const Case &script, Cuts cuts, ioloop::ChunkPool &pool, Trace *trace);

// The flat string. Keeps what patterns find in which part of the data, so that a pattern costs nothing per run.
class FlatOracle {
public:
    explicit FlatOracle(const Case &script) : script_(script) {}
    FlatOracle(const FlatOracle &) = delete;
    FlatOracle &operator=(const FlatOracle &) = delete;
    ~FlatOracle();
    void run(Cuts cuts, Trace *trace);

private:
    struct End {
        int32_t status;  // 1 while more is wanted
        size_t size;
    };
    End look(size_t step, const Step &what, size_t begin, size_t size);
    End look_until(const Step &what, size_t begin, size_t size) const;
    End look_regex(size_t step, const Step &what, size_t begin, size_t size);
    size_t match_end(size_t step, const Step &what, size_t begin, size_t size);

    const Case &script_;
    std::vector<void *> codes_;
    std::vector<std::vector<int32_t>> found_;
};

// All cases of 16 bytes, and how many scripts they belong to.
std::vector<Case> short_cases(size_t *out_scripts);
// Scripts of 4 KiB, four of each variant.
std::vector<Case> long_cases(size_t variants);

}  // namespace splits
