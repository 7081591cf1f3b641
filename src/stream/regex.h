// A pattern searched in bytes that keep arriving. The only file pair that knows PCRE2.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace ioloop {

class RegexScan;

class Regex {
public:
    // IOLOOP_EINVAL for a pattern that does not compile or is too long; IOLOOP_ENOTSUP when not built in.
    static Status compile(Regex **out_regex, const char *pattern, size_t size);
    static void free(Regex *regex);

    // Searches all bytes for the first match; those of the last call must still be in front. *scanned: bytes ruled out
    // as its start, moved forward; begin with 0. 1 and *end on a match, 0 if there is none yet, IOLOOP_EREGEX over the
    // work bound. Adds the bytes looked at to *examined.
    Status search(const uint8_t *data, size_t size, size_t *scanned, size_t *end, uint64_t *examined);

private:
    Regex() = default;
    Status prepare(void *memory);
    struct Range {
        size_t begin, end;
    };
    Status match(const uint8_t *data, size_t size, size_t from, uint32_t options, Range *out);
    Status search_again(const uint8_t *data, size_t size, size_t *scanned, size_t *end, uint64_t *examined);

    void *code_ = nullptr;
    void *match_ = nullptr;
    void *context_ = nullptr;
    RegexScan *scan_ = nullptr;    // null for a pattern that has to be searched again whenever bytes arrive
    bool from_scanned_ = true;     // a search may begin where the last one says that a match may begin
    uint64_t work_again_ = 0;      // of all searches without the automaton: steps and bytes
};

}  // namespace ioloop
