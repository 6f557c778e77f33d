/* Many handshakes at once: each of `window` lanes takes every window-th peer, so a datagram's lane is its peer's remainder, and
 * moves on when a handshake ends, however it ends. */
#include "secure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

#define TIMEOUT_NS 2000000000u
#define CONNECTING 16

struct attempt {
  bool busy;
  uint32_t peer;
  uint64_t began;
  struct handshake handshake;
};

struct opening {
  struct net *net;
  struct phase *phase;
  unsigned window;
  uint32_t peers, least_cid;
  struct attempt *attempts;
  struct session *sessions;
  /* Sessions are forgotten as soon as they are open: one place per lane. */
  bool forget;
  /* A handshake ends with the cookie. */
  bool cookie_only;
  /* A session is closed as soon as it is open. */
  bool close;
  /* A peer that fails tries again. */
  bool retry;
  /* What the last session that was opened came to. */
  unsigned cid;
  bool extended;
};

static struct credentials credentials;

static void use_credentials(const struct options *options) {
  credentials = (struct credentials){.suite = strcmp(options->suite, "gcm") == 0 ? SUITE_PSK_GCM : SUITE_PSK_CCM_8,
                                     .identity = options->identity,
                                     .key = (const uint8_t *)options->key,
                                     .key_length = strlen(options->key)};
  credentials_use(&credentials);
}

static void *allocate(size_t count, size_t size) {
  void *made = calloc(count, size);
  if (made == NULL) {
    fputs("no memory for the sessions\n", stderr);
    exit(2);
  }
  return made;
}

static void open_begin(struct opening *o, const struct options *options, struct net *net, uint32_t peers,
                       unsigned window, struct phase *phase) {
  use_credentials(options);
  *o = (struct opening){.net = net, .phase = phase, .window = window, .peers = peers, .least_cid = options->cid};
  o->attempts = allocate(window, sizeof *o->attempts);
  for (unsigned i = 0; i < window; i++) o->attempts[i].peer = i;
}

static struct session *session_of(struct opening *o, uint32_t peer) {
  return &o->sessions[o->forget ? peer % o->window : peer];
}

static void start(struct opening *o, struct attempt *a, uint64_t now) {
  if (a->peer >= o->peers) return;
  uint8_t *buffer = net_buffer(o->net);
  a->busy = true;
  a->began = now;
  net_send_as(o->net, a->peer, handshake_begin(&a->handshake, session_of(o, a->peer), buffer));
}

static void end(struct opening *o, struct attempt *a, bool succeeded, uint64_t now) {
  a->busy = false;
  if (succeeded || !o->retry) a->peer += o->window;
  start(o, a, now);
}

static void take(struct opening *o, unsigned n, uint64_t now) {
  size_t size, length = 0;
  uint8_t alert, *bytes = net_bytes(o->net, n, &size);
  uint32_t peer = net_peer(o->net, n);
  struct attempt *a = &o->attempts[peer % o->window];
  if (!a->busy || a->peer != peer) {
    o->phase->strays++;
    return;
  }
  struct session *s = session_of(o, peer);
  enum progress progress = handshake_take(&a->handshake, s, bytes, size, net_buffer(o->net), &length, &alert);
  bool done = progress == COMPLETES || (o->cookie_only && progress == ANSWERS);
  if (progress == ANSWERS && !o->cookie_only) net_send_as(o->net, peer, length);
  if (progress == FAILS || (progress == COMPLETES && s->cid_length < o->least_cid)) {
    o->phase->errors++;
    o->phase->alert = alert;
    end(o, a, false, now);
  } else if (done) {
    o->phase->ops++;
    histogram_add(&o->phase->latency, now - a->began);
    o->cid = s->cid_length;
    o->extended = a->handshake.extended;
    if (o->close) {
      uint8_t *buffer = net_buffer(o->net);
      net_send_as(o->net, peer, session_close(s, buffer));
    }
    end(o, a, true, now);
  }
}

static void sweep(struct opening *o, uint64_t now) {
  for (unsigned i = 0; i < o->window; i++) {
    struct attempt *a = &o->attempts[i];
    if (!a->busy || now - a->began <= TIMEOUT_NS) continue;
    o->phase->timeouts++;
    end(o, a, false, now);
  }
}

