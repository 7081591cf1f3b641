#include "stream/regex.h"

#include "base/memory.h"
#include "ioloop/base.h"

#if defined(IOLOOP_REGEX)
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif

namespace ioloop {

#if defined(IOLOOP_REGEX)

namespace {

constexpr size_t max_pattern = 4096;
// Steps of the matcher per search, and kibibytes of its heap.
constexpr uint32_t step_limit = 1000000;
constexpr uint32_t heap_limit = 1024;

// PCRE2 does not tell the size when it frees.
void *regex_allocate(PCRE2_SIZE size, void *) {
    constexpr size_t head = alignof(max_align_t);
    if (size > SIZE_MAX - head) return nullptr;
    auto *block = static_cast<unsigned char *>(allocate(size + head));
    if (!block) return nullptr;
    *reinterpret_cast<size_t *>(block) = size + head;
    return block + head;
}

void regex_release(void *memory, void *) {
    if (!memory) return;
    unsigned char *block = static_cast<unsigned char *>(memory) - alignof(max_align_t);
    release(block, *reinterpret_cast<size_t *>(block));
}

pcre2_code *code_of(void *code) { return static_cast<pcre2_code *>(code); }
pcre2_match_data *match_of(void *match) { return static_cast<pcre2_match_data *>(match); }
pcre2_match_context *context_of(void *context) { return static_cast<pcre2_match_context *>(context); }

}  // namespace

Status Regex::compile(Regex **out_regex, const char *pattern, size_t size) {
    if (size > max_pattern) return IOLOOP_EINVAL;
    pcre2_general_context *memory = pcre2_general_context_create(regex_allocate, regex_release, nullptr);
    if (!memory) return IOLOOP_ENOMEM;
    Status status = IOLOOP_ENOMEM;
    pcre2_compile_context *compiling = pcre2_compile_context_create(memory);
    void *place = compiling ? allocate(sizeof(Regex)) : nullptr;
    Regex *regex = place ? new (place) Regex() : nullptr;
    if (regex) {
        int error = 0;
        PCRE2_SIZE offset = 0;
        regex->code_ =
            pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern), size, PCRE2_NEVER_BACKSLASH_C, &error, &offset, compiling);
        if (!regex->code_) {
            status = error == PCRE2_ERROR_HEAP_FAILED ? IOLOOP_ENOMEM : IOLOOP_EINVAL;
        } else {
            // Without executable memory the interpreter does the work: slower, the same results.
            pcre2_jit_compile(code_of(regex->code_), PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_SOFT);
            regex->match_ = pcre2_match_data_create(1, memory);
            regex->context_ = pcre2_match_context_create(memory);
            if (regex->match_ && regex->context_) {
                pcre2_set_match_limit(context_of(regex->context_), step_limit);
                pcre2_set_heap_limit(context_of(regex->context_), heap_limit);
                status = IOLOOP_OK;
            }
        }
    }
    if (compiling) pcre2_compile_context_free(compiling);
    pcre2_general_context_free(memory);
    if (status != IOLOOP_OK) {
        free(regex);
        return status;
    }
    *out_regex = regex;
    return IOLOOP_OK;
}

void Regex::free(Regex *regex) {
    if (!regex) return;
    pcre2_code_free(code_of(regex->code_));
    pcre2_match_data_free(match_of(regex->match_));
    pcre2_match_context_free(context_of(regex->context_));
    destroy(regex);
}

Status Regex::search(const uint8_t *data, size_t size, size_t *scanned, size_t *end) {
    int result = pcre2_match(code_of(code_), data, size, *scanned, PCRE2_PARTIAL_SOFT, match_of(match_),
                             context_of(context_));
    const PCRE2_SIZE *range = pcre2_get_ovector_pointer(match_of(match_));
    if (result >= 0) {
        *end = range[1];
        return 1;
    }
    if (result == PCRE2_ERROR_PARTIAL) {
        // Nothing before the start of the partial match can become a match any more.
        *scanned = range[0];
        return 0;
    }
    if (result == PCRE2_ERROR_NOMATCH) {
        *scanned = size;
        return 0;
    }
    return result == PCRE2_ERROR_NOMEMORY ? IOLOOP_ENOMEM : IOLOOP_EREGEX;
}

#else

Status Regex::compile(Regex **, const char *, size_t) { return IOLOOP_ENOTSUP; }
void Regex::free(Regex *) {}
Status Regex::search(const uint8_t *, size_t, size_t *, size_t *) { return IOLOOP_ENOTSUP; }

#endif

}  // namespace ioloop
