// A server: listening sockets, the streams they give, and when accepting must pause.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/object_pool.h"
#include "base/result.h"
#include "ioloop/server.h"
#include "loop/loop.h"
#include "stream/listener.h"
#include "stream/stream.h"
#include "stream/stream_config.h"

namespace ioloop {

class Server final : public LoopObject, private TimerTarget {
public:
    static ObjectPool pool;

    // Drops the call's ctx on failure.
    static Status create(Server **out_server, Loop &loop, const ioserver_options_t &options, const ConfigRef &config,
                         UserCall<ioserver_accept_fn> call);
    void free();

    Loop &loop() const { return loop_; }
    Status listen(uint16_t *out_port, std::string_view host, uint16_t port);
    Status listen_unix(std::string_view path, uint32_t mode);
    Status listen_fd(int fd);  // takes fd on success
    Status pause(bool on);
    void stop();
    uint32_t connections() const { return count_->open; }

    Status last_status = IOLOOP_OK;
    int last_errno = 0;

    // LoopObject
    void shut(Status reason) override;
    void destroy() override;

private:
    friend class Listener;
    friend class AcceptEvent;

    Server(Loop &loop, const ioserver_options_t &options, const ConfigRef &config, UserCall<ioserver_accept_fn> call,
           ConnectionCount *count);
    ~Server();

    bool accepting() const;
    void update_interest();
    // One connection of this listener. False when there is no more for now.
    bool accept_one(Listener &listener);
    void queue(AcceptEvent &event);
    void report_trouble(Status status);
    void back_off(int error);
    // Takes the listener, also on failure.
    Status add_listener(Listener *listener);
    void finish_stop();
    Status bind_all(uint16_t *out_port, std::string_view host, uint16_t port);
    void remember(Status status, int system_errno) { last_status = status, last_errno = system_errno; }

    void work() override;                      // a stream closed, or a descriptor became free
    void on_timer(int64_t now_ns) override;    // the end of a pause for want of descriptors

    Loop &loop_;
    ioserver_options_t options_;
    ConfigRef config_;
    UserCall<ioserver_accept_fn> call_;
    std::vector<Listener *, Allocator<Listener *>> listeners_;
    List<AcceptEvent, AcceptTag> undelivered_;  // accepted streams in the pull queue
    ConnectionCount *count_;
    uint32_t undelivered_count_ = 0;
    int64_t pause_ns_ = 0;       // the present pause for want of descriptors; 0: none
    int64_t next_pause_ns_ = 0;  // what it would be if that goes on
    bool paused_ = false;
    bool stopped_ = false;
    bool in_call_ = false;
    bool freed_ = false;
    bool trouble_told_ = false;
};

}  // namespace ioloop
