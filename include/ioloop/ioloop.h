/* ioloop/ioloop.h - the whole C API in one include. */
#ifndef IOLOOP_IOLOOP_H
#define IOLOOP_IOLOOP_H

#include "base.h"
#include "event.h"
#include "loop.h"
#include "server.h"
#include "stream.h"

#endif
