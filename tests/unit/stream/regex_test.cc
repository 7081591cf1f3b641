// Patterns in bytes that keep arriving: complete as soon as they match, never more work than the bound.
#include "stream/regex.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "ioloop/base.h"

namespace ioloop {
namespace {

class RegexTest : public testing::Test {
protected:
    void SetUp() override {
        Status status = Regex::compile(&regex_, "a", 1);
        if (status == IOLOOP_ENOTSUP) GTEST_SKIP() << "built without regex";
        ASSERT_EQ(status, IOLOOP_OK);
    }
    ~RegexTest() override { Regex::free(regex_); }

    void use(std::string_view pattern) {
        Regex::free(regex_);
        regex_ = nullptr;
        arrived_.clear();
        scanned_ = end_ = 0;
        examined_ = 0;
        ASSERT_EQ(Regex::compile(&regex_, pattern.data(), pattern.size()), IOLOOP_OK) << pattern;
    }
    Status arrive(std::string_view data) {
        arrived_ += data;
        return regex_->search(reinterpret_cast<const uint8_t *>(arrived_.data()), arrived_.size(), &scanned_, &end_,
                              &examined_);
    }

    Regex *regex_ = nullptr;
    std::string arrived_;
    size_t scanned_ = 0, end_ = 0;
    uint64_t examined_ = 0;
};

TEST_F(RegexTest, CompleteAsSoonAsItMatches) {
    for (std::string_view pattern : {"\r?\n\r?\n", "(?<!x)\r\n\r\n", "(\r\n)\\1"}) {
        use(pattern);
        const std::string_view text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nbody";
        const size_t head = text.size() - 4;
        for (size_t i = 0; i + 1 < head; ++i) ASSERT_EQ(arrive(text.substr(i, 1)), 0) << pattern << " at " << i;
        ASSERT_EQ(arrive(text.substr(head - 1, 1)), 1) << pattern;
        EXPECT_EQ(end_, head) << pattern;
    }
}

TEST_F(RegexTest, BytesBehindTheMatchDoNotMatter) {
    use("\r?\n\r?\n");
    ASSERT_EQ(arrive("head\r\n\r\nmore\r\n\r\n"), 1);
    EXPECT_EQ(end_, 8u);
}

TEST_F(RegexTest, StartOfAMatchIsKept) {
    use("ab{3}c");
    EXPECT_EQ(arrive("xxxab"), 0);
    EXPECT_LE(scanned_, 3u);
    EXPECT_EQ(arrive("bb"), 0);
    EXPECT_LE(scanned_, 3u);
    ASSERT_EQ(arrive("c"), 1);
    EXPECT_EQ(end_, 8u);
}

TEST_F(RegexTest, PatternsAreBytes) {
    use(std::string_view("\0\xff+\n", 4));
    EXPECT_EQ(arrive(std::string_view("\xc3\0\xff", 3)), 0);
    ASSERT_EQ(arrive("\n"), 1);
    EXPECT_EQ(end_, 4u);
}

TEST_F(RegexTest, RefusedPatterns) {
    Regex *none = nullptr;
    EXPECT_EQ(Regex::compile(&none, "(", 1), IOLOOP_EINVAL);
    std::string pattern(4096, 'a');
    EXPECT_EQ(Regex::compile(&none, (pattern + "a").data(), pattern.size() + 1), IOLOOP_EINVAL);
    EXPECT_EQ(none, nullptr);
    ASSERT_EQ(Regex::compile(&none, pattern.data(), pattern.size()), IOLOOP_OK);
    Regex::free(none);
}

// Each of these takes exponential or cubic time if it is tried in every way.
TEST_F(RegexTest, H_E4_EvilPatternsAreBounded) {
    std::string text(5000, 'a');
    text += "!";
    for (std::string_view pattern :
         {"(a+)+$\n", "(a|aa)+$\n", "(a*)*b\n", "(.*)*x\n", "a*a*a*a*a*b", "((a+)+)\\1b", "(?=(a+)+c)a"}) {
        use(pattern);
        Status status = arrive(text);
        EXPECT_TRUE(status == 0 || status == IOLOOP_EREGEX) << pattern << " gives " << status;
        EXPECT_LE(examined_, uint64_t{16} << 20) << pattern;
    }
}

TEST_F(RegexTest, H_E4_EvilPatternsAreBoundedByteByByte) {
    for (std::string_view pattern : {"(a+)+b", "((a+)+)\\1b"}) {
        use(pattern);
        Status status = 0;
        for (int i = 0; i < 5000 && status == 0; ++i) status = arrive("a");
        EXPECT_TRUE(status == 0 || status == IOLOOP_EREGEX) << pattern << " gives " << status;
        EXPECT_LE(examined_, uint64_t{16} << 20) << pattern;
    }
}

}  // namespace
}  // namespace ioloop
