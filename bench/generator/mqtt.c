/* A subscriber that counts messages at a broker and tells how long each travelled: MQTT 3.1.1, QoS 0, one topic filter.
 * The travelling time is the difference to the time that the message carries as its JSON "value", in microseconds. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "modes.h"

static void fail(const char *what) {
  perror(what);
  exit(2);
}

static int connect_to(const char *target) {
  char host[64];
  unsigned port = 0;
  struct sockaddr_in to = {.sin_family = AF_INET};
  if (sscanf(target, "%63[^:]:%u", host, &port) != 2 || inet_pton(AF_INET, host, &to.sin_addr) != 1) fail("target");
  to.sin_port = htons((uint16_t)port);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) fail("connect");
  return fd;
}

static void subscribe(int fd, const char *filter) {
  /* Client identifier "bench-count", clean session, no keep-alive. */
  static const uint8_t hello[] = "\x10\x17\x00\x04MQTT\x04\x02\x00\x00\x00\x0b"
                                 "bench-count";
  uint8_t request[128];
  size_t length = strlen(filter);
  if (length > 100) length = 100;
  request[0] = 0x82;
  request[1] = (uint8_t)(length + 5);
  memcpy(request + 2, "\x00\x01\x00", 3);
  request[5] = (uint8_t)length;
  memcpy(request + 6, filter, length);
  request[6 + length] = 0;
  if (write(fd, hello, sizeof hello - 1) < 0 || write(fd, request, length + 7) < 0) fail("write");
}

static void count(struct phase *phase, const uint8_t *body, size_t length, uint64_t now) {
  static const char key[] = "\"value\":";
  phase->ops++;
  phase->bytes += length;
  const uint8_t *found = memmem(body, length, key, sizeof key - 1);
  if (found == NULL) return;
  double sent = strtod((const char *)found + sizeof key - 1, NULL), arrived = (double)now / 1e3;
  if (sent > 0 && sent <= arrived) histogram_add(&phase->latency, (uint64_t)((arrived - sent) * 1e3));
}

/* Takes whole packets from the front of the buffer and returns how many bytes are left over. */
static size_t take(struct phase *phase, uint8_t *buffer, size_t held, uint64_t now) {
  size_t at = 0;
  for (;;) {
    size_t length = 0, header = 1;
    unsigned shift = 0;
    bool whole = false;
    while (at + header < held && header < 5 && !whole) {
      uint8_t digit = buffer[at + header++];
      length |= (size_t)(digit & 127) << shift;
      shift += 7;
      whole = digit < 128;
    }
    if (!whole || at + header + length > held) break;
    if (buffer[at] >> 4 == 3) count(phase, buffer + at + header, length, now);
    at += header + length;
  }
  memmove(buffer, buffer + at, held - at);
  return held - at;
}

void mode_mqtt(const struct options *options) {
  static uint8_t buffer[1 << 18];
  static struct phase phase;
  int fd = connect_to(options->target);
  subscribe(fd, options->path);
  phase_begin(&phase, "mqtt");
  uint64_t end = now_ns() + (uint64_t)(options->seconds * 1e9), last = 0;
  size_t held = 0;
  bool listening = true;
  while (now_ns() < end && listening) {
    struct pollfd waiting[2] = {{.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    if (poll(waiting, 2, 100) <= 0) continue;
    if (waiting[1].revents != 0) {
      char ignored[64];
      if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0) listening = false;
    }
    if (waiting[0].revents == 0) continue;
    ssize_t got = read(fd, buffer + held, sizeof buffer - 1 - held);
    if (got <= 0) break;
    uint64_t now = now_ns(), before = phase.ops;
    held += (size_t)got;
    buffer[held] = 0;
    if (phase.ops == 0) phase.began = now;
    held = take(&phase, buffer, held, now);
    if (phase.ops > before) last = now;
  }
  phase_end(&phase);
  /* The rate is that of the messages: from the first to the last. */
  if (last > phase.began) phase.ended = last;
  phase_print(&phase);
}
