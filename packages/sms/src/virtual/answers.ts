// What the virtual modem answers to questions and takes as settings, as tables (3GPP TS 27.005 §3, 27.007 §5 to §8). Pure.
import { formatNumber, type SmsAddress } from '../pdu/address.ts';

export interface Manners {
  readonly echo: boolean;
  /** Results in words, not digits (ATV1). */
  readonly words: boolean;
  /** AT+CMEE: bare, numbers, words. */
  readonly errors: 0 | 1 | 2;
  readonly lineEnd: string;
  readonly pduMode: boolean;
  /** The second number of AT+CNMI: 0 keeps quiet, 1 tells the place, 2 prints the message. */
  readonly announces: 0 | 1 | 2;
  /** What AT+CPMS has chosen; there is one memory, whatever it is called. */
  readonly memory: string;
}

interface Facts {
  readonly maker: string;
  readonly model: string;
  readonly number: SmsAddress;
  readonly used: number;
  readonly places: number;
  readonly manners: Manners;
}

/** The lines that answer a question, in capitals; undefined for what is none. */
export function answers(text: string, facts: Facts): readonly string[] | undefined {
  const { used, places, manners } = facts;
  switch (text) {
    case '+CGMI':
      return [facts.maker];
    case '+CGMM':
      return [facts.model];
    case '+CNUM': {
      const { number } = facts;
      return [`+CNUM: ,"${formatNumber(number)}",${number.type === 'international' ? 145 : 129}`];
    }
    case '+CMGF?':
      return [`+CMGF: ${manners.pduMode ? 0 : 1}`];
    case '+CNMI?':
      return [`+CNMI: 2,${manners.announces},0,0,0`];
    case '+CPMS?':
      return [`+CPMS: ${[1, 2, 3].map(() => `"${manners.memory}",${used},${places}`).join(',')}`];
    default:
      if (/^\+CPMS="/.test(text)) return [`+CPMS: ${[1, 2, 3].map(() => `${used},${places}`).join(',')}`];
      return always.get(text);
  }
}

/** What is the same whatever was set; the last ones say what can be set. */
const always: ReadonlyMap<string, readonly string[]> = new Map([
  ['+CGMR', ['1']],
  ['+CGSN', ['490154203237518']],
  ['+CIMI', ['001010123456789']],
  ['+CPIN?', ['+CPIN: READY']],
  ['+CSQ', ['+CSQ: 20,99']],
  ['+CREG?', ['+CREG: 0,1']],
  ['+CSCA?', ['+CSCA: "+12125550100",145']],
  ['+CSCS?', ['+CSCS: "GSM"']],
  ['+CSMS?', ['+CSMS: 0,1,1,1']],
  ['+CMGF=?', ['+CMGF: (0)']],
  ['+CMGL=?', ['+CMGL: (0,1,4)']],
  ['+CNMI=?', ['+CNMI: (0-2),(0-2),(0),(0),(0)']],
  ['+CPMS=?', ['+CPMS: ("SM"),("SM"),("SM")']],
  ['+CSCS=?', ['+CSCS: ("GSM","IRA")']],
  ['+CSMS=?', ['+CSMS: (0)']],
]);

const takenAsTheyAre = /^(?:|\+(?:CSMS|CSCS|CFUN|CREG|CSCA|CNUM|CPIN)=[^?]{0,40}|[EVQX&][A-Z0-9&]*|S\d{1,2}=?\d*)$/i;

/** The manners after a setting; undefined for one that is not known. */
export function settingOf(text: string, manners: Manners): Manners | undefined {
  const upper = text.toUpperCase();
  const [, name, value] = /^\+(CMEE|CMGF|CNMI)=(?:\d,)?(\d)/.exec(upper) ?? [];
  if (name === 'CMEE') return { ...manners, errors: value === '0' ? 0 : value === '2' ? 2 : 1 };
  if (name === 'CMGF') return value === '0' ? { ...manners, pduMode: true } : undefined;
  if (name === 'CNMI') return { ...manners, announces: value === '0' ? 0 : value === '2' ? 2 : 1 };
  const [, memory] = /^\+CPMS="(\w\w)"/.exec(upper) ?? [];
  if (memory !== undefined) return { ...manners, memory };
  if (!takenAsTheyAre.test(text)) return undefined;
  let changed = manners;
  if (/E[01]/.test(upper)) changed = { ...changed, echo: upper.includes('E1') };
  if (/V[01]/.test(upper)) changed = { ...changed, words: upper.includes('V1') };
  return changed;
}
