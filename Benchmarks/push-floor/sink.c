/* The listeners of a push benchmark: as many connections as asked for, in one of the servers' protocols, whose messages are
   counted.

   usage: sink PORT PROTOCOL [KEY=VALUE ...]
     PROTOCOL   floor (frames without a handshake), websocket, millrace, mqtt, nats
     path=P     of the request; %d in it is the connection's number modulo `parts`
     subprotocol=S  tokens=FILE (one a line, in turns)  channel=C  where=W (%d in it: the connection's number)
     parts=N    connection i is to get the messages whose number is i modulo N
     stamps=1   messages carry "@NANOSECONDS#NUMBER@": latency, losses and doubles are told
     receive=N  bytes that the kernel may hold of a connection that is not read
     ping=N     seconds after which a client of mqtt says that it lives

   Obeys lines of standard input, each answered by one line:
     connect N    READY SECONDS   until N stand, a few handshakes at a time
     busy | lazy  OK              poll without pause; or look now and then, never asleep in the poller: waking a reader is charged
                                  to the sender, and the slower sender would pay it more often
     reset        OK              counts begin anew
     wait N S     figures         until N messages have come since `reset`, or S seconds have passed
     ignore N     OK              N connections, spread over all, are not read; 0: all are read again
     drop         DROPPED SECONDS all are closed
     resume       READY SECONDS   all connect again, each from the place it had; its time counts from here
   Ends with standard input. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum protocol { FLOOR, WEBSOCKET, MILLRACE, MQTT, NATS };
enum phase { CLOSED, UPGRADING, BEGINNING, STANDING };

struct connection {
    int descriptor;
    enum phase phase;
    int is_ignored;
    unsigned partial_count;
    unsigned char *partial;
    unsigned long messages;
    long last;
    char place[48];
};

/* Handshakes under way at once: fewer than any server's backlog holds. */
static const int window = 128;

static enum protocol protocol;
static struct sockaddr_in address;
static const char *path = "/", *subprotocol, *channel = "", *where, *tokens_path;
static int parts = 1, has_stamps, receive_bytes;
static double ping_seconds;
static char **tokens;
static int token_count;

static struct connection *all;
static int capacity, total, pending, standing, poller, is_busy, input_ended;
static unsigned long messages, bytes, ends, lost, doubled, foreign;
static uint32_t *latencies;
static size_t latency_count, latency_capacity;
static double resumed_at;

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void answer(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    putchar('\n');
    fflush(stdout);
}

static void send_all(struct connection *connection, const void *from, size_t count) {
    if (send(connection->descriptor, from, count, MSG_NOSIGNAL) != (ssize_t)count) fail("send: %s", strerror(errno));
}

/* A masked frame; a mask of zeros leaves the payload as it is. */
static void send_frame(struct connection *connection, int opcode, const void *payload, size_t length) {
    unsigned char frame[2048 + 8];
    size_t start = 2;
    if (length > 2048) fail("too much to say");
    frame[0] = 0x80 | opcode;
    frame[1] = 0x80 | (length < 126 ? length : 126);
    if (length >= 126) {
        frame[2] = (unsigned char)(length >> 8);
        frame[3] = (unsigned char)length;
        start = 4;
    }
    memset(frame + start, 0, 4);
    memcpy(frame + start + 4, payload, length);
    send_all(connection, frame, start + 4 + length);
}

/* A text in which %d is a number. */
static void expand(char *target, size_t size, const char *text, int number) {
    const char *found = strstr(text, "%d");
    if (found) snprintf(target, size, "%.*s%d%s", (int)(found - text), text, number, found + 2);
    else snprintf(target, size, "%s", text);
}

static void ask_upgrade(struct connection *connection) {
    char request[8192], resource[256];
    int number = connection - all;
    expand(resource, sizeof resource, path, number % parts);
    int length = snprintf(request, sizeof request,
        "GET %s%s%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", resource,
        protocol == WEBSOCKET && *connection->place ? "?last_event_id=" : "", protocol == WEBSOCKET ? connection->place : "");
    if (subprotocol) length += snprintf(request + length, sizeof request - length, "Sec-WebSocket-Protocol: %s\r\n", subprotocol);
    if (token_count)
        length += snprintf(request + length, sizeof request - length, "Authorization: Bearer %s\r\n", tokens[number % token_count]);
    length += snprintf(request + length, sizeof request - length, "\r\n");
    if (length >= (int)sizeof request) fail("too long a request");
    send_all(connection, request, length);
}

