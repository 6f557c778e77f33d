/* Simulated devices: they register, then update round robin, notify, answer reads, or just stay (LwM2M Core 1.2.1 §6.2 to §6.4).
 * Each device is a peer of its own. For a server to warm up, another thousand registers and updates before the count starts. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "modes.h"

#define WARM_DEVICES 1000u
#define LOCATION 48
#define TLV 11542u

struct device {
  char location[LOCATION];
  uint8_t token[8], token_length;
  bool registered, observed;
  uint32_t sequence;
};

struct fleet {
  const struct options *options;
  struct device *devices;
  uint32_t first, count, next, asked, registered, observed;
  /* Tells apart the names that the pool for warming up takes on, one after the other. */
  unsigned pass;
  /* Observed devices with nothing outstanding, in the order of their turn. */
  uint32_t *ready, ready_size, ready_first, ready_count;
  uint64_t reads, notified;
};

/* The Device object of the TLV example in LwM2M Core: 121 bytes. */
static const uint8_t device_object[] =
    "\xc8\x00\x14Open Mobile Alliance"
    "\xc8\x01\x16Lightweight M2M Client"
    "\xc8\x02\x09"
    "345000123"
    "\xc3\x03"
    "1.0"
    "\x86\x06\x41\x00\x01\x41\x01\x05"
    "\x88\x07\x08\x42\x00\x0e\xd8\x42\x01\x13\x88"
    "\x87\x08\x41\x00\x7d\x42\x01\x03\x84"
    "\xc1\x09\x64\xc1\x0a\x0f\x83\x0b\x41\x00\x00\xc4\x0d\x51\x82\x42\x8f\xc6\x0e+02:00\xc1\x10U";

static size_t ask_register(struct engine *e, struct lane *lane, uint8_t *buffer) {
  struct fleet *f = e->self;
  if (f->next == f->count) return 0;
  uint32_t number = f->first + f->next++;
  lane->work = number;
  engine_prepare(e, lane, number);
  char query[48], links[160];
  struct coap_writer w;
  coap_begin(&w, buffer, COAP_CON, COAP_POST, lane->id, lane->token, 8);
  coap_add(&w, OPTION_URI_PATH, "rd", 2);
  coap_add_uint(&w, OPTION_CONTENT_FORMAT, 40);
  int length = f->pass > 0 ? snprintf(query, sizeof query, "ep=urn:dev:ops:warm%u-%07u", f->pass, number)
                           : snprintf(query, sizeof query, "ep=urn:dev:ops:bench-%07u", number);
  coap_add(&w, OPTION_URI_QUERY, query, (size_t)length);
  coap_add(&w, OPTION_URI_QUERY, "lt=86400", 8);
  coap_add(&w, OPTION_URI_QUERY, "lwm2m=1.1", 9);
  coap_add(&w, OPTION_URI_QUERY, "b=U", 3);
  length = snprintf(links, sizeof links,
                    "</>;rt=\"oma.lwm2m\";ct=11543,</1/0>,</2/0>,</3/0>,</4/0>,</5/0>,</3304/0>,</3323/0>,</3303/0>,</3303/10>,"
                    "</3311/1%02u>",
                    number % f->options->variants);
  coap_body(&w, links, (size_t)length);
  return coap_length(&w);
}

static bool registered(struct engine *e, struct lane *lane, const struct coap_message *m) {
  struct fleet *f = e->self;
  struct device *d = &f->devices[lane->work];
  if (m->code != COAP_CREATED) return false;
  size_t length = 0;
  const uint8_t *cursor = m->options;
  struct coap_option option;
  while (coap_next(m, &cursor, &option)) {
    if (option.number != OPTION_LOCATION_PATH || length + option.length + 2 > LOCATION) continue;
    d->location[length++] = '/';
    memcpy(d->location + length, option.value, option.length);
    length += option.length;
  }
  d->location[length] = '\0';
  if (!d->registered) f->registered++;
  d->registered = true;
  return length > 0;
}

static size_t ask_update(struct engine *e, struct lane *lane, uint8_t *buffer) {
  struct fleet *f = e->self;
  for (uint32_t tries = 0; tries < f->count; tries++) {
    uint32_t number = f->first + f->next;
    f->next = (f->next + 1) % f->count;
    if (!f->devices[number].registered) continue;
    engine_prepare(e, lane, number);
    struct coap_writer w;
    coap_begin(&w, buffer, COAP_CON, COAP_POST, lane->id, lane->token, 8);
    coap_add_path(&w, OPTION_URI_PATH, f->devices[number].location);
    return coap_length(&w);
  }
  return 0;
}

static size_t ask_update_once(struct engine *e, struct lane *lane, uint8_t *buffer) {
  struct fleet *f = e->self;
  if (f->asked == f->count) return 0;
  f->asked++;
  return ask_update(e, lane, buffer);
}

