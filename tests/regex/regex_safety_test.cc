// The work of a pattern's read: each byte is looked at a few times, in whatever pieces the bytes arrive and whatever
// the pattern is; a pattern for which that cannot be had ends with IOLOOP_EREGEX.
#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

#include "drip.h"

namespace {

constexpr size_t mebibyte = size_t{1} << 20;

TEST(RegexSafety, H_E3_a_drip_is_not_searched_again) {
    const char *const patterns[] = {
        ".*x", "[^\\n]*\\n", "(?s).*?\\r\\n\\r\\n", "\\r\\n\\r\\n", "a+b", "(?:a|aa)+b", "(a*)*b", "\\ba[^b]*b",
        "(?i)A{2,50}B", "(?m)^a*$x", "[a-z]+:[^\\n]*\\n", "x?a.*\\n",
    };
    for (const char *pattern : patterns) {
        const Drip result = drip(pattern, std::string(65536, 'a'), 1);
        EXPECT_EQ(result.status, IOLOOP_MORE) << pattern;
        EXPECT_LE(result.examined, 4 * result.arrived) << pattern;
    }
}

TEST(RegexSafety, H_E3_also_with_megabytes_buffered) {
    std::string data(4 * mebibyte, 'a');
    const Drip before = drip("[^\\n]*\\n", data, data.size());
    data += std::string(2000, 'a');
    // The first piece is the four megabytes.
    ioloop::ChunkPool pool(65536, 16);
    ioloop::ByteQueue queue(pool);
    ioloop::ReadRequest request;
    ASSERT_EQ(request.set_regex("[^\\n]*\\n", 8, 0), IOLOOP_OK);
    uint64_t examined = 0;
    queue.append(data.data(), 4 * mebibyte);
    request.check(queue, UINT64_MAX, &examined);
    EXPECT_EQ(examined, before.examined);
    for (size_t i = 0; i < 2000; ++i) {
        queue.append("a", 1);
        request.check(queue, UINT64_MAX, &examined);
    }
    EXPECT_LE(examined - before.examined, 4u * 2000);
}

TEST(RegexSafety, H_E4_what_must_be_searched_again_has_a_bound) {
    // A look ahead that fails only at the end of what has arrived keeps the start where it is.
    const char *const patterns[] = {"(?s)a.*(?=x)y", "(a)[^\\1]*\\1b", "(?>a+)b", "a++b"};
    for (const char *pattern : patterns) {
        const Drip result = drip(pattern, std::string(65536, 'a'), 1);
        EXPECT_TRUE(result.status == IOLOOP_EREGEX || result.examined <= 4 * result.arrived) << pattern;
        EXPECT_LE(result.examined, 65 * result.arrived + 5 * mebibyte) << pattern;
    }
    // In pieces as they come from a socket there is no reason to give up.
    EXPECT_EQ(drip("(?<=\\n)b*(?=x)y", std::string(4 * mebibyte, 'b'), 65536).status, IOLOOP_MORE);
}

std::vector<std::string> catastrophic_patterns() {
    const char *const inner[] = {"a+", "a*", "a|a", "a|aa", "a+a*", "[a-z]+", "a?a?a?", "\\w+", "(?:a|b)+", "a{1,9}",
                                 "[^b]+", ".*", "(?:a+)?", "\\w*\\d*"};
    const char *const shapes[] = {"(%)+b",   "(%)*b",      "(?:(%)+)+b", "^(%)+$b",   "(%)+(%)+b", "(%)*(%)*(%)*b",
                                  "(%){2,20}b", "x*(%)+\\b!", "(?i)(%)+B",  "(%)+\\1b", "(?=(%)+b)a", "(?>(%)+)b",
                                  "((%)+,)*b", "(%)+(?:b|c|d)", "(%)+?b"};
    std::vector<std::string> patterns;
    for (const char *shape : shapes) {
        for (const char *part : inner) {
            std::string pattern = shape;
            for (size_t at; (at = pattern.find('%')) != std::string::npos;) pattern.replace(at, 1, part);
            patterns.push_back(pattern);
        }
    }
    return patterns;
}

TEST(RegexSafety, H_E4_catastrophic_patterns_are_linear_or_refused) {
    size_t refused = 0, linear = 0;
    double worst = 0;
    const auto patterns = catastrophic_patterns();
    for (const std::string &pattern : patterns) {
        // In one piece, and in pieces that each end in the middle of something.
        const Drip whole = drip(pattern, std::string(16384, 'a'), 16384);
        const Drip half = drip(pattern, std::string(16384, 'a'), 61);
        const Drip twice = drip(pattern, std::string(32768, 'a'), 61);
        if (whole.status == IOLOOP_EREGEX || half.status == IOLOOP_EREGEX || twice.status == IOLOOP_EREGEX) {
            ++refused;
            continue;
        }
        ASSERT_TRUE(whole.status == IOLOOP_MORE || whole.status == IOLOOP_OK) << pattern << ' ' << whole.status;
        ++linear;
        if (half.status == IOLOOP_MORE) {
            const double ratio = static_cast<double>(twice.examined) / static_cast<double>(half.examined);
            worst = std::max(worst, ratio);
            EXPECT_LE(ratio, 2.5) << pattern;
        }
    }
    EXPECT_GE(patterns.size(), 200u);
    std::printf("G17 %zu patterns, %zu linear, %zu refused, worst doubling ratio %.2f\n", patterns.size(), linear,
                refused, worst);
}

TEST(RegexSafety, H_E4_a_mebibyte) {
    for (const char *pattern : {"(a+)+b", "(a|aa)+$b", "([a-z]+)*:.*\\n", "(?:a|b|ab)*c"}) {
        const Drip result = drip(pattern, std::string(mebibyte, 'a'), 65536);
        EXPECT_TRUE(result.status == IOLOOP_MORE || result.status == IOLOOP_EREGEX) << pattern;
        EXPECT_LE(result.examined, 4 * result.arrived) << pattern;
    }
}

}  // namespace