/* After the upgrade. */
static void begin(struct connection *connection) {
    char text[1024];
    int number = connection - all, length;
    switch (protocol) {
    case MILLRACE:
        length = snprintf(text, sizeof text, "{\"type\":\"subscribe\",\"id\":1,\"channel\":\"%s\"", channel);
        if (where) {
            char condition[256];
            expand(condition, sizeof condition, where, number);
            length += snprintf(text + length, sizeof text - length, ",\"where\":\"%s\"", condition);
        }
        if (*connection->place) length += snprintf(text + length, sizeof text - length, ",\"replay\":%s", connection->place);
        length += snprintf(text + length, sizeof text - length, "}");
        send_frame(connection, 1, text, length);
        break;
    case MQTT:
        length = snprintf(text + 14, 32, "client%d", number);
        memcpy(text, (unsigned char[]){0x10, 12 + length, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 2 * ping_seconds, 0, length}, 14);
        send_frame(connection, 2, text, 14 + length);
        break;
    case NATS:
        length = snprintf(text, sizeof text, "CONNECT {\"verbose\":false,\"protocol\":1}\r\nSUB room 1\r\nPING\r\n");
        send_frame(connection, 2, text, length);
        break;
    default: break;
    }
}

static void stands(struct connection *connection) {
    connection->phase = STANDING;
    standing++;
    pending--;
}

/* "@NANOSECONDS#NUMBER@" */
static void look_at_stamp(struct connection *connection, const unsigned char *payload, size_t count) {
    const char *stamp = memchr(payload, '@', count);
    if (!stamp || count - ((const unsigned char *)stamp - payload) < 31) fail("a message without a stamp: %.*s", (int)count, payload);
    char *rest;
    long sent = strtol(stamp + 1, &rest, 10), number = strtol(rest + 1, NULL, 10);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (latency_count == latency_capacity) {
        latency_capacity = latency_capacity ? 2 * latency_capacity : 1 << 20;
        latencies = realloc(latencies, latency_capacity * sizeof *latencies);
        if (!latencies) fail("no memory");
    }
    latencies[latency_count++] = (now.tv_sec * 1000000000l + now.tv_nsec - sent) / 1000;
    if (number % parts != (connection - all) % parts) foreign++;
    else if (number <= connection->last) doubled++;
    else {
        if (connection->last >= 0) lost += (number - connection->last) / parts - 1;
        connection->last = number;
    }
}

static void set_place(struct connection *connection, const void *from, size_t length) {
    if (length == 0 || length >= sizeof connection->place) fail("no place: %zu bytes", length);
    memcpy(connection->place, from, length);
    connection->place[length] = 0;
}

static void remember_place(struct connection *connection, const unsigned char *payload, size_t count) {
    static const char key[] = "\"replayId\":";
    const char *found = NULL, *next = (const char *)payload, *end = next + count;
    while ((next = memmem(next, end - next, key, sizeof key - 1))) found = next += sizeof key - 1;
    if (!found) return;
    size_t length = 0;
    while (found + length < end && found[length] >= '0' && found[length] <= '9') length++;
    /* `null` where nothing has been published yet. */
    if (length > 0) set_place(connection, found, length);
}

static void came(struct connection *connection, const unsigned char *payload, size_t count) {
    if (protocol == WEBSOCKET && has_stamps && count > 4 && memcmp(payload, "id: ", 4) == 0) {
        const unsigned char *end = memchr(payload, '\n', count);
        if (!end) fail("no end of a message's id");
        set_place(connection, payload + 4, end - payload - 4 - (end[-1] == '\r'));
    }
    messages++;
    connection->messages++;
    if (has_stamps) look_at_stamp(connection, payload, count);
}