static size_t ask_deregister(struct engine *e, struct lane *lane, uint8_t *buffer) {
  struct fleet *f = e->self;
  if (f->next == f->count) return 0;
  uint32_t number = f->first + f->next++;
  engine_prepare(e, lane, number);
  struct coap_writer w;
  coap_begin(&w, buffer, COAP_CON, COAP_DELETE, lane->id, lane->token, 8);
  coap_add_path(&w, OPTION_URI_PATH, f->devices[number].location);
  f->devices[number].registered = false;
  return coap_length(&w);
}

static bool updated(struct engine *e, struct lane *lane, const struct coap_message *m) {
  (void)e;
  (void)lane;
  return m->code == COAP_CHANGED;
}

/* One resource, Sensor Value, whose value is the time: whoever reads it later knows how long it travelled. */
static size_t temperature(uint8_t *tlv) {
  double microseconds = (double)now_ns() / 1e3;
  uint64_t bits;
  memcpy(&bits, &microseconds, 8);
  memcpy(tlv, "\xe8\x16\x44\x08", 4);
  for (int i = 0; i < 8; i++) tlv[4 + i] = (uint8_t)(bits >> (56 - 8 * i));
  return 12;
}

static size_t serve(struct engine *e, uint32_t peer, const struct coap_message *m, uint8_t *buffer) {
  struct fleet *f = e->self;
  struct device *d = &f->devices[peer];
  struct coap_option option;
  struct coap_writer w;
  bool get = m->code == COAP_GET;
  coap_begin(&w, buffer, COAP_ACK, get ? COAP_CONTENT : COAP_CHANGED, m->id, m->token, m->token_length);
  if (!get) return coap_length(&w);
  if (coap_find(m, OPTION_OBSERVE, &option) && coap_uint(&option) == 0) {
    if (!d->observed && f->pass == 0 && peer < f->options->devices) {
      d->observed = true;
      f->observed++;
      f->ready[(f->ready_first + f->ready_count++) % f->ready_size] = peer;
    }
    memcpy(d->token, m->token, m->token_length);
    d->token_length = m->token_length;
    coap_add_uint(&w, OPTION_OBSERVE, d->sequence++);
  }
  coap_add_uint(&w, OPTION_CONTENT_FORMAT, TLV);
  uint8_t tlv[16];
  if (coap_find(m, OPTION_URI_PATH, &option) && option.length == 4) coap_body(&w, tlv, temperature(tlv));
  else coap_body(&w, device_object, sizeof device_object - 1);
  f->reads++;
  return coap_length(&w);
}

static size_t ask_notify(struct engine *e, struct lane *lane, uint8_t *buffer) {
  struct fleet *f = e->self;
  /* A lane comes back with its device only when the notification was not acknowledged in time. */
  if (lane->work != 0) f->ready[(f->ready_first + f->ready_count++) % f->ready_size] = lane->work - 1;
  lane->work = 0;
  if (f->ready_count == 0) return 0;
  uint32_t number = f->ready[f->ready_first];
  f->ready_first = (f->ready_first + 1) % f->ready_size;
  f->ready_count--;
  struct device *d = &f->devices[number];
  engine_prepare(e, lane, number);
  lane->work = number + 1;
  lane->block = lane->number;
  d->sequence = (d->sequence + 1) & 0xffffff;
  uint8_t tlv[16];
  struct coap_writer w;
  coap_begin(&w, buffer, COAP_CON, COAP_CONTENT, lane->id, d->token, d->token_length);
  coap_add_uint(&w, OPTION_OBSERVE, d->sequence);
  coap_add_uint(&w, OPTION_CONTENT_FORMAT, TLV);
  coap_body(&w, tlv, temperature(tlv));
  return coap_length(&w);
}

static struct lane *acknowledged(struct engine *e, uint32_t peer, const struct coap_message *ack) {
  struct fleet *f = e->self;
  for (unsigned i = 0; i < e->window; i++) {
    struct lane *lane = &e->lanes[i];
    if (!lane->busy || lane->peer != peer || lane->id != ack->id) continue;
    f->ready[(f->ready_first + f->ready_count++) % f->ready_size] = peer;
    lane->work = 0;
    f->notified++;
    return lane;
  }
  return NULL;
}

static size_t ask_nothing(struct engine *e, struct lane *lane, uint8_t *buffer) {
  (void)e;
  (void)lane;
  (void)buffer;
  return 0;
}

static const struct traffic registering = {.ask = ask_register, .answered = registered, .serve = serve};
static const struct traffic updating = {.ask = ask_update, .answered = updated, .serve = serve};
static const struct traffic updating_once = {.ask = ask_update_once, .answered = updated, .serve = serve};
static const struct traffic deregistering = {.ask = ask_deregister, .serve = serve};
static const struct traffic notifying = {.ask = ask_notify, .serve = serve, .acknowledged = acknowledged};
static const struct traffic staying = {.ask = ask_nothing, .serve = serve};

