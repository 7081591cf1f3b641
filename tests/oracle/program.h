// A random program of operations on one stream and its peer, and what is needed to run it again: its seed, or after
// shrinking its operations.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace oracle {

enum class Do : uint8_t {
    peer_send,
    peer_end,      // the peer's data is over
    read_until,
    read_regex,
    read_bytes,
    read_partial,
    read_into,
    read_into_partial,
    read_until_close,
    read_chunks,
    cancel_read,
    peek,
    consume,
    write,
    writev,
    close_write,
    flush,
    watch_close,   // sets the close callback
    set_limits,
    close,
    settle,        // runs turns until nothing happens any more
    turn,          // runs one
    count,
};

struct Op {
    Do what;
    bool inside;  // done inside the next callback, not where it stands
    uint32_t a;
    uint32_t b;
};

struct Program {
    bool half_open = false;
    uint32_t read_limit = 0;
    uint32_t write_limit = 0;
    std::vector<Op> ops;
};

Program make_program(uint64_t seed);
std::string to_text(const Program &program);

// The first difference from the oracle, empty if there is none. trace: what could be observed.
std::string run_program(const Program &program, bool pull, std::string *trace);

// The smallest program found that still fails in this mode.
Program shrink(Program program, bool pull);

}  // namespace oracle
