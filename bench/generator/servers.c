/* The other end in C: an echo that shows what the generator can do, and a CoAP server that clients are measured against. */
#include <string.h>

#include "modes.h"

static uint8_t image[1 << 20];

static size_t answer(const struct options *options, const struct coap_message *request, uint8_t *buffer) {
  struct coap_writer w;
  struct coap_option block;
  coap_begin(&w, buffer, COAP_ACK, COAP_CONTENT, request->id, request->token, request->token_length);
  coap_add_uint(&w, OPTION_CONTENT_FORMAT, 42);
  if (!coap_find(request, OPTION_BLOCK2, &block) || coap_uint(&block) == 0 || options->body == 0) {
    if (options->body == 0) {
      coap_body(&w, image, options->size);
      return coap_length(&w);
    }
    block.length = 0;
  }
  uint32_t value = coap_uint(&block);
  uint32_t szx = block.length == 0 || (value & 7) == 7 ? 6 : value & 7;
  size_t size = (size_t)16 << szx, offset = (size_t)(value >> 4) * size;
  if (offset >= options->body) offset = 0;
  size_t left = options->body - offset;
  coap_add_uint(&w, OPTION_BLOCK2, (uint32_t)(offset / size) << 4 | (left > size ? 8u : 0u) | szx);
  coap_body(&w, image + offset % sizeof image, left < size ? left : size);
  return coap_length(&w);
}

static void run(const struct options *options, bool echo) {
  struct net *net = net_server(options->port);
  uint64_t end = now_ns() + (uint64_t)(options->seconds * 1e9);
  while (now_ns() < end) {
    unsigned count = net_receive(net, 100000);
    for (unsigned n = 0; n < count; n++) {
      size_t length;
      const uint8_t *bytes = net_bytes(net, n, &length);
      uint8_t *buffer = net_buffer(net);
      struct coap_message request;
      if (echo) memcpy(buffer, bytes, length);
      else if (coap_parse(bytes, length, &request) && coap_is_request(&request) && request.type == COAP_CON)
        length = answer(options, &request, buffer);
      else continue;
      net_reply(net, n, length);
    }
  }
}

void mode_serve(const struct options *options) { run(options, false); }

void mode_echo_server(const struct options *options) { run(options, true); }
