// Makes programs from seeds, shows them, and makes failing ones small.
#include <algorithm>
#include <iterator>

#include "program.h"

namespace oracle {

namespace {

const char *const names[] = {
    "peer_send", "peer_end", "read_until", "read_regex", "read_bytes", "read_partial", "read_into", "read_into_partial",
    "read_until_close", "read_chunks", "cancel_read", "peek", "consume", "write", "writev", "close_write", "flush",
    "watch_close", "set_limits", "close", "settle", "turn",
};
static_assert(std::size(names) == static_cast<size_t>(Do::count));

class Random {
public:
    explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 0x1234567) {}
    uint32_t next() {
        state_ += 0x9e3779b97f4a7c15u;
        uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return static_cast<uint32_t>((z ^ (z >> 31)) >> 16);
    }
    uint32_t below(uint32_t n) { return next() % n; }

private:
    uint64_t state_;
};

bool fails(const Program &program, bool pull) {
    std::string trace;
    return !run_program(program, pull, &trace).empty();
}

}  // namespace

Program make_program(uint64_t seed) {
    Random random(seed);
    Program program;
    program.half_open = random.below(2) == 0;
    program.read_limit = random.below(3) ? 65536 : 1 + random.below(2000);
    program.write_limit = random.below(3) ? 65536 : random.below(1500);
    // Each program draws how often each operation comes: few kinds at a time find more than all at once.
    uint32_t weights[static_cast<size_t>(Do::count)];
    uint32_t sum = 0;
    for (size_t i = 0; i < std::size(weights); ++i) {
        const Do what = static_cast<Do>(i);
        const bool rare = what == Do::close || what == Do::peer_end || what == Do::close_write;
        weights[i] = random.below(2) ? 0 : rare ? 1 : 1 + random.below(8);
        if (what == Do::peer_send || what == Do::settle) weights[i] = 8;
        sum += weights[i];
    }
    const uint32_t inside = random.below(4) == 0 ? 0 : random.below(50);
    const uint32_t size = random.below(4) ? 5 + random.below(36) : 5 + random.below(196);
    for (uint32_t i = 0; i < size; ++i) {
        uint32_t draw = random.below(sum);
        size_t what = 0;
        while (draw >= weights[what]) draw -= weights[what++];
        program.ops.push_back({static_cast<Do>(what), random.below(100) < inside, random.next(), random.next()});
    }
    return program;
}

std::string to_text(const Program &program) {
    std::string out = program.half_open ? "half_open" : "whole";
    out += " read_limit ";
    out += std::to_string(program.read_limit);
    out += " write_limit ";
    out += std::to_string(program.write_limit);
    for (const Op &op : program.ops) {
        out += op.inside ? "\n    inside: " : "\n    ";
        out += names[static_cast<size_t>(op.what)];
        out += ' ';
        out += std::to_string(op.a);
        out += ' ';
        out += std::to_string(op.b);
    }
    return out;
}

Program shrink(Program program, bool pull) {
    for (size_t piece = program.ops.size(); piece > 0;) {
        bool smaller = false;
        for (size_t at = 0; at + piece <= program.ops.size();) {
            Program attempt = program;
            const auto begin = attempt.ops.begin() + static_cast<ptrdiff_t>(at);
            attempt.ops.erase(begin, begin + static_cast<ptrdiff_t>(piece));
            if (fails(attempt, pull)) {
                program = attempt;
                smaller = true;
            } else {
                ++at;
            }
        }
        if (!smaller) piece /= 2;
    }
    for (size_t i = 0; i < program.ops.size(); ++i) {
        for (uint32_t Op::*number : {&Op::a, &Op::b}) {
            while (program.ops[i].*number > 0) {
                Program attempt = program;
                attempt.ops[i].*number /= 2;
                if (!fails(attempt, pull)) break;
                program = attempt;
            }
        }
    }
    return program;
}

}  // namespace oracle
