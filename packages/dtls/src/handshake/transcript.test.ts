import { createDecipheriv, createHash, createPublicKey, verify, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { concatBytes, fromHex, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { decodeCertificate, decodeRawPublicKeyCertificate } from '../messages/certificate.ts';
import { decodeCertificateVerify } from '../messages/certificate-verify.ts';
import { decodeClientHello } from '../messages/client-hello.ts';
import { HandshakeType, readFragment } from '../messages/handshake.ts';
import { decodeServerHello } from '../messages/server-hello.ts';
import { extendedMasterSecret, finishedData, prf } from '../suites/prf.ts';
import { type Recording, readRecordings } from '../testing/recording.ts';
import { fragmentMessage } from './fragments.ts';
import { Reassembly } from './reassembly.ts';
import { Transcript } from './transcript.ts';

const vectors = new URL('../../../../vectors/dtls-handshakes.json', import.meta.url);
const recordings = readRecordings(readFileSync(vectors, 'utf8'));

/** The second hello and what follows it, up to the message before the first of `until`. */
function transcriptOf({ messages }: Recording, until?: number): Transcript {
  const transcript = new Transcript();
  for (const message of messages.slice(2)) {
    if (message.type === until) break;
    transcript.add(message);
  }
  return transcript;
}

/** PSK alone, RFC 4279 §2. */
function premasterOf(key: Uint8Array): Uint8Array {
  const length = Uint8Array.of(0, key.length);
  return concatBytes(length, new Uint8Array(key.length), length, key);
}

function openCcm8(key: Uint8Array, iv: Uint8Array, sequence: number, body: Uint8Array): Uint8Array {
  const text = body.subarray(8, body.length - 8);
  const aad = concatBytes(
    fromHex(`0001${sequence.toString(16).padStart(12, '0')}16fefd`),
    Uint8Array.of(0, text.length),
  );
  const cipher = createDecipheriv('aes-128-ccm', key, concatBytes(iv, body.subarray(0, 8)), { authTagLength: 8 });
  cipher.setAuthTag(body.subarray(body.length - 8));
  cipher.setAAD(aad, { plaintextLength: text.length });
  const plain = cipher.update(text);
  cipher.final();
  return new Uint8Array(plain);
}

describe('a Transcript', () => {
  it.each(
    recordings.filter(({ name }) => name.endsWith('-psk') && !name.includes('ecdhe')).map((r) => [r.what, r] as const),
  )('gives the hash that both Finished were made of: %s (dtls E 52)', (_, recording) => {
    const of = (type: number) => recording.messages.filter((m) => m.type === type);
    const clientRandom = decodeClientHello(of(HandshakeType.clientHello)[1]!.body).random;
    const serverRandom = decodeServerHello(of(HandshakeType.serverHello)[0]!.body).random;
    // RFC 5077 §3.3: the ticket goes out between the two Finished.
    const sent = transcriptOf(recording, HandshakeType.newSessionTicket);
    const master = extendedMasterSecret('sha256', premasterOf(recording.key!), sent.digest('sha256'));
    const keys = prf('sha256', master, 'key expansion', concatBytes(serverRandom, clientRandom), 40);
    const finished = (from: 'client' | 'server') => {
      const record = recording.records.find((r) => r.from === from && r.epoch === 1 && r.type === 22)!;
      const at = from === 'client' ? 0 : 1;
      const [key, iv] = [keys.subarray(at * 16, at * 16 + 16), keys.subarray(32 + at * 4, 36 + at * 4)];
      return readFragment(openCcm8(key, iv, record.sequence, record.body), 0)!;
    };
    const client = finished('client');
    expect(toHex(client.body)).toBe(toHex(finishedData('sha256', master, 'client', sent.digest('sha256'))));
    sent.add(client);
    sent.add(of(HandshakeType.newSessionTicket)[0]!);
    expect(toHex(finished('server').body)).toBe(toHex(finishedData('sha256', master, 'server', sent.digest('sha256'))));
  });

  it.each(
    recordings
      .filter(({ messages }) => messages.some((m) => m.type === HandshakeType.certificateVerify))
      .map((r) => [r.what, r] as const),
  )('gives the bytes that the client signed: %s (dtls E 52)', (_, recording) => {
    const of = (type: number) => recording.messages.filter((m) => m.type === type && m.from === 'client');
    const [certificate] = of(HandshakeType.certificate);
    const key =
      recording.expected.rawPublicKeys === undefined
        ? new X509Certificate(decodeCertificate(certificate!.body).chain[0]!).publicKey
        : createPublicKey({
            key: Buffer.from(decodeRawPublicKeyCertificate(certificate!.body).publicKey),
            format: 'der',
            type: 'spki',
          });
    const { scheme, signature } = decodeCertificateVerify(of(HandshakeType.certificateVerify)[0]!.body);
    expect(scheme).toBe(recording.expected.scheme);
    const signed = transcriptOf(recording, HandshakeType.certificateVerify).bytes();
    expect(verify('sha256', signed, key, signature)).toBe(true);
    expect(verify('sha256', signed.subarray(1), key, signature)).toBe(false);
  });

  it('is the same however the messages were cut (dtls E 52)', () => {
    const { messages } = recordings[0]!;
    const whole = transcriptOf(recordings[0]!);
    for (const room of [13, 20, 99, 2000]) {
      const again = new Transcript();
      for (const message of messages.slice(2)) {
        const reassembly = new Reassembly(undefined, message.messageSeq);
        for (const piece of fragmentMessage(message, room).toReversed()) reassembly.add(readFragment(piece, 0)!, 0);
        again.add(reassembly.take()!);
      }
      expect(toHex(again.digest('sha256'))).toBe(toHex(whole.digest('sha256')));
    }
  });

  it('is the messages with whole headers, however they are added', () => {
    const transcript = new Transcript();
    transcript.add({ type: 1, messageSeq: 0x0102, body: Uint8Array.of(1, 2) });
    const bytes = fromHex('010000020102000000000002' + '0102');
    expect(toHex(transcript.bytes())).toBe(toHex(bytes));
    transcript.add({ type: 1, messageSeq: 0x0102, body: Uint8Array.of(1, 2) });
    expect(toHex(transcript.bytes())).toBe(toHex(concatBytes(bytes, bytes)));
    for (const hash of ['sha256', 'sha384'] as const) {
      expect(toHex(transcript.digest(hash))).toBe(createHash(hash).update(transcript.bytes()).digest('hex'));
    }
  });

  it('gives out each message as it stands there, whatever follows', () => {
    const transcript = new Transcript();
    const hello = transcript.from(transcript.add({ type: 1, messageSeq: 0, body: Uint8Array.of(1, 2) }));
    transcript.restart();
    transcript.add({ type: 1, messageSeq: 1, body: Uint8Array.of(3, 4) });
    transcript.add({ type: 11, messageSeq: 2, body: new Uint8Array(70_000).fill(7) });
    expect(toHex(hello)).toBe('0100000200000000000000020102');
    expect(() => transcript.add({ type: 1, messageSeq: 0x1_0000, body: hello })).toThrow(RangeError);
  });

  it('grows with what is said', () => {
    const transcript = new Transcript();
    const body = new Uint8Array(70_000).fill(7);
    for (const messageSeq of [0, 1, 2]) transcript.add({ type: 11, messageSeq, body });
    expect(transcript.bytes().length).toBe(3 * 70_012);
    expect(toHex(transcript.bytes().subarray(70_012, 70_026))).toBe('0b0111700001000000011170' + '0707');
  });

  it('starts anew after a HelloVerifyRequest', () => {
    const transcript = new Transcript();
    transcript.add({ type: 1, messageSeq: 0, body: Uint8Array.of(9) });
    transcript.restart();
    transcript.add({ type: 1, messageSeq: 1, body: Uint8Array.of(1) });
    expect(toHex(transcript.bytes())).toBe('010000010001000000000001' + '01');
  });
});
