// A CoAP server with two resources: `/hello` answers, `/uptime` can be observed.
//
//   node --conditions=source --import tsx examples/coap-server.ts 5683
//   coap-client -m get coap://127.0.0.1/hello
//   coap-client -m get -s 5 coap://127.0.0.1/uptime
import { Code, ContentFormat, Endpoint, makeResponse, Option, OptionSet, Router, udpTransport } from '@lapwing/coap';
import { delay, encodeUtf8, seconds, systemClock } from '@lapwing/kernel';

const text = (content: string) =>
  makeResponse(Code.Content, OptionSet.of([Option.ContentFormat, ContentFormat.Text]), encodeUtf8(content));
const uptime = () => text(`${Math.round(systemClock.now())} ms`);

const router = new Router().add('/hello', { get: () => Promise.resolve(text('hello')) }).add('/uptime', {
  get: (_request, { notify, signal }) => {
    const now = uptime();
    if (notify === undefined) return Promise.resolve(now);
    const tick = async (): Promise<void> => {
      for (;;) {
        await delay(systemClock, seconds(1), signal);
        await notify(uptime());
      }
    };
    // It ends with the signal: when the observer cancels, resets or is silent.
    tick().catch(() => undefined);
    // Observe in the answer accepts the observation (RFC 7641 §4.1).
    return Promise.resolve({ ...now, options: now.options.with(Option.Observe, 0) });
  },
});

const transport = udpTransport({ host: '127.0.0.1', port: Number(process.argv[2] ?? 5683) });
await Endpoint.open({ transport, serve: router.serve });
console.log(`listening on port ${transport.address.port}`);
