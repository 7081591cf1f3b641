// PCRE2 finds a match in what has arrived. When there is one, and where it begins, is found by an automaton that sees
// every byte once: PCRE2 itself would have to look at everything again whenever a byte arrives. Patterns that the
// automaton does not know are searched again, within a bound.
#include "stream/regex.h"

#include <algorithm>
#include <cstring>

#include "base/memory.h"
#include "ioloop/base.h"
#include "stream/regex_scan.h"

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
// Steps and bytes of repeated searches, before that is taken for too much work: so many times what has arrived, and
// so many more.
constexpr uint64_t again_times = 64;
constexpr uint64_t again_more = uint64_t{4} << 20;
constexpr uint32_t compile_options = PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP;

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

// Of one search: PCRE2 tells of each item of the pattern that it tries, and where. Its own limit is for each place
// where a match may begin, which makes none for all of them.
struct Work {
    uint64_t done;
    uint64_t most;
    size_t place;
};

int count_work(pcre2_callout_block *block, void *ctx) {
    Work &work = *static_cast<Work *>(ctx);
    const size_t place = block->current_position;
    work.done += 1 + (place > work.place ? place - work.place : 0);
    work.place = place;
    return work.done > work.most ? PCRE2_ERROR_CALLOUT : 0;
}

pcre2_code *code_of(void *code) { return static_cast<pcre2_code *>(code); }
pcre2_match_data *match_of(void *match) { return static_cast<pcre2_match_data *>(match); }
pcre2_match_context *context_of(void *context) { return static_cast<pcre2_match_context *>(context); }

// Whether the text has, perhaps only as part of something else, what makes a match depend on where its search began:
// \G, and the verbs, which can end a search as a whole.
bool depends_on_start(const char *pattern, size_t size) {
    return memmem(pattern, size, "\\G", 2) || memmem(pattern, size, "(*", 2);
}

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
        pcre2_set_newline(compiling, PCRE2_NEWLINE_LF);
        status = RegexScan::compile(&regex->scan_, pattern, size);
        // Without the automaton each step is counted.
        uint32_t options = compile_options | (status == IOLOOP_ENOTSUP ? PCRE2_AUTO_CALLOUT : 0);
        int error = 0;
        PCRE2_SIZE offset = 0;
        if (status != IOLOOP_ENOMEM) {
            auto *text = reinterpret_cast<PCRE2_SPTR>(pattern);
            regex->code_ = pcre2_compile(text, size, options, &error, &offset, compiling);
            status = error == PCRE2_ERROR_HEAP_FAILED ? IOLOOP_ENOMEM : IOLOOP_EINVAL;
            if (regex->code_) status = regex->prepare(memory);
        }
        regex->from_scanned_ = !depends_on_start(pattern, size);
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

Status Regex::prepare(void *memory) {
    // Without executable memory the interpreter does the work: slower, the same results.
    pcre2_jit_compile(code_of(code_), PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_SOFT);
    match_ = pcre2_match_data_create(1, static_cast<pcre2_general_context *>(memory));
    context_ = pcre2_match_context_create(static_cast<pcre2_general_context *>(memory));
    if (!match_ || !context_) return IOLOOP_ENOMEM;
    pcre2_set_match_limit(context_of(context_), step_limit);
    pcre2_set_heap_limit(context_of(context_), heap_limit);
    return IOLOOP_OK;
}

void Regex::free(Regex *regex) {
    if (!regex) return;
    pcre2_code_free(code_of(regex->code_));
    pcre2_match_data_free(match_of(regex->match_));
    pcre2_match_context_free(context_of(regex->context_));
    destroy(regex->scan_);
    destroy(regex);
}

// 1 for a match. 0 for none: out->begin is then where one may begin when further bytes come.
Status Regex::match(const uint8_t *data, size_t size, size_t from, uint32_t options, Range *out) {
    const int result = pcre2_match(code_of(code_), data, size, from, options, match_of(match_), context_of(context_));
    const PCRE2_SIZE *range = pcre2_get_ovector_pointer(match_of(match_));
    if (result >= 0) {
        *out = {range[0], range[1]};
        return 1;
    }
    if (result == PCRE2_ERROR_PARTIAL || result == PCRE2_ERROR_NOMATCH) {
        out->begin = result == PCRE2_ERROR_PARTIAL ? range[0] : size;
        return 0;
    }
    return result == PCRE2_ERROR_NOMEMORY ? IOLOOP_ENOMEM : IOLOOP_EREGEX;
}

Status Regex::search(const uint8_t *data, size_t size, size_t *scanned, size_t *end, uint64_t *examined) {
    if (!scan_) return search_again(data, size, scanned, end, examined);
    size_t start = 0;
    if (!scan_->feed(data, size, &start, examined)) return 0;
    Range range{};
    const Status status = match(data, size, start, 0, &range);
    if (status == 0) {
        // A condition at the end of the bytes that held is none any more: "a$\nb".
        destroy(scan_);
        scan_ = nullptr;
        return search_again(data, size, scanned, end, examined);
    }
    if (status < 0) return status;
    *end = range.end;
    *examined += range.end - start;
    return 1;
}

Status Regex::search_again(const uint8_t *data, size_t size, size_t *scanned, size_t *end, uint64_t *examined) {
    const size_t from = from_scanned_ ? *scanned : 0;
    uint64_t most = again_more + (size < UINT64_MAX / again_times / 2 ? size * again_times : UINT64_MAX / 2);
    if (work_again_ >= most) return IOLOOP_EREGEX;
    Work work{work_again_, most, from};
    pcre2_set_callout(context_of(context_), count_work, &work);
    Range range{};
    const Status status = match(data, size, from, PCRE2_PARTIAL_SOFT, &range);
    // A search that skips to where a match may begin, without a step, has looked at what it skipped.
    work.done = std::max<uint64_t>(work.done, work_again_ + (size - from));
    *examined += work.done - work_again_;
    work_again_ = work.done;
    if (status == 0) *scanned = range.begin;
    if (status > 0) *end = range.end;
    return status;
}

#else

Status Regex::compile(Regex **, const char *, size_t) { return IOLOOP_ENOTSUP; }
void Regex::free(Regex *) {}
Status Regex::search(const uint8_t *, size_t, size_t *, size_t *, uint64_t *) { return IOLOOP_ENOTSUP; }

#endif

}  // namespace ioloop
