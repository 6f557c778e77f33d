// Protected requests (RFC 8613 §8.2, §8.3): found out whose they are, opened, served, answered under the same keys. What is
// wrong with one is said in the open and in few bytes (§8.2): nobody has proved anything.
import {
  concatBytes,
  equalBytes,
  equalInConstantTime,
  FormatError,
  noBytes,
  type Peer,
  type Random,
} from '@lapwing/kernel';
import { type Context, extendContext, type Layer, type NotifyOptions, type Service } from '../exchange/service.ts';
import type { BlockIn } from '../layers/block-in.ts';
import { noResponse } from '../layers/no-response.ts';
import { Code } from '../message/code.ts';
import { makeResponse, type Request, type Response } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import type { OscoreTally } from './counters.ts';
import { type Generation, type LiveContext, ProtectedPeer } from './live.ts';
import type { LoadedContexts } from './loaded.ts';
import { decodeOscoreOption, decodePiv } from './option.ts';
import { type Binding, type Opened, protectResponse, unprotectRequest } from './protect.ts';
import { rederive, unwrapIdContext, wrapIdContext } from './rederive.ts';

export interface ServingParts {
  readonly contexts: LoadedContexts;
  readonly random: Random;
  readonly tally: OscoreTally;
  /** Puts messages together that a proxy has cut (RFC 8613 §4.1.3.4.2). */
  readonly outerBlocks: BlockIn;
}

/** Contexts that one request is tried with: each costs a decryption. */
const MOST_TRIALS = 4;
const CHALLENGE_LENGTH = 8;

/** Somebody's request, read as far as it can be without a key. */
interface Arrived {
  readonly outer: Request;
  readonly binding: Binding;
  readonly sequence: number;
  readonly kidContext: Uint8Array | undefined;
  readonly context: Context;
}

/** Of one context: `undefined` where the request is not its own. */
type Trial = (() => Promise<Response>) | 'replayed' | 'unverified' | undefined;

export class ServingProtection {
  private readonly parts: ServingParts;

  constructor(parts: ServingParts) {
    this.parts = parts;
  }

  readonly layer: Layer = (inner) => {
    const unprotecting: Service = (request, context) => this.receive(inner, request, context);
    const together = this.parts.outerBlocks.layer(unprotecting);
    return (request, context) => {
      if (!request.options.has(Option.Oscore)) return inner(request, context);
      const isCut = request.options.has(Option.Block1) || request.options.has(Option.Block2);
      return isCut ? together(request, context) : unprotecting(request, context);
    };
  };

  private async receive(inner: Service, outer: Request, context: Context): Promise<Response> {
    const arrived = read(outer, context);
    if (arrived === undefined) return this.refuse('malformed', outer, context);
    const { kid } = arrived.binding;
    let trial = await this.tryAll(inner, arrived);
    // What was provisioned may be something else by now, and numbers that look used are new under other keys.
    if (typeof trial === 'string' && (await this.parts.contexts.haveChanged(kid)))
      trial = await this.tryAll(inner, arrived);
    return typeof trial === 'string' ? this.refuse(trial, outer, context) : trial();
  }

  private async tryAll(inner: Service, arrived: Arrived): Promise<Exclude<Trial, undefined> | 'unknownContext'> {
    const found = this.parts.contexts.find(arrived.binding.kid);
    const candidates = found instanceof Promise ? await found : found;
    let verdict: 'unknownContext' | 'replayed' | 'unverified' = 'unknownContext';
    let trials = 0;
    for (const live of candidates) {
      if (trials >= MOST_TRIALS) break;
      const trial = this.attempt(inner, arrived, live);
      if (trial === undefined) continue;
      trials += 1;
      if (typeof trial === 'string') verdict = trial;
      else {
        this.parts.contexts.used(live);
        return trial;
      }
    }
    return verdict;
  }

  private attempt(inner: Service, arrived: Arrived, live: LiveContext): Trial {
    const { kidContext } = arrived;
    const { current } = live;
    const isCurrent =
      current !== undefined &&
      (kidContext === undefined || (current.named !== undefined && equalBytes(kidContext, current.named)));
    if (isCurrent) return this.tryGeneration(inner, arrived, live, current);
    const asked = kidContext === undefined || !live.followsPeer ? undefined : unwrapIdContext(kidContext);
    return asked === undefined ? undefined : this.tryRederiving(inner, arrived, live, asked);
  }

  /** RFC 8613 §8.2, steps 3 to 6. */
  private tryGeneration(inner: Service, arrived: Arrived, live: LiveContext, generation: Generation): Trial {
    const { outer, binding, sequence } = arrived;
    const { window } = generation;
    if (window.judge(sequence, 'proven') === 'replay') return 'replayed';
    const opened = unprotectRequest(generation.context, outer, binding);
    if (typeof opened === 'string') return 'unverified';
    const echo = generation.challenge === undefined ? undefined : opened.content.options.bytes(Option.Echo);
    const isFresh =
      echo !== undefined && generation.challenge !== undefined && equalInConstantTime(echo, generation.challenge);
    if (window.judge(sequence, isFresh ? 'proven' : 'unproven') === 'unproven')
      return () => this.challenge(arrived, generation);
    window.accept(sequence);
    generation.heard(sequence);
    return () => this.serve(inner, arrived, live, generation, opened);
  }

