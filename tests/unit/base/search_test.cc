// Delimiter search: where a match ends, whatever the pieces, and how many bytes are looked at for it.
#include "base/search.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ioloop {
namespace {

constexpr size_t chunk_size = 16 * 1024;

class SearchTest : public testing::Test {
protected:
    size_t find(const std::string &delimiter, size_t limit = SIZE_MAX) {
        return find_delimiter(queue_, reinterpret_cast<const uint8_t *>(delimiter.data()), delimiter.size(), limit,
                              &scanned_, &examined_);
    }

    size_t find_from_start(const std::string &delimiter, size_t limit = SIZE_MAX) {
        scanned_ = 0;
        return find(delimiter, limit);
    }

    static size_t expected(const std::string &text, const std::string &delimiter, size_t limit = SIZE_MAX) {
        size_t start = text.substr(0, limit).find(delimiter);
        return start == std::string::npos ? not_found : start + delimiter.size();
    }

    // The pieces stay where they are, each a chunk of its own.
    void add_piece(const char *data, size_t n) { ASSERT_TRUE(queue_.adopt(data, n, nullptr, nullptr)); }

    void receive(const char *data, size_t n) {
        while (n > 0) {
            Span spans[2];
            size_t count = queue_.prepare(n, spans), filled = 0;
            for (size_t i = 0; i < count; ++i) {
                std::memcpy(spans[i].data, data + filled, spans[i].size);
                filled += spans[i].size;
            }
            queue_.commit(filled);
            data += filled;
            n -= filled;
        }
    }

