// From a pattern's text to the automaton. The text has been accepted by PCRE2, so only its meaning is of interest;
// whatever is not known for certain makes the pattern one that is not scanned.
#include <algorithm>
#include <new>

#include "ioloop/base.h"
#include "stream/regex_scan.h"

namespace ioloop {

namespace {
constexpr size_t most_nodes = 1024;
constexpr size_t most_sets = 256;
constexpr unsigned most_depth = 60;
constexpr uint32_t endless = UINT32_MAX;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
}  // namespace

class RegexScanParser {
public:
    RegexScanParser(RegexScan &scan, const char *text, size_t size) : scan_(scan), text_(text), size_(size) {}

    bool parse() {
        const Part whole = alternatives(0);
        if (failed_ || at_ != size_) return false;
        scan_.nodes_[whole.exit].next = node(Op::accept);
        return !failed_ && scan_.prepare(whole.entry);
    }

private:
    using Op = RegexScan::Op;
    // Of the automaton; the exit is a pass whose next is not known yet.
    struct Part {
        uint16_t entry;
        uint16_t exit;
    };
    struct Flags {
        bool caseless = false, dot_all = false, multiline = false;
    };

    bool more() const { return at_ < size_ && !failed_; }
    char peek(size_t ahead = 0) const { return at_ + ahead < size_ ? text_[at_ + ahead] : '\0'; }
    char take() { return at_ < size_ ? text_[at_++] : (failed_ = true, '\0'); }
    bool take_if(char c) {
        if (at_ >= size_ || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    uint16_t node(Op op, uint16_t next = 0, uint16_t other = 0, size_t set = 0) {
        if (scan_.nodes_.size() >= most_nodes) {
            failed_ = true;
            return 0;
        }
        scan_.nodes_.push_back({op, static_cast<uint8_t>(set), next, other});
        return static_cast<uint16_t>(scan_.nodes_.size() - 1);
    }
    Part single(Op op, size_t set = 0) {
        const uint16_t exit = node(Op::pass);
        return {node(op, exit, 0, set), exit};
    }
    void join(uint16_t exit, uint16_t next) { scan_.nodes_[exit].next = next; }

    Part alternatives(unsigned depth) {
        if (depth > most_depth) failed_ = true;
        const uint16_t exit = node(Op::pass);
        Part part = sequence(depth);
        join(part.exit, exit);
        uint16_t entry = part.entry;
        while (!failed_ && take_if('|')) {
            part = sequence(depth);
            join(part.exit, exit);
            entry = node(Op::split, entry, part.entry);
        }
        return {entry, exit};
    }

    Part sequence(unsigned depth) {
        const uint16_t entry = node(Op::pass);
        uint16_t exit = entry;
        while (more() && peek() != '|' && peek() != ')') {
            const Part part = repeated(depth);
            join(exit, part.entry);
            exit = part.exit;
        }
        return {entry, exit};
    }

    // An item with what says how often. For each further copy its text is read again.
    Part repeated(unsigned depth) {
        const size_t begin = at_;
        const Flags before = flags_;
        Part item = atom(depth);
        const size_t item_end = at_;
        uint32_t least = 1, most = 1;
        if (!quantifier(&least, &most)) return item;
        if (!repeatable_) failed_ = true;
        const size_t end = at_;
        const Flags after = flags_;
        const uint16_t entry = node(Op::pass), exit = node(Op::pass);
        uint16_t tail = entry;
        for (uint32_t copy = 0; !failed_ && copy < std::max(least, most == endless ? 1 : most); ++copy) {
            if (copy > 0) {
                at_ = begin;
                flags_ = before;
                item = atom(depth);
                if (at_ != item_end) failed_ = true;
            }
            // Beyond the least it may be left out; the last of an endless number leads back to itself.
            const bool last = copy + 1 >= std::max<uint32_t>(least, 1);
            const uint16_t begin_copy = copy < least ? item.entry : node(Op::split, item.entry, exit);
            join(tail, begin_copy);
            tail = item.exit;
            if (most == endless && last) {
                const uint16_t again = node(Op::split, item.entry, exit);
                join(tail, again);
                tail = exit;
                break;
            }
        }
        if (tail != exit) join(tail, exit);
        at_ = end;
        flags_ = after;
        return {entry, exit};
    }

    bool quantifier(uint32_t *least, uint32_t *most) {
        const char c = peek();
        if (!more() || (c != '*' && c != '+' && c != '?' && c != '{')) return false;
        take();
        *least = c == '+' ? 1 : 0;
        *most = c == '?' ? 1 : endless;
        if (c == '{' && !counts(least, most)) failed_ = true;
        // Lazy or not decides which match is taken, not whether there is one; possessive decides that.
        if (!take_if('?') && more() && peek() == '+') failed_ = true;
        return true;
    }
    bool number(uint32_t *out) {
        if (!is_digit(peek())) return false;
        *out = 0;
        while (is_digit(peek()) && *out < 65536) *out = *out * 10 + static_cast<uint32_t>(take() - '0');
        return *out < 65536;
    }
    bool counts(uint32_t *least, uint32_t *most) {
        if (!number(least)) return false;
        *most = *least;
        if (take_if(',')) {
            *most = endless;
            if (peek() != '}' && (!number(most) || *most < *least)) return false;
        }
        return take_if('}');
    }

    Part atom(unsigned depth) {
        repeatable_ = true;
        const char c = take();
        switch (c) {
            case '(': return group(depth);
            case '[': return set_of(char_class());
            case '.': return set_of(flags_.dot_all ? ~ByteSet() : ~only('\n'));
            case '^': return condition(flags_.multiline ? Op::line_start : Op::subject_start);
            case '$': return condition(flags_.multiline ? Op::line_end : Op::end_or_last_newline);
            case '\\': return escape();
            case '*':
            case '+':
            case '?':
            case '{': failed_ = true; break;
            default: break;
        }
        return set_of(folded(only(c)));
    }

    Part group(unsigned depth) {
        const Flags outside = flags_;
        if (peek() == '*') failed_ = true;
        if (take_if('?') && !group_kind()) {
            // Flags for the rest of the enclosing group.
            repeatable_ = false;
            const uint16_t nothing = node(Op::pass);
            return {nothing, nothing};
        }
        const Part part = alternatives(depth + 1);
        if (take() != ')') failed_ = true;
        flags_ = outside;
        repeatable_ = true;
        return part;
    }
    // What follows "(?". False when it was flags alone, with the closing parenthesis.
    bool group_kind() {
        if (take_if(':')) return true;
        if (peek() == 'P' && peek(1) == '<') take();
        if (peek() == '<' || peek() == '\'') {
            const char end = take() == '<' ? '>' : '\'';
            while (more() && (is_alpha(peek()) || is_digit(peek()) || peek() == '_')) take();
            if (take() != end) failed_ = true;
            return true;
        }
        for (bool on = true; more();) {
            switch (take()) {
                case 'i': flags_.caseless = on; break;
                case 's': flags_.dot_all = on; break;
                case 'm': flags_.multiline = on; break;
                case '-': on = false; break;
                case ':': return true;
                case ')': return false;
                default: failed_ = true;
            }
        }
        failed_ = true;
        return true;
    }

    Part condition(Op op) {
        repeatable_ = false;
        return single(op);
    }
    Part set_of(const ByteSet &set) {
        auto &sets = scan_.sets_;
        const auto known = std::find(sets.begin(), sets.end(), set);
        const auto index = static_cast<size_t>(known - sets.begin());
        if (known == sets.end()) {
            if (sets.size() >= most_sets) failed_ = true;
            else sets.push_back(set);
        }
        return single(Op::bytes, index);
    }

    static ByteSet only(char c) { return ByteSet().add(static_cast<uint8_t>(c)); }
    static ByteSet range(unsigned first, unsigned last) {
        ByteSet set;
        for (unsigned c = first; c <= last; ++c) set.add(static_cast<uint8_t>(c));
        return set;
    }
    ByteSet folded(ByteSet set) const {
        for (uint8_t c = 'a'; flags_.caseless && c <= 'z'; ++c) {
            const auto upper = static_cast<uint8_t>(c ^ 0x20);
            if (set.has(c) || set.has(upper)) set.add(c).add(upper);
        }
        return set;
    }

    Part escape() {
        switch (peek()) {
            case 'b': return take(), condition(Op::word_boundary);
            case 'B': return take(), condition(Op::no_word_boundary);
            case 'A': return take(), condition(Op::subject_start);
            case 'z': return take(), condition(Op::subject_end);
            case 'Z': return take(), condition(Op::end_or_last_newline);
            case 'N': return take(), set_of(~only('\n'));
            default: break;
        }
        ByteSet set;
        bool one = false;
        escaped(&set, &one);
        return set_of(one ? folded(set) : set);
    }
    // The set that an escape stands for; one: it is a character.
    void escaped(ByteSet *set, bool *one) {
        const char c = take();
        *one = false;
        const ByteSet digit = range('0', '9');
        const ByteSet word = digit | range('a', 'z') | range('A', 'Z') | only('_');
        const ByteSet space = range(9, 13) | only(' ');
        const ByteSet blank = only('\t') | only(' ') | only('\xa0');
        const ByteSet vertical = range(10, 13) | only('\x85');
        switch (c) {
            case 'd': *set = digit; return;
            case 'D': *set = ~digit; return;
            case 'w': *set = word; return;
            case 'W': *set = ~word; return;
            case 's': *set = space; return;
            case 'S': *set = ~space; return;
            case 'h': *set = blank; return;
            case 'H': *set = ~blank; return;
            case 'v': *set = vertical; return;
            case 'V': *set = ~vertical; return;
            default: break;
        }
        *one = true;
        *set = only(character(c));
    }
    char character(char c) {
        switch (c) {
            case 'a': return '\a';
            case 'e': return '\x1b';
            case 'f': return '\f';
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case '0': {
                int value = 0;
                for (int i = 0; i < 2 && peek() >= '0' && peek() <= '7'; ++i) value = value * 8 + (take() - '0');
                return static_cast<char>(value);
            }
            case 'x': {
                int value = 0;
                if (peek() == '{') failed_ = true;
                for (int i = 0; i < 2 && hex_value(peek()) >= 0; ++i) value = value * 16 + hex_value(take());
                return static_cast<char>(value);
            }
            default: break;
        }
        if (is_alpha(c) || is_digit(c)) failed_ = true;
        return c;
    }

    ByteSet char_class() {
        const bool inverted = take_if('^');
        ByteSet set;
        for (bool first = true; more() && (first || peek() != ']'); first = false) {
            ByteSet item;
            const bool one = class_item(&item);
            if (!one || peek() != '-' || peek(1) == ']') {
                // A hyphen behind a set is one of those things that depend on the version.
                if (!one && peek() == '-' && peek(1) != ']') failed_ = true;
                set |= item;
                continue;
            }
            take();
            ByteSet last;
            if (!class_item(&last)) failed_ = true;
            if (!failed_) set |= folded(range(lowest(item), lowest(last)));
        }
        if (take() != ']') failed_ = true;
        set = folded(set);
        return inverted ? ~set : set;
    }
    static unsigned lowest(const ByteSet &set) {
        unsigned c = 0;
        while (c < 255 && !set.has(static_cast<uint8_t>(c))) ++c;
        return c;
    }
    bool class_item(ByteSet *set) {
        const char c = take();
        const char behind = peek();
        // Named classes are rare, and so are patterns that would need them to be scanned.
        if (c == '[' && (behind == ':' || behind == '.' || behind == '=')) failed_ = true;
        if (c != '\\') {
            *set = only(c);
            return true;
        }
        if (take_if('b')) {
            *set = only('\b');
            return true;
        }
        bool one = false;
        escaped(set, &one);
        return one;
    }

    RegexScan &scan_;
    const char *text_;
    size_t size_;
    size_t at_ = 0;
    Flags flags_;
    bool repeatable_ = true;
    bool failed_ = false;
};

Status RegexScan::compile(RegexScan **out_scan, const char *pattern, size_t size) {
    RegexScan *scan = make<RegexScan>();
    if (!scan) return IOLOOP_ENOMEM;
    Status status = IOLOOP_OK;
    try {
        if (!RegexScanParser(*scan, pattern, size).parse()) status = IOLOOP_ENOTSUP;
    } catch (const std::bad_alloc &) {
        status = IOLOOP_ENOMEM;
    }
    if (status == IOLOOP_OK) {
        *out_scan = scan;
    } else {
        destroy(scan);
    }
    return status;
}

}  // namespace ioloop