/* A frame may hold several of them. */
static void nats_came(struct connection *connection, const unsigned char *payload, size_t count) {
    const unsigned char *end = payload + count;
    while (payload < end) {
        const unsigned char *line_end = memmem(payload, end - payload, "\r\n", 2);
        if (!line_end) fail("half a line of nats: %.*s", (int)(end - payload), payload);
        if (memcmp(payload, "MSG ", 4) == 0) {
            long length = strtol((const char *)memrchr(payload, ' ', line_end - payload), NULL, 10);
            came(connection, line_end + 2, length);
            payload = line_end + 2 + length + 2;
            continue;
        }
        if (memcmp(payload, "PING", 4) == 0) send_frame(connection, 2, "PONG\r\n", 6);
        else if (memcmp(payload, "PONG", 4) == 0) {
            if (connection->phase == BEGINNING) stands(connection);
        } else if (memcmp(payload, "INFO", 4) != 0) fail("nats says: %.*s", (int)(line_end - payload), payload);
        payload = line_end + 2;
    }
    if (payload > end) fail("half a message of nats");
}

static void data(struct connection *connection, const unsigned char *payload, size_t count) {
    switch (protocol) {
    case MILLRACE:
        if (memmem(payload, count < 40 ? count : 40, "\"type\":\"event\"", 14)) came(connection, payload, count);
        else if (connection->phase == BEGINNING && memmem(payload, count, "\"subscribed\"", 12)) stands(connection);
        else if (memmem(payload, count, "\"error\"", 7) || memmem(payload, count, "\"gap\"", 5)) fail("the hub says: %.*s", (int)count, payload);
        if (has_stamps) remember_place(connection, payload, count);
        break;
    case MQTT:
        if (payload[0] == 0x20) {
            static const unsigned char subscribe[] = {0x82, 9, 0, 1, 0, 4, 'r', 'o', 'o', 'm', 0};
            send_frame(connection, 2, subscribe, sizeof subscribe);
        } else if (payload[0] == 0x90) stands(connection);
        else if ((payload[0] & 0xF0) == 0x30) came(connection, payload, count);
        break;
    case NATS: nats_came(connection, payload, count); break;
    default: came(connection, payload, count);
    }
}

static void leave(struct connection *connection) {
    close(connection->descriptor);
    if (connection->phase == STANDING) standing--;
    else if (connection->phase != CLOSED) fail("the server ended a connection that was beginning");
    connection->phase = CLOSED;
    connection->partial_count = 0;
}

/* What is whole at the beginning of the bytes is handled; how much that is. */
static size_t consume(struct connection *connection, const unsigned char *from, size_t count) {
    size_t used = 0;
    if (connection->phase == UPGRADING) {
        const char *end = memmem(from, count, "\r\n\r\n", 4);
        if (!end) return 0;
        if (memcmp(from, "HTTP/1.1 101", 12) != 0) fail("no upgrade: %.*s", (int)count, from);
        used = end + 4 - (const char *)from;
        connection->phase = BEGINNING;
        if (protocol == WEBSOCKET) stands(connection);
        else begin(connection);
    }
    while (count - used >= 2 && connection->phase != CLOSED) {
        const unsigned char *frame = from + used;
        size_t length = frame[1] & 0x7F, header = length == 126 ? 4 : length == 127 ? 10 : 2;
        if (count - used < header) break;
        if (header > 2) length = 0;
        for (size_t index = 2; index < header; index++) length = length << 8 | frame[index];
        if (count - used < header + length) break;
        used += header + length;
        unsigned long before = messages;
        switch (frame[0] & 0x0F) {
        case 1: case 2:
            data(connection, frame + header, length);
            if (messages > before) bytes += header + length;
            break;
        case 8:
            send_frame(connection, 8, frame + header, length < 2 ? length : 2);
            ends++;
            leave(connection);
            break;
        case 9: send_frame(connection, 10, frame + header, length); break;
        case 10: break;
        default: fail("a frame with the opcode %d", frame[0] & 0x0F);
        }
    }
    return used;
}

