// Asks the store of credentials what a handshake wants to know (shell). A store that answers at once costs no turn; one that
// throws knows nothing.
import type { CredentialStore, PeerCertificate } from './credentials.ts';
import type { Answer, Question } from './handshake/contract.ts';
import { readCertificate } from './x509/certificate.ts';

export function lookUp(store: CredentialStore | undefined, question: Question, answer: (answer: Answer) => void): void {
  switch (question.about) {
    case 'psk':
      ask(
        () => store?.psk?.(question.identity, question.serverName),
        (key) => answer({ about: 'psk', key: key?.reveal() }),
      );
      break;
    case 'raw-public-key':
      ask(
        () => store?.acceptRawPublicKey?.(question.publicKey),
        (accepted) => answer({ about: 'raw-public-key', accepted: accepted === true }),
      );
      break;
    case 'certificate':
      ask(
        () => {
          const verify = store?.acceptCertificate?.verify;
          return verify === undefined ? store?.acceptCertificate !== undefined : verify(describe(question.chain));
        },
        (accepted) => answer({ about: 'certificate', accepted: accepted === true }),
      );
      break;
  }
}

function ask<T>(look: () => T | Promise<T> | undefined, then: (found: T | undefined) => void): void {
  let found: T | Promise<T> | undefined;
  try {
    found = look();
  } catch {
    found = undefined;
  }
  if (found instanceof Promise) {
    found.then(then, () => then(undefined));
  } else then(found);
}

/** Of a chain that has passed every check. */
function describe(chain: readonly Uint8Array[]): PeerCertificate {
  const { subject } = readCertificate(chain[0] as Uint8Array);
  return { subject: subject.text, commonName: subject.commonName, chain };
}