static bool all_answered(const struct engine *e) {
  for (unsigned i = 0; i < e->window; i++)
    if (e->lanes[i].busy) return false;
  return true;
}

static bool all_asked_and_answered(struct engine *e) {
  const struct fleet *f = e->self;
  return f->next >= f->count && all_answered(e);
}

static bool all_updated_once(struct engine *e) {
  const struct fleet *f = e->self;
  return f->asked >= f->count && all_answered(e);
}

static bool all_observed(struct engine *e) {
  const struct fleet *f = e->self;
  return f->observed == f->registered;
}

static bool first_read(struct engine *e) { return ((const struct fleet *)e->self)->reads > 0; }

static bool input_ended(struct engine *e) {
  (void)e;
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  char ignored[64];
  return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, ignored, sizeof ignored) <= 0;
}

static void use(struct engine *e, const struct traffic *traffic, struct phase *phase, const char *name) {
  engine_idle(e);
  for (unsigned i = 0; i < e->window; i++) e->lanes[i].work = 0;
  e->traffic = traffic;
  e->phase = phase;
  phase_begin(phase, name);
}

static void register_pool(struct engine *e, struct phase *phase, uint32_t first, uint32_t count, const char *name) {
  struct fleet *f = e->self;
  f->first = first;
  f->count = count;
  f->next = 0;
  use(e, &registering, phase, name);
  engine_run(e, 120, all_asked_and_answered);
  phase_end(phase);
}

/* Each pass is a thousand new names that register, update and leave, so that no server's limits on repetition are met. */
static void warm_up(struct engine *e, struct phase *phase, double seconds) {
  struct fleet *f = e->self;
  uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
  while (now_ns() < end) {
    f->pass++;
    register_pool(e, phase, f->options->devices, WARM_DEVICES, "warm-up");
    f->next = 0;
    use(e, &updating, phase, "warm-up");
    engine_run(e, seconds / 20, NULL);
    f->next = 0;
    use(e, &deregistering, phase, "warm-up");
    engine_run(e, 30, all_asked_and_answered);
  }
  f->registered = 0;
  f->pass = 0;
}

void mode_lwm2m(const struct options *options) {
  struct fleet fleet = {.options = options, .count = options->devices};
  uint32_t all = options->devices + WARM_DEVICES;
  fleet.devices = calloc(all, sizeof *fleet.devices);
  fleet.ready = calloc(all, sizeof *fleet.ready);
  fleet.ready_size = all;
  struct engine engine;
  open_engine(&engine, options, all);
  engine.self = &fleet;
  static struct phase phase;
  if (options->warmup > 0) warm_up(&engine, &phase, options->warmup);
  register_pool(&engine, &phase, 0, options->devices, "register");
  phase_print(&phase);
  fprintf(stderr, "%u devices registered\n", fleet.registered);
  if (strcmp(options->then, "update") == 0) {
    fleet.next = 0;
    use(&engine, &updating, &phase, "update");
    measure_run(&engine, options, "update");
  } else if (strcmp(options->then, "notify") == 0) {
    use(&engine, &staying, &phase, "observe");
    engine_run(&engine, 30, all_observed);
    phase_end(&phase);
    phase.ops = fleet.observed;
    phase_print(&phase);
    if (fleet.observed == 0) return;
    use(&engine, &notifying, &phase, "notify");
    engine.rate = options->rate;
    measure_run(&engine, options, "notify");
    /* What was sent last may still be on its way to the broker. */
    use(&engine, &staying, &phase, "settle");
    engine_run(&engine, options->settle, NULL);
    phase_end(&phase);
    phase.ops = fleet.notified;
    phase_print(&phase);
  } else if (strcmp(options->then, "read") == 0) {
    use(&engine, &staying, &phase, "read");
    engine_run(&engine, 30, first_read);
    engine_run(&engine, options->warmup, NULL);
    uint64_t before = fleet.reads;
    phase_begin(&phase, "read");
    engine_run(&engine, options->seconds, NULL);
    phase_end(&phase);
    phase.ops = fleet.reads - before;
    phase_print(&phase);
  } else if (strcmp(options->then, "hold") == 0) {
    /* What stays of a device that lives, not of one that spoke once. */
    fleet.next = fleet.asked = 0;
    use(&engine, &updating_once, &phase, "update");
    engine_run(&engine, 120, all_updated_once);
    phase_end(&phase);
    phase_print(&phase);
    use(&engine, &staying, &phase, "hold");
    engine_run(&engine, options->seconds, input_ended);
    phase_end(&phase);
    phase.ops = fleet.observed;
    phase_print(&phase);
  }
}
