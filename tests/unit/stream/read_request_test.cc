// Each kind of read without I/O: when it is satisfied, and its limits at the byte before, at and after them.
#include "stream/read_request.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>

#include "ioloop/base.h"
#include "stream/regex.h"

namespace ioloop {
namespace {

using Kind = ReadRequest::Kind;
using Verdict = ReadRequest::Verdict;

class ReadRequestTest : public testing::Test {
protected:
    void arrive(std::string_view data) { ASSERT_TRUE(queue_.append(data.data(), data.size())); }
    ReadRequest::Outcome check() { return request_.check(queue_, limit_, &examined_); }

    void expect_more() { EXPECT_EQ(check().verdict, Verdict::more); }
    void expect_failed(Status status) {
        ReadRequest::Outcome outcome = check();
        EXPECT_EQ(outcome.verdict, Verdict::failed);
        EXPECT_EQ(outcome.status, status);
    }
    void expect_satisfied(size_t size) {
        ReadRequest::Outcome outcome = check();
        EXPECT_EQ(outcome.verdict, Verdict::satisfied);
        EXPECT_EQ(outcome.size, size);
    }
    void until(std::string_view delimiter, size_t most) {
        request_.clear();
        queue_.clear();
        ASSERT_EQ(request_.set_until(reinterpret_cast<const uint8_t *>(delimiter.data()), delimiter.size(), most),
                  IOLOOP_OK);
    }
    void regex(std::string_view pattern, size_t most) {
        request_.clear();
        queue_.clear();
        ASSERT_EQ(request_.set_regex(pattern.data(), pattern.size(), most), IOLOOP_OK);
    }
    std::string content() {
        std::string result(queue_.size(), '\0');
        queue_.copy_to(result.data(), result.size());
        return result;
    }

