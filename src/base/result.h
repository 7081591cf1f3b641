// Results of operations that can fail: a value and an error number, never an exception.
#pragma once

#include <cstdint>

namespace ioloop {

// A status number of ioloop/base.h: 0 or a count is success, negative is an error.
using Status = int32_t;

// What a system call gave: its value, or the errno it failed with. Exactly one of them means something.
template <class T>
struct Result {
    T value{};
    int error = 0;

    bool ok() const { return error == 0; }
    static Result failure(int error) { return Result{T{}, error}; }
};

// For calls that give nothing but success.
struct Nothing {};

}  // namespace ioloop
