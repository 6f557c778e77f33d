/* Reading and writing CoAP messages, RFC 7252 §3. */
#include "coap.h"

#include <string.h>

bool coap_parse(const uint8_t *bytes, size_t length, struct coap_message *m) {
  if (length < 4 || (bytes[0] >> 6) != 1) return false;
  m->type = (bytes[0] >> 4) & 3;
  m->token_length = bytes[0] & 15;
  m->code = bytes[1];
  m->id = (uint16_t)(bytes[2] << 8 | bytes[3]);
  if (m->token_length > 8 || length < 4u + m->token_length) return false;
  m->token = bytes + 4;
  m->options = m->token + m->token_length;
  m->end = bytes + length;
  m->payload = m->end;
  m->payload_length = 0;
  const uint8_t *cursor = m->options;
  struct coap_option option;
  while (coap_next(m, &cursor, &option)) {
  }
  if (cursor < m->end) {
    if (*cursor != 0xff) return false;
    m->payload = cursor + 1;
    m->payload_length = (size_t)(m->end - m->payload);
  }
  return true;
}

static bool extended(const uint8_t **at, const uint8_t *end, unsigned *value) {
  if (*value == 13) {
    if (end - *at < 1) return false;
    *value = 13u + (*at)[0];
    *at += 1;
  } else if (*value == 14) {
    if (end - *at < 2) return false;
    *value = 269u + (unsigned)((*at)[0] << 8 | (*at)[1]);
    *at += 2;
  }
  return *value != 15;
}

bool coap_next(const struct coap_message *m, const uint8_t **cursor, struct coap_option *option) {
  const uint8_t *at = *cursor;
  if (at == m->options) option->number = 0;
  if (at >= m->end || *at == 0xff) return false;
  unsigned delta = *at >> 4, length = *at & 15;
  at++;
  if (!extended(&at, m->end, &delta) || !extended(&at, m->end, &length)) return false;
  if (length > (size_t)(m->end - at)) return false;
  option->number += delta;
  option->value = at;
  option->length = length;
  *cursor = at + length;
  return true;
}

bool coap_find(const struct coap_message *m, unsigned number, struct coap_option *option) {
  const uint8_t *cursor = m->options;
  while (coap_next(m, &cursor, option))
    if (option->number == number) return true;
  return false;
}

uint32_t coap_uint(const struct coap_option *option) {
  uint32_t value = 0;
  for (size_t i = 0; i < option->length; i++) value = value << 8 | option->value[i];
  return value;
}

void coap_begin(struct coap_writer *w, uint8_t *buffer, uint8_t type, uint8_t code, uint16_t id, const uint8_t *token,
                size_t token_length) {
  w->start = buffer;
  w->last = 0;
  buffer[0] = (uint8_t)(1 << 6 | type << 4 | token_length);
  buffer[1] = code;
  buffer[2] = (uint8_t)(id >> 8);
  buffer[3] = (uint8_t)id;
  memcpy(buffer + 4, token, token_length);
  w->at = buffer + 4 + token_length;
}

static unsigned nibble(unsigned value) { return value < 13 ? value : value < 269 ? 13 : 14; }

static uint8_t *extension(uint8_t *at, unsigned value) {
  if (value >= 269) {
    *at++ = (uint8_t)((value - 269) >> 8);
    *at++ = (uint8_t)(value - 269);
  } else if (value >= 13) {
    *at++ = (uint8_t)(value - 13);
  }
  return at;
}

void coap_add(struct coap_writer *w, unsigned number, const void *value, size_t length) {
  unsigned delta = number - w->last;
  *w->at++ = (uint8_t)(nibble(delta) << 4 | nibble((unsigned)length));
  w->at = extension(w->at, delta);
  w->at = extension(w->at, (unsigned)length);
  memcpy(w->at, value, length);
  w->at += length;
  w->last = number;
}

void coap_add_uint(struct coap_writer *w, unsigned number, uint32_t value) {
  uint8_t bytes[4];
  size_t length = 0;
  for (int shift = 24; shift >= 0; shift -= 8)
    if (length > 0 || (value >> shift) != 0) bytes[length++] = (uint8_t)(value >> shift);
  coap_add(w, number, bytes, length);
}

void coap_add_path(struct coap_writer *w, unsigned number, const char *path) {
  while (*path == '/') {
    const char *begin = ++path;
    while (*path != '\0' && *path != '/') path++;
    if (path > begin) coap_add(w, number, begin, (size_t)(path - begin));
  }
}

void coap_body(struct coap_writer *w, const void *payload, size_t length) {
  if (length == 0) return;
  *w->at++ = 0xff;
  memcpy(w->at, payload, length);
  w->at += length;
}
