// Unit tests stand beside the code; system, compliance and interop tests stand in test/.
import { defineConfig } from 'vitest/config';

const resolve = { conditions: ['source'] };
const ssr = { resolve: { conditions: ['source'] } };

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.{test,property}.ts', 'tools/**/*.test.ts'],
          // A limit against hanging: no test waits for time, but a busy machine needs a while for a million datagrams.
          testTimeout: 60_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'system',
          include: ['test/{system,compliance}/**/*.test.ts'],
          // A limit against hanging: on virtual time nothing is waited for, but a busy machine needs a while for a whole day.
          testTimeout: 60_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
