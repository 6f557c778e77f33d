import { expect, it } from 'vitest';
import { localHostFor } from './connect.ts';

it.each([
  ['127.0.0.1', '127.0.0.1'],
  ['127.1.2.3', '127.0.0.1'],
  ['localhost', '127.0.0.1'],
  ['192.0.2.1', '0.0.0.0'],
  ['server.example', '0.0.0.0'],
  ['::1', '::1'],
  ['2001:db8::1', '::'],
])('a server at %s is spoken to from %s', (host, expected) => {
  expect(localHostFor({ via: 'udp', host, port: 5683 })).toBe(expected);
});
