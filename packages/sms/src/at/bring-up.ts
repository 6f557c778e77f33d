// How a modem is brought up: one command after the other, from the beginning again where it starts anew in the middle.
import { type Duration, seconds } from '@lapwing/kernel';
import { command as commandOf, hello, manners, manufacturer, model } from './commands.ts';
import type { Command, InformationLine } from './dialogue.ts';
import { ModemError } from './failures.ts';
import { type ModemProfile, profileOf } from './profiles.ts';
import { type Ask, areAs, isPduMode, readSettings, type Settings } from './settings.ts';

export interface BringUpRoad {
  readonly ask: Ask;
  /** Times it was heard to start, on this port. */
  restarts(): number;
  /** Rejects when there is no use in waiting any more. */
  pause(wait: Duration): Promise<void>;
}

export interface BroughtUp {
  readonly profile: ModemProfile;
  /** What it says of them now. */
  readonly settings: Settings;
}

const GREETINGS = 5;
/** Beginnings: a modem that starts says so several times, with seconds in between. */
const MOST_BEGINNINGS = 10;
/** Beginnings after which a modem that does not say what it has accepted is taken as it is. */
const MOST_DISAGREEMENTS = 3;
/** What is refused for the time being, as by a SIM that is still read, is asked again. */
const AGAIN_AFTER: Duration = seconds(2);
const MOST_AGAIN = 10;

/** Rejects with ModemError when it cannot be: no answer, no PDU mode, no SIM. */
export async function bringUp(road: BringUpRoad, given: ModemProfile | undefined): Promise<BroughtUp> {
  for (let beginning = 1; ; beginning += 1) {
    const before = road.restarts();
    try {
      const { accepted, ...up } = await setUp(road, given);
      const isUsable = road.restarts() === before && isPduMode(up.settings);
      if (isUsable && (beginning >= MOST_DISAGREEMENTS || areAs(accepted, up.settings))) return up;
    } catch (error) {
      if (road.restarts() === before) throw error;
    }
    if (beginning === MOST_BEGINNINGS) throw new ModemError({ kind: 'restarted', handedOver: false }, hello.text);
  }
}

async function setUp(
  road: BringUpRoad,
  given: ModemProfile | undefined,
): Promise<BroughtUp & { readonly accepted: readonly string[] }> {
  await greet(road);
  for (const command of manners) await firmly(road, command);
  const profile = given ?? profileOf(await describe(road));
  const accepted: string[] = [];
  for (const text of profile.setUp) if ((await unlessRefused(road, commandOf(text))) !== undefined) accepted.push(text);
  return { profile, accepted, settings: await readSettings(road.ask) };
}

async function greet({ ask }: BringUpRoad): Promise<void> {
  for (let i = 1; ; i += 1) {
    try {
      await ask(hello);
      return;
    } catch (error) {
      if (i === GREETINGS || !(error instanceof ModemError) || error.problem === 'gone') throw error;
    }
  }
}

async function describe(road: BringUpRoad): Promise<string> {
  const answers = [await unlessRefused(road, manufacturer), await unlessRefused(road, model)];
  return answers.flatMap((lines) => (lines ?? []).map(({ text }) => text.slice(0, 64))).join(' ');
}

/** Undefined when the modem will not. Without its SIM it will do nothing of use: that rejects. */
async function unlessRefused(road: BringUpRoad, command: Command): Promise<readonly InformationLine[] | undefined> {
  try {
    return await firmly(road, command);
  } catch (error) {
    if (error instanceof ModemError && error.problem === 'refused' && !error.isOfSim) return undefined;
    throw error;
  }
}

/** Asks again what is refused for the time being. */
async function firmly({ ask, pause }: BringUpRoad, command: Command): Promise<readonly InformationLine[]> {
  for (let again = 0; ; again += 1) {
    try {
      return await ask(command);
    } catch (error) {
      const passes = error instanceof ModemError && (error.isTemporary || error.isOfSim);
      if (!passes || again === MOST_AGAIN) throw error;
    }
    await pause(AGAIN_AFTER);
  }
}
