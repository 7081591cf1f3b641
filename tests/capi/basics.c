/* Version, features, status texts, option structs and the memory count. */
#include "capi_test.h"

static void version(void) {
    CHECK_INT(ioloop_version(), IOLOOP_VERSION);
    CHECK_INT(IOLOOP_VERSION, IOLOOP_VERSION_MAJOR * 10000 + IOLOOP_VERSION_MINOR * 100 + IOLOOP_VERSION_PATCH);
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", IOLOOP_VERSION_MAJOR, IOLOOP_VERSION_MINOR, IOLOOP_VERSION_PATCH);
    CHECK_TEXT(ioloop_version_text(), text);
}

static void features(void) {
    CHECK_INT(ioloop_has_feature(IOLOOP_FEATURE_EPOLL), 1);
    CHECK_INT(ioloop_has_feature(IOLOOP_FEATURE_POLL), 1);
    CHECK_INT(ioloop_has_feature(IOLOOP_FEATURE_NATIVE_FD), 1);
    int32_t regex = ioloop_has_feature(IOLOOP_FEATURE_REGEX);
    CHECK(regex == 0 || regex == 1);
    int32_t tls = ioloop_has_feature(IOLOOP_FEATURE_TLS);
    CHECK(tls == 0 || tls == 1);
    static const int32_t unknown[] = {0, -1, 6, 1000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) CHECK_INT(ioloop_has_feature(unknown[i]), 0);
}

/* The numbers are part of the ABI: they are written out here. */
static const struct {
    int32_t number;
    int32_t constant;
    const char *name;
} STATUSES[] = {
    {0, IOLOOP_OK, "OK"},
    {1, IOLOOP_MORE, "MORE"},
    {-1, IOLOOP_EINVAL, "EINVAL"},
    {-2, IOLOOP_ENOMEM, "ENOMEM"},
    {-3, IOLOOP_ENOTSUP, "ENOTSUP"},
    {-4, IOLOOP_ESTATE, "ESTATE"},
    {-5, IOLOOP_EBUSY, "EBUSY"},
    {-6, IOLOOP_ENOENT, "ENOENT"},
    {-7, IOLOOP_EEXIST, "EEXIST"},
    {-8, IOLOOP_EHANDLE, "EHANDLE"},
    {-9, IOLOOP_ETHREAD, "ETHREAD"},
    {-10, IOLOOP_EFORKED, "EFORKED"},
    {-20, IOLOOP_ECLOSED, "ECLOSED"},
    {-21, IOLOOP_EEOF, "EEOF"},
    {-22, IOLOOP_ERESET, "ERESET"},
    {-23, IOLOOP_ETRUNCATED, "ETRUNCATED"},
    {-24, IOLOOP_ETIMEDOUT, "ETIMEDOUT"},
    {-25, IOLOOP_ECANCELED, "ECANCELED"},
    {-26, IOLOOP_ETOOLONG, "ETOOLONG"},
    {-27, IOLOOP_EFULL, "EFULL"},
    {-28, IOLOOP_EREGEX, "EREGEX"},
    {-40, IOLOOP_EREFUSED, "EREFUSED"},
    {-41, IOLOOP_EUNREACH, "EUNREACH"},
    {-42, IOLOOP_EADDR, "EADDR"},
    {-43, IOLOOP_EADDRINUSE, "EADDRINUSE"},
    {-44, IOLOOP_EADDRNOTAVAIL, "EADDRNOTAVAIL"},
    {-45, IOLOOP_EACCESS, "EACCESS"},
    {-46, IOLOOP_ERESOLVE, "ERESOLVE"},
    {-47, IOLOOP_ENFILE, "ENFILE"},
    {-50, IOLOOP_ETLS, "ETLS"},
    {-60, IOLOOP_ESYS, "ESYS"},
    {-61, IOLOOP_EINTERNAL, "EINTERNAL"},
};
enum { STATUS_COUNT = sizeof STATUSES / sizeof STATUSES[0] };

