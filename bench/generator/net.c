/* Batched datagrams with a source address for each simulated peer. */
#define _GNU_SOURCE
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
  char space[CMSG_SPACE(sizeof(struct in_pktinfo))];
  struct cmsghdr align;
};

struct direction {
  struct mmsghdr headers[NET_BATCH];
  struct iovec vectors[NET_BATCH];
  struct sockaddr_in addresses[NET_BATCH];
  union control controls[NET_BATCH];
  uint8_t bytes[NET_BATCH][NET_BUFFER];
};

struct net {
  int fd;
  uint32_t base;
  struct sockaddr_in target;
  unsigned queued;
  struct direction in, out;
};

static void fail(const char *what) {
  perror(what);
  exit(2);
}

static void prepare(struct direction *d) {
  for (unsigned i = 0; i < NET_BATCH; i++) {
    d->vectors[i] = (struct iovec){.iov_base = d->bytes[i], .iov_len = NET_BUFFER};
    d->headers[i].msg_hdr = (struct msghdr){.msg_name = &d->addresses[i],
                                            .msg_namelen = sizeof d->addresses[i],
                                            .msg_iov = &d->vectors[i],
                                            .msg_iovlen = 1,
                                            .msg_control = d->controls[i].space,
                                            .msg_controllen = sizeof d->controls[i].space};
  }
}

static struct net *net_open(uint16_t port) {
  struct sockaddr_in bound = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_ANY)};
  struct net *net = calloc(1, sizeof *net);
  if (net == NULL) fail("memory");
  net->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (net->fd < 0) fail("socket");
  int size = 4 << 20;
  setsockopt(net->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(net->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  /* Bound to every address for the sake of 127.0.0.0/8, so nothing from outside may come in. */
  if (setsockopt(net->fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) != 0) fail("SO_BINDTODEVICE");
  int on = 1;
  if (setsockopt(net->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0) fail("IP_PKTINFO");
  if (bind(net->fd, (struct sockaddr *)&bound, sizeof bound) != 0) fail("bind");
  prepare(&net->in);
  prepare(&net->out);
  return net;
}

struct net *net_client(const char *target, uint32_t peers) {
  struct net *net = net_open(0);
  char host[64];
  unsigned port = 0;
  if (sscanf(target, "%63[^:]:%u", host, &port) != 2 || port > 65535 || strncmp(host, "127.", 4) != 0) {
    fprintf(stderr, "target must be 127.x.x.x:port, not %s\n", target);
    exit(2);
  }
  net->target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &net->target.sin_addr) != 1) fail("target");
  uint32_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random) fail("getrandom");
  /* Stay clear of 127.0.0.0/16, where servers live, and of the broadcast end. */
  net->base = (127u << 24) + 65536 + random % (0xfe0000 - peers);
  return net;
}

struct net *net_server(uint16_t port) { return net_open(port); }

unsigned net_receive(struct net *net, long timeout_us) {
  net_flush(net);
  for (unsigned i = 0; i < NET_BATCH; i++) {
    net->in.headers[i].msg_hdr.msg_namelen = sizeof net->in.addresses[i];
    net->in.headers[i].msg_hdr.msg_controllen = sizeof net->in.controls[i].space;
  }
  int count = recvmmsg(net->fd, net->in.headers, NET_BATCH, MSG_DONTWAIT, NULL);
  if (count < 0 && timeout_us > 0) {
    struct pollfd waiting = {.fd = net->fd, .events = POLLIN};
    struct timespec patience = {.tv_sec = timeout_us / 1000000, .tv_nsec = timeout_us % 1000000 * 1000};
    if (ppoll(&waiting, 1, &patience, NULL) > 0) count = recvmmsg(net->fd, net->in.headers, NET_BATCH, MSG_DONTWAIT, NULL);
  }
  return count < 0 ? 0 : (unsigned)count;
}

uint8_t *net_bytes(struct net *net, unsigned n, size_t *length) {
  *length = net->in.headers[n].msg_len;
  return net->in.bytes[n];
}

static struct in_addr destination(const struct net *net, unsigned n) {
  const struct cmsghdr *c = CMSG_FIRSTHDR(&net->in.headers[n].msg_hdr);
  struct in_pktinfo to;
  memcpy(&to, CMSG_DATA(c), sizeof to);
  return to.ipi_addr;
}

uint32_t net_peer(const struct net *net, unsigned n) { return ntohl(destination(net, n).s_addr) - net->base; }

uint8_t *net_buffer(struct net *net) {
  if (net->queued == NET_BATCH) net_flush(net);
  return net->out.bytes[net->queued];
}

static void queue(struct net *net, struct in_addr from, struct sockaddr_in to, size_t length) {
  unsigned n = net->queued++;
  struct msghdr *header = &net->out.headers[n].msg_hdr;
  net->out.vectors[n].iov_len = length;
  net->out.addresses[n] = to;
  struct cmsghdr *c = CMSG_FIRSTHDR(header);
  c->cmsg_level = IPPROTO_IP;
  c->cmsg_type = IP_PKTINFO;
  c->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
  struct in_pktinfo information = {.ipi_spec_dst = from};
  memcpy(CMSG_DATA(c), &information, sizeof information);
}

void net_send_as(struct net *net, uint32_t peer, size_t length) {
  queue(net, (struct in_addr){.s_addr = htonl(net->base + peer)}, net->target, length);
}

void net_reply(struct net *net, unsigned n, size_t length) {
  queue(net, destination(net, n), net->in.addresses[n], length);
}

void net_flush(struct net *net) {
  unsigned sent = 0;
  while (sent < net->queued) {
    int count = sendmmsg(net->fd, net->out.headers + sent, net->queued - sent, 0);
    if (count > 0) sent += (unsigned)count;
    else if (errno == ECONNREFUSED || errno == EINTR || errno == ENOBUFS) continue;
    else fail("sendmmsg");
  }
  net->queued = 0;
}
