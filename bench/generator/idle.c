/* Peers that each ask once and then say nothing, until the standard input ends; then each asks once more, to show that the
 * server still knows it. What the server keeps for them meanwhile is for others to measure. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "modes.h"

struct crowd {
  const char *path;
  uint32_t next;
};

static size_t ask(struct engine *e, struct lane *lane, uint8_t *buffer) {
  struct crowd *crowd = e->self;
  if (crowd->next == e->peers) return 0;
  engine_prepare(e, lane, crowd->next++);
  struct coap_writer w;
  coap_begin(&w, buffer, COAP_CON, COAP_GET, lane->id, lane->token, 8);
  coap_add_path(&w, OPTION_URI_PATH, crowd->path);
  return coap_length(&w);
}

static const struct traffic asking = {.ask = ask};

static bool all_answered(struct engine *e) {
  const struct crowd *crowd = e->self;
  if (crowd->next < e->peers) return false;
  for (unsigned i = 0; i < e->window; i++)
    if (e->lanes[i].busy) return false;
  return true;
}

static bool input_ended(struct engine *e) {
  (void)e;
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  char ignored[64];
  return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, ignored, sizeof ignored) <= 0;
}

static void run(struct engine *e, const char *name, double seconds, bool (*done)(struct engine *)) {
  static struct phase phase;
  e->phase = &phase;
  phase_begin(&phase, name);
  engine_run(e, seconds, done);
  phase_end(&phase);
  phase_print(&phase);
}

void mode_idle(const struct options *options) {
  struct crowd crowd = {.path = options->path};
  struct engine engine;
  open_engine(&engine, options, options->devices);
  engine.traffic = &asking;
  engine.self = &crowd;
  run(&engine, "once", 300, all_answered);
  run(&engine, "hold", options->seconds, input_ended);
  crowd.next = 0;
  run(&engine, "again", 300, all_answered);
}
