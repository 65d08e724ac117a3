/* The listeners of a push benchmark: connects N sockets, with a token as WebSocket clients that subscribe, and counts frames.
   usage: sink PORT CONNECTIONS [TOKEN CHANNEL]
   Prints "READY" when all stand; at the end of standard input prints how many text frames came after that, as JSON. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int descriptor;
    unsigned char header[10];
    int header_count;
    unsigned long rest;
};

static void send_all(int descriptor, const void *bytes, size_t count) {
    if (send(descriptor, bytes, count, MSG_NOSIGNAL) != (ssize_t)count) {
        perror("send");
        exit(1);
    }
}

/* A masked text frame; a mask of zeros leaves the text as it is. */
static void send_text(int descriptor, const char *text) {
    unsigned char frame[512];
    size_t length = strlen(text);
    size_t start = 2;
    frame[0] = 0x81;
    frame[1] = 0x80 | (length < 126 ? length : 126);
    if (length >= 126) {
        frame[2] = (unsigned char)(length >> 8);
        frame[3] = (unsigned char)length;
        start = 4;
    }
    memset(frame + start, 0, 4);
    memcpy(frame + start + 4, text, length);
    send_all(descriptor, frame, start + 4 + length);
}

static void receive(int descriptor, void *bytes, size_t count) {
    if (recv(descriptor, bytes, count, MSG_WAITALL) != (ssize_t)count) {
        fprintf(stderr, "the server ended a connection\n");
        exit(1);
    }
}

/* Reads one small frame of the beginning (welcome, subscribed). */
static void read_frame(int descriptor, char *text, size_t capacity) {
    unsigned char header[4];
    receive(descriptor, header, 2);
    size_t length = header[1] & 0x7F;
    if (length == 126) {
        receive(descriptor, header + 2, 2);
        length = header[2] << 8 | header[3];
    }
    if (length >= capacity) exit(1);
    receive(descriptor, text, length);
    text[length] = 0;
}

static void begin(int descriptor, const char *token, const char *channel) {
    char text[16384], end[4] = {0};
    int length = snprintf(text, sizeof text,
        "GET /push HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: millrace.v1\r\nAuthorization: Bearer %s\r\n\r\n", token);
    send_all(descriptor, text, length);
    while (memcmp(end, "\r\n\r\n", 4) != 0) {
        memmove(end, end + 1, 3);
        receive(descriptor, end + 3, 1);
    }
    read_frame(descriptor, text, sizeof text);
    snprintf(text, sizeof text, "{\"type\":\"subscribe\",\"id\":1,\"channel\":\"%s\"}", channel);
    send_text(descriptor, text);
    read_frame(descriptor, text, sizeof text);
    if (!strstr(text, "\"subscribed\"")) {
        fprintf(stderr, "not subscribed: %s\n", text);
        exit(1);
    }
}

static unsigned long texts;

static void consume(struct connection *connection, const unsigned char *bytes, size_t count) {
    static const unsigned char pong[] = {0x8A, 0x80, 0, 0, 0, 0};
    while (count > 0) {
        if (connection->rest > 0) {
            size_t taken = count < connection->rest ? count : connection->rest;
            connection->rest -= taken;
            bytes += taken;
            count -= taken;
            continue;
        }
        connection->header[connection->header_count++] = *bytes++;
        count--;
        if (connection->header_count < 2) continue;
        int field = connection->header[1] & 0x7F, extra = field == 126 ? 2 : field == 127 ? 8 : 0;
        if (connection->header_count < 2 + extra) continue;
        connection->rest = extra ? 0 : field;
        for (int index = 0; index < extra; index++) connection->rest = connection->rest << 8 | connection->header[2 + index];
        if ((connection->header[0] & 0x0F) == 1) texts++;
        if ((connection->header[0] & 0x0F) == 9) send(connection->descriptor, pong, sizeof pong, MSG_NOSIGNAL | MSG_DONTWAIT);
        connection->header_count = 0;
    }
}

int main(int count, char **arguments) {
    if (count != 3 && count != 5) return fprintf(stderr, "usage: sink PORT CONNECTIONS [TOKEN CHANNEL]\n"), 2;
    int connections = atoi(arguments[2]);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(atoi(arguments[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct connection *all = calloc(connections, sizeof *all);
    int poller = epoll_create1(0);
    for (int index = 0; index < connections; index++) {
        int descriptor = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0) return perror("connect"), 1;
        if (count == 5) begin(descriptor, arguments[3], arguments[4]);
        fcntl(descriptor, F_SETFL, O_NONBLOCK);
        all[index].descriptor = descriptor;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[index]};
        epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event);
    }
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &input);
    puts("READY");
    fflush(stdout);
    static unsigned char buffer[1 << 16];
    int ended = 0;
    while (!ended) {
        struct epoll_event events[512];
        /* Never asleep: waking a reader is charged to the sender, and the slower sender would pay it more often. */
        int ready = epoll_wait(poller, events, 512, 0);
        for (int index = 0; index < ready; index++) {
            struct connection *connection = events[index].data.ptr;
            if (!connection) {
                if (read(0, buffer, sizeof buffer) <= 0) ended = 1;
                continue;
            }
            ssize_t received = recv(connection->descriptor, buffer, sizeof buffer, MSG_DONTWAIT);
            if (received > 0) consume(connection, buffer, received);
            if (received == 0 || (received < 0 && errno != EAGAIN)) epoll_ctl(poller, EPOLL_CTL_DEL, connection->descriptor, NULL);
        }
    }
    printf("{\"texts\": %lu}\n", texts);
    return 0;
}
