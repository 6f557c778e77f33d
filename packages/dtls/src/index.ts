// DTLS 1.2 (RFC 6347) as a transport over any datagram transport: what this package promises, name by name.
export {};
