// Finding a delimiter in a byte queue without looking at any byte twice.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/byte_queue.h"

namespace ioloop {

inline constexpr size_t not_found = SIZE_MAX;

// Searches the first `limit` bytes of the queue for the delimiter. *scanned says how many bytes earlier calls have
// ruled out as the start of a match, and is moved forward; begin with 0, and with 0 again after bytes were consumed.
// Returns the offset just after the first match, or not_found. Adds the bytes looked at to *examined.
size_t find_delimiter(const ByteQueue &queue, const uint8_t *delimiter, size_t delimiter_size, size_t limit,
                      size_t *scanned, uint64_t *examined);

}  // namespace ioloop
