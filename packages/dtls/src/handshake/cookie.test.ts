import { readFileSync } from 'node:fs';
import { type Address, concatBytes, Hmac, noBytes, seconds, toHex } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { type ClientHello, encodeClientHello } from '../messages/client-hello.ts';
import { noExtensions } from '../messages/extensions.ts';
import { type Fragment, HandshakeType } from '../messages/handshake.ts';
import { decodeHelloVerifyRequest } from '../messages/hello-verify-request.ts';
import { readRecordings } from '../testing/recording.ts';
import { withCookie as spliced } from '../testing/with-cookie.ts';
import { CookieJar, cookieSize } from './cookie.ts';
import { type HelloView, markOf, peekClientHello } from './hello-view.ts';

const vectors = new URL('../../../../vectors/dtls-handshakes.json', import.meta.url);
const recordings = readRecordings(readFileSync(vectors, 'utf8'));

const random = new SeededRandom(30);
const first: ClientHello = {
  version: 0xfefd,
  random: random.bytes(32),
  sessionId: random.bytes(8),
  cookie: noBytes,
  cipherSuites: [0xc0a8, 0xc0ae],
  compressionMethods: [0],
  extensions: { ...noExtensions, extendedMasterSecret: true, serverName: 'gate.example' },
};
const at = (host: string, port: number): Address => ({ via: 'udp', host, port });
const here = at('192.0.2.1', 5684);

/** The first `size` bytes of a hello as its first fragment. */
function fragmentOf(hello: ClientHello, size = Number.POSITIVE_INFINITY): Fragment {
  const body = encodeClientHello(hello);
  return { type: 1, messageSeq: 0, length: body.length, offset: 0, body: body.subarray(0, size) };
}

const view = (hello: ClientHello, size?: number): HelloView => peekClientHello(fragmentOf(hello, size))!;
const withCookie = (cookie: Uint8Array): ClientHello => ({ ...first, cookie });

describe('a cookie', () => {
  it('is good for the hello and the address that it was made for (dtls E 30, G-01)', () => {
    const jar = new CookieJar(random);
    const cookie = jar.make(0, here, view(first));
    expect(cookie).toHaveLength(cookieSize);
    expect(jar.verify(10, here, view(withCookie(cookie)))).toBe(true);
  });

  it('is made without keeping anything of who asked (dtls E 30)', () => {
    const jar = new CookieJar(random);
    const contents = () =>
      Object.values(jar).map((value: unknown) => (value instanceof Hmac ? toHex(value.of(first.random)) : value));
    const before = contents();
    for (let i = 0; i < 2000; i += 1) jar.make(i, at('192.0.2.1', i), view(first));
    expect(contents()).toEqual(before);
  });

  it.each([
    ['another address', at('192.0.2.2', 5684), {}],
    ['another port', at('192.0.2.1', 5685), {}],
    ['an address that only begins alike', at('192.0.2.11', 5684), {}],
    ['another random', here, { random: new Uint8Array(32) }],
    ['another session id', here, { sessionId: new Uint8Array(8) }],
    ['no session id', here, { sessionId: noBytes }],
    ['another version', here, { version: 0xfeff }],
    ['other suites', here, { cipherSuites: [0xc0ae, 0xc0a8] }],
    ['a suite less', here, { cipherSuites: [0xc0a8] }],
    ['other compression methods', here, { compressionMethods: [1, 0] }],
  ])('is refused with %s (dtls E 32, E 70, G-01)', (_, address, change) => {
    const jar = new CookieJar(random);
    const cookie = jar.make(0, here, view(first));
    expect(jar.verify(0, address, view({ ...withCookie(cookie), ...change }))).toBe(false);
  });

  it('is refused when any bit of it is changed, when it is short, long or missing (G-01)', () => {
    const jar = new CookieJar(random);
    const cookie = jar.make(0, here, view(first));
    for (let bit = 0; bit < cookie.length * 8; bit += 1) {
      const changed = cookie.slice();
      changed[bit >>> 3] = changed[bit >>> 3]! ^ (1 << (bit & 7));
      expect(jar.verify(0, here, view(withCookie(changed))), `bit ${bit}`).toBe(false);
    }
    for (const wrong of [
      noBytes,
      cookie.subarray(0, 15),
      concatBytes(cookie, noBytes, Uint8Array.of(0)),
      new Uint8Array(255),
    ]) {
      expect(jar.verify(0, here, view(withCookie(wrong)))).toBe(false);
    }
    expect(new CookieJar(random).verify(0, here, view(withCookie(cookie)))).toBe(false);
  });

  it('outlives one turn of the key and not two (dtls E 33, G-01)', () => {
    const jar = new CookieJar(random, seconds(30));
    const cookie = jar.make(seconds(29), here, view(first));
    const second = view(withCookie(cookie));
    expect(jar.verify(seconds(31), here, second)).toBe(true);
    expect(jar.verify(seconds(59), here, second)).toBe(true);
    expect(jar.verify(seconds(60), here, second)).toBe(false);
    expect(jar.verify(seconds(61), here, second)).toBe(false);
  });

  it('is refused after a long silence, also when the periods are counted round (dtls E 33)', () => {
    const jar = new CookieJar(random, seconds(30));
    const cookie = jar.make(0, here, view(first));
    const second = view(withCookie(cookie));
    for (const periods of [2, 127, 128, 129, 256]) {
      expect(jar.verify(seconds(30 * periods), here, second)).toBe(false);
    }
  });

  it('is the same for a hello that comes again in the same period (dtls E 34)', () => {
    const jar = new CookieJar(random, seconds(30));
    const once = jar.make(seconds(40), here, view(first));
    expect(toHex(jar.make(seconds(41), here, view(first)))).toBe(toHex(once));
    // A hello that still has an old cookie gets what one without a cookie gets.
    expect(toHex(jar.make(seconds(42), here, view(withCookie(once))))).toBe(toHex(once));
    expect(toHex(jar.make(seconds(70), here, view(first)))).not.toBe(toHex(once));
    expect(jar.verify(seconds(70), here, view(withCookie(once)))).toBe(true);
  });

  it('does not cover suites that the first fragment cuts, so that such a client gets in (G-02)', () => {
    const jar = new CookieJar(random);
    const cookie = jar.make(0, here, view(first, 50));
    expect(jar.verify(0, here, view(withCookie(cookie)))).toBe(true);
    expect(jar.verify(0, here, view(withCookie(cookie), 61))).toBe(true);
    expect(jar.verify(0, here, view({ ...withCookie(cookie), random: new Uint8Array(32) }))).toBe(false);
  });

  it('that covers suites asks for a second one when they are cut then, and gets it (G-02)', () => {
    const jar = new CookieJar(random);
    const covering = jar.make(0, here, view(first));
    const cutNow = view(withCookie(covering), 61);
    expect(cutNow.choicesEnd).toBeUndefined();
    expect(jar.verify(0, here, cutNow)).toBe(false);
    const another = jar.make(0, here, cutNow);
    expect(jar.verify(0, here, view(withCookie(another), 61))).toBe(true);
  });
});

