/* The loop: receive a batch, settle what it answers, start what is due, send a batch. */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void engine_open(struct engine *e, struct net *net, unsigned window, uint32_t peers) {
  memset(e, 0, sizeof *e);
  e->net = net;
  e->window = window;
  e->peers = peers;
  e->timeout_s = 2;
  e->random = now_ns() | 1;
  e->lanes = calloc(window, sizeof *e->lanes);
  e->ids = malloc(peers * sizeof *e->ids);
  if (e->lanes == NULL || e->ids == NULL) {
    fprintf(stderr, "no memory for %u lanes and %u peers\n", window, peers);
    exit(2);
  }
  for (unsigned i = 0; i < window; i++) e->lanes[i].number = (uint16_t)i;
  for (uint32_t i = 0; i < peers; i++) e->ids[i] = (uint16_t)engine_random(e);
}

uint32_t engine_random(struct engine *e) {
  e->random ^= e->random << 13;
  e->random ^= e->random >> 7;
  e->random ^= e->random << 17;
  return (uint32_t)(e->random >> 16);
}

void engine_prepare(struct engine *e, struct lane *lane, uint32_t peer) {
  uint32_t low = engine_random(e), high = engine_random(e);
  lane->peer = peer;
  lane->id = e->ids[peer]++;
  lane->token[0] = (uint8_t)(lane->number >> 8);
  lane->token[1] = (uint8_t)lane->number;
  memcpy(lane->token + 2, &low, 4);
  memcpy(lane->token + 6, &high, 2);
}

static uint8_t *message_buffer(struct engine *e) { return e->layer.seal != NULL ? e->message : net_buffer(e->net); }

/* Sends the message that was written to message_buffer last. */
static void send_as(struct engine *e, uint32_t peer, size_t length) {
  if (e->layer.seal != NULL) length = e->layer.seal(e->layer.self, peer, e->message, length, net_buffer(e->net));
  net_send_as(e->net, peer, length);
}

void engine_stray(struct engine *e, uint32_t peer) {
  uint8_t *datagram = net_buffer(e->net);
  net_send_as(e->net, peer, e->layer.stray(e->layer.self, peer, ++e->stray_number, datagram));
}

void engine_idle(struct engine *e) {
  for (unsigned i = 0; i < e->window; i++) e->lanes[i].busy = false;
}

static void start(struct engine *e, struct lane *lane, uint64_t now) {
  size_t length = e->traffic->ask(e, lane, message_buffer(e));
  if (length == 0) return;
  lane->busy = true;
  lane->sent = now;
  send_as(e, lane->peer, length);
}

static void settle(struct engine *e, struct lane *lane, uint64_t now) {
  lane->busy = false;
  e->phase->ops++;
  histogram_add(&e->phase->latency, now - lane->sent);
  lane->rests_until = now + (uint64_t)(e->pause_ms * 1e6);
  if (e->rate == 0 && e->pause_ms == 0) start(e, lane, now);
}

static struct lane *lane_of(struct engine *e, const struct coap_message *m) {
  if (m->token_length != 8) return NULL;
  unsigned number = (unsigned)(m->token[0] << 8 | m->token[1]);
  if (number >= e->window) return NULL;
  struct lane *lane = &e->lanes[number];
  return lane->busy && memcmp(lane->token, m->token, 8) == 0 ? lane : NULL;
}

static void acknowledge(struct engine *e, uint32_t peer, uint16_t id) {
  struct coap_writer w;
  coap_begin(&w, message_buffer(e), COAP_ACK, 0, id, NULL, 0);
  send_as(e, peer, coap_length(&w));
}

static void take(struct engine *e, unsigned n, uint64_t now) {
  size_t length;
  uint8_t *bytes = net_bytes(e->net, n, &length);
  uint32_t peer = net_peer(e->net, n);
  struct coap_message m;
  if (peer < e->peers && e->layer.open != NULL) bytes = e->layer.open(e->layer.self, peer, bytes, &length);
  if (peer >= e->peers || bytes == NULL || !coap_parse(bytes, length, &m)) {
    e->phase->strays++;
    return;
  }
  struct lane *lane = NULL;
  if (!e->echo && coap_is_request(&m)) {
    size_t answer = e->traffic->serve != NULL ? e->traffic->serve(e, peer, &m, message_buffer(e)) : 0;
    if (answer > 0) send_as(e, peer, answer);
    else e->phase->strays++;
    return;
  }
  if (m.code == 0) {
    if (m.type == COAP_ACK && e->traffic->acknowledged != NULL) {
      lane = e->traffic->acknowledged(e, peer, &m);
      if (lane != NULL) settle(e, lane, now);
      else e->phase->strays++;
    } else if (m.type == COAP_RST) {
      e->phase->errors++;
    }
    return;
  }
  if (m.type == COAP_CON && !e->echo) acknowledge(e, peer, m.id);
  lane = lane_of(e, &m);
  if (lane == NULL) {
    e->phase->strays++;
    return;
  }
  bool right = e->traffic->answered != NULL ? e->traffic->answered(e, lane, &m) : e->echo || coap_is_success(&m);
  if (!right) {
    e->phase->errors++;
    e->phase->wrong = m.code;
  }
  e->phase->bytes += m.payload_length;
  settle(e, lane, now);
}

static void sweep(struct engine *e, uint64_t now) {
  uint64_t limit = (uint64_t)(e->timeout_s * 1e9);
  for (unsigned i = 0; i < e->window; i++) {
    struct lane *lane = &e->lanes[i];
    if (lane->busy && now - lane->sent > limit) {
      lane->busy = false;
      e->phase->timeouts++;
    }
  }
}

/* Fills idle lanes: all of them, or as many as the rate allows by now. */
static void fill(struct engine *e, uint64_t now) {
  for (unsigned i = 0; i < e->window; i++) {
    struct lane *lane = &e->lanes[i];
    if (lane->busy || now < lane->rests_until) continue;
    if (e->rate > 0) {
      if (now < e->due) return;
      e->due += (uint64_t)(1e9 / e->rate);
      /* After a stall the rate is kept, not the total: no burst to catch up. */
      if (now > e->due + 20000000u) e->due = now;
    }
    start(e, lane, now);
    if (!lane->busy) return;
  }
}

void engine_run(struct engine *e, double seconds, bool (*done)(struct engine *)) {
  uint64_t now = now_ns(), end = now + (uint64_t)(seconds * 1e9), next_fill = 0;
  e->due = now;
  while (now < end && (done == NULL || !done(e))) {
    if (e->rate > 0 || now >= next_fill) {
      fill(e, now);
      next_fill = now + 200000u;
    }
    unsigned count = net_receive(e->net, e->rate > 0 || e->pause_ms > 0 ? 100 : 1000);
    now = now_ns();
    for (unsigned i = 0; i < count; i++) take(e, i, now);
    if (now >= e->next_sweep) {
      sweep(e, now);
      e->next_sweep = now + 100000000u;
    }
  }
  net_flush(e->net);
}
