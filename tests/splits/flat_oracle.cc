// The oracle: one flat string, looked at from the beginning each time.
#include "ioloop/base.h"
#include "split_case.h"

#if defined(IOLOOP_REGEX)
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif

namespace splits {

namespace {
constexpr int32_t more = 1;
}

#if defined(IOLOOP_REGEX)

FlatOracle::~FlatOracle() {
    for (void *code : codes_) pcre2_code_free(static_cast<pcre2_code *>(code));
}

// The end of what one search in data[begin, begin + size) finds, relative to begin, or SIZE_MAX.
size_t FlatOracle::match_end(size_t step, const Step &what, size_t begin, size_t size) {
    const size_t width = script_.data.size() + 1;
    codes_.resize(script_.steps.size());
    found_.resize(script_.steps.size());
    if (!codes_[step]) {
        int error = 0;
        PCRE2_SIZE where = 0;
        codes_[step] = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(what.text.data()), what.text.size(), 0, &error,
                                     &where, nullptr);
        found_[step].assign(width * width, -2);
    }
    int32_t &known = found_[step][begin * width + size];
    if (known == -2) {
        auto *code = static_cast<pcre2_code *>(codes_[step]);
        pcre2_match_data *match = pcre2_match_data_create(1, nullptr);
        const int result = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(script_.data.data() + begin), size, 0, 0,
                                       match, nullptr);
        known = result >= 0 ? static_cast<int32_t>(pcre2_get_ovector_pointer(match)[1]) : -1;
        pcre2_match_data_free(match);
    }
    return known < 0 ? SIZE_MAX : static_cast<size_t>(known);
}

#else

FlatOracle::~FlatOracle() = default;
size_t FlatOracle::match_end(size_t, const Step &, size_t, size_t) { return SIZE_MAX; }

#endif

FlatOracle::End FlatOracle::look_until(const Step &what, size_t begin, size_t size) const {
    const uint64_t most = what.size != 0 ? what.size : UINT64_MAX;
    const size_t found = script_.data.find(what.text, begin);
    if (found != std::string::npos) {
        const size_t end = found - begin + what.text.size();
        if (end <= size && end <= most) return {IOLOOP_OK, end};
    }
    return {size >= most ? IOLOOP_ETOOLONG : more, 0};
}

FlatOracle::End FlatOracle::look_regex(size_t step, const Step &what, size_t begin, size_t size) {
    if (size == 0) return {more, 0};
    const uint64_t most = what.size != 0 ? what.size : UINT64_MAX;
    const size_t end = match_end(step, what, begin, size);
    if (end != SIZE_MAX) return end <= most ? End{IOLOOP_OK, end} : End{IOLOOP_ETOOLONG, 0};
    return {size > most ? IOLOOP_ETOOLONG : more, 0};
}

// What the read that begins at `begin` makes of the `size` bytes that have arrived behind it.
FlatOracle::End FlatOracle::look(size_t step, const Step &what, size_t begin, size_t size) {
    const auto wanted = static_cast<size_t>(what.size);
    End end{more, 0};
    switch (what.kind) {
        case Kind::until:
            end = look_until(what, begin, size);
            break;
        case Kind::regex:
            end = look_regex(step, what, begin, size);
            break;
        case Kind::bytes:
            if (size >= wanted) return {IOLOOP_OK, wanted};
            break;
        case Kind::into:
        case Kind::chunks:
            return size >= wanted ? End{IOLOOP_OK, wanted} : end;
        case Kind::into_partial:
        case Kind::partial:
            return size != 0 ? End{IOLOOP_OK, std::min(size, wanted)} : end;
        default:
            break;
    }
    if (end.status == more && size >= script_.limit) return {IOLOOP_EFULL, 0};
    return end;
}

void FlatOracle::run(Cuts cuts, Trace *trace) {
    Feed feed(script_.data, cuts);
    size_t begin = 0;
    for (size_t i = 0; i < script_.steps.size(); ++i) {
        const Step &step = script_.steps[i];
        // These take bytes out of the buffer while they wait.
        const bool drains = step.kind == Kind::into || step.kind == Kind::chunks;
        for (;;) {
            const size_t arrived = script_.data.size() - feed.rest() - begin;
            End end = look(i, step, begin, arrived);
            if (end.status == more && feed.ended()) {
                const bool endless = step.kind == Kind::chunks && step.size == UINT64_MAX;
                const bool all = step.kind == Kind::until_close || endless;
                end = all ? End{IOLOOP_OK, arrived} : End{IOLOOP_EEOF, 0};
                if (step.kind == Kind::chunks) end.size = arrived;
            }
            if (end.status != more) {
                trace->add(end.status, script_.data.data() + begin, end.size);
                begin += end.size;
                break;
            }
            feed.take(room_for(script_.limit, drains ? 0 : arrived));
        }
    }
    trace->add(0, script_.data.data() + begin, script_.data.size() - begin);
}

}  // namespace splits
