// A match is hunted by its last byte: it is found with memchr among bytes not hunted before, and only then are the
// bytes before it compared. For long delimiters, where those comparisons could add up, memmem takes over.
#include "base/search.h"

#include <algorithm>
#include <cstring>

namespace ioloop {

namespace {

constexpr size_t short_delimiter = 8;  // comparing this much at each hit is cheap enough
constexpr size_t seam_window = 512;

struct Needle {
    const uint8_t *data;
    size_t size;
};

// A chunk, and where it begins in the queue.
struct Place {
    const Chunk *chunk;
    size_t base;

    // To the chunk with this byte, which is not before this one.
    void advance_to(size_t position) {
        while (position - base >= chunk->size()) {
            base += chunk->size();
            chunk = chunk->next;
        }
    }
    const uint8_t *at(size_t position) const { return chunk->data() + (position - base); }
    // The bytes from position to the end of the chunk, or to limit.
    size_t run(size_t position, size_t limit) const { return std::min(base + chunk->size(), limit) - position; }
};

// A resumed search begins near the end: in a queue of thousands of chunks the way there from the head is too long.
Place find_place(const ByteQueue &queue, size_t position) {
    Place place{queue.head(), 0};
    if (position > queue.size() / 2) {
        place = Place{queue.tail(), queue.size() - queue.tail()->size()};
        while (position < place.base) {
            place.chunk = place.chunk->prev;
            place.base -= place.chunk->size();
        }
    }
    place.advance_to(position);
    return place;
}

// The position of the first such byte in [from, limit), or not_found. place is at or before from, and goes along.
size_t find_byte(Place &place, uint8_t byte, size_t from, size_t limit, uint64_t *examined) {
    while (from < limit) {
        place.advance_to(from);
        size_t length = place.run(from, limit);
        const uint8_t *begin = place.at(from);
        const void *hit = std::memchr(begin, byte, length);
        if (hit) {
            size_t offset = static_cast<size_t>(static_cast<const uint8_t *>(hit) - begin);
            *examined += offset + 1;
            return from + offset;
        }
        *examined += length;
        from += length;
    }
    return not_found;
}

// Whether the bytes at start, all of them there, are the needle's first `size`.
bool equal_at(Place place, size_t start, const uint8_t *needle, size_t size, uint64_t *examined) {
    while (size > 0) {
        place.advance_to(start);
        size_t length = place.run(start, start + size);
        const uint8_t *there = place.at(start);
        size_t same = 0;
        while (same < length && there[same] == needle[same]) ++same;
        *examined += std::min(same + 1, length);
        if (same < length) return false;
        needle += length;
        start += length;
        size -= length;
    }
    return true;
}

// The start of the first match in [from, limit), by the last byte, or not_found.
size_t find_short(Place place, Needle needle, size_t from, size_t limit, uint64_t *examined) {
    size_t before_last = needle.size - 1;
    Place hunt = place;
    for (size_t last = from + before_last;; ++last) {
        last = find_byte(hunt, needle.data[before_last], last, limit, examined);
        if (last == not_found) return not_found;
        size_t start = last - before_last;
        place.advance_to(start);
        if (equal_at(place, start, needle.data, before_last, examined)) return start;
    }
}

// The offset of the first match in contiguous bytes, or not_found.
size_t find_in(const uint8_t *data, size_t size, Needle needle, uint64_t *examined) {
    const void *hit = memmem(data, size, needle.data, needle.size);
    if (!hit) {
        *examined += size;
        return not_found;
    }
    size_t offset = static_cast<size_t>(static_cast<const uint8_t *>(hit) - data);
    *examined += offset + needle.size;
    return offset;
}

// The start of the first match that begins in [from, seam) and reaches beyond seam, where place's chunk ends.
size_t find_across(Place place, size_t seam, Needle needle, size_t from, size_t limit, uint64_t *examined) {
    limit = std::min(limit, seam + needle.size - 1);
    if (limit - from <= seam_window) {
        uint8_t window[seam_window];
        size_t filled = 0;
        while (from + filled < limit) {
            place.advance_to(from + filled);
            size_t length = place.run(from + filled, limit);
            std::memcpy(window + filled, place.at(from + filled), length);
            filled += length;
        }
        size_t offset = find_in(window, filled, needle, examined);
        return offset == not_found ? not_found : from + offset;
    }
    return find_short(place, needle, from, limit, examined);
}

// The start of the first match in [from, limit) in time linear in its length, or not_found.
size_t find_long(Place place, Needle needle, size_t from, size_t limit, uint64_t *examined) {
    // Nothing can match before the first hit of the last byte; most often there is none.
    Place hunt = place;
    size_t last = find_byte(hunt, needle.data[needle.size - 1], from + needle.size - 1, limit, examined);
    if (last == not_found) return not_found;
    from = last - (needle.size - 1);
    while (limit - from >= needle.size) {
        place.advance_to(from);
        size_t length = place.run(from, limit);
        size_t seam = from + length;
        if (length >= needle.size) {
            size_t offset = find_in(place.at(from), length, needle, examined);
            if (offset != not_found) return from + offset;
            from = seam - (needle.size - 1);
        }
        if (limit - from < needle.size) return not_found;
        size_t start = find_across(place, seam, needle, from, limit, examined);
        if (start != not_found) return start;
        from = seam;
    }
    return not_found;
}

}  // namespace

size_t find_delimiter(const ByteQueue &queue, const uint8_t *delimiter, size_t delimiter_size, size_t limit,
                      size_t *scanned, uint64_t *examined) {
    if (delimiter_size == 0) return 0;
    limit = std::min(limit, queue.size());
    size_t from = *scanned;
    if (limit < delimiter_size || from > limit - delimiter_size) return not_found;
    Needle needle{delimiter, delimiter_size};
    Place place = find_place(queue, from);
    size_t start = delimiter_size <= short_delimiter ? find_short(place, needle, from, limit, examined)
                                                     : find_long(place, needle, from, limit, examined);
    *scanned = start == not_found ? limit - (delimiter_size - 1) : start;
    return start == not_found ? not_found : start + delimiter_size;
}

}  // namespace ioloop