static bool all_done(const struct opening *o) {
  for (unsigned i = 0; i < o->window; i++)
    if (o->attempts[i].peer < o->peers) return false;
  return true;
}

/* Lanes stay busy across calls. */
static void open_run(struct opening *o, double seconds) {
  uint64_t now = now_ns(), until = now + (uint64_t)(seconds * 1e9), next_sweep = now + 100000000u;
  for (unsigned i = 0; i < o->window; i++)
    if (!o->attempts[i].busy) start(o, &o->attempts[i], now);
  while (now < until && !all_done(o)) {
    unsigned count = net_receive(o->net, 1000);
    now = now_ns();
    for (unsigned i = 0; i < count; i++) take(o, i, now);
    if (now < next_sweep) continue;
    sweep(o, now);
    next_sweep = now + 100000000u;
  }
  net_flush(o->net);
}

static void tell(const struct opening *o) {
  fprintf(stderr, "TLS_PSK_WITH_AES_128_%s, connection id of %u bytes, extended master secret: %s\n",
          credentials.suite == SUITE_PSK_GCM ? "GCM_SHA256" : "CCM_8", o->cid, o->extended ? "yes" : "no");
}

/* As many handshakes as go into the time, each from a peer of its own. */
void mode_handshake(const struct options *options) {
  const uint32_t peers = 4000000;
  static struct phase phase;
  struct opening o;
  open_begin(&o, options, net_client(options->target, peers), peers, options->window, &phase);
  o.sessions = allocate(options->window, sizeof *o.sessions);
  o.forget = true;
  o.close = options->close;
  phase_begin(&phase, "warm-up");
  if (options->warmup > 0) open_run(&o, options->warmup);
  phase_begin(&phase, "handshake");
  open_run(&o, options->seconds);
  phase_end(&phase);
  phase_print(&phase);
  tell(&o);
}

/* --devices first flights without a cookie, each from a peer of its own and from nobody who comes back. */
void mode_hello(const struct options *options) {
  static struct phase phase;
  struct opening o;
  open_begin(&o, options, net_client(options->target, options->devices), options->devices, options->window, &phase);
  o.sessions = allocate(options->window, sizeof *o.sessions);
  o.forget = true;
  o.cookie_only = true;
  phase_begin(&phase, "hello");
  open_run(&o, options->seconds);
  phase_end(&phase);
  phase_print(&phase);
}

static size_t layer_seal(void *self, uint32_t peer, const uint8_t *plain, size_t length, uint8_t *datagram) {
  struct session *sessions = self;
  return session_seal(&sessions[peer], plain, length, datagram);
}

static uint8_t *layer_open(void *self, uint32_t peer, uint8_t *bytes, size_t *length) {
  struct session *sessions = self;
  return session_open(&sessions[peer], bytes, *length, length);
}

static size_t layer_stray(void *self, uint32_t peer, uint64_t number, uint8_t *datagram) {
  struct session *sessions = self;
  return session_stray(&sessions[peer], number, datagram);
}

void secure_engine(struct engine *engine, const struct options *options) {
  static struct phase phase;
  struct opening o;
  unsigned window = engine->peers < CONNECTING ? engine->peers : CONNECTING;
  open_begin(&o, options, engine->net, engine->peers, window, &phase);
  o.sessions = allocate(engine->peers, sizeof *o.sessions);
  o.retry = true;
  phase_begin(&phase, "connect");
  open_run(&o, 30 + engine->peers / 500.0);
  phase_end(&phase);
  if (phase.ops < engine->peers) {
    fprintf(stderr, "error: %llu of %u sessions opened: %llu failed (last alert %u), %llu without an answer\n",
            (unsigned long long)phase.ops, engine->peers, (unsigned long long)phase.errors, phase.alert,
            (unsigned long long)phase.timeouts);
    exit(2);
  }
  tell(&o);
  engine->layer = (struct layer){.self = o.sessions, .seal = layer_seal, .open = layer_open, .stray = layer_stray};
}
