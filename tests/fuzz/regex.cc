// A pattern searched in bytes that keep arriving, against one search of all that has arrived so far.
#include <cstring>
#include <vector>

#include "base/memory.h"
#include "input.h"
#include "ioloop/base.h"
#include "stream/read_request.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

using namespace ioloop;

namespace {

// The oracle. Its limit is the library's, so that neither gives up where the other does not.
class Pattern {
public:
    explicit Pattern(const std::string &text) {
        int error = 0;
        PCRE2_SIZE where = 0;
        constexpr uint32_t options = PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP;
        code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), options, &error, &where, nullptr);
        if (!code_) return;
        match_ = pcre2_match_data_create(1, nullptr);
        context_ = pcre2_match_context_create(nullptr);
        pcre2_set_match_limit(context_, 1000000);
        pcre2_set_heap_limit(context_, 1024);
    }
    Pattern(const Pattern &) = delete;
    Pattern &operator=(const Pattern &) = delete;
    ~Pattern() {
        pcre2_code_free(code_);
        pcre2_match_data_free(match_);
        pcre2_match_context_free(context_);
    }
    bool good() const { return code_ != nullptr; }

    // 1 and *end, 0 for no match, -1 when the search gives up.
    int search(const std::string &bytes, size_t *end, uint32_t options = 0) {
        const int result = pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(bytes.data()), bytes.size(), 0, options,
                                       match_, context_);
        if (result >= 0) *end = pcre2_get_ovector_pointer(match_)[1];
        if (result >= 0) return 1;
        return result == PCRE2_ERROR_NOMATCH || result == PCRE2_ERROR_PARTIAL ? 0 : -1;
    }

private:
    pcre2_code *code_ = nullptr;
    pcre2_match_data *match_ = nullptr;
    pcre2_match_context *context_ = nullptr;
};

const char *const known[] = {
    "\\r\\n\\r\\n", "\\r?\\n\\r?\\n", ".*x", "[^\\n]*\\n", "(?s).*?end", "a+b", "(a+)+b", "(a|aa)+$", "(ab|a)(bc|c)",
    "\\bab\\b", "(?i)ab{2,3}c", "^ab|b$", "(?m)^a.*$", "a(?=b)", "a(?!b)", "(?<=a)b", "(?<!a)b", "(a)\\1", "\\Gab",
    "a*?", "|a", "a{2,}?b", "[[:alpha:]]+[^a-b]", "(?:a|b)*c", "(a*)*b", "\\Aab\\z", "ab\\Z", "x++y", "(?>a+)b",
    "((a)|b)+c", "a.c", "[]a]+b", "\\x61\\d*", "(?(?=a)ab|cd)", "(a(?1)?b)", "a\\Kb", "(*COMMIT)ab", "[a\\]b-]{2}c",
};

std::string choose_pattern(fuzz::Input &input) {
    const size_t which = input.pick(std::size(known) * 2);
    if (which < std::size(known)) return known[which];
    // Of pieces of pattern syntax, or any bytes at all.
    static const char *const pieces[] = {
        "a",  "b", "c",  ".",   "*",   "+",    "?",    "(",    ")",    "|",     "(?:",   "[ab]",  "[^a]",
        "\\b", "^", "$",  "{2}", "{1,3}", "\\n", "\\w", "\\B", "{0}", "??",   "*?",   "(?i)",  "[",
        "]",  "-", "\\", "{2,}", "\\s", "\\z", "(?s)", "(?m)", "\\Z", "\\A", "+?",    "\n",
    };
    std::string pattern;
    if (which == std::size(known)) return input.bytes(1 + input.pick(24));
    for (size_t n = 1 + input.pick(12); n > 0; --n) pattern += pieces[input.pick(std::size(pieces))];
    return pattern;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz::Input input(data, size);
    const uint64_t before = memory_in_use();
    {
        const std::string text = choose_pattern(input);
        const size_t most = input.pick(4) == 0 ? 1 + input.pick(40) : 0;
        Pattern oracle(text);
        ReadRequest request;
        ChunkPool pool(input.pick(2) ? 16 : 4096, 4);
        ByteQueue queue(pool);
        FUZZ_CHECK(request.set_regex(text.data(), text.size(), most) == (oracle.good() ? IOLOOP_OK : IOLOOP_EINVAL));
        if (!oracle.good()) return 0;

        std::string arrived;
        uint64_t examined = 0;
        for (int i = 0; i < 30 && !input.empty(); ++i) {
            const uint8_t control = input.byte();
            std::string piece = input.bytes(control % 8 == 7 ? control : 1 + control % 8);
            // Letters that patterns are made of, unless the input insists.
            if (control & 0x80) {
                for (char &c : piece) c = "aabbc\nx \r"[static_cast<unsigned char>(c) % 9];
            }
            if (piece.empty()) break;
            arrived += piece;
            FUZZ_CHECK(queue.append(piece.data(), piece.size()));
            size_t end = 0;
            const int found = oracle.search(arrived, &end);
            const auto outcome = request.check(queue, UINT64_MAX, &examined);
            using Verdict = ReadRequest::Verdict;
            if (outcome.verdict == Verdict::failed && outcome.status == IOLOOP_EREGEX) {
                // A search for what may still come looks further than one of what is there.
                FUZZ_CHECK(found < 0 || examined > 1000000 || oracle.search(arrived, &end, PCRE2_PARTIAL_SOFT) < 0);
                return 0;
            }
            if (found < 0) return 0;
            if (found > 0 && (most == 0 || end <= most)) {
                FUZZ_CHECK(outcome.verdict == Verdict::satisfied && outcome.size == end);
                return 0;
            }
            if (found > 0 || (most != 0 && arrived.size() > most)) {
                FUZZ_CHECK(outcome.verdict == Verdict::failed && outcome.status == IOLOOP_ETOOLONG);
                return 0;
            }
            FUZZ_CHECK(outcome.verdict == Verdict::more);
        }
    }
    FUZZ_CHECK(memory_in_use() == before);
    return 0;
}
