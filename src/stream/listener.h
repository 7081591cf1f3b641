// One listening socket of a server, and how such sockets are opened.
#pragma once

#include <string>
#include <string_view>

#include "base/list.h"
#include "base/result.h"
#include "loop/completion.h"
#include "loop/objects.h"
#include "os/address.h"
#include "os/descriptor.h"
#include "os/file.h"

namespace ioloop {

class Server;
class Stream;

class Listener final : public Watcher {
public:
    Listener(Server &server, os::UniqueFd fd) : fd_(std::move(fd)), server_(server) {}
    Listener(const Listener &) = delete;
    Listener &operator=(const Listener &) = delete;

    int fd() const { return fd_.get(); }
    void take_descriptor(int fd) { fd_.reset(fd); }
    void release_descriptor() { fd_.release(); }
    // The socket file to remove when listening ends, if it is still the one made here.
    void own_file(std::string path, const os::FileIdentity &identity) {
        path_ = std::move(path);
        identity_ = identity;
    }
    void remove_file();
    void on_ready(uint32_t events) override;

private:
    os::UniqueFd fd_;
    Server &server_;
    std::string path_;
    os::FileIdentity identity_;
};

struct AcceptTag;

// An accepted stream on its way through the pull queue, or the news that accepting has to pause.
class AcceptEvent final : public Completion, public ListNode<AcceptTag> {
public:
    explicit AcceptEvent(Server &server) : server_(server) {}

    Stream *stream = nullptr;
    Status status = IOLOOP_OK;

    void run() override {}
    bool report(ioloop_event_t *event) override;
    void discard() override;

private:
    void leave();

    Server &server_;
};

// Opens a socket that listens on a TCP address. value is invalid when error says why.
Result<os::UniqueFd> open_listener(const os::Address &address, int backlog);

// Opens a socket that listens on a Unix address; *out_identity is that of the file made, if any.
// IOLOOP_EADDRINUSE when somebody answers there, or the file is no socket.
Status open_unix_listener(os::UniqueFd *out_fd, os::FileIdentity *out_identity, int *out_errno,
                          const os::Address &address, uint32_t mode, int backlog);

}  // namespace ioloop
