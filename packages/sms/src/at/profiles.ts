// What makes of modems do differently, as data. The row is found by what AT+CGMI and AT+CGMM answer; the first that fits. What they say
// when they start anew is in signs.ts.

export interface ModemProfile {
  readonly name: string;
  /** Of maker and model together. */
  readonly pattern: RegExp;
  /** Set up after PDU mode; a modem that refuses one goes without it. */
  readonly setUp: readonly string[];
  /** Lines by which this one tells that it has started anew, besides those that are known; such as the greeting it was given (AT+CSGT). */
  readonly restarted?: RegExp;
}

/** Read from and received into one memory, new messages announced by their place (3GPP TS 27.005 §3.2.2, §3.4.1), reports kept off. */
const announced = 'AT+CNMI=2,1,0,0,0';
const inSim = 'AT+CPMS="SM","SM","SM"';
const inModem = 'AT+CPMS="ME","ME","ME"';

export const profiles: readonly ModemProfile[] = [
  // Quectel EC2x & EG9x AT Commands Manual: messages in ME survive a change of SIM.
  { name: 'Quectel', pattern: /quectel/i, setUp: [inModem, announced] },
  // u-blox SARA AT Commands Manual: starts without a word, unless it was given a greeting.
  { name: 'u-blox', pattern: /u-?blox/i, setUp: [inModem, announced] },
  // Sierra Wireless HL and AirPrime AT Commands Guides.
  { name: 'Sierra', pattern: /sierra/i, setUp: [inSim, announced] },
  // Telit AT Commands Reference: with +CNMI mode 2 results wait while the line is reserved, as here; storage is the SIM.
  { name: 'Telit', pattern: /telit|cinterion/i, setUp: [inSim, announced] },
];

/** For everything else. */
export const genericProfile: ModemProfile = { name: 'generic', pattern: /(?:)/, setUp: [announced] };

/** `description`: maker and model as the modem says. */
export const profileOf = (description: string): ModemProfile =>
  profiles.find(({ pattern }) => pattern.test(description)) ?? genericProfile;