static int is_status(int32_t number) {
    for (size_t i = 0; i < STATUS_COUNT; i++)
        if (STATUSES[i].number == number) return 1;
    return 0;
}

static void status_names(void) {
    for (size_t i = 0; i < STATUS_COUNT; i++) {
        CHECK_INT(STATUSES[i].constant, STATUSES[i].number);
        CHECK_TEXT(ioloop_status_name(STATUSES[i].number), STATUSES[i].name);
    }
    for (int32_t number = -300; number <= 300; number++)
        CHECK(is_status(number) == (strcmp(ioloop_status_name(number), "EUNKNOWN") != 0));
    CHECK(strcmp(ioloop_status_name(INT32_MIN), "EUNKNOWN") == 0);
    CHECK(strcmp(ioloop_status_name(INT32_MAX), "EUNKNOWN") == 0);
}

static void status_texts(void) {
    for (size_t i = 0; i < STATUS_COUNT; i++) {
        const char *text = ioloop_status_text(STATUSES[i].number);
        CHECK(text != NULL && text[0] != '\0');
        for (size_t other = 0; other < i; other++) CHECK(strcmp(text, ioloop_status_text(STATUSES[other].number)) != 0);
    }
    CHECK(ioloop_status_text(-1000) != NULL && ioloop_status_text(-1000)[0] != '\0');
    CHECK(ioloop_status_text(INT32_MAX) != NULL);
}

static void event_bits(void) {
    CHECK_INT(IOLOOP_NONE, 0);
    CHECK_INT(IOLOOP_READ, 0x001);
    CHECK_INT(IOLOOP_WRITE, 0x004);
    CHECK_INT(IOLOOP_ERROR, 0x018);
    CHECK_INT(sizeof(ioloop_event_t), 64);
}

static void defaults_of_a_loop(void) {
    ioloop_options_t options;
    memset(&options, 0xff, sizeof options);
    CHECK_OK(ioloop_options_init(&options, sizeof options));
    CHECK_INT(options.size, sizeof options);
    CHECK_INT(options.backend, IOLOOP_BACKEND_AUTO);
    CHECK_INT(options.chunk_size, 65536);
    CHECK_INT(options.max_pooled_chunks, 64);
    CHECK_INT(options.turn_read_bytes, 262144);
    CHECK_INT(options.turn_callbacks, 16384);
    CHECK_INT(options.max_posted, 1048576);
    CHECK_INT(options.reserved, 0);
}

static void defaults_of_a_stream(void) {
    iostream_options_t options;
    memset(&options, 0xff, sizeof options);
    CHECK_OK(iostream_options_init(&options, sizeof options));
    CHECK_INT(options.size, sizeof options);
    CHECK_INT(options.flags, 0);
    CHECK_INT(options.max_read_buffer, 16 * 1048576);
    CHECK_INT(options.max_write_buffer, 16 * 1048576);
    CHECK_INT(options.read_timeout_ns, IOLOOP_NEVER);
    CHECK_INT(options.write_timeout_ns, IOLOOP_NEVER);
    CHECK_INT(options.connect_timeout_ns, 30 * SECOND);

    CHECK_OK(iostream_options_init_tornado(&options, sizeof options));
    CHECK_INT(options.size, sizeof options);
    CHECK_INT(options.flags, 0);
    CHECK_INT(options.max_read_buffer, 104857600);
    CHECK(options.max_write_buffer == UINT64_MAX);
    CHECK_INT(options.read_timeout_ns, IOLOOP_NEVER);
    CHECK_INT(options.write_timeout_ns, IOLOOP_NEVER);
    CHECK_INT(options.connect_timeout_ns, IOLOOP_NEVER);
}

