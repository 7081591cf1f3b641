// Runs many random programs in both ways of delivery and compares each with the oracle.
//
// usage: oracle [--programs N] [--seed N]    how many and the first seed; one seed alone is shown with its trace
//
// IOLOOP_ORACLE_PROGRAMS, if set, says how many.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "program.h"

namespace {

// True if there is no difference.
bool compare(uint64_t seed, bool show) {
    const oracle::Program program = oracle::make_program(seed);
    if (show) std::printf("%s\n", oracle::to_text(program).c_str());
    for (bool pull : {false, true}) {
        std::string trace;
        const std::string wrong = oracle::run_program(program, pull, &trace);
        if (show) std::printf("%s:\n%s", pull ? "pull" : "callbacks", trace.c_str());
        if (wrong.empty()) continue;
        const oracle::Program small = oracle::shrink(program, pull);
        std::string small_trace;
        const std::string small_wrong = oracle::run_program(small, pull, &small_trace);
        std::printf("seed %llu, %s: %s\nagain: oracle --seed %llu\nshrunk: %s: %s\n%s",
                    static_cast<unsigned long long>(seed), pull ? "pull" : "callbacks", wrong.c_str(),
                    static_cast<unsigned long long>(seed), small_wrong.c_str(), oracle::to_text(small).c_str(),
                    ("\n" + small_trace).c_str());
        return false;
    }
    return true;
}

struct Known {
    const char *name;
    oracle::Program program;
};

// Programs that once differed.
std::vector<Known> known_programs() {
    using oracle::Do;
    const oracle::Op line{Do::peer_send, false, 17, 4};
    const oracle::Op pieces{Do::read_chunks, false, 0, 1};
    const oracle::Op watch{Do::watch_close, false, 0, 0};
    const oracle::Op settle{Do::settle, false, 0, 0};
    auto program = [](std::vector<oracle::Op> ops) { return oracle::Program{true, 65536, 65536, std::move(ops)}; };
    return {
        {"H_A5_close_inside_a_piece", program({{Do::close, true, 0, 0}, pieces, line, settle})},
        {"H_A5_cancel_inside_a_piece", program({{Do::cancel_read, true, 0, 0}, pieces, line, settle})},
        {"H_A5_end_of_pieces_before_the_close",
         program({watch, line, {Do::read_bytes, false, 1, 0}, settle, pieces, {Do::close, false, 0, 0}, settle})},
        {"H_A5_end_of_pieces_before_a_late_close_callback",
         program({line, {Do::read_bytes, false, 1, 0}, settle, pieces, {Do::close, false, 0, 0}, watch, settle})},
    };
}

bool compare_known() {
    bool good = true;
    for (const Known &known : known_programs()) {
        for (bool pull : {false, true}) {
            std::string trace;
            const std::string wrong = oracle::run_program(known.program, pull, &trace);
            if (wrong.empty()) continue;
            std::printf("%s, %s: %s\n%s", known.name, pull ? "pull" : "callbacks", wrong.c_str(), trace.c_str());
            good = false;
        }
    }
    return good;
}

}  // namespace

int main(int argc, char **argv) {
    uint64_t programs = 0, seed = 1;
    uint64_t most = 100000;
    bool show = false;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string name = argv[i];
        const uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
        if (name == "--programs") most = value;
        if (name == "--seed") seed = value, show = true;
    }
    if (const char *wanted = std::getenv("IOLOOP_ORACLE_PROGRAMS")) most = std::strtoull(wanted, nullptr, 10);
    if (show && argc == 3) most = 1;
    else show = false;
    uint64_t differences = compare_known() ? 0 : 1;
    for (; programs < most && differences < 5; ++programs, ++seed) differences += compare(seed, show) ? 0 : 1;
    std::printf("G4 %llu programs, %llu differences\n", static_cast<unsigned long long>(programs),
                static_cast<unsigned long long>(differences));
    return differences == 0 ? 0 : 1;
}
