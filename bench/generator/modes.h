/* The modes of the generator and what the command line tells them. */
#ifndef MODES_H
#define MODES_H
#include <stdbool.h>

#include "engine.h"

struct options {
  const char *target, *path, *then;
  uint16_t port;
  unsigned window, devices, size, body, variants;
  double warmup, seconds, rate, settle, pause;
  /* DTLS: which suite, whose key (as text), the least length of the server's connection id, strays before each request. */
  bool secure, close;
  const char *suite, *identity, *key;
  unsigned cid, strays;
};

/* Opens an engine of `peers` peers at the target, each with a session when the options ask for DTLS. */
void open_engine(struct engine *engine, const struct options *options, uint32_t peers);

/* Warms up, measures, prints the measured phase. */
void measure_run(struct engine *engine, const struct options *options, const char *name);

void mode_get(const struct options *options);
void mode_echo(const struct options *options);
void mode_block2(const struct options *options);
void mode_block1(const struct options *options);
void mode_lwm2m(const struct options *options);
void mode_serve(const struct options *options);
void mode_echo_server(const struct options *options);
void mode_idle(const struct options *options);
#ifdef WITH_DTLS
void mode_handshake(const struct options *options);
void mode_hello(const struct options *options);
#endif
void mode_mqtt(const struct options *options);
#endif
