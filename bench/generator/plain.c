/* GET requests and echoed datagrams: what a CoAP server and a bare socket can do. */
#include <stdio.h>

#include "modes.h"

/* Each lane moves on to a fresh peer before its Message IDs repeat (RFC 7252 §4.4). */
#define IDS_PER_PEER 60000
#define GENERATIONS 1024
/* Sessions have to be opened first, and some servers search all they have: one per lane, good for 60,000 requests each. */
#define SECURE_GENERATIONS 1

struct plain {
  const char *path;
  unsigned padding, generations, strays;
};

static size_t ask(struct engine *e, struct lane *lane, uint8_t *buffer) {
  const struct plain *plain = e->self;
  uint32_t generation = lane->work++ / IDS_PER_PEER % plain->generations;
  engine_prepare(e, lane, generation * e->window + lane->number);
  for (unsigned i = 0; i < plain->strays; i++) engine_stray(e, lane->peer);
  struct coap_writer w;
  coap_begin(&w, buffer, COAP_CON, COAP_GET, lane->id, lane->token, 8);
  coap_add_path(&w, OPTION_URI_PATH, plain->path);
  static const uint8_t zeros[1024];
  size_t length = coap_length(&w);
  if (plain->padding > length + 1) coap_body(&w, zeros, plain->padding - length - 1);
  return coap_length(&w);
}

static const struct traffic plain_traffic = {.ask = ask};

static void run(const struct options *options, bool echo, unsigned padding) {
  struct plain plain = {.path = options->path,
                        .padding = padding,
                        .generations = options->secure ? SECURE_GENERATIONS : GENERATIONS,
                        .strays = options->strays};
  struct engine engine;
  open_engine(&engine, options, options->window * plain.generations);
  engine.traffic = &plain_traffic;
  engine.self = &plain;
  engine.echo = echo;
  measure_run(&engine, options, echo ? "echo" : "get");
}

void mode_get(const struct options *options) { run(options, false, 0); }

void mode_echo(const struct options *options) { run(options, true, options->size); }