static void receive(struct connection *connection) {
    static unsigned char buffer[1 << 18];
    unsigned kept = connection->partial_count;
    if (kept) memcpy(buffer, connection->partial, kept);
    ssize_t received = recv(connection->descriptor, buffer + kept, (1 << 17), MSG_DONTWAIT);
    if (received < 0 && errno == EAGAIN) return;
    if (received <= 0) {
        ends++;
        return leave(connection);
    }
    size_t count = kept + received, used = consume(connection, buffer, count);
    if (connection->phase == CLOSED) return;
    connection->partial_count = count - used;
    if (used == count) {
        free(connection->partial);
        connection->partial = NULL;
        return;
    }
    if (count - used > 1 << 17) fail("too long a frame");
    connection->partial = realloc(connection->partial, count - used);
    memcpy(connection->partial, buffer + used, count - used);
}

static void watch(struct connection *connection, int operation) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(poller, operation, connection->descriptor, &event) < 0) fail("epoll: %s", strerror(errno));
}

static void open_connection(struct connection *connection) {
    int one = 1;
    connection->descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connection->descriptor < 0) fail("socket: %s", strerror(errno));
    if (receive_bytes) setsockopt(connection->descriptor, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    if (connect(connection->descriptor, (struct sockaddr *)&address, sizeof address) < 0) fail("connect: %s", strerror(errno));
    fcntl(connection->descriptor, F_SETFL, O_NONBLOCK);
    setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(connection, EPOLL_CTL_ADD);
    pending++;
    connection->phase = protocol == FLOOR ? STANDING : UPGRADING;
    if (protocol == FLOOR) stands(connection);
    else ask_upgrade(connection);
}

/* Spread over the interval. */
static void ping(void) {
    static double last;
    static long due, sent;
    double now = seconds();
    if (last == 0) last = now;
    due = (now - last) / ping_seconds * total;
    for (; sent < due; sent++)
        if (all[sent % total].phase == STANDING) send_frame(&all[sent % total], 2, "\xC0", 2);
}

static int pump(int timeout_milliseconds) {
    struct epoll_event events[512];
    int ready = epoll_wait(poller, events, 512, timeout_milliseconds);
    for (int index = 0; index < ready; index++) {
        struct connection *connection = events[index].data.ptr;
        if (connection->phase != CLOSED && !connection->is_ignored) receive(connection);
    }
    if (ping_seconds > 0 && protocol == MQTT && total > 0) ping();
    return ready;
}

static void connect_until(int target) {
    double start = seconds();
    if (target > capacity) fail("too many connections");
    int next = 0;
    if (target > total) total = target;
    while (standing < target) {
        while (pending < window && next < target) {
            if (all[next].phase == CLOSED) open_connection(&all[next]);
            next++;
        }
        if (seconds() > start + 120) fail("%d of %d connections stand", standing, target);
        pump(1);
    }
    answer("READY %.3f", seconds() - start);
}

static int by_size(const void *left, const void *right) {
    return (*(uint32_t *)left > *(uint32_t *)right) - (*(uint32_t *)left < *(uint32_t *)right);
}

static double latency(double share) {
    return latency_count ? latencies[(size_t)(share * (latency_count - 1))] / 1000.0 : 0;
}

static void wait_for(unsigned long wanted, double limit) {
    double start = seconds();
    while (messages < wanted && seconds() < start + limit) pump(is_busy ? 0 : 5);
    double end = seconds();
    unsigned long fewest = ~0ul, most = 0;
    for (int index = 0; index < total; index++) {
        if (all[index].is_ignored) continue;
        if (all[index].messages < fewest) fewest = all[index].messages;
        if (all[index].messages > most) most = all[index].messages;
    }
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    answer("{\"messages\": %lu, \"bytes\": %lu, \"fewest\": %lu, \"most\": %lu, \"standing\": %d, \"ends\": %lu, \"lost\": %lu, "
        "\"double\": %lu, \"foreign\": %lu, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, \"since_resume_s\": %.3f}",
        messages, bytes, fewest, most, standing, ends, lost, doubled, foreign, latency(0.5), latency(0.99), latency(1),
        resumed_at ? end - resumed_at : 0);
}

static void reset(void) {
    messages = bytes = ends = lost = doubled = foreign = 0;
    latency_count = 0;
    for (int index = 0; index < total; index++) all[index].messages = 0;
    answer("OK");
}

