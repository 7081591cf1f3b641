// Every way to cut a script's bytes into pieces must give the same results: nothing may depend on how data happens to
// arrive. IOLOOP_SPLITS=short takes a part of the cuts, for builds that are slow; long takes all pairs of cuts of all
// long scripts.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

#include "split_case.h"

namespace splits {
namespace {

bool mode_is(const char *name) {
    const char *mode = std::getenv("IOLOOP_SPLITS");
    return mode && std::string(mode) == name;
}

std::string describe(const Case &script, Cuts cuts) {
    std::ostringstream out;
    out << "limit " << script.limit << " chunk " << script.chunk_size << " steps";
    for (const Step &step : script.steps) {
        out << ' ' << static_cast<unsigned>(step.kind) << '(' << step.text << ',' << step.size << ')';
    }
    out << " cut at";
    for (size_t i = 0; i + 1 < cuts.count; ++i) out << ' ' << cuts.ends[i];
    return out.str();
}

// Compares the library with the oracle for one way of cutting after the other.
class Comparison {
public:
    explicit Comparison(const Case &script) : script_(script), oracle_(script), pool_(script.chunk_size, 64) {
        const size_t whole = script.data.size();
        first_.clear();
        oracle_.run({&whole, 1}, &first_);
        // Only then may the results differ from cut to cut.
        varies_ = script.depends || small_receives();
    }

    bool same(Cuts cuts) {
        ++runs;
        library_.clear();
        run_library(script_, cuts, pool_, &library_);
        const Trace *expected = &first_;
        if (varies_) {
            expected_.clear();
            oracle_.run(cuts, &expected_);
            expected = &expected_;
        }
        if (library_ == *expected) return true;
        ADD_FAILURE() << describe(script_, cuts) << "\n  library " << library_.readable() << "\n  oracle  "
                      << expected->readable();
        return false;
    }

    // Checks the oracle itself: what does not depend on the cuts must not do so there either.
    bool steady(Cuts cuts) {
        if (varies_) return true;
        expected_.clear();
        oracle_.run(cuts, &expected_);
        if (expected_ == first_) return true;
        ADD_FAILURE() << describe(script_, cuts) << "\n  oracle, cut  " << expected_.readable() << "\n  oracle, whole "
                      << first_.readable();
        return false;
    }

    uint64_t runs = 0;

private:
    bool small_receives() const {
        if (script_.limit >= script_.data.size()) return false;
        for (const Step &step : script_.steps) {
            if (step.kind == Kind::regex) return true;
        }
        return false;
    }

    const Case &script_;
    FlatOracle oracle_;
    ioloop::ChunkPool pool_;
    Trace first_, library_, expected_;
    bool varies_ = false;
};

#if !defined(IOLOOP_REGEX)
bool has_pattern(const Case &script) {
    for (const Step &step : script.steps) {
        if (step.kind == Kind::regex) return true;
    }
    return false;
}
#endif

// All 2^15 ways to cut 16 bytes, bit i of the mask being a cut behind byte i.
uint64_t all_cuts(const Case &script, unsigned stride) {
    Comparison comparison(script);
    for (unsigned mask = 0; mask < 1u << 15; mask += stride) {
        size_t ends[16];
        size_t count = 0;
        for (unsigned i = 0; i < 15; ++i) {
            if (mask >> i & 1) ends[count++] = i + 1;
        }
        ends[count++] = 16;
        if (!comparison.same({ends, count}) || (mask % 16 == 0 && !comparison.steady({ends, count}))) break;
    }
    return comparison.runs;
}

uint64_t one_and_two_cuts(const Case &script, bool pairs, size_t stride) {
    Comparison comparison(script);
    const size_t size = script.data.size();
    for (size_t first = 1; first < size; ++first) {
        const size_t ends[] = {first, size};
        if (!comparison.same({ends, 2}) || !comparison.steady({ends, 2})) return comparison.runs;
        if (!pairs) continue;
        for (size_t second = first + 1; second < size; second += stride) {
            const size_t both[] = {first, second, size};
            if (!comparison.same({both, 3})) return comparison.runs;
        }
    }
    return comparison.runs;
}

// With any failure the line says so; the failures themselves say where.
void print_goal(uint64_t runs, size_t scripts, const char *size) {
    const auto *result = testing::UnitTest::GetInstance()->current_test_info()->result();
    std::printf("G3 %llu runs over %zu scripts of %s, %d differences\n", static_cast<unsigned long long>(runs), scripts,
                size, result->total_part_count());
}

TEST(Splits, H_E2_H_E10_all_cuts_of_16_bytes) {
    size_t scripts = 0;
    uint64_t runs = 0;
    const unsigned stride = mode_is("short") ? 37 : 1;
    for (const Case &script : short_cases(&scripts)) {
        ASSERT_EQ(script.data.size(), 16u);
#if !defined(IOLOOP_REGEX)
        if (has_pattern(script)) continue;
#endif
        runs += all_cuts(script, stride);
    }
    EXPECT_GE(scripts, 64u);
    if (stride == 1) {
        EXPECT_GE(runs, 12500000u);
    }
    print_goal(runs, scripts, "16 bytes");
}

TEST(Splits, H_E2_one_and_two_cuts_of_4_KiB) {
    const std::vector<Case> cases = long_cases(mode_is("long") ? 8 : 1);
    uint64_t runs = 0;
    for (size_t i = 0; i < cases.size(); ++i) {
        ASSERT_EQ(cases[i].data.size(), 4096u);
        const bool pairs = i == 0 || mode_is("long");
        runs += one_and_two_cuts(cases[i], pairs, mode_is("short") ? 401 : 1);
    }
    print_goal(runs, cases.size(), "4 KiB");
}

}  // namespace
}  // namespace splits
