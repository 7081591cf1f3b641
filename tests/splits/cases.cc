// The scripts: every kind of read, limits exactly before, at and after the place where they begin to matter, and
// sequences of different reads.
#include "split_case.h"

namespace splits {

namespace {

const char *const texts[] = {
    "ab\r\ncd\r\nef\r\ngh\r\n", "GET / H\r\n\r\nbody!", "aaaaaaaaaaaaaaab", "aabaabaabaaababb",
    "\r\r\n\r\r\n\r\n\r\n\r\r\r\n\r\n", "0123456789ABCDEF", "ababababcabababc", "\n\nline one\nmore\n",
};
const char *const delimiters[] = {"\n", "\r\n", "aab", "\r\n\r\n", "ababababc", "0123456789ABCDEF"};

struct Pattern {
    const char *text;
    bool grows;  // a match may depend on what has arrived behind it
};
const Pattern patterns[] = {
    {"\\r?\\n", false},      {"\\r\\n\\r\\n", false},    {"a+b", false},          {"[^\\n]*\\n", false},
    {".*c", true},           {"(a|ab)(c|bab)", true},    {"a{3,5}", true},        {"(?<=\\r\\n)[a-f]", false},
    {"\\bmore|one$", true},  {"[0-9]+[A-F]{2}", false},  {"(ab)\\1", false},      {"x|", false},
    {"a(?!a)", true},        {"(?i)body!|[G-Z]+ ", true}, {"^[^ ]* /", false},
    {"(?:\\n\\n|\\r\\n\\r\\n)(?=.)", false},
};

class Maker {
public:
    void script(const char *data, std::vector<Step> steps, bool depends = false) {
        ++scripts;
        base_ = Case{data, std::move(steps), UINT64_MAX, 4096, depends};
        add(UINT64_MAX);
    }
    void add(uint64_t limit) {
        base_.limit = limit;
        base_.chunk_size = cases.size() % 3 == 0 ? 4096 : 1 + cases.size() % 5;
        cases.push_back(base_);
    }
    // A small limit makes receives shorter, which matters to reads of what has arrived.
    void limits_around(size_t size) {
        for (size_t limit = size < 2 ? 1 : size - 1; limit <= size + 1; ++limit) add(limit);
    }
    void most(uint64_t size) {
        base_.steps[0].size = size;
        add(UINT64_MAX);
    }

    std::vector<Case> cases;
    size_t scripts = 0;

private:
    Case base_;
};

void add_delimiters(Maker &maker) {
    for (const char *text : texts) {
        for (const char *delimiter : delimiters) {
            const std::string data = text;
            const size_t found = data.find(delimiter);
            const size_t end = found == std::string::npos ? 16 : found + std::string(delimiter).size();
            maker.script(text, {{Kind::until, delimiter, 0}});
            maker.limits_around(end);
            for (size_t most = end < 2 ? 1 : end - 1; most <= end + 1; ++most) maker.most(most);
        }
    }
}

void add_patterns(Maker &maker) {
    for (size_t i = 0; i < std::size(patterns); ++i) {
        const Pattern &pattern = patterns[i];
        maker.script(texts[(i * 5) % std::size(texts)], {{Kind::regex, pattern.text, 0}, {Kind::until_close, "", 0}},
                     pattern.grows);
        maker.script(texts[(i * 3 + 1) % std::size(texts)], {{Kind::regex, pattern.text, 0}}, pattern.grows);
        // A match is looked for in what has arrived, and how much that may be depends on the limit too.
        maker.most(3 + i % 4);
    }
}

void add_sizes(Maker &maker) {
    for (size_t size : {0u, 1u, 8u, 16u, 17u}) {
        for (Kind kind : {Kind::bytes, Kind::into, Kind::chunks}) {
            maker.script(texts[5], {{kind, "", size}, {Kind::until_close, "", 0}});
            maker.limits_around(size);
        }
    }
    for (size_t size : {1u, 5u, 16u, 40u}) {
        for (Kind kind : {Kind::partial, Kind::into_partial}) {
            maker.script(texts[5], {{kind, "", size}, {kind, "", size}}, true);
            maker.add(4);
        }
    }
    maker.script(texts[0], {{Kind::until_close, "", 0}});
    maker.limits_around(16);
    maker.script(texts[0], {{Kind::chunks, "", UINT64_MAX}});
    maker.limits_around(3);
}

void add_sequences(Maker &maker) {
    maker.script(texts[0], {{Kind::until, "\r\n", 0}, {Kind::bytes, "", 2}, {Kind::until, "\n", 0},
                            {Kind::into, "", 3}, {Kind::until_close, "", 0}});
    maker.limits_around(4);
    maker.script(texts[0], {{Kind::until, "\r\n", 3}, {Kind::until, "\r\n", 4}, {Kind::bytes, "", 20},
                            {Kind::into, "", 20}, {Kind::chunks, "", 5}, {Kind::until_close, "", 0}});
    maker.add(16);
    maker.script(texts[1], {{Kind::until, "\r\n\r\n", 0}, {Kind::into, "", 4}, {Kind::chunks, "", UINT64_MAX}});
    maker.script(texts[6], {{Kind::until, "ababababcd", 0}, {Kind::until, "abababc", 0}, {Kind::bytes, "", 9}});
    maker.script(texts[3], {{Kind::into, "", 3}, {Kind::partial, "", 4}, {Kind::until, "abb", 0}}, true);
    maker.script(texts[7], {{Kind::chunks, "", 2}, {Kind::until, "\n", 0}, {Kind::chunks, "", 0},
                            {Kind::until, "e\n", 5}, {Kind::bytes, "", 0}, {Kind::bytes, "", 1}});
    maker.limits_around(5);
    maker.script(texts[4], {{Kind::until, "\r\n\r\n", 0}, {Kind::until, "\r\r\n", 0}, {Kind::into, "", 2}});
    maker.script(texts[2], {{Kind::until, "aaab", 9}, {Kind::into, "", 14}, {Kind::until, "ab", 2}});
}

}  // namespace

std::vector<Case> short_cases(size_t *out_scripts) {
    Maker maker;
    add_delimiters(maker);
    add_patterns(maker);
    add_sizes(maker);
    add_sequences(maker);
    *out_scripts = maker.scripts;
    return std::move(maker.cases);
}

std::vector<Case> long_cases(size_t variants) {
    std::vector<Case> cases;
    for (size_t v = 0; v < variants; ++v) {
        std::string lines, blocks;
        for (size_t i = v; lines.size() < 4096; ++i) lines += "header-" + std::to_string(i * i) + ": value\r\n";
        lines.resize(4092);
        lines += "\r\n\r\n";
        for (size_t i = v; blocks.size() < 4096; ++i) blocks += i % (7 + v) == 6 ? "aaaaaaaab" : "aaaaaaaac";
        blocks.resize(4096);
        const size_t chunk = 512 + 300 * v;
        cases.push_back({lines, {{Kind::until, "\r\n\r\n", 0}}, 4096, 4096, false});
        cases.push_back({lines, {{Kind::until, "\r\n\r\n", 4095}, {Kind::into, "", 100}, {Kind::until_close, "", 0}},
                         UINT64_MAX, chunk, false});
        cases.push_back({blocks, {{Kind::until, "aaaaaaaabaaaaaaaac", 0}, {Kind::chunks, "", 2048},
                                  {Kind::bytes, "", 1900 - 64 * v}}, 2500, chunk, false});
        cases.push_back({lines, {{Kind::bytes, "", 4096 - v}}, 4096, chunk, false});
    }
    return cases;
}

}  // namespace splits
