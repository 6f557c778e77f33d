// The hello that comes after HelloVerifyRequest, made of the one before.
import { concatBytes } from '@lapwing/kernel';
import { peekClientHello } from '../handshake/hello-view.ts';
import type { Fragment } from '../messages/handshake.ts';

/** The same first fragment with another cookie. Throws RangeError for what is no start of a hello. */
export function withCookie(fragment: Fragment, cookie: Uint8Array): Fragment {
  const hello = peekClientHello(fragment);
  if (hello === undefined) throw new RangeError('that is no start of a hello');
  const { body } = fragment;
  const before = body.subarray(0, hello.openingEnd);
  const after = concatBytes(before, Uint8Array.of(cookie.length), cookie, body.subarray(hello.cookieEnd));
  return { ...fragment, length: fragment.length + after.length - body.length, body: after };
}
