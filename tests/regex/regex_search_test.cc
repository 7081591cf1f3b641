// Patterns whose result could depend on how the bytes arrive.
#include <gtest/gtest.h>

#include "drip.h"

namespace {

// However the bytes arrive, the match ends at `size`; MORE stands for none.
void expect_always(const std::string &pattern, const std::string &data, int32_t status, size_t size) {
    for (size_t piece = 1; piece <= data.size(); ++piece) {
        const Drip result = drip(pattern, data, piece);
        EXPECT_EQ(result.status, status) << pattern << " in pieces of " << piece;
        EXPECT_EQ(result.size, size) << pattern << " in pieces of " << piece;
    }
}

TEST(RegexSearch, H_E2_a_search_does_not_begin_anew_where_the_last_one_stopped) {
    expect_always("\\Gb", "ab", IOLOOP_MORE, 0);
    expect_always("a(*COMMIT)b", "acab", IOLOOP_MORE, 0);
    expect_always("^b", "ab", IOLOOP_MORE, 0);
    expect_always("(?m)^b", "a\nb", IOLOOP_OK, 3);
}

TEST(RegexSearch, bytes_before_a_match_are_seen_by_its_conditions) {
    expect_always("\\bcd", "abcd cd", IOLOOP_OK, 7);
    expect_always("\\Bd", "d cd", IOLOOP_OK, 4);
    expect_always("(?<=ab)c", "c abc", IOLOOP_OK, 5);
    expect_always("(?<!a)b", "ab.b", IOLOOP_OK, 4);
}

TEST(RegexSearch, a_condition_that_held_at_the_end_may_fail_later) {
    EXPECT_EQ(drip("a$\\nb", "a\nb", 1).status, IOLOOP_MORE);
    EXPECT_EQ(drip("a$\\nb|b", "a\nb", 1).size, 3u);
    EXPECT_EQ(drip("a$\\nb|(?s)a..c", "a\nbc", 1).size, 4u);
}

TEST(RegexSearch, the_first_match_is_the_leftmost_of_what_has_arrived) {
    EXPECT_EQ(drip("abcde|cd", "abcd", 4).size, 4u);
    EXPECT_EQ(drip("abcde|cd", "abcdecd", 7).size, 5u);
    EXPECT_EQ(drip("a+", "aaab", 4).size, 3u);
    EXPECT_EQ(drip("a+", "aaab", 1).size, 1u);
    EXPECT_EQ(drip("a+?", "aaab", 4).size, 1u);
}

TEST(RegexSearch, E10_max_bytes_counts_the_match) {
    EXPECT_EQ(drip("b", "aab", 1, 3).status, IOLOOP_OK);
    EXPECT_EQ(drip("b", "aab", 1, 2).status, IOLOOP_ETOOLONG);
    EXPECT_EQ(drip("b", "aab", 3, 2).status, IOLOOP_ETOOLONG);
}

TEST(RegexSearch, patterns_are_bytes_whatever_they_say) {
    EXPECT_EQ(drip("(*UTF)a", "a", 1).status, IOLOOP_EINVAL);
    EXPECT_EQ(drip("(*UCP)a", "a", 1).status, IOLOOP_EINVAL);
    EXPECT_EQ(drip("\\x80[\\x81-\\xff]", "\x80\xfe", 1).size, 2u);
}

TEST(RegexSearch, H_E1_counts_in_patterns_do_not_make_automata_of_any_size) {
    EXPECT_NE(drip("(?:(?:a{1000}){1000}){10}b|c", "aac", 1).status, IOLOOP_MORE);
    EXPECT_EQ(drip("(?:a{50}){40}b|c", "aac", 1).size, 3u);
    EXPECT_NE(drip("(?:(?:(?:){900}){900}){9}c", "aac", 1).status, IOLOOP_MORE);
    EXPECT_EQ(drip(std::string(200, '(') + "c" + std::string(200, ')'), "aac", 1).size, 3u);
}

}  // namespace
