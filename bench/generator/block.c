/* Many block-wise transfers at once, RFC 7959: each lane downloads or uploads one body after the other, stop and wait. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modes.h"

#define BLOCK 1024u
#define SZX 6u
#define IDS_PER_PEER 60000
#define GENERATIONS 256

struct transfers {
  const char *path;
  unsigned blocks;
  uint64_t finished;
  unsigned *used;
};

/* `lane->work` is the lane's generation; it changes only between transfers, for a transfer belongs to one peer. */
static void prepare(struct engine *e, struct lane *lane) {
  struct transfers *t = e->self;
  if (lane->block == 0 && t->used[lane->number] + t->blocks > IDS_PER_PEER) {
    t->used[lane->number] = 0;
    lane->work = (lane->work + 1) % GENERATIONS;
  }
  t->used[lane->number]++;
  engine_prepare(e, lane, lane->work * e->window + lane->number);
}

static size_t ask_download(struct engine *e, struct lane *lane, uint8_t *buffer) {
  const struct transfers *t = e->self;
  prepare(e, lane);
  struct coap_writer w;
  coap_begin(&w, buffer, COAP_CON, COAP_GET, lane->id, lane->token, 8);
  coap_add_path(&w, OPTION_URI_PATH, t->path);
  coap_add_uint(&w, OPTION_BLOCK2, lane->block << 4 | SZX);
  return coap_length(&w);
}

static bool downloaded(struct engine *e, struct lane *lane, const struct coap_message *response) {
  struct transfers *t = e->self;
  struct coap_option block;
  bool right = response->code == COAP_CONTENT && coap_find(response, OPTION_BLOCK2, &block) &&
               coap_uint(&block) >> 4 == lane->block && (coap_uint(&block) & 7) == SZX;
  bool more = right && (coap_uint(&block) & 8) != 0;
  if (right && !more && lane->block + 1 == t->blocks) t->finished++;
  else if (!more) right = false;
  lane->block = more ? lane->block + 1 : 0;
  return right;
}

static size_t ask_upload(struct engine *e, struct lane *lane, uint8_t *buffer) {
  const struct transfers *t = e->self;
  static uint8_t content[BLOCK];
  prepare(e, lane);
  uint32_t more = lane->block + 1 < t->blocks ? 8 : 0;
  struct coap_writer w;
  coap_begin(&w, buffer, COAP_CON, COAP_PUT, lane->id, lane->token, 8);
  coap_add_path(&w, OPTION_URI_PATH, t->path);
  coap_add_uint(&w, OPTION_CONTENT_FORMAT, 42);
  coap_add_uint(&w, OPTION_BLOCK1, lane->block << 4 | more | SZX);
  coap_body(&w, content, BLOCK);
  return coap_length(&w);
}

static bool uploaded(struct engine *e, struct lane *lane, const struct coap_message *response) {
  struct transfers *t = e->self;
  bool last = lane->block + 1 == t->blocks;
  bool right = last ? coap_is_success(response) && response->code != COAP_CONTINUE : response->code == COAP_CONTINUE;
  if (right) e->phase->bytes += BLOCK;
  if (right && last) t->finished++;
  lane->block = right && !last ? lane->block + 1 : 0;
  return right;
}

static const struct traffic download = {.ask = ask_download, .answered = downloaded};
static const struct traffic upload = {.ask = ask_upload, .answered = uploaded};

static void run(const struct options *options, const struct traffic *traffic, const char *name) {
  struct transfers transfers = {.path = options->path, .blocks = options->body / BLOCK};
  transfers.used = calloc(options->window, sizeof *transfers.used);
  struct engine engine;
  open_engine(&engine, options, options->window * GENERATIONS);
  engine.traffic = traffic;
  engine.self = &transfers;
  measure_run(&engine, options, name);
  fprintf(stderr, "%llu transfers completed\n", (unsigned long long)transfers.finished);
}

void mode_block2(const struct options *options) { run(options, &download, "block2"); }

void mode_block1(const struct options *options) { run(options, &upload, "block1"); }