static void ignore(int number) {
    for (int index = 0; index < total; index++) {
        int is_ignored = number > 0 && index % (total / number) == 0;
        if (is_ignored == all[index].is_ignored || all[index].phase == CLOSED) continue;
        all[index].is_ignored = is_ignored;
        watch(&all[index], is_ignored ? EPOLL_CTL_DEL : EPOLL_CTL_ADD);
    }
    answer("OK");
}

static void drop(void) {
    double start = seconds();
    for (int index = 0; index < total; index++)
        if (all[index].phase != CLOSED) leave(&all[index]);
    answer("DROPPED %.3f", seconds() - start);
}

static void obey(const char *line) {
    int number;
    unsigned long wanted;
    double limit;
    if (sscanf(line, "connect %d", &number) == 1) connect_until(number);
    else if (sscanf(line, "wait %lu %lf", &wanted, &limit) == 2) wait_for(wanted, limit);
    else if (sscanf(line, "ignore %d", &number) == 1) ignore(number);
    else if (strcmp(line, "busy\n") == 0 || strcmp(line, "lazy\n") == 0) {
        is_busy = *line == 'b';
        answer("OK");
    } else if (strcmp(line, "reset\n") == 0) reset();
    else if (strcmp(line, "drop\n") == 0) drop();
    else if (strcmp(line, "resume\n") == 0) {
        resumed_at = seconds();
        connect_until(total);
    } else fail("not understood: %s", line);
}

static void read_tokens(void) {
    FILE *file = fopen(tokens_path, "r");
    if (!file) fail("%s: %s", tokens_path, strerror(errno));
    char line[4096];
    tokens = calloc(capacity, sizeof *tokens);
    while (token_count < capacity && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        tokens[token_count++] = strdup(line);
    }
    fclose(file);
}

static void configure(const char *argument) {
    const char *value = strchr(argument, '=');
    if (!value) fail("not understood: %s", argument);
    size_t length = value++ - argument;
#define IS(key) (length == sizeof key - 1 && memcmp(argument, key, length) == 0)
    if (IS("path")) path = value;
    else if (IS("subprotocol")) subprotocol = value;
    else if (IS("tokens")) tokens_path = value;
    else if (IS("channel")) channel = value;
    else if (IS("where")) where = value;
    else if (IS("parts")) parts = atoi(value);
    else if (IS("stamps")) has_stamps = atoi(value);
    else if (IS("receive")) receive_bytes = atoi(value);
    else if (IS("ping")) ping_seconds = atof(value);
    else fail("not understood: %s", argument);
}

/* A line that has come, if one has. In the meantime nobody sleeps in the poller. */
static int next_line(char *line, size_t size) {
    static char held[4096];
    static size_t count;
    struct pollfd input = {.fd = 0, .events = POLLIN};
    if (!memchr(held, '\n', count) && poll(&input, 1, is_busy ? 0 : 5) > 0) {
        ssize_t got = read(0, held + count, sizeof held - count);
        if (got <= 0) input_ended = 1;
        else count += got;
    }
    char *end = memchr(held, '\n', count);
    if (!end) return 0;
    size_t length = end + 1 - held;
    if (length >= size) fail("too long a line");
    memcpy(line, held, length);
    line[length] = 0;
    memmove(held, held + length, count -= length);
    return 1;
}

int main(int count, char **arguments) {
    static const char *const names[] = {"floor", "websocket", "millrace", "mqtt", "nats"};
    if (count < 3) return fprintf(stderr, "usage: sink PORT PROTOCOL [KEY=VALUE ...]\n"), 2;
    for (protocol = FLOOR; protocol <= NATS && strcmp(names[protocol], arguments[2]) != 0; protocol++) continue;
    if (protocol > NATS) fail("no such protocol: %s", arguments[2]);
    for (int index = 3; index < count; index++) configure(arguments[index]);
    address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(atoi(arguments[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    capacity = 20000;
    if (tokens_path) read_tokens();
    all = calloc(capacity, sizeof *all);
    for (int index = 0; index < capacity; index++) all[index].last = -1;
    poller = epoll_create1(0);
    char line[256];
    while (!input_ended) {
        if (next_line(line, sizeof line)) obey(line);
        while (pump(0) > 0 && !is_busy) continue;
    }
    return 0;
}
