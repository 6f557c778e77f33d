/* lapwing-load: load for CoAP and LwM2M servers, on loopback, for a bounded time, with figures as JSON lines. */
#define _GNU_SOURCE
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "modes.h"
#ifdef WITH_DTLS
#include "dtls/secure.h"
#endif

static const char usage[] =
    "usage: lapwing-load MODE --target 127.0.0.1:PORT [options]\n"
    "\n"
    "modes\n"
    "  get          confirmable GET of --path, one outstanding per peer\n"
    "  echo         the same datagrams at a server that sends back what it gets\n"
    "  block2       downloads of --path, --body bytes in blocks of 1024\n"
    "  block1       uploads of the same to --path\n"
    "  lwm2m        --devices register, --then update | notify | read | hold | nothing\n"
    "  idle         --devices ask once each, wait for the end of the input, ask once more\n"
    "  handshake    DTLS handshakes, each from a new peer\n"
    "  hello        --devices first flights without a cookie, each from a new peer\n"
    "  mqtt         subscribes to the filter --path at a broker and counts\n"
    "  serve        a CoAP server on --port: --size bytes, or --body bytes block-wise\n"
    "  echo-server  a batched echo on --port\n"
    "\n"
    "options\n"
    "  --window N    requests outstanding, each on a peer of its own (64)\n"
    "  --path P      resource (/bench)\n"
    "  --size N      bytes of an echoed datagram or a served answer (64)\n"
    "  --body N      bytes of a block-wise body (1048576; for serve 0: none)\n"
    "  --devices N   how many register (1000)\n"
    "  --variants N  how many different link sets they have (16)\n"
    "  --rate R      notifications a second (0: as fast as they are acknowledged)\n"
    "  --pause MS    between an answer and the next request of a lane (0)\n"
    "  --warmup S    seconds before the measured ones (0)\n"
    "  --seconds S   seconds measured (2)\n"
    "  --settle S    seconds to wait after the last notification (0)\n"
    "  --secure      the same over DTLS 1.2: a session for each peer is opened first\n"
    "  --suite S     ccm_8 or gcm, of TLS_PSK_WITH_AES_128 (ccm_8)\n"
    "  --identity T  of the pre-shared key (bench)\n"
    "  --key T       the key, as text (sixteen-byte-key)\n"
    "  --cid N       fewer bytes of connection id from the server are a failure (0)\n"
    "  --close       each handshake is followed by close_notify\n"
    "  --strays N    records for unknown connection ids before each request (0)\n"
    "  --pid N       report CPU time and memory of this process; up to 4 times\n"
    "  --limit S     end in any case after S seconds (600)\n"
    "  -h, --help    this text\n"
    "\n"
    "example\n"
    "  lapwing-load get --target 127.0.0.1:5683 --path /time --seconds 5 --pid $(pgrep -n coap-server)\n";

static const struct {
  const char *name;
  void (*run)(const struct options *);
} modes[] = {
    {"get", mode_get},       {"echo", mode_echo},   {"block2", mode_block2}, {"block1", mode_block1},
    {"lwm2m", mode_lwm2m},   {"idle", mode_idle},   {"mqtt", mode_mqtt},     {"serve", mode_serve},
    {"echo-server", mode_echo_server},
#ifdef WITH_DTLS
    {"handshake", mode_handshake}, {"hello", mode_hello},
#endif
};

