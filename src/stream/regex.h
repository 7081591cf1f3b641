// A pattern searched in bytes that keep arriving. The only file pair that knows PCRE2.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace ioloop {

class Regex {
public:
    // IOLOOP_EINVAL for a pattern that does not compile or is too long; IOLOOP_ENOTSUP when not built in.
    static Status compile(Regex **out_regex, const char *pattern, size_t size);
    static void free(Regex *regex);

    // Searches all bytes for the first match. *scanned: bytes that earlier searches have ruled out as its start,
    // moved forward. 1 and *end on a match, 0 if there is none yet, IOLOOP_EREGEX over the work bound.
    Status search(const uint8_t *data, size_t size, size_t *scanned, size_t *end);

private:
    Regex() = default;

    void *code_ = nullptr;
    void *match_ = nullptr;
    void *context_ = nullptr;
};

}  // namespace ioloop
