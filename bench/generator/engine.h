/* Closed-loop load: a fixed number of lanes, each with one request outstanding, until a time or a condition is reached.
 * What is asked and what an answer means is the traffic's business. */
#ifndef ENGINE_H
#define ENGINE_H
#include <stdbool.h>
#include <stdint.h>

#include "coap.h"
#include "measure.h"
#include "net.h"

struct lane {
  uint16_t number;
  bool busy;
  uint32_t peer;
  uint16_t id;
  uint8_t token[8];
  uint64_t sent, rests_until;
  /* The traffic's own: which device, which block. */
  uint32_t work, block;
};

struct engine;

struct traffic {
  /* Writes the lane's next message after engine_prepare; 0: nothing to ask at the moment. */
  size_t (*ask)(struct engine *engine, struct lane *lane, uint8_t *buffer);
  /* Judges the response to it; false counts an error. NULL: every success code is right. */
  bool (*answered)(struct engine *engine, struct lane *lane, const struct coap_message *response);
  /* Answers a request from the server; 0: silence. NULL: requests are strays. */
  size_t (*serve)(struct engine *engine, uint32_t peer, const struct coap_message *request, uint8_t *buffer);
  /* Finds the lane that an empty ACK completes. NULL: empty ACKs only announce a separate response. */
  struct lane *(*acknowledged)(struct engine *engine, uint32_t peer, const struct coap_message *ack);
};

/* What lies between a message and its datagram. Without a seal, nothing does. */
struct layer {
  void *self;
  /* Writes the datagram that carries the message and returns its length. */
  size_t (*seal)(void *self, uint32_t peer, const uint8_t *message, size_t length, uint8_t *datagram);
  /* The message in a datagram of `*length` bytes, in place, with its length; NULL: none. */
  uint8_t *(*open)(void *self, uint32_t peer, uint8_t *datagram, size_t *length);
  /* A datagram that the server must drop. */
  size_t (*stray)(void *self, uint32_t peer, uint64_t number, uint8_t *datagram);
};

struct engine {
  struct net *net;
  struct layer layer;
  const struct traffic *traffic;
  void *self;
  struct phase *phase;
  unsigned window;
  struct lane *lanes;
  uint16_t *ids;
  uint32_t peers;
  /* Operations a second; 0: as fast as answers return. */
  double rate;
  double timeout_s;
  /* Milliseconds between an answer and the lane's next request: a long road, seen from the server. */
  double pause_ms;
  /* The server sends the same bytes back: any datagram with a lane's token is its answer. */
  bool echo;
  uint64_t random;
  uint64_t due, next_sweep, stray_number;
  /* Under a layer, where messages are written. */
  uint8_t message[NET_BUFFER];
};

void engine_open(struct engine *engine, struct net *net, unsigned window, uint32_t peers);
/* Gives the lane a fresh token and `peer`'s next Message ID. */
void engine_prepare(struct engine *engine, struct lane *lane, uint32_t peer);
/* Sends what the layer calls a stray as `peer`. */
void engine_stray(struct engine *engine, uint32_t peer);
uint32_t engine_random(struct engine *engine);
/* Runs for `seconds`, or until `done` (may be NULL) says so. Lanes stay busy across calls with the same traffic. */
void engine_run(struct engine *engine, double seconds, bool (*done)(struct engine *engine));
/* Forgets what is outstanding, so that other traffic can begin. */
void engine_idle(struct engine *engine);
#endif