static const struct option long_options[] = {
    {"target", required_argument, NULL, 't'},  {"path", required_argument, NULL, 'p'},
    {"port", required_argument, NULL, 'P'},    {"window", required_argument, NULL, 'w'},
    {"size", required_argument, NULL, 's'},    {"body", required_argument, NULL, 'b'},
    {"devices", required_argument, NULL, 'd'}, {"variants", required_argument, NULL, 'v'},
    {"then", required_argument, NULL, 'T'},    {"rate", required_argument, NULL, 'r'},
    {"warmup", required_argument, NULL, 'W'},  {"seconds", required_argument, NULL, 'S'},
    {"settle", required_argument, NULL, 'e'},  {"pause", required_argument, NULL, 'u'},
    {"secure", no_argument, NULL, 'x'},        {"suite", required_argument, NULL, 'y'},
    {"identity", required_argument, NULL, 'I'}, {"key", required_argument, NULL, 'k'},
    {"cid", required_argument, NULL, 'c'},     {"strays", required_argument, NULL, 'Y'},
    {"close", no_argument, NULL, 'C'},
    {"pid", required_argument, NULL, 'i'},     {"limit", required_argument, NULL, 'l'},
    {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};

static double number(const char *name, const char *text, double least, double most) {
  char *end;
  double value = strtod(text, &end);
  if (*text == '\0' || *end != '\0' || !(value >= least && value <= most)) {
    fprintf(stderr, "--%s must be a number from %g to %g, not '%s'\n", name, least, most, text);
    exit(2);
  }
  return value;
}

void measure_run(struct engine *engine, const struct options *options, const char *name) {
  static struct phase phase;
  engine->phase = &phase;
  engine->pause_ms = options->pause;
  phase_begin(&phase, "warm-up");
  if (options->warmup > 0) engine_run(engine, options->warmup, NULL);
  phase_begin(&phase, name);
  engine_run(engine, options->seconds, NULL);
  phase_end(&phase);
  phase_print(&phase);
}

void open_engine(struct engine *engine, const struct options *options, uint32_t peers) {
  engine_open(engine, net_client(options->target, peers), options->window, peers);
#ifdef WITH_DTLS
  if (options->secure) secure_engine(engine, options);
#endif
}

static void need_dtls(const char *what) {
#ifndef WITH_DTLS
  fprintf(stderr, "%s needs a generator built with OpenSSL's headers (libssl-dev)\n", what);
  exit(2);
#endif
  (void)what;
}

int main(int argc, char **argv) {
  struct options o = {.path = "/bench", .then = "nothing", .window = 64, .size = 64, .devices = 1000, .variants = 16, .seconds = 2,
                      .suite = "ccm_8", .identity = "bench", .key = "sixteen-byte-key"};
  double limit = 600, body = -1;
  int c;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
    switch (c) {
      case 't': o.target = optarg; break;
      case 'p': o.path = optarg; break;
      case 'T': o.then = optarg; break;
      case 'P': o.port = (uint16_t)number("port", optarg, 1, 65535); break;
      case 'w': o.window = (unsigned)number("window", optarg, 1, 4096); break;
      case 's': o.size = (unsigned)number("size", optarg, 12, 1024); break;
      case 'b': body = number("body", optarg, 0, 1 << 20); break;
      case 'd': o.devices = (unsigned)number("devices", optarg, 1, 1000000); break;
      case 'v': o.variants = (unsigned)number("variants", optarg, 1, 100); break;
      case 'r': o.rate = number("rate", optarg, 0, 1e6); break;
      case 'W': o.warmup = number("warmup", optarg, 0, 600); break;
      case 'S': o.seconds = number("seconds", optarg, 0, 3600); break;
      case 'u': o.pause = number("pause", optarg, 0, 10000); break;
      case 'e': o.settle = number("settle", optarg, 0, 60); break;
      case 'i': measure_pid((int)number("pid", optarg, 1, 4194304)); break;
      case 'x': need_dtls("--secure"); o.secure = true; break;
      case 'C': o.close = true; break;
      case 'y': o.suite = optarg; break;
      case 'I': o.identity = optarg; break;
      case 'k': o.key = optarg; break;
      case 'c': o.cid = (unsigned)number("cid", optarg, 0, 16); break;
      case 'Y': o.strays = (unsigned)number("strays", optarg, 0, 32); break;
      case 'l': limit = number("limit", optarg, 1, 3600); break;
      case 'h': fputs(usage, stdout); return 0;
      default: fputs("see lapwing-load --help\n", stderr); return 2;
    }
  }
  const char *mode = optind < argc ? argv[optind] : "";
  bool serving = strcmp(mode, "serve") == 0 || strcmp(mode, "echo-server") == 0;
  o.body = body >= 0 ? (unsigned)body : serving ? 0 : 1 << 20;
  if (serving ? o.port == 0 : o.target == NULL) {
    fputs(serving ? "--port is missing\n" : usage, stderr);
    return 2;
  }
  if (strcmp(o.suite, "ccm_8") != 0 && strcmp(o.suite, "gcm") != 0) {
    fprintf(stderr, "--suite must be ccm_8 or gcm, not '%s'\n", o.suite);
    return 2;
  }
  if (strlen(o.identity) > 128 || strlen(o.key) < 1 || strlen(o.key) > 64) {
    fputs("--identity takes up to 128 bytes, --key from 1 to 64\n", stderr);
    return 2;
  }
  if (o.strays > 0 && (!o.secure || o.cid == 0)) {
    fputs("--strays needs --secure and a connection id: --cid N\n", stderr);
    return 2;
  }
  alarm((unsigned)limit);
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    if (strcmp(mode, modes[i].name) != 0) continue;
    modes[i].run(&o);
    return 0;
  }
  if (strcmp(mode, "handshake") == 0 || strcmp(mode, "hello") == 0) need_dtls(mode);
  fprintf(stderr, "no mode '%s'; see lapwing-load --help\n", mode);
  return 2;
}