describe('peekClientHello', () => {
  it.each(recordings.map((recording) => [recording.what, recording] as const))(
    'sees what the cookie needs in the first fragments of %s (dtls E 34, G-02)',
    (_, { fragments, messages }) => {
      const hellos = fragments.filter(({ fragment }) => fragment.type === HandshakeType.clientHello);
      const views = hellos.map(({ fragment }) => peekClientHello(fragment)).filter((each) => each !== undefined);
      const request = messages.find(({ type }) => type === HandshakeType.helloVerifyRequest)!;
      expect(views.map(({ cookie }) => toHex(cookie))).toEqual([
        '',
        toHex(decodeHelloVerifyRequest(request.body).cookie),
      ]);
      const opening = ({ bytes, openingEnd }: HelloView) => toHex(bytes.subarray(0, openingEnd));
      const choices = ({ bytes, cookieEnd, choicesEnd }: HelloView) => toHex(bytes.subarray(cookieEnd, choicesEnd!));
      expect(choices(views[0]!)).toBe(choices(views[1]!));
      expect(opening(views[0]!)).toBe(opening(views[1]!));
      const mark = ({ bytes }: HelloView) => markOf(bytes, 0, bytes.length);
      expect(mark(views[0]!)).toBe(mark(views[1]!));
      expect(mark(views[0]!)).not.toBe(mark(view(first)));
      expect(views[0]!.isCut).toBe(false);
      expect(views[1]!.isCut).toBe(hellos.length > 2);
      const jar = new CookieJar(random);
      const cookie = jar.make(0, here, views[0]!);
      expect(jar.verify(0, here, peekClientHello(spliced(hellos[1]!.fragment, cookie))!)).toBe(true);
    },
  );

  it('says whether more must follow, and whether all that the cookie covers is there (G-02)', () => {
    const body = encodeClientHello(first);
    const cookieEnd = 2 + 32 + 1 + 8 + 1;
    const choicesEnd = cookieEnd + 2 + 4 + 2;
    for (let size = 0; size <= body.length; size += 1) {
      const found = peekClientHello(fragmentOf(first, size));
      if (size < cookieEnd) expect(found).toBeUndefined();
      else {
        expect(found!.isCut).toBe(size < body.length);
        expect(found!.choicesEnd !== undefined, `${size}`).toBe(size >= choicesEnd);
      }
    }
  });

  it('passes over what is no start of a ClientHello (G-02, G-03)', () => {
    const good = fragmentOf(first);
    expect(peekClientHello(good)).toBeDefined();
    expect(peekClientHello({ ...good, type: HandshakeType.serverHello })).toBeUndefined();
    expect(peekClientHello({ ...good, offset: 1 })).toBeUndefined();
    expect(peekClientHello({ ...good, length: good.body.length - 1 })).toBeUndefined();
    expect(peekClientHello({ ...good, body: noBytes })).toBeUndefined();
  });

  it('refuses a session id of 33 bytes and takes a cookie of 255 (G-26)', () => {
    expect(peekClientHello(fragmentOf({ ...first, sessionId: new Uint8Array(33) }))).toBeUndefined();
    expect(view({ ...first, cookie: new Uint8Array(255) }).cookie).toHaveLength(255);
  });
});