  /** RFC 8613 Appendix B.2, steps 2 and 4. */
  private tryRederiving(inner: Service, arrived: Arrived, live: LiveContext, asked: Uint8Array): Trial {
    const { outer, binding } = arrived;
    const derived = rederive(live.provisioned, asked);
    const opened = unprotectRequest(derived, outer, binding);
    if (typeof opened === 'string') return 'unverified';
    if (live.offers.begin(asked)) {
      const generation = this.parts.contexts.fresh(derived);
      // The peer has shown that it has the keys.
      generation.kidContext = undefined;
      generation.window.accept(arrived.sequence);
      generation.heard(arrived.sequence);
      live.current = generation;
      live.offers.revoke();
      this.parts.tally.add('rederived');
      return () => this.serve(inner, arrived, live, generation, opened);
    }
    const offer = live.offers.make();
    const second = rederive(live.provisioned, concatBytes(offer, asked));
    const protection = { kidContext: wrapIdContext(offer), asked: outer.code };
    this.parts.tally.add('challenged');
    const answer = protectResponse(second, binding, makeResponse(Code.Unauthorized), protection);
    return () => Promise.resolve(answer);
  }

  /** RFC 8613 Appendix B.1.2: served when it comes again with this. Never with the nonce of the request, which may be a replay. */
  private async challenge({ outer, binding }: Arrived, generation: Generation): Promise<Response> {
    this.parts.tally.add('challenged');
    generation.challenge ??= this.parts.random.bytes(CHALLENGE_LENGTH);
    const response = makeResponse(Code.Unauthorized, OptionSet.of([Option.Echo, generation.challenge]));
    const sequence = await generation.next();
    return protectResponse(generation.context, binding, response, { sequence, asked: outer.code });
  }

  private async serve(
    inner: Service,
    arrived: Arrived,
    live: LiveContext,
    generation: Generation,
    opened: Opened<Request>,
  ): Promise<Response> {
    const { outer, binding, context } = arrived;
    const asked = outer.code;
    this.parts.tally.add('accepted');
    const refusal = refusalOf(opened);
    const response =
      refusal === undefined
        ? await inner(opened.content, this.contextOf(arrived, new ProtectedPeer(live, context.peer), generation))
        : makeResponse(refusal);
    if (response.code === Code.Empty) return response;
    if (!response.options.has(Option.Observe)) return protectResponse(generation.context, binding, response, { asked });
    // RFC 8613 §8.3.1: the nonce of the request is good for one answer, and this one has others behind it.
    const taken = generation.next();
    const sequence = typeof taken === 'number' ? taken : await taken;
    return protectResponse(generation.context, binding, response, { sequence, asked });
  }

  private contextOf({ outer, binding, context }: Arrived, peer: Peer, generation: Generation): Context {
    const { notify } = context;
    if (notify === undefined) return extendContext(context, { peer });
    const protecting = async (response: Response, options?: NotifyOptions): Promise<'delivered' | 'superseded'> => {
      if (response.code === Code.Empty) return notify(response, options);
      const taken = generation.next();
      const sequence = typeof taken === 'number' ? taken : await taken;
      return notify(protectResponse(generation.context, binding, response, { sequence, asked: outer.code }), options);
    };
    return extendContext(context, { peer, notify: protecting });
  }

  /** RFC 8613 §8.2: in the open, not to be cached, and without a word more than the code. */
  private refuse(
    why: 'malformed' | 'unknownContext' | 'replayed' | 'unverified',
    outer: Request,
    context: Context,
  ): Promise<Response> {
    this.parts.tally.add(why);
    const answer = makeResponse(codes[why], OptionSet.of([Option.MaxAge, 0]));
    return noResponse(() => Promise.resolve(answer))(outer, context);
  }
}

const codes = {
  malformed: Code.BadOption,
  unknownContext: Code.Unauthorized,
  replayed: Code.Unauthorized,
  unverified: Code.BadRequest,
} as const;

/** RFC 8613 §8.2, step 2: a request has a kid, a Partial IV and a ciphertext. */
function read(outer: Request, context: Context): Arrived | undefined {
  if (outer.payload.length === 0) return undefined;
  try {
    const { kid, piv, kidContext } = decodeOscoreOption(outer.options.bytes(Option.Oscore) ?? noBytes);
    if (kid === undefined || piv === undefined) return undefined;
    return { outer, binding: { kid, piv }, sequence: decodePiv(piv), kidContext, context };
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** What the endpoint refuses of a message in the open is refused inside too (RFC 7252 §5.4.1, §5.8, §5.10.2). */
function refusalOf({ content, unacceptable }: Opened<Request>): Code | undefined {
  if (unacceptable !== 0) return Code.BadOption;
  if (content.code > Code.Ipatch) return Code.MethodNotAllowed;
  const { options } = content;
  return options.has(Option.ProxyUri) || options.has(Option.ProxyScheme) ? Code.ProxyingNotSupported : undefined;
}