    ChunkPool pool_{4096, 4};
    ByteQueue queue_{pool_};
    ReadRequest request_;
    uint64_t limit_ = 1 << 20;
    uint64_t examined_ = 0;
};

TEST_F(ReadRequestTest, NoneWantsNothing) {
    arrive("abc");
    EXPECT_FALSE(request_.pending());
    expect_more();
}

TEST_F(ReadRequestTest, UntilIsSatisfiedByItsLastByte) {
    for (std::string_view delimiter : {"\n", "\r\n", "a delimiter with more bytes than are kept inside"}) {
        until(delimiter, 0);
        EXPECT_EQ(request_.kind(), Kind::until);
        arrive("line");
        for (char byte : delimiter) {
            expect_more();
            arrive({&byte, 1});
        }
        arrive("rest");
        expect_satisfied(4 + delimiter.size());
        EXPECT_EQ(queue_.size(), 8 + delimiter.size()) << "nothing is taken";
    }
}

TEST_F(ReadRequestTest, E10_UntilMatchEndsAtTheLimit) {
    until("\r\n", 10);
    arrive("12345678\r\n");
    expect_satisfied(10);
    until("\r\n", 10);
    arrive("1234567\r\n");
    expect_satisfied(9);
    until("\r\n", 10);
    arrive("123456789\r\n");
    expect_failed(IOLOOP_ETOOLONG);
}

TEST_F(ReadRequestTest, E10_UntilWithoutAMatchAtTheLimit) {
    until("\r\n", 10);
    arrive("123456789");
    expect_more();
    arrive("\r");
    expect_failed(IOLOOP_ETOOLONG);
}

TEST_F(ReadRequestTest, E10_TooLongDoesNotDependOnHowBytesArrive) {
    const std::string_view line = "123456789\r\n";
    for (size_t first = 1; first < line.size(); ++first) {
        until("\r\n", 10);
        arrive(line.substr(0, first));
        if (check().verdict == Verdict::failed) continue;
        arrive(line.substr(first));
        expect_failed(IOLOOP_ETOOLONG);
    }
}

TEST_F(ReadRequestTest, E11_BufferFullAtTheLimit) {
    limit_ = 10;
    until("\n", 0);
    arrive("123456789");
    expect_more();
    arrive("x");
    expect_failed(IOLOOP_EFULL);
    until("\n", 0);
    arrive("123456789\n");
    expect_satisfied(10);
}

TEST_F(ReadRequestTest, E11_TheReadsOwnLimitGoesFirst) {
    limit_ = 10;
    until("\n", 10);
    arrive("0123456789");
    expect_failed(IOLOOP_ETOOLONG);
}

TEST_F(ReadRequestTest, E10_RegexLimits) {
    if (request_.set_regex("a", 1, 0) == IOLOOP_ENOTSUP) GTEST_SKIP() << "built without regex";
    regex("x+y", 10);
    arrive("123456xxxy");
    expect_satisfied(10);
    regex("x+y", 10);
    arrive("1234567xxxy");
    expect_failed(IOLOOP_ETOOLONG);
    regex("x+y", 10);
    arrive("123456789");
    expect_more();
    arrive("012");
    expect_failed(IOLOOP_ETOOLONG);
    limit_ = 4;
    regex("x+y", 0);
    arrive("xxx");
    expect_more();
    arrive("x");
    expect_failed(IOLOOP_EFULL);
}

TEST_F(ReadRequestTest, BadPatternLeavesItEmpty) {
    Status status = request_.set_regex("(", 1, 0);
    EXPECT_TRUE(status == IOLOOP_EINVAL || status == IOLOOP_ENOTSUP);
    EXPECT_FALSE(request_.pending());
}

TEST_F(ReadRequestTest, BytesExactly) {
    request_.set_size(Kind::bytes, 5);
    arrive("1234");
    expect_more();
    EXPECT_EQ(request_.appetite(queue_.size()), 1u);
    arrive("56");
    expect_satisfied(5);
    EXPECT_EQ(request_.appetite(queue_.size()), 0u);
    request_.set_size(Kind::bytes, 0);
    queue_.clear();
    expect_satisfied(0);
}

TEST_F(ReadRequestTest, E11_BytesUpToTheBuffersLimit) {
    limit_ = 5;
    request_.set_size(Kind::bytes, 5);
    arrive("12345");
    expect_satisfied(5);
    request_.set_size(Kind::bytes, 6);
    expect_failed(IOLOOP_EFULL);
}

TEST_F(ReadRequestTest, PartialTakesWhatIsThere) {
    request_.set_size(Kind::partial, 4);
    expect_more();
    arrive("1");
    expect_satisfied(1);
    arrive("23456");
    expect_satisfied(4);
}

TEST_F(ReadRequestTest, IntoMovesBytesIntoTheCallersMemory) {
    char buffer[6] = "";
    request_.set_into(Kind::into, buffer, 5);
    arrive("123");
    expect_more();
    EXPECT_TRUE(queue_.empty());
    EXPECT_EQ(request_.in_destination(), 3u);
    Span left = request_.destination();
    EXPECT_EQ(left.data, reinterpret_cast<uint8_t *>(buffer) + 3);
    ASSERT_EQ(left.size, 2u);
    left.data[0] = '4';
    request_.filled(1);
    expect_more();
    arrive("567");
    expect_satisfied(5);
    EXPECT_STREQ(buffer, "12345");
    EXPECT_EQ(content(), "67");
}

TEST_F(ReadRequestTest, IntoPartialAndNothingToFill) {
    char buffer[6] = "";
    request_.set_into(Kind::into_partial, buffer, 5);
    expect_more();
    arrive("12");
    expect_satisfied(2);
    EXPECT_STREQ(buffer, "12");
    request_.clear();
    request_.set_into(Kind::into, buffer, 0);
    expect_satisfied(0);
}

TEST_F(ReadRequestTest, E11_IntoIsNotBoundByTheBuffersLimit) {
    limit_ = 2;
    char buffer[8] = "";
    request_.set_into(Kind::into, buffer, 8);
    arrive("1234567");
    expect_more();
    arrive("8");
    expect_satisfied(8);
}

TEST_F(ReadRequestTest, GiveBackPutsBytesInFront) {
    char buffer[8];
    request_.set_into(Kind::into, buffer, 8);
    EXPECT_TRUE(request_.give_back(queue_)) << "nothing to give back";
    arrive("1234");
    expect_more();
    arrive("56");
    ASSERT_TRUE(request_.give_back(queue_));
    EXPECT_EQ(content(), "123456");
    EXPECT_EQ(request_.in_destination(), 0u);
    request_.clear();
    EXPECT_FALSE(request_.pending());
    EXPECT_EQ(request_.in_destination(), 0u);
}

TEST_F(ReadRequestTest, UntilCloseWaitsOrIsFull) {
    limit_ = 4;
    request_.set_size(Kind::until_close, 0);
    arrive("123");
    expect_more();
    arrive("4");
    expect_failed(IOLOOP_EFULL);
}

TEST_F(ReadRequestTest, ChunksCountDown) {
    request_.set_size(Kind::chunks, 6);
    expect_more();
    arrive("1234");
    expect_satisfied(4);
    EXPECT_FALSE(request_.deduct(4));
    arrive("56");
    expect_satisfied(2);
    EXPECT_TRUE(request_.deduct(2));
    request_.set_size(Kind::chunks, UINT64_MAX);
    EXPECT_TRUE(request_.unlimited());
    expect_satisfied(6);
    EXPECT_FALSE(request_.deduct(6));
    EXPECT_TRUE(request_.unlimited());
}

TEST_F(ReadRequestTest, ChunksGoPieceByPiece) {
    request_.set_size(Kind::chunks, UINT64_MAX);
    arrive(std::string(pool_.chunk_size(), 'a'));
    arrive(std::string(pool_.chunk_size(), 'b'));
    size_t piece = queue_.front().size;
    ASSERT_LT(piece, queue_.size());
    expect_satisfied(piece);
}

}  // namespace
}  // namespace ioloop