    ChunkPool pool_{chunk_size, 4};
    ByteQueue queue_{pool_};
    size_t scanned_ = 0;
    uint64_t examined_ = 0;
};

// The number's lowest bits as letters.
std::string word(unsigned bits, size_t length) {
    std::string result(length, 'a');
    for (size_t i = 0; i < length; ++i) result[i] = bits >> i & 1 ? 'b' : 'a';
    return result;
}

TEST_F(SearchTest, finds_the_first_match) {
    receive("one\r\ntwo\r\n", 10);
    EXPECT_EQ(find("\r\n"), 5u);
    EXPECT_EQ(scanned_, 3u);
    EXPECT_EQ(find("\r\n"), 5u) << "again, if nothing was consumed";
    queue_.consume(5);
    scanned_ = 0;
    EXPECT_EQ(find("\r\n"), 5u);
    queue_.consume(5);
    scanned_ = 0;
    EXPECT_EQ(find("\r\n"), not_found);
    EXPECT_EQ(scanned_, 0u);
}

TEST_F(SearchTest, H_E11_what_cannot_match) {
    EXPECT_EQ(find("x"), not_found);
    receive("ab", 2);
    EXPECT_EQ(find("abc"), not_found);
    EXPECT_EQ(find("ab", 1), not_found);
    EXPECT_EQ(find("a", 0), not_found);
    EXPECT_EQ(scanned_, 0u);
    EXPECT_EQ(find(""), 0u) << "nothing is everywhere";
    EXPECT_EQ(find(std::string(1000, 'a')), not_found);
}

TEST_F(SearchTest, reserved_room_holds_no_match) {
    ASSERT_TRUE(queue_.reserve(100'000));
    EXPECT_EQ(find("x"), not_found);
    receive("x", 1);
    EXPECT_EQ(find("x"), 1u);
}

// Every text of up to 9 letters, cut in every way, against every delimiter of up to 4.
TEST_F(SearchTest, H_E2_all_splits_of_small_texts) {
    std::vector<std::string> delimiters;
    for (size_t length = 1; length <= 4; ++length) {
        for (unsigned bits = 0; bits < 1u << length; ++bits) delimiters.push_back(word(bits, length));
    }
    for (size_t length : {1u, 2u, 3u, 5u, 7u, 8u, 9u}) {
        for (unsigned bits = 0; bits < 1u << length; ++bits) {
            std::string text = word(bits, length);
            std::vector<size_t> results;
            for (const std::string &delimiter : delimiters) results.push_back(expected(text, delimiter));
            for (unsigned cuts = 0; cuts < 1u << (length - 1); ++cuts) {
                queue_.clear();
                for (size_t from = 0, to = 1; to <= length; ++to) {
                    if (to < length && !(cuts >> (to - 1) & 1)) continue;
                    add_piece(text.data() + from, to - from);
                    from = to;
                }
                for (size_t i = 0; i < delimiters.size(); ++i) {
                    ASSERT_EQ(find_from_start(delimiters[i]), results[i])
                        << text << " " << delimiters[i] << " " << cuts;
                }
            }
        }
    }
}

// Arriving piece by piece, with a search after each: the result must be that of one search in the whole.
TEST_F(SearchTest, H_E2_all_arrivals_with_a_kept_position) {
    constexpr size_t length = 10;
    for (const std::string delimiter : {"b", "ab", "bb", "aab", "aba", "abab", "aabaa"}) {
        for (unsigned bits = 0; bits < 1u << length; ++bits) {
            std::string text = word(bits, length);
            size_t result = expected(text, delimiter);
            for (unsigned cuts = 0; cuts < 1u << (length - 1); cuts += 3) {
                queue_.clear();
                scanned_ = examined_ = 0;
                size_t found = not_found;
                for (size_t from = 0, to = 1; to <= length && found == not_found; ++to) {
                    if (to < length && !(cuts >> (to - 1) & 1)) continue;
                    add_piece(text.data() + from, to - from);
                    from = to;
                    found = find(delimiter);
                    ASSERT_LE(scanned_, to);
                }
                ASSERT_EQ(found, result) << text << " " << delimiter << " " << cuts;
            }
        }
    }
}

TEST_F(SearchTest, H_E10_the_limit_counts_the_end_of_the_match) {
    std::string text = "aaaaXYZaaaXYZ";
    for (size_t cut = 1; cut < text.size(); ++cut) {
        queue_.clear();
        add_piece(text.data(), cut);
        add_piece(text.data() + cut, text.size() - cut);
        for (const std::string delimiter : {"X", "XY", "XYZ", "Z", "aX"}) {
            for (size_t limit = 0; limit <= 20; ++limit) {
                ASSERT_EQ(find_from_start(delimiter, limit), expected(text, delimiter, limit)) << delimiter << limit;
            }
        }
    }
}

TEST_F(SearchTest, H_E2_long_delimiters_over_random_pieces) {
    std::mt19937 random(7);
    for (int round = 0; round < 3000; ++round) {
        size_t size = 9 + random() % (round % 10 ? 20 : 600);
        // Alike everywhere, so that nearly every start looks promising.
        std::string delimiter(size, 'a');
        for (int i = 0; i < 2; ++i) delimiter[random() % size] = 'b';
        std::string text;
        while (text.size() < 5 * size) {
            if (random() % 3 == 0) text += delimiter.substr(random() % size);
            else if (random() % 8 == 0) text += delimiter;
            else text += std::string(random() % size, 'a') + "b";
        }
        queue_.clear();
        scanned_ = 0;
        size_t found = not_found, limit = random() % 2 ? SIZE_MAX : random() % text.size();
        for (size_t from = 0; from < text.size() && found == not_found;) {
            size_t piece = std::min(text.size() - from, 1 + random() % (random() % 4 ? 2 * size : 5));
            add_piece(text.data() + from, piece);
            from += piece;
            if (random() % 2 || from == text.size()) found = find(delimiter, limit);
        }
        ASSERT_EQ(found, expected(text, delimiter, limit)) << "round " << round;
    }
}

TEST_F(SearchTest, short_delimiters_over_random_pieces) {
    std::mt19937 random(8);
    for (int round = 0; round < 20000; ++round) {
        std::string delimiter = word(static_cast<unsigned>(random()), 1 + random() % 8);
        std::string text = word(static_cast<unsigned>(random()), 1 + random() % 30);
        queue_.clear();
        scanned_ = 0;
        size_t found = not_found;
        for (size_t from = 0; from < text.size() && found == not_found;) {
            size_t piece = std::min<size_t>(text.size() - from, 1 + random() % 6);
            add_piece(text.data() + from, piece);
            from += piece;
            if (random() % 2 || from == text.size()) found = find(delimiter);
        }
        ASSERT_EQ(found, expected(text, delimiter)) << text << " " << delimiter;
    }
}

TEST_F(SearchTest, H_E3_a_drip_is_examined_once) {
    constexpr size_t total = 4 << 20;
    for (const std::string delimiter : {"\n", "\r\n", "\r\n\r\n", "that is all!", "--boundary-0123456789"}) {
        queue_.clear();
        scanned_ = examined_ = 0;
        for (size_t i = 0; i < total; ++i) {
            receive(&"some text that is all but the end of it\r\r\r"[i % 43], 1);
            ASSERT_EQ(find(delimiter), not_found);
            ASSERT_LE(examined_, 2 * (i + 1)) << delimiter;
        }
        receive(delimiter.data(), delimiter.size());
        EXPECT_EQ(find(delimiter), total + delimiter.size());
        EXPECT_LE(examined_, 2 * total + 2 * delimiter.size());
    }
}

TEST_F(SearchTest, H_E3_a_drip_of_the_last_byte_is_examined_twice) {
    for (size_t i = 0; i < 100'000; ++i) {
        receive("\n", 1);
        ASSERT_EQ(find("\r\n"), not_found);
        ASSERT_LE(examined_, 2 * (i + 1));
    }
}

TEST_F(SearchTest, H_E3_a_long_line_in_pieces_is_examined_once) {
    std::string piece(4096, 'x');
    constexpr size_t pieces = 32 * 1024 * 1024 / 4096;
    for (size_t i = 0; i < pieces; ++i) {
        receive(piece.data(), piece.size());
        ASSERT_EQ(find("\r\n"), not_found);
    }
    EXPECT_LE(examined_, pieces * piece.size());
    receive("\r\n", 2);
    EXPECT_EQ(find("\r\n"), pieces * piece.size() + 2);
}

// The worst text for the worst delimiters costs a constant number of looks at each byte.
TEST_F(SearchTest, H_E3_self_similar_text_is_linear) {
    std::string text(1 << 20, 'a');
    for (size_t size : {2u, 8u, 9u, 100u, 250u}) {
        for (size_t at : {size_t{0}, size / 2, size - 1}) {
            std::string delimiter(size, 'a');
            delimiter[at] = 'b';
            queue_.clear();
            examined_ = 0;
            receive(text.data(), text.size());
            ASSERT_EQ(find_from_start(delimiter), not_found);
            EXPECT_LE(examined_, (size <= 8 ? size : 2) * text.size()) << size << " " << at;
        }
    }
}

}  // namespace
}  // namespace ioloop
