#include "flat_stream.h"

#include <algorithm>

#include "ioloop/ioloop.h"

namespace oracle {

namespace {
constexpr int32_t more = 1;
}

// What the pending read makes of all that is unread.
FlatStream::Look FlatStream::look() const {
    const uint64_t most = pending_.size != 0 ? pending_.size : UINT64_MAX;
    const size_t size = unread.size();
    size_t end = std::string::npos;
    switch (pending_.kind) {
        case Read::until:
        case Read::regex: {
            const size_t found = unread.find(pending_.text);
            if (found != std::string::npos) end = found + pending_.text.size();
            const bool by_limit = end == std::string::npos || end > window_;
            if (!by_limit && end <= most) return {IOLOOP_OK, end};
            // The first bound that is reached without a match; a pattern goes one byte further to see it.
            const uint64_t reach = std::min<uint64_t>(size, window_);
            const bool pattern = pending_.kind == Read::regex;
            if (!by_limit && pattern) return {IOLOOP_ETOOLONG, 0};
            if (pattern ? reach > most : reach >= most) return {IOLOOP_ETOOLONG, 0};
            return {size >= read_limit ? IOLOOP_EFULL : more, 0};
        }
        case Read::bytes:
            if (size >= pending_.size) return {IOLOOP_OK, static_cast<size_t>(pending_.size)};
            return {!pending_.into && size >= read_limit ? IOLOOP_EFULL : more, 0};
        case Read::partial:
            return size != 0 || pending_.size == 0 ? Look{IOLOOP_OK, 1} : Look{more, 0};
        case Read::chunks:
            return in_pieces_ == pending_.size ? Look{IOLOOP_OK, 0} : Look{size != 0 ? IOLOOP_MORE : more, 0};
        case Read::until_close:
            return {size >= read_limit ? IOLOOP_EFULL : more, 0};
        case Read::none:
            break;
    }
    return {more, 0};
}

// How a read ends that wants more than will come.
FlatStream::Look FlatStream::at_end(int32_t reason) const {
    const bool in_order = reason == IOLOOP_EEOF || late_;
    if (pending_.kind == Read::until_close) return {in_order ? IOLOOP_OK : reason, unread.size()};
    if (pending_.kind == Read::chunks && pending_.size == UINT64_MAX && in_order) return {IOLOOP_OK, 0};
    return {reason, 0};
}

void FlatStream::read_called(const Read &read, int32_t status, uint64_t buffered) {
    int32_t expected = IOLOOP_OK;
    if (reading()) expected = IOLOOP_EBUSY;
    else if (read.kind == Read::bytes && !read.into && read.size > read_limit) expected = IOLOOP_EFULL;
    check(status == expected, "status of a read");
    if (status != IOLOOP_OK) return;
    pending_ = read;
    in_pieces_ = 0;
    // A cancelled read into memory may have given back more than the limit.
    window_ = std::max(read_limit, buffered);
    late_ = closed_;
}

void FlatStream::cancel_called(int32_t status, bool pull) {
    check(status == (reading() ? IOLOOP_OK : IOLOOP_ENOENT), "status of a cancel");
    if (reading() && pull) ++canceled_events, canceled_late_ += closed_;
    pending_ = Read();
}

void FlatStream::write_called(const std::string &bytes, bool told, int32_t status) {
    if (closed_) return check(status == IOLOOP_ECLOSED, "status of a write on a closed stream");
    // The stream may have found out by itself that it is closed, or that only sending goes on.
    if (status == IOLOOP_ECLOSED) return check(peer_ended_, "a write is refused on an open stream");
    if (end_called_) return check(status == IOLOOP_ESTATE, "status of a write after the end");
    const size_t waiting = written_.size() - std::max(taken_, done_);
    if (status == IOLOOP_EFULL) return check(bytes.size() + waiting > write_limit, "a write is refused as too large");
    check(status == IOLOOP_OK && bytes.size() <= write_limit, "status of a write");
    written_ += bytes;
    writes_.push_back({bytes.size(), told});
}

void FlatStream::close_write_called(int32_t status) {
    if (closed_) return check(status == IOLOOP_ECLOSED, "status of close_write on a closed stream");
    if (status == IOLOOP_ECLOSED) return check(peer_ended_, "close_write is refused on an open stream");
    check(status == (end_called_ ? IOLOOP_ESTATE : IOLOOP_OK), "status of close_write");
    if (status != IOLOOP_OK) return;
    end_called_ = true;
    writes_.push_back({0, true});
}

// Only what the stream had received by then can still be read.
void FlatStream::seen_closed() {
    if (closed_) return;
    check(peer_ended_, "the stream closed by itself");
    closed_ = true;
    reason_ = IOLOOP_EEOF;
}

void FlatStream::close_called(uint64_t buffered) {
    if (closed_) return;
    check(buffered <= unread.size(), "more is buffered than was sent");
    unread.resize(std::min<size_t>(unread.size(), static_cast<size_t>(buffered)));
    closed_ = true;
    reason_ = IOLOOP_ECLOSED;
}

void FlatStream::consume_called(size_t size, int32_t status, uint64_t buffered) {
    const int32_t expected = reading() ? IOLOOP_EBUSY : size > buffered ? IOLOOP_EINVAL : IOLOOP_OK;
    check(status == expected, "status of consume");
    if (status == IOLOOP_OK) unread.erase(0, size);
}

void FlatStream::read_delivered(int32_t status, const std::string &data) {
    if (status == IOLOOP_ECANCELED && canceled_events != 0) {
        --canceled_events;
        canceled_late_ = std::min(canceled_late_, canceled_events);
        return check(data.empty(), "a cancelled read has bytes");
    }
    check(reading(), "a read that is not pending ends");
    check(unread.compare(0, data.size(), data) == 0, "bytes of a read");
    if (status == IOLOOP_MORE) {
        in_pieces_ += data.size();
        check(pending_.kind == Read::chunks && !data.empty() && in_pieces_ <= pending_.size, "a piece");
        unread.erase(0, data.size());
        return;
    }
    const Look expected = look();
    if (pending_.kind == Read::partial && expected.status == IOLOOP_OK) {
        check(status == IOLOOP_OK, "status of a partial read");
        check(data.size() <= pending_.size && data.empty() == (pending_.size == 0), "size of a partial read");
    } else if (expected.status == more) {
        // The peer's end may have been met before this side closed.
        Look end = at_end(closed_ ? reason_ : IOLOOP_EEOF);
        if (status != end.status && peer_ended_ && !late_) end = at_end(IOLOOP_EEOF);
        check(closed_ || peer_ended_, "a read ends before the data");
        check(status == end.status && data.size() == end.size, "how a read ends with the stream");
    } else {
        check(status == expected.status && data.size() == expected.size, "result of a read");
    }
    unread.erase(0, data.size());
    pending_ = Read();
}

void FlatStream::write_delivered(int32_t status) {
    // Those before it that nobody is told of went the same way.
    while (!writes_.empty() && !writes_.front().told) {
        if (status == IOLOOP_OK) done_ += writes_.front().size;
        writes_.pop_front();
    }
    check(!writes_.empty(), "a write that was not made ends");
    if (writes_.empty()) return;
    if (status == IOLOOP_OK) done_ += writes_.front().size;
    else check(closed_ ? status == reason_ : peer_ended_, "status of a write's end");
    writes_.pop_front();
}

void FlatStream::closed_delivered(int32_t reason) {
    check(watching && !closed_told_, "a close that nobody asked for");
    // One that began on the closed stream may still be on its way.
    check((!reading() || late_) && canceled_events == canceled_late_, "a read after the close");
    for (const Write &write : writes_) check(!write.told, "a write after the close");
    check(closed_ ? reason == reason_ : peer_ended_ && reason == IOLOOP_EEOF, "reason of the close");
    closed_told_ = true;
    watching = false;
    closed_ = true;
    reason_ = reason;
}

void FlatStream::peer_received(const std::string &bytes) {
    check(written_.compare(taken_, bytes.size(), bytes) == 0, "bytes that the peer received");
    taken_ += bytes.size();
}

void FlatStream::settled(bool library_closed) {
    if (library_closed) seen_closed();
    check(!closed_ || library_closed, "the stream is still open");
    check(canceled_events == 0, "no event for a cancelled read");
    check(done_ <= taken_, "a write was done and did not arrive");
    check(closed_ || taken_ == written_.size(), "a write did not arrive");
    for (const Write &write : writes_) check(!write.told, "a write has not ended");
    if (!reading()) return;
    check(look().status == more, "a read has not ended that should have");
    check(!closed_ && !peer_ended_, "a read outlives the data");
}

}  // namespace oracle