static void defaults_of_a_server(void) {
    ioserver_options_t options;
    memset(&options, 0xff, sizeof options);
    CHECK_OK(ioserver_options_init(&options, sizeof options));
    CHECK_INT(options.size, sizeof options);
    CHECK_INT(options.backlog, 4096);
    CHECK_INT(options.accept_budget, 16);
    CHECK_INT(options.max_connections, 0);
    CHECK_INT(options.max_undelivered, 256);
    CHECK_INT(options.reserved, 0);
}

static void options_init_refuses_sizes(void) {
    union {
        ioloop_options_t loop;
        iostream_options_t stream;
        ioserver_options_t server;
        unsigned char bytes[1024];
    } options, untouched;
    memset(&options, 0xa5, sizeof options);
    untouched = options;
    static const size_t sizes[] = {0, 1, 4, 7, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        CHECK_STATUS(ioloop_options_init(&options.loop, sizes[i]), IOLOOP_EINVAL);
        CHECK_STATUS(iostream_options_init(&options.stream, sizes[i]), IOLOOP_EINVAL);
        CHECK_STATUS(iostream_options_init_tornado(&options.stream, sizes[i]), IOLOOP_EINVAL);
        CHECK_STATUS(ioserver_options_init(&options.server, sizes[i]), IOLOOP_EINVAL);
    }
    CHECK(memcmp(&options, &untouched, sizeof options) == 0);
    CHECK_STATUS(ioloop_options_init(NULL, sizeof options.loop), IOLOOP_EINVAL);
    CHECK_STATUS(iostream_options_init(NULL, sizeof options.stream), IOLOOP_EINVAL);
    CHECK_STATUS(iostream_options_init_tornado(NULL, sizeof options.stream), IOLOOP_EINVAL);
    CHECK_STATUS(ioserver_options_init(NULL, sizeof options.server), IOLOOP_EINVAL);
}

static void check_loop_refused(const ioloop_options_t *options, int32_t status) {
    static char nothing;
    ioloop_t *loop = (ioloop_t *)(void *)&nothing;
    CHECK_STATUS(ioloop_new(&loop, options), status);
    CHECK(loop == NULL);
}

static void bad_options_of_a_loop(void) {
    ioloop_options_t good = test_loop_options(), bad;
#define CHECK_REFUSED(member, value)             \
    do {                                         \
        bad = good;                              \
        bad.member = (value);                    \
        check_loop_refused(&bad, IOLOOP_EINVAL); \
    } while (0)
    CHECK_REFUSED(size, 0);
    CHECK_REFUSED(size, 4);
    CHECK_REFUSED(backend, 99);
    CHECK_REFUSED(chunk_size, 0);
    CHECK_REFUSED(chunk_size, 4095);
    CHECK_REFUSED(chunk_size, 1048577);
    CHECK_REFUSED(reserved, 1);
    CHECK_STATUS(ioloop_new(NULL, &good), IOLOOP_EINVAL);
}

/* A newer program with an older library: what the library does not know must be 0. */
static void longer_options(void) {
    struct {
        ioloop_options_t known;
        uint64_t unknown[2];
    } options = {.known = test_loop_options(), .unknown = {0, 0}};
    ioloop_t *loop = NULL;
    options.known.size = sizeof options;
    CHECK_OK(ioloop_new(&loop, &options.known));
    ioloop_free(loop);
    options.unknown[1] = 1;
    check_loop_refused(&options.known, IOLOOP_EINVAL);
}

static void bad_options_of_a_stream(void) {
    static char nothing;
    ioloop_t *loop = new_loop();
    iostream_options_t good = stream_options(), bad;
    iostream_t *stream, *other;
#define CHECK_STREAM_REFUSED(member, value)                                          \
    do {                                                                             \
        bad = good;                                                                  \
        bad.member = (value);                                                        \
        stream = other = (iostream_t *)(void *)&nothing;                             \
        CHECK_STATUS(iostream_new(&stream, loop, -1, &bad), IOLOOP_EINVAL);          \
        CHECK(stream == NULL);                                                       \
        stream = other;                                                              \
        CHECK_STATUS(iostream_new_pair(&stream, &other, loop, &bad), IOLOOP_EINVAL); \
        CHECK(stream == NULL && other == NULL);                                      \
    } while (0)
    CHECK_STREAM_REFUSED(size, 0);
    CHECK_STREAM_REFUSED(size, 4);
    CHECK_STREAM_REFUSED(flags, 0x80000000u);
    CHECK_STREAM_REFUSED(max_read_buffer, 0);
    CHECK_STREAM_REFUSED(read_timeout_ns, -2);
    CHECK_STREAM_REFUSED(write_timeout_ns, INT64_MIN);
    CHECK_STREAM_REFUSED(connect_timeout_ns, -2);
    ioloop_free(loop);
}

