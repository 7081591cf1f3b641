// The options of streams, shared by all that were made alike: an accepted stream costs one pointer for them.
#pragma once

#include <cstdint>

#include "base/memory.h"
#include "ioloop/stream.h"

namespace ioloop {

struct StreamConfig {
    iostream_options_t options;
    uint32_t refs = 1;  // used on one loop's thread only
};

class ConfigRef {
public:
    ConfigRef() = default;
    // False without memory.
    bool make_new(const iostream_options_t &options) {
        StreamConfig *config = make<StreamConfig>();
        if (!config) return false;
        config->options = options;
        reset();
        config_ = config;
        return true;
    }
    ConfigRef(const ConfigRef &other) : config_(other.config_) {
        if (config_) ++config_->refs;
    }
    ConfigRef &operator=(const ConfigRef &) = delete;
    ~ConfigRef() { reset(); }

    const iostream_options_t &operator*() const { return config_->options; }
    const iostream_options_t *operator->() const { return &config_->options; }

    // The options to change, of this stream alone; null without memory.
    iostream_options_t *own() {
        if (config_->refs > 1) {
            StreamConfig *copy = make<StreamConfig>();
            if (!copy) return nullptr;
            copy->options = config_->options;
            --config_->refs;
            config_ = copy;
        }
        return &config_->options;
    }

private:
    void reset() {
        if (config_ && --config_->refs == 0) destroy(config_);
        config_ = nullptr;
    }
    StreamConfig *config_ = nullptr;
};

}  // namespace ioloop
