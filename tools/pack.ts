// `npm run pack`: makes of each package a folder that can be published, below build/packages or the folder that is given. Built before.
import { join, resolve } from 'node:path';
import { packageFolders, stage } from './pack/stage.ts';
import { root } from './workspace.ts';

const to = resolve(process.argv[2] ?? join(root, 'build/packages'));
for (const folder of packageFolders()) console.log(await stage(folder, to));
