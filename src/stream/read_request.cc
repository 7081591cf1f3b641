#include "stream/read_request.h"

#include <algorithm>
#include <cstring>

#include "base/memory.h"
#include "base/search.h"
#include "ioloop/base.h"
#include "stream/regex.h"

namespace ioloop {

namespace {
constexpr ReadRequest::Outcome more{ReadRequest::Verdict::more, IOLOOP_OK, 0};
ReadRequest::Outcome satisfied(size_t size) { return {ReadRequest::Verdict::satisfied, IOLOOP_OK, size}; }
ReadRequest::Outcome failed(Status status) { return {ReadRequest::Verdict::failed, status, 0}; }
}  // namespace

Status ReadRequest::set_until(const uint8_t *delimiter, size_t size, size_t max_bytes) {
    if (size > UINT32_MAX) return IOLOOP_EINVAL;
    uint8_t *place = short_;
    if (size > inline_delimiter) {
        place = static_cast<uint8_t *>(allocate(size));
        if (!place) return IOLOOP_ENOMEM;
        long_ = place;
    }
    std::memcpy(place, delimiter, size);
    size_of_delimiter_ = static_cast<uint32_t>(size);
    size_ = max_bytes;
    kind_ = Kind::until;
    return IOLOOP_OK;
}

Status ReadRequest::set_regex(const char *pattern, size_t size, size_t max_bytes) {
    Regex *regex = nullptr;
    Status status = Regex::compile(&regex, pattern, size);
    if (status != IOLOOP_OK) return status;
    regex_ = regex;
    size_ = max_bytes;
    kind_ = Kind::regex;
    return IOLOOP_OK;
}

void ReadRequest::set_size(Kind kind, uint64_t size) {
    size_ = size;
    kind_ = kind;
}

void ReadRequest::set_into(Kind kind, void *buffer, size_t size) {
    into_ = static_cast<uint8_t *>(buffer);
    size_ = size;
    kind_ = kind;
}

void ReadRequest::clear() {
    if (kind_ == Kind::until && size_of_delimiter_ > inline_delimiter) release(long_, size_of_delimiter_);
    if (kind_ == Kind::regex) Regex::free(regex_);
    kind_ = Kind::none;
    size_ = 0;
    progress_ = 0;
    size_of_delimiter_ = 0;
}

ReadRequest::Outcome ReadRequest::check(ByteQueue &queue, uint64_t limit, uint64_t *examined) {
    switch (kind_) {
        case Kind::until:
            return check_until(queue, limit, examined);
        case Kind::regex:
            return check_regex(queue, limit, examined);
        case Kind::bytes:
            return queue.size() >= size_ ? satisfied(static_cast<size_t>(size_)) : not_yet(queue, limit);
        case Kind::into:
        case Kind::into_partial:
            return check_into(queue);
        case Kind::partial:
        case Kind::chunks: {
            if (size_ == 0) return satisfied(0);
            if (queue.empty()) return more;
            // One piece as it lies there: delivered without a copy.
            size_t piece = kind_ == Kind::chunks ? queue.front().size : queue.size();
            return satisfied(static_cast<size_t>(std::min<uint64_t>(piece, size_)));
        }
        case Kind::until_close:
            return not_yet(queue, limit);
        case Kind::none:
            break;
    }
    return more;
}

// The buffer's limit ends a read that it can never satisfy.
ReadRequest::Outcome ReadRequest::not_yet(const ByteQueue &queue, uint64_t limit) const {
    return queue.size() >= limit ? failed(IOLOOP_EFULL) : more;
}

ReadRequest::Outcome ReadRequest::check_until(const ByteQueue &queue, uint64_t limit, uint64_t *examined) {
    const size_t most = size_ != 0 ? static_cast<size_t>(size_) : SIZE_MAX;
    size_t end = find_delimiter(queue, delimiter(), size_of_delimiter_, most, &progress_, examined);
    if (end != not_found) return satisfied(end);
    if (queue.size() >= most) return failed(IOLOOP_ETOOLONG);
    return not_yet(queue, limit);
}

ReadRequest::Outcome ReadRequest::check_regex(ByteQueue &queue, uint64_t limit, uint64_t *examined) {
    if (queue.empty()) return more;
    const uint8_t *data = queue.merge(queue.size());
    if (!data) return failed(IOLOOP_ENOMEM);
    size_t end = 0;
    Status status = regex_->search(data, queue.size(), &progress_, &end, examined);
    if (status < 0) return failed(status);
    const uint64_t most = size_ != 0 ? size_ : UINT64_MAX;
    if (status > 0) return end <= most ? satisfied(end) : failed(IOLOOP_ETOOLONG);
    if (queue.size() > most) return failed(IOLOOP_ETOOLONG);
    return not_yet(queue, limit);
}

ReadRequest::Outcome ReadRequest::check_into(ByteQueue &queue) {
    size_t n = std::min(static_cast<size_t>(size_) - progress_, queue.size());
    if (n != 0) {
        queue.copy_to(into_ + progress_, n);
        queue.consume(n);
        progress_ += n;
    }
    bool enough = kind_ == Kind::into_partial ? progress_ > 0 || size_ == 0 : progress_ == size_;
    return enough ? satisfied(progress_) : more;
}

size_t ReadRequest::appetite(size_t buffered) const {
    if (kind_ != Kind::bytes || size_ <= buffered) return 0;
    return static_cast<size_t>(size_) - buffered;
}

Span ReadRequest::destination() const {
    if (!is_into()) return {nullptr, 0};
    return {into_ + progress_, static_cast<size_t>(size_) - progress_};
}

bool ReadRequest::give_back(ByteQueue &queue) {
    if (in_destination() == 0) return true;
    if (!queue.prepend(into_, progress_)) return false;
    progress_ = 0;
    return true;
}

bool ReadRequest::deduct(size_t n) {
    if (!unlimited()) size_ -= n;
    return size_ == 0;
}

}  // namespace ioloop