static void bad_options_of_a_server(void) {
    static char nothing;
    ioloop_t *loop = new_loop();
    ioserver_options_t server_options;
    iostream_options_t bad_stream = stream_options();
    ioserver_t *server = (ioserver_t *)(void *)&nothing;
    struct record record = {0};
    CHECK_OK(ioserver_options_init(&server_options, sizeof server_options));
    server_options.size = 4;
    CHECK_STATUS(ioserver_new(&server, loop, &server_options, NULL, on_accept, &record, on_free), IOLOOP_EINVAL);
    CHECK(server == NULL);
    CHECK_INT(record.frees, 1);
    memset(&record, 0, sizeof record);
    server_options.size = sizeof server_options;
    server_options.reserved = 7;
    CHECK_STATUS(ioserver_new(&server, loop, &server_options, NULL, on_accept, &record, on_free), IOLOOP_EINVAL);
    CHECK_INT(record.frees, 1);
    memset(&record, 0, sizeof record);
    bad_stream.max_read_buffer = 0;
    CHECK_STATUS(ioserver_new(&server, loop, NULL, &bad_stream, on_accept, &record, on_free), IOLOOP_EINVAL);
    CHECK_INT(record.frees, 1);
    ioloop_free(loop);
}

static void backends(void) {
    static const struct {
        uint32_t backend;
        const char *name;
    } backends[] = {{IOLOOP_BACKEND_AUTO, "epoll"}, {IOLOOP_BACKEND_EPOLL, "epoll"}, {IOLOOP_BACKEND_POLL, "poll"}};
    for (size_t i = 0; i < 3; i++) {
        ioloop_options_t options = test_loop_options();
        ioloop_t *loop = NULL;
        options.backend = backends[i].backend;
        CHECK_OK(ioloop_new(&loop, &options));
        CHECK_TEXT(ioloop_backend_name(loop), backends[i].name);
        ioloop_free(loop);
    }
    ioloop_t *loop = NULL;
    CHECK_OK(ioloop_new(&loop, NULL));
    CHECK_TEXT(ioloop_backend_name(loop), "epoll");
    ioloop_free(loop);
}

static void memory_bytes(void) {
    CHECK_INT(ioloop_memory_bytes(), 0);
    ioloop_t *loop = new_loop();
    uint64_t of_loop = ioloop_memory_bytes();
    CHECK(of_loop > 0);
    iostream_t *one, *other;
    CHECK_OK(iostream_new_pair(&one, &other, loop, NULL));
    CHECK(ioloop_memory_bytes() > of_loop);
    iostream_free(one);
    iostream_free(other);
    run_idle(loop);
    ioloop_free(loop);
    CHECK_INT(ioloop_memory_bytes(), 0);
    ioloop_free(NULL);
    iostream_free(NULL);
    ioserver_free(NULL);
}

TEST_MAIN(TEST(version), TEST(features), TEST(status_names), TEST(status_texts), TEST(event_bits),
          TEST(defaults_of_a_loop), TEST(defaults_of_a_stream), TEST(defaults_of_a_server),
          TEST(options_init_refuses_sizes), TEST(bad_options_of_a_loop), TEST(longer_options),
          TEST(bad_options_of_a_stream), TEST(bad_options_of_a_server), TEST(backends), TEST(memory_bytes))
