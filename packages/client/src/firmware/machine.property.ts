import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { type FirmwareInput, FirmwareState, type FirmwareStatus, stepFirmware, UpdateResult } from './machine.ts';

const results = fc.constantFrom(...Object.values(UpdateResult).filter((result) => result > 1));
const inputs: fc.Arbitrary<FirmwareInput> = fc.oneof(
  fc.constantFrom(
    ...(['begin', 'arrived', 'update', 'deferred', 'installed', 'cancel', 'reset'] as const).map((kind) => ({ kind })),
  ),
  results.map((result) => ({ kind: 'failed', result }) as const),
  results.map((result) => ({ kind: 'not-installed', result }) as const),
  results.map((result) => ({ kind: 'refused', result }) as const),
);

const fresh: FirmwareStatus = { state: FirmwareState.Idle, result: UpdateResult.Initial };

it('says that something was installed only after an installation, and installs only what has arrived', () => {
  void fc.assert(
    fc.property(fc.array(inputs, { maxLength: 40 }), (script) => {
      let status = fresh;
      for (const input of script) {
        const next = stepFirmware(status, input);
        if (next === undefined) continue;
        if (next.result === UpdateResult.Success)
          expect([status.state, input.kind]).toEqual([FirmwareState.Updating, 'installed']);
        if (next.state === FirmwareState.Updating) expect(status.state).toBe(FirmwareState.Downloaded);
        if (next.state === FirmwareState.Downloaded && status.state !== next.state)
          expect([FirmwareState.Downloading, FirmwareState.Updating]).toContain(status.state);
        // While something comes or is put in place nothing is said yet.
        if (next.state === FirmwareState.Downloading || next.state === FirmwareState.Updating)
          expect(next.result).toBe(UpdateResult.Initial);
        status = next;
      }
    }),
  );
});

it('comes back to its beginning by a reset from everywhere but an installation', () => {
  for (const state of Object.values(FirmwareState)) {
    const reset = stepFirmware({ state, result: UpdateResult.UpdateFailed }, { kind: 'reset' });
    expect(reset).toEqual(state === FirmwareState.Updating ? undefined : fresh);
  }
});
