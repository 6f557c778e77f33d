// What a server asks becomes an operation, is done, and its answer becomes a response: one exhaustive switch.
import { Code, type Context, Option, type Request, type Response, ResponseError, type Service } from '@lapwing/coap';
import {
  type Answer,
  isHiddenObject,
  type Lwm2mVersion,
  lackingFor,
  type Operation,
  readRequest,
  writeResponse,
} from '@lapwing/lwm2m';
import { readComposite, readPresent, writeComposite } from './composite.ts';
import { create } from './create.ts';
import { deleteAt } from './delete.ts';
import { discover } from './discover.ts';
import { type Executing, execute } from './execute.ts';
import { type Observing, observe } from './observe.ts';
import { readEntries } from './read.ts';
import { write } from './write.ts';
import { writeAttributes } from './write-attributes.ts';

export interface Operated extends Observing, Executing {
  readonly version: Lwm2mVersion;
  readonly rootPath: string;
}

/** Rejects with the ResponseError to answer. */
export function serveOperations(device: Operated): Service {
  const { store } = device;
  return async (request: Request, context: Context): Promise<Response> => {
    const operation = spokenIn(
      device.version,
      readRequest(request, { typeOf: store.typeOf, rootPath: device.rootPath }),
    );
    const answer = await perform(operation, context, device);
    const response = writeResponse(operation, answer, device);
    // Observe in the answer accepts the observation (RFC 7641 §4.1).
    return isObserve(operation) && context.notify !== undefined
      ? { ...response, options: response.options.with(Option.Observe, 0) }
      : response;
  };
}

/** Queries that a version does not know are passed over; methods that it does not know are refused. */
function spokenIn(version: Lwm2mVersion, operation: Operation): Operation {
  switch (lackingFor(operation, version)) {
    case undefined:
      return operation;
    case 'observe-attributes':
    case 'discover-depth': {
      if (operation.op === 'observe') {
        const { attributes: _, ...plain } = operation;
        return plain;
      }
      return operation.op === 'discover' ? { op: 'discover', path: operation.path } : operation;
    }
    case 'composite':
    case 'send':
      throw new ResponseError(Code.MethodNotAllowed);
  }
}

const isObserve = ({ op }: Operation): boolean => op === 'observe' || op === 'observe-composite';

async function perform(operation: Operation, context: Context, device: Operated): Promise<Answer> {
  const { store } = device;
  // Core 1.2.1 Appendix E.1: keys are nobody's but the bootstrap server's.
  if ('path' in operation && operation.path.kind !== 'root' && isHiddenObject(operation.path.object))
    throw new ResponseError(Code.Unauthorized);
  switch (operation.op) {
    case 'read':
    case 'cancel-observe':
      return { kind: 'content', code: Code.Content, entries: readEntries(store, operation.path) };
    case 'observe':
    case 'observe-composite': {
      const entries = observe(operation, context, device, (current) =>
        writeResponse(operation, { kind: 'content', code: Code.Content, entries: current }, device),
      );
      return { kind: 'content', code: Code.Content, entries };
    }
    case 'read-composite':
      return { kind: 'content', code: Code.Content, entries: readComposite(store, operation.paths) };
    case 'cancel-observe-composite':
      return { kind: 'content', code: Code.Content, entries: readPresent(store, operation.paths) };
    case 'write-composite':
      writeComposite(store, operation);
      return { kind: 'done', code: Code.Changed };
    case 'send':
      throw new ResponseError(Code.NotFound);
    case 'discover':
      return {
        kind: 'links',
        code: Code.Content,
        links: discover(store, device.attributes, operation, device.version),
      };
    case 'write':
      write(store, operation);
      return { kind: 'done', code: Code.Changed };
    case 'write-attributes':
      writeAttributes(operation, device);
      return { kind: 'done', code: Code.Changed };
    case 'execute':
      await execute(operation, device);
      return { kind: 'done', code: Code.Changed };
    case 'create':
      return { kind: 'done', code: Code.Created, location: create(store, operation) };
    case 'delete':
      deleteAt(store, operation);
      return { kind: 'done', code: Code.Deleted };
  }
}
