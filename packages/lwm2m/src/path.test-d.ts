// Which texts the compiler takes for a path: at most four numbers. `npx tsc -p tsconfig.tests.json`.
import type { PathText } from './path.ts';

const take = (_: PathText): void => {};

take('/');
take('/3');
take('/3/0');
take('/3/0/1');
take('/3/0/1/2');
// @ts-expect-error five ids
take('/3/0/1/2/3');
// @ts-expect-error no leading slash
take('3/0');
// @ts-expect-error not a number
take('/3/a');
// @ts-expect-error a slash at the end
take('/3/');
// @ts-expect-error empty
take('');
