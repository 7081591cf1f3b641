// Runs a script through ByteQueue and ReadRequest, in the way in which a stream uses them, without I/O.
#include <algorithm>
#include <cstdio>

#include "ioloop/base.h"
#include "split_case.h"

namespace splits {

namespace {

using ioloop::ByteQueue;
using ioloop::ReadRequest;
using ioloop::Span;
using Verdict = ReadRequest::Verdict;

struct Run {
    Feed feed;
    ByteQueue queue;
    uint64_t limit;
    Trace *trace;
    uint64_t examined = 0;
    std::string memory{};  // of the reads into the caller's memory
    std::string pieces{};  // of a read in chunks

    void receive(uint64_t room) {
        const char *from = feed.place();
        const size_t n = feed.take(room);
        size_t copied = 0;
        while (copied < n) {
            Span spans[2];
            const size_t count = queue.prepare(n - copied, spans);
            size_t filled = 0;
            for (size_t i = 0; i < count; ++i) {
                std::char_traits<char>::copy(reinterpret_cast<char *>(spans[i].data), from + copied, spans[i].size);
                copied += spans[i].size;
                filled += spans[i].size;
            }
            queue.commit(filled);
        }
    }

    void deliver(const ReadRequest &request, int32_t status, size_t size) {
        if (request.is_into()) return trace->add(status, memory.data(), size);
        const uint8_t *data = queue.merge(size);
        trace->add(status, data, size);
        queue.consume(size);
    }

    // Without further bytes to come. False if the request failed in another way.
    void end(ReadRequest &request, int32_t status) {
        const Kind kind = request.kind();
        if (kind == Kind::until_close && status == IOLOOP_EEOF) return deliver(request, IOLOOP_OK, queue.size());
        if (kind == Kind::chunks) {
            const int32_t result = request.unlimited() ? IOLOOP_OK : status;
            return trace->add(result, pieces.data(), pieces.size());
        }
        request.give_back(queue);
        trace->add(status, "", 0);
    }

    void read(ReadRequest &request) {
        for (;;) {
            auto outcome = request.check(queue, limit, &examined);
            if (outcome.verdict == Verdict::failed) return end(request, outcome.status);
            if (outcome.verdict == Verdict::satisfied) {
                if (request.kind() != Kind::chunks) return deliver(request, IOLOOP_OK, outcome.size);
                const uint8_t *data = queue.merge(outcome.size);
                pieces.append(reinterpret_cast<const char *>(data), outcome.size);
                queue.consume(outcome.size);
                if (request.deduct(outcome.size)) return trace->add(IOLOOP_OK, pieces.data(), pieces.size());
                continue;
            }
            if (feed.ended()) return end(request, IOLOOP_EEOF);
            receive(room_for(limit, queue.size()));
        }
    }

    void set(ReadRequest &request, const Step &step) {
        switch (step.kind) {
            case Kind::until:
                (void)request.set_until(reinterpret_cast<const uint8_t *>(step.text.data()), step.text.size(),
                                        static_cast<size_t>(step.size));
                return;
            case Kind::regex:
                (void)request.set_regex(step.text.data(), step.text.size(), static_cast<size_t>(step.size));
                return;
            case Kind::into:
            case Kind::into_partial:
                memory.assign(static_cast<size_t>(step.size), '?');
                request.set_into(step.kind, memory.data(), static_cast<size_t>(step.size));
                return;
            default:
                request.set_size(step.kind, step.size);
        }
    }
};

}  // namespace

void run_library(const Case &script, Cuts cuts, ioloop::ChunkPool &pool, Trace *trace) {
    Run run{Feed(script.data, cuts), ByteQueue(pool), script.limit, trace};
    for (const Step &step : script.steps) {
        ReadRequest request;
        run.set(request, step);
        run.pieces.clear();
        run.read(request);
    }
    while (!run.feed.ended()) run.receive(UINT64_MAX);
    trace->add(0, run.queue.merge(run.queue.size()), run.queue.size());
}

std::string Trace::readable() const {
    std::string out;
    for (size_t at = 0; at + 5 <= text_.size();) {
        uint32_t length = 0;
        text_.copy(reinterpret_cast<char *>(&length), sizeof length, at + 1);
        out += std::to_string(static_cast<signed char>(text_[at])) + ":\"";
        for (char c : text_.substr(at + 5, std::min<size_t>(length, 80))) {
            char shown[8];
            std::snprintf(shown, sizeof shown, c >= ' ' && c <= '~' ? "%c" : "\\x%02x", static_cast<unsigned char>(c));
            out += shown;
        }
        out += "\"(" + std::to_string(length) + ") ";
        at += 5 + length;
    }
    return out;
}

}  // namespace splits
