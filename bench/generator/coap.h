/* CoAP messages as the load generator needs them: RFC 7252 §3 read in place and written front to back. */
#ifndef COAP_H
#define COAP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COAP_CON = 0, COAP_NON = 1, COAP_ACK = 2, COAP_RST = 3 };
enum { COAP_GET = 0x01, COAP_POST = 0x02, COAP_PUT = 0x03, COAP_DELETE = 0x04 };
enum { COAP_CREATED = 0x41, COAP_CHANGED = 0x44, COAP_CONTENT = 0x45, COAP_CONTINUE = 0x5f };
enum {
  OPTION_OBSERVE = 6,
  OPTION_LOCATION_PATH = 8,
  OPTION_URI_PATH = 11,
  OPTION_CONTENT_FORMAT = 12,
  OPTION_URI_QUERY = 15,
  OPTION_BLOCK2 = 23,
  OPTION_BLOCK1 = 27,
};

/* Largest datagram made or read: a 1024-byte block and its header. */
#define COAP_LIMIT 1280

/* A view of received bytes, valid as long as they are. */
struct coap_message {
  uint8_t type, code, token_length;
  uint16_t id;
  const uint8_t *token;
  const uint8_t *options, *end;
  const uint8_t *payload;
  size_t payload_length;
};

struct coap_option {
  unsigned number;
  const uint8_t *value;
  size_t length;
};

struct coap_writer {
  uint8_t *start, *at;
  unsigned last;
};

bool coap_parse(const uint8_t *bytes, size_t length, struct coap_message *message);
/* Steps `*cursor` (begin with message->options) to the next option; false at the end or on damage. */
bool coap_next(const struct coap_message *message, const uint8_t **cursor, struct coap_option *option);
bool coap_find(const struct coap_message *message, unsigned number, struct coap_option *option);
uint32_t coap_uint(const struct coap_option *option);

static inline bool coap_is_request(const struct coap_message *m) { return m->code > 0 && m->code < 0x20; }
static inline bool coap_is_success(const struct coap_message *m) { return (m->code >> 5) == 2; }

void coap_begin(struct coap_writer *w, uint8_t *buffer, uint8_t type, uint8_t code, uint16_t id, const uint8_t *token,
                size_t token_length);
/* Numbers must not decrease. */
void coap_add(struct coap_writer *w, unsigned number, const void *value, size_t length);
void coap_add_uint(struct coap_writer *w, unsigned number, uint32_t value);
/* One option per segment of "/a/b". */
void coap_add_path(struct coap_writer *w, unsigned number, const char *path);
void coap_body(struct coap_writer *w, const void *payload, size_t length);
static inline size_t coap_length(const struct coap_writer *w) { return (size_t)(w->at - w->start); }
#endif
