#include "stream/regex_scan.h"

namespace ioloop {

namespace {
bool is_word(uint8_t c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}
}  // namespace

uint16_t RegexScan::behind_passes(uint16_t node) const {
    while (nodes_[node].op == Op::pass) node = nodes_[node].next;
    return node;
}

// Takes the ways short that lead nowhere, makes all room that feeding will need.
bool RegexScan::prepare(uint16_t first) {
    // A loop of nothing but passes would have no end.
    for (size_t i = 0; i < nodes_.size(); ++i) {
        size_t node = i;
        for (size_t steps = 0; nodes_[node].op == Op::pass; node = nodes_[node].next) {
            if (++steps > nodes_.size()) return false;
        }
    }
    for (Node &node : nodes_) {
        if (node.op == Op::accept) continue;
        node.next = behind_passes(node.next);
        if (node.op == Op::split) node.other = behind_passes(node.other);
    }
    first_ = behind_passes(first);
    begun_.reserve(nodes_.size());
    waiting_.reserve(nodes_.size());
    stack_.reserve(2 * nodes_.size() + 1);
    seen_.resize(nodes_.size());
    // What the first byte of a match may be, taking every condition as met.
    ++round_;
    stack_.push_back(first_);
    while (!stack_.empty()) {
        const uint16_t index = stack_.back();
        stack_.pop_back();
        if (seen_[index] == round_) continue;
        seen_[index] = round_;
        const Node &node = nodes_[index];
        if (node.op == Op::bytes) {
            first_bytes_ |= sets_[node.set];
        } else if (node.op == Op::accept) {
            may_be_empty_ = true;
        } else {
            stack_.push_back(node.next);
            if (node.op == Op::split) stack_.push_back(node.other);
        }
    }
    return true;
}

bool RegexScan::holds(Op op, const uint8_t *data, size_t size, size_t at) const {
    const bool word_before = at > 0 && is_word(data[at - 1]);
    const bool word_behind = at < size && is_word(data[at]);
    switch (op) {
        case Op::subject_start: return at == 0;
        case Op::line_start: return at == 0 || (at < size && data[at - 1] == '\n');
        case Op::subject_end: return at == size;
        case Op::end_or_last_newline: return at == size || (at + 1 == size && data[at] == '\n');
        case Op::line_end: return at == size || data[at] == '\n';
        case Op::word_boundary: return word_before != word_behind;
        case Op::no_word_boundary: return word_before == word_behind;
        default: return true;
    }
}

// Goes from a node to all that wait for the byte at `at`, or to the end of a match. What an earlier start has reached
// need not be reached again: the threads come in the order of their starts.
void RegexScan::enter(Thread thread, const uint8_t *data, size_t size, size_t at) {
    stack_.push_back(thread.node);
    while (!stack_.empty()) {
        const uint16_t index = stack_.back();
        stack_.pop_back();
        if (seen_[index] == round_) continue;
        seen_[index] = round_;
        const Node &node = nodes_[index];
        if (node.op == Op::bytes) {
            waiting_.push_back({index, thread.start});
        } else if (node.op == Op::accept) {
            if (thread.start < found_) found_ = thread.start;
        } else if (holds(node.op, data, size, at)) {
            if (node.op == Op::split) stack_.push_back(node.other);
            stack_.push_back(node.next);
        }
    }
}

void RegexScan::step(uint8_t byte) {
    begun_.clear();
    ++round_;
    for (const Thread &thread : waiting_) {
        const Node &node = nodes_[thread.node];
        if (!sets_[node.set].has(byte) || seen_[node.next] == round_) continue;
        seen_[node.next] = round_;
        begun_.push_back({node.next, thread.start});
    }
}

bool RegexScan::feed(const uint8_t *data, size_t size, size_t *start, uint64_t *examined) {
    const size_t from = at_;
    // At the end of what has arrived the conditions are looked at with nothing behind; once more when there is.
    for (;; ++at_) {
        if (begun_.empty() && !may_be_empty_ && found_ == SIZE_MAX) {
            while (at_ < size && !first_bytes_.has(data[at_])) ++at_;
            if (at_ == size) break;
        }
        waiting_.clear();
        ++round_;
        for (const Thread &thread : begun_) {
            // Only an earlier start than the one found could still matter.
            if (thread.start >= found_) break;
            enter(thread, data, size, at_);
        }
        if (found_ == SIZE_MAX) enter({first_, at_}, data, size, at_);
        if (at_ == size || (found_ != SIZE_MAX && (waiting_.empty() || waiting_.front().start >= found_))) break;
        step(data[at_]);
    }
    *examined += at_ - from;
    *start = found_;
    return found_ != SIZE_MAX;
}

}  // namespace ioloop
