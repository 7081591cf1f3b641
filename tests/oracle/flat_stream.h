// The trivially correct stream: the bytes that the peer has sent and nobody has read, one pending read, a list of
// writes. It is told what was called and what was delivered, and says what is wrong with that.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

namespace oracle {

struct Read {
    enum Kind { none, until, regex, bytes, partial, until_close, chunks } kind = none;
    bool into = false;
    std::string text;   // delimiter; of the pattern: a letter that ends it
    uint64_t size = 0;  // wanted, or the most
};

class FlatStream {
public:
    FlatStream(uint64_t most_unread, uint64_t most_unsent) : read_limit(most_unread), write_limit(most_unsent) {}

    // What is called.
    void peer_sent(const std::string &bytes) {
        if (!peer_ended_) unread += bytes;
    }
    void peer_end() { peer_ended_ = true; }
    // The library says that the stream has closed.
    void seen_closed();
    // buffered: what the library held when it was called.
    void read_called(const Read &read, int32_t status, uint64_t buffered);
    void cancel_called(int32_t status, bool pull);
    void write_called(const std::string &bytes, bool told, int32_t status);
    void close_write_called(int32_t status);
    void close_called(uint64_t buffered);
    void watch() { watching = true, closed_told_ = false; }
    void consume_called(size_t size, int32_t status, uint64_t buffered);

    // What is delivered. more: a piece of a read in chunks.
    void read_delivered(int32_t status, const std::string &data);
    void write_delivered(int32_t status);
    void closed_delivered(int32_t reason);
    void peer_received(const std::string &bytes);

    // Nothing happens any more: what should have happened has.
    void settled(bool library_closed);

    bool reading() const { return pending_.kind != Read::none; }
    std::string unread;
    uint64_t read_limit;
    uint64_t write_limit;
    bool watching = false;  // a close callback is set
    size_t canceled_events = 0;  // not yet delivered
    std::string wrong;      // the first thing

private:
    struct Write {
        size_t size;
        bool told;
    };
    struct Look {
        int32_t status;  // 1 while more is wanted
        size_t size;
    };
    Look look() const;
    Look at_end(int32_t reason) const;
    void check(bool condition, const char *what) {
        if (!condition && wrong.empty()) wrong = what;
    }

    bool peer_ended_ = false;
    bool closed_ = false;         // by this side, or seen to be
    int32_t reason_ = 0;
    bool end_called_ = false;
    bool closed_told_ = false;
    size_t canceled_late_ = 0;    // events of reads that were cancelled after the close
    bool late_ = false;           // the pending read began after the close
    Read pending_;
    uint64_t window_ = 0;         // of what can arrive for the pending read without further room
    uint64_t in_pieces_ = 0;      // delivered of a read in chunks
    std::deque<Write> writes_;
    std::string written_;         // accepted
    size_t taken_ = 0;            // of them by the peer
    size_t done_ = 0;             // of them told to be done
};

}  // namespace oracle
