/* One UDP socket that speaks for many: each simulated peer has its own source address in 127.0.0.0/8, chosen per datagram
 * with IP_PKTINFO, so a server sees as many peers as wanted while one sendmmsg carries up to 64 datagrams. The block of
 * addresses is drawn at random at start: no two runs share peers, so no server's duplicate cache answers for it. */
#ifndef NET_H
#define NET_H
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define NET_BATCH 64
#define NET_BUFFER 2048

struct net;

/* `peers`: how many source addresses may be used, at most 4,000,000. Exits with a message on failure. */
struct net *net_client(const char *target, uint32_t peers);
/* Any address of 127.0.0.0/8 reaches it; answers come from there and go to where the datagram came from. */
struct net *net_server(uint16_t port);

/* Sends what is queued, waits up to `timeout_us` and returns how many datagrams are held, at most NET_BATCH. */
unsigned net_receive(struct net *net, long timeout_us);
uint8_t *net_bytes(struct net *net, unsigned n, size_t *length);
/* Which simulated peer datagram `n` was sent to (client only). */
uint32_t net_peer(const struct net *net, unsigned n);

/* A buffer of NET_BUFFER bytes for the next datagram; sent by net_flush at the latest. */
uint8_t *net_buffer(struct net *net);
void net_send_as(struct net *net, uint32_t peer, size_t length);
void net_reply(struct net *net, unsigned n, size_t length);
void net_flush(struct net *net);
#endif
